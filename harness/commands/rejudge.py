# SPDX-License-Identifier: GPL-2.0-only
"""Saved observations, judged again by today's oracle."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harness.commands.rejudge_health import health_again
from harness.engine import plan_file
from harness.engine.circumstances import circumstances_of
from harness.engine.feature_answers import FeatureAnswers, file_of
from harness.engine.judging import Judge, Judged, KernelFacts, probe_of
from harness.features import MAIN, feature_of
from harness.features.compat_caps.behaviour import Behaviour, is_name, of_series, parse_behaviour
from harness.features.feature import Evidence, Feature
from harness.health.oracle_health import Allowed
from harness.model.errors import UsageError
from harness.model.expectation import Expectation
from harness.model.fact import same
from harness.model.facts import Quote
from harness.model.level_facts import Title
from harness.model.observation import LevelObservation, boot_from_json, level_from_json
from harness.model.record import KernelInfo, Record, RunInfo
from harness.model.scenario import L1Setting, L2Setting, Placement
from harness.model.topology import topology
from harness.model.verdict import Kind, Verdict, answered
from harness.parts import ownseries
from harness.parts.cache import Cache
from harness.parts.kernels import version_of

# They need more than what was saved: the kernel's source, or the calls that were made.
_KEPT = ("docs", "revision", "calls", "fuzz")


@dataclass(frozen=True)
class Change:
    """A verdict that is another one today. before, after: None where there is no such check."""

    record: str
    check: str
    before: Verdict | None
    after: Verdict | None


def rejudge(info: RunInfo, records: Sequence[Record], run: Path) -> tuple[list[Record], list[Change], int]:
    """Records as they would be today, what changed, and how many were kept as they were, for want of an
    observation."""
    found, changes, kept = [], [], 0
    for record in records:
        judged: Judged | None = None
        asked = record.kind is not Kind.SKIP or answered(record.verdicts)
        if record.topic == "health":
            judged = record.answer, []
        elif asked and record.topic not in _KEPT:
            # What was saved may be damaged, or of another shape than today's.
            with contextlib.suppress(OSError, ValueError, KeyError, TypeError, AttributeError, StopIteration):
                judged = _judged(info, record, run)
        if judged is None:
            found.append(record)
            kept += 1
            continue
        answer, verdicts = judged
        # A level's health and life are not in what it answered.
        about = [each for each in record.verdicts if is_about_a_level(each) or record.topic == "health"]
        verdicts = [*verdicts, *(_health(info, record, each, run) for each in about)]
        if record.topic == "health":
            answer = next((Title(title) for each in verdicts for title in each.titles), None)
        new = replace(record, answer=answer, verdicts=tuple(verdicts))
        found.append(new)
        changes += _changes(record, new)
    return found, changes, kept


def _health(info: RunInfo, record: Record, verdict: Verdict, run: Path) -> Verdict:
    """As it was, where what was seen is not there any more."""
    try:
        return health_again(record, verdict, run, _judge(info, record).allowed)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, StopIteration):
        return verdict


def is_about_a_level(verdict: Verdict) -> bool:
    """Whether a verdict is about the health or the life of a level that was asked, and not about an
    answer."""
    return re.fullmatch(r"L[01] (?:health|answers|lives .*)", verdict.check) is not None


def _changes(old: Record, new: Record) -> list[Change]:
    before = {each.check: each for each in old.verdicts}
    after = {each.check: each for each in new.verdicts}
    return [
        Change(f"{old.id} {old.topic}", check, before.get(check), after.get(check))
        for check in dict.fromkeys((*before, *after))
        if not _same(before.get(check), after.get(check))
    ]


def _same(before: Verdict | None, after: Verdict | None) -> bool:
    """Whether two verdicts have one kind and one expectation. Of a report of schema 1 the expectation is a
    sentence, which is no answer of today's: there the kind alone tells."""
    if before is None or after is None:
        return before is after
    if isinstance(before.expected, Quote):
        return before.kind is after.kind
    return before.kind is after.kind and same(before.expected, after.expected)


