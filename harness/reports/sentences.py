# SPDX-License-Identifier: GPL-2.0-only
"""What facts are in words: the one place where sentences about them are made.

A table from class to sentence. Features bring their own, in the module that their object names (SENTENCES,
and SHORT for cells); a class without one is told by its kind and its fields. Nothing but reports reads these
words: to change one changes no verdict.
"""

from __future__ import annotations

import errno
import functools
import importlib
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any

from harness.features import all_features
from harness.model import facts, level_facts
from harness.model.fact import Fact, Unregistered
from harness.model.facts import NotKnown
from harness.model.level_facts import InMode, Lacking
from harness.model.outcome import Outcome
from harness.model.verdict import Verdict

Say = Callable[[Fact], str]
# Of one fact; the second argument says the facts in it.
Sentence = Callable[[Any, Say], str]


def say(fact: Fact | None) -> str:
    """One line; '' for None."""
    if fact is None:
        return ""
    load_features()
    sentence = next((SENTENCES[cls] for cls in type(fact).__mro__ if cls in SENTENCES), _by_fields)
    return sentence(fact, say)


def expected_of(verdict: Verdict) -> str:
    """With the known defect, where there is one."""
    words = say(verdict.expected)
    return f"{words} (known defect: {verdict.defect})" if verdict.defect else words


def observed_of(verdict: Verdict) -> str:
    return say(verdict.observed)


def _by_fields(fact: Fact, tell: Say) -> str:
    """``hash key: value 0x12, cpu 3``"""
    document = fact.to_json()
    name = document.pop("fact").replace("-", " ")
    words = ", ".join(f"{field.replace('_', ' ')} {_value(value, tell)}" for field, value in document.items())
    return f"{name}: {words}" if words else name


def _value(value: Any, tell: Say) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return " ".join(_value(each, tell) for each in value) or "none"
    if isinstance(value, dict):
        return tell(Fact.from_json(value)) if "fact" in value else str(value)
    return str(value.value if isinstance(value, Enum) else value)


def _joined(separator: str) -> Sentence:
    return lambda fact, tell: separator.join(tell(each) for each in fact.facts)


def _one_of(fact: facts.OneOf, tell: Say) -> str:
    return " or ".join(dict.fromkeys(tell(each) for each in fact.facts))


def _each(fact: facts.Each, tell: Say) -> str:
    """``0 on each``, or each one's in order."""
    words = [tell(each) for each in fact.facts]
    return f"{words[0]} on each" if len(set(words)) == 1 else ", ".join(words)


def _and_more(fact: facts.AndMore, tell: Say) -> str:
    return tell(fact.first) + (f" (and {fact.more} more)" if fact.more else "")


def _differing(fact: facts.Differing, tell: Say) -> str:
    return f"{fact.answers} different answers: {'; '.join(dict.fromkeys(tell(each) for each in fact.facts))}"


def errno_word(number: int | None) -> str:
    """``EINVAL``, or ``0``; None is a call that was not made."""
    if number is None:
        return "not set"
    return "0" if number == 0 else errno.errorcode.get(number, str(number))


def _returned(fact: facts.Returned, _: Say) -> str:
    return errno_word(fact.errno) if fact.value < 0 else str(fact.value)


def _register(fact: facts.Register, _: Say) -> str:
    return "nothing readable" if fact.value is None else f"{fact.value:#x}"


def _written(fact: facts.Written, _: Say) -> str:
    """``8: 0000000000000060`` for bytes by offset."""
    words = ", ".join(f"{at}: {data}" for at, data in fact.runs) or "nothing written"
    return words + (f", bytes {fact.free[0]}-{fact.free[1]} as it likes" if fact.free else "")


def mode_words(fact: InMode | NotKnown | None) -> str:
    """``P10``, ``P10 (raw)``, ``an unknown mode``."""
    if not isinstance(fact, InMode):
        return "an unknown mode"
    return f"{fact.mode.name} (raw)" if fact.raw else fact.mode.name


def _ended(fact: level_facts.Ended, _: Say) -> str:
    words = fact.outcome.value
    if fact.booted and fact.mode is not None:
        words = f"booted as {mode_words(fact.mode)}"
    if fact.outcome is Outcome.INFRASTRUCTURE:
        return f"{words} ({fact.rule})" if fact.rule else words
    return f"{words}, by another line ({fact.rule})" if fact.rule else words


_LACKING = {
    Lacking.IMAGE: "nothing: there is no image to compare with; see --expect-build-id",
    Lacking.RELEASE: "nothing: only a build id was given",
    Lacking.BUILD_ID: "nothing: the image has no build id",
}


def _lost(fact: level_facts.Lost, _: Say) -> str:
    """``hang (stuck)``; the rule is left out where it says the same as the outcome."""
    outcome = fact.outcome.value
    words = outcome if fact.rule == outcome else f"{outcome} ({fact.rule})"
    words += f": {fact.title}" if fact.title else ""
    if fact.asked:
        return f"{words}, asked: {fact.asked}"
    return f"{words}, asked: a sign of life after {fact.after}" if fact.after else words


def _complaints(fact: level_facts.Complaints, _: Say) -> str:
    told = [f"{title} ({when})" if when else title for title, when in fact.splats]
    return "; ".join(told) or "no complaint"


def _taint_alone(fact: level_facts.TaintAlone, _: Say) -> str:
    where = "on the console or in the log" if fact.log else "on the console"
    return f"{fact.title}, but no splat was seen {where}"


