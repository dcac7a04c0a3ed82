# SPDX-License-Identifier: GPL-2.0-only
"""The conformance suite: what an L1 is asked, and its answers as plain data.

Asked is the same of every kernel, whichever revision it has, so that answers can be judged again by another.
The guest's half is images/guest/ask.py, which explains the words of a question.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from harness.features.compat_caps import suite_vcpus
from harness.features.compat_caps.abi import Revision, distinct
from harness.features.compat_caps.calls import Answer, Call
from harness.features.compat_caps.caps_checks import checks, right_call
from harness.features.compat_caps.micro_run import Run
from harness.features.compat_caps.oracle_arch_compat import VALUES
from harness.features.compat_caps.oracle_caps import CAPABILITIES
from harness.model.fact import Fact
from harness.model.facts import NotAsked, Quote


def cap_question(fd: str, number: int) -> str:
    return f"cap {fd} {number}"


def register_question(papr: bool, value: int) -> str:
    return f"register {int(papr)} {value:#x}"


def again_question(revision: Revision) -> str:
    """Its right call and all capabilities, before and after a guest has run."""
    call = right_call(revision)
    numbers = ",".join(str(each) for each in CAPABILITIES)
    return f"again {call.request:#010x} {call.memory} {numbers}"


def questions(page: int) -> list[str]:
    """All of them, each once. page: bytes of a page in L1."""
    found = [cap_question(fd, number) for fd in ("vm", "kvm", "pr") for number in CAPABILITIES]
    for revision in distinct():
        found += [check.call.line for check in checks(revision, page)]
        found.append(right_call(revision, "pr").line)
    found += [register_question(papr, value) for papr in (True, False) for value in VALUES]
    found += suite_vcpus.questions()
    found += [again_question(revision) for revision in distinct()]
    return list(dict.fromkeys(found))


@dataclass(frozen=True)
class RegisterAsked:
    """What arch_compat did on a vcpu of its own: see ``register`` in ask.py. set, again: errno; initial,
    stored, again_stored: None where GET_ONE_REG failed."""

    initial: int | None
    set: int
    stored: int | None
    run: Run
    again: int
    again_stored: int | None
    again_run: Run


@dataclass(frozen=True)
class Answers:
    """asked: question -> ask.py's document; page: bytes of a page there."""

    page: int
    asked: dict[str, dict[str, Any]]

    def calls(self, call: Call) -> tuple[Answer, ...]:
        """The distinct results of a call; none if it was not asked, or could not be."""
        found = self.asked.get(call.line, {})
        return tuple(Answer.from_json(each) for each in found.get("answers", ()))

    def document(self, question: str) -> dict[str, Any] | None:
        """None if it was not asked, or could not be."""
        found = self.asked.get(question)
        return None if found is None or "trouble" in found else found

    def missing(self, question: str) -> Fact | None:
        """Why there is no answer: it was not asked, or what L1 said instead; None if there is one."""
        found = self.asked.get(question)
        if found is None:
            return NotAsked()
        return Quote(str(found["trouble"])) if found.get("trouble") else None

    def capability(self, fd: str, number: int) -> int | None:
        return self.asked.get(cap_question(fd, number), {}).get("value")

    def register(self, papr: bool, value: int) -> RegisterAsked | None:
        found = self.document(register_question(papr, value))
        if found is None:
            return None
        runs = {name: Run.from_json(found[name]) for name in ("run", "again_run")}
        return RegisterAsked(**{**found, **runs})

    def to_json(self) -> dict[str, Any]:
        return {"page": self.page, "asked": self.asked}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Answers:
        return cls(data["page"], data["asked"])


def paired(page: int, lines: Iterable[str], documents: Iterable[dict[str, Any]]) -> Answers:
    """ValueError unless there is a document for each question."""
    return Answers(page, dict(zip(lines, documents, strict=True)))