def _judged(info: RunInfo, record: Record, run: Path) -> Judged | None:
    """None if what was seen is not there any more."""
    folder = run / record.directory
    seen: dict[str, Any] = json.loads((folder / "observation.json").read_text())
    judge = _judge(info, record)
    if record.topic == "l2":
        return judge.l2(L2Setting.parse(record.l2), boot_from_json(seen))
    level = level_from_json(seen)
    feature = feature_of(record.topic)
    asked = [each.name for each in feature.topics if each.suite == "abi"] if feature is not None else []
    if feature is not None and record.topic in asked:
        return _by_feature(
            feature, _expected(info, record, feature, run), judge.placement, level, record, folder
        )
    if level.probe is None and record.topic not in ("l0", "l1"):
        return None
    judged: Judged = getattr(judge, record.topic)(level)
    return judged


def _by_feature(
    feature: Feature, expected: Expectation | None, placement: Placement, level: LevelObservation,
    record: Record, folder: Path,
) -> Judged | None:  # fmt: skip
    files = (file_of(folder, feature.name), folder / "suite.json")  # the second: before there were features
    found = next((each for each in files if each.is_file()), None)
    if found is None or expected is None:
        return None
    saved = json.loads(found.read_text())
    evidence = Evidence(placement, probe_of(level), saved["asked"], expected, {}, saved["page"])
    answers = FeatureAnswers(saved["page"], saved["asked"], saved.get("unanswered", ""))
    return record.answer, answers.with_loss(feature.judge(record.topic, evidence))


def _expected(info: RunInfo, record: Record, feature: Feature, run: Path) -> Expectation | None:
    """Of the main feature by its name in the report, as that is understood today; of others as it was
    planned, None where there is no plan."""
    if feature.name == MAIN:
        kernel = _kernel(info, record.kernel)
        behaviour = behaviour_of(kernel)
        return Expectation(behaviour.name, behaviour.to_json(), kernel.sure)
    try:
        plan = plan_file.read(run / plan_file.NAME, Cache.root_of_user())
    except UsageError:
        return None
    return plan.kernels[record.kernel].expected.get(feature.name)


def _judge(info: RunInfo, record: Record) -> Judge:
    placement = Placement(record.kernel, topology(record.topology), L1Setting.parse(record.l1), record.l0)
    l0 = None
    if record.l0:
        # A label without an entry is that of the kernel under test itself.
        l0 = next((each for each in info.l0_kernels if each.label == record.l0), _kernel(info, record.kernel))
    kernel = _kernel(info, record.kernel)
    qemu, l1_qemu = _qemu(info.qemu), _qemu(info.l1_qemu)
    at = circumstances_of(
        placement, kernel.claimed_release, l0.release if l0 else "", qemu or (), l1_qemu or ()
    )
    return Judge(
        placement, _facts(kernel), _facts(l0) if l0 else None, l1_qemu, qemu, Allowed(info.allow_splat, at)
    )


def _qemu(words: str) -> tuple[int, int, int] | None:
    """Of ``QEMU emulator version 11.1.3 (Debian ...)``; None where it names no version."""
    match = re.search(r"(\d+)\.(\d+)\.(\d+)", words)
    return (int(match[1]), int(match[2]), int(match[3])) if match else None


def _kernel(info: RunInfo, label: str) -> KernelInfo:
    return next(each for each in info.kernels if each.label == label)


def _facts(kernel: KernelInfo) -> KernelFacts:
    return KernelFacts(kernel.claimed_release, kernel.build_id, behaviour_of(kernel), kernel.sure)


def behaviour_of(kernel: KernelInfo) -> Behaviour:
    """What it was judged as, by name, as that is understood today. UsageError for a name that is gone."""
    if is_name(kernel.expect):
        return parse_behaviour(kernel.expect)
    name, _, count = kernel.expect.partition("@")
    own = ownseries.find(name)
    if own is None:
        raise UsageError(
            f"kernel {kernel.label} was judged as {kernel.expect!r}, of which nothing is known today"
        )
    version = version_of(kernel.release, kernel.spec)
    words = own.words(f"{version[0]}.{version[1]}")
    return of_series(own.name, words, int(count) if count else None)