# How a guest that was up goes, by rule (health/ending.py).
_LEFT = {
    "off": "powers off by itself",
    "hang": "hangs after it was up",
    "stays": "its VM is never taken down",
    "splat": "its kernel fails after it was up",
    "panic": "panics after it was up",
    "exit": "QEMU ends with an error",
    "crash": "its QEMU crashes",
    "reset": "resets or powers off without a message",
    "no-leave": "ends without a message",
    "gone": "the end of its QEMU was not observed",
    "qemu-signal": "its QEMU is ended by a signal",
    "qemu-stopped": "its QEMU is stopped by a signal",
    "starved": "its QEMU got no CPU",
    "run-failed": "KVM_RUN fails after it was up",
    "run-refused": "KVM_RUN fails after it was up",
    "guest-wide-refused": "KVM_RUN ends for a reason that QEMU cannot serve",
    "unknown-exit": "KVM_RUN ends for a reason that QEMU cannot serve",
    "os-terminated": "panics after it was up",
    "qemu": "its QEMU reports an error",
}
# By the rest of the rule, where the level that runs it was lost.
_HOST = {"splat": "'s kernel fails meanwhile", "panic": " panics meanwhile", "hang": " hangs meanwhile"}


def _left(fact: level_facts.GuestLeft, _: Say) -> str:
    host, _dash, of_host = fact.rule.partition("-")
    if host in ("l0", "l1"):
        return host.upper() + _HOST.get(of_host, " is lost meanwhile")
    return _LEFT.get(fact.rule, fact.rule)


def _splat_was(fact: level_facts.SplatWas, _: Say) -> str:
    return {True: "seen", False: "not seen", None: "not proven"}[fact.seen]


def _health_not_checked(fact: level_facts.HealthNotChecked, _: Say) -> str:
    return f"health was not checked: {fact.reason}" if fact.reason else "health was not checked"


_GENERAL: Mapping[type[Fact], Sentence] = {
    Unregistered: _by_fields,
    facts.NotKnown: lambda _, __: "not known",
    facts.KernelNotKnown: lambda _, __: "nothing is known of this kernel; see --expect",
    facts.NotAsked: lambda _, __: "not asked",
    facts.NoAnswer: lambda _, __: "no answer",
    facts.SomeAnswer: lambda _, __: "an answer",
    facts.AllAnswers: lambda _, __: "all answers",
    facts.Absent: lambda _, __: "none",
    facts.Anything: lambda _, __: "anything",
    facts.Yes: lambda _, __: "yes",
    facts.Quote: lambda fact, _: fact.text,
    facts.Number: lambda fact, _: str(fact.value),
    facts.Bitmap: lambda fact, _: f"{fact.value:#018x}",
    facts.Register: _register,
    facts.Errno: lambda fact, _: errno_word(fact.number),
    facts.Returned: _returned,
    facts.Refusal: lambda fact, _: f"-1 {errno_word(fact.errno)}, {fact.changed} bytes changed",
    facts.Written: _written,
    facts.ExitReason: lambda fact, _: f"exit {fact.number}",
    facts.Hypercall: lambda fact, _: f"hypercall {fact.number:#x}",
    facts.AssertionHolds: lambda _, __: "it holds",
    facts.TestPasses: lambda _, __: "it passes",
    facts.Checked: lambda fact, _: (
        "at least one" if fact.any else "the test made no check: it is to use the fixture check"
    ),
    facts.OneOf: _one_of,
    facts.AllOf: _joined(", "),
    facts.Each: _each,
    facts.Steps: _joined("; "),
    facts.Named: lambda fact, tell: f"{fact.name}: {tell(fact.answer)}",
    facts.AndMore: _and_more,
    facts.Differing: _differing,
}

_OF_LEVELS: Mapping[type[Fact], Sentence] = {
    level_facts.InMode: lambda fact, _: mode_words(fact),
    level_facts.Ended: _ended,
    level_facts.OfNestedApi: lambda fact, _: fact.api.value,
    level_facts.Release: lambda fact, _: fact.text,
    level_facts.BuildId: lambda fact, _: fact.text,
    level_facts.NothingToCompare: lambda fact, _: _LACKING[fact.lacking],
    level_facts.Lost: _lost,
    level_facts.LostAtProbe: lambda fact, _: f"lost when it was probed ({fact.rule})",
    level_facts.LostAtQuestion: lambda fact, _: (
        f"not judged: {fact.level} was lost at question {fact.question!r}"
    ),
    level_facts.NotUp: lambda fact, tell: f"{fact.level}: {tell(fact.end)}",
    level_facts.MachineLacks: lambda fact, _: fact.reason,
    level_facts.Complaints: _complaints,
    level_facts.Title: lambda fact, _: fact.text,
    level_facts.SplatWas: _splat_was,
    level_facts.TaintAlone: _taint_alone,
    level_facts.SlowMachine: lambda fact, _: f"{fact.title}, while its QEMU got no CPU",
    level_facts.HealthNotChecked: _health_not_checked,
    level_facts.TaintNotTold: lambda _, __: "L2 did not report its taint flags",
    level_facts.GuestLeft: _left,
    level_facts.ClockIs: lambda fact, _: "ahead of ours" if fact.ahead else "not ahead of ours",
    level_facts.FilesAre: lambda fact, _: "changed while in use" if fact.changed else "as they were",
}

SENTENCES: dict[type[Fact], Sentence] = {**_GENERAL, **_OF_LEVELS}
# For cells of a table, where they are shorter than in a sentence.
SHORT: dict[type[Fact], Sentence] = {}


@functools.cache
def load_features() -> None:
    """Have their facts known, and their sentences in the tables. UsageError for a feature of another package
    that cannot be loaded."""
    for name in dict.fromkeys(each.sentences for each in all_features() if each.sentences):
        module = importlib.import_module(name)
        SENTENCES.update(module.SENTENCES)
        SHORT.update(getattr(module, "SHORT", {}))
