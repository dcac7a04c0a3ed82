# SPDX-License-Identifier: GPL-2.0-only
"""What one run of one scenario came to, as a token that is the same whenever the failure is: a signature."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from harness.model.fact import Fact
from harness.model.level_facts import Ended, GuestLeft, Lost
from harness.model.outcome import Outcome
from harness.model.record import Record
from harness.model.verdict import NOT_JUDGED, TROUBLE, Kind, Verdict

# Numbers that are another one each time: times, addresses, process ids.
_NOISE = (
    (re.compile(r"\[\s*\d+\.\d+\]\s*(?:\[\s*[TC]\d+\]\s*)?"), ""),
    (re.compile(r"\b(?:0x)?[0-9a-f]{8,}\b"), "X"),
    (re.compile(r"\+0x[0-9a-f]+/0x[0-9a-f]+"), ""),
    (re.compile(r"\b\d{2,}\b"), "N"),
)


@dataclass(frozen=True)
class Seen:
    """signature: '' if the run says nothing about the kernel, then *trouble* says why; proof: the line that
    decided; right: as in Verdict; hang: whether it is one, which wants to be seen twice."""

    signature: str
    proof: str = ""
    right: bool | None = None
    hang: bool = False
    trouble: str = ""

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Seen:
        return cls(**data)


def without_noise(line: str) -> str:
    for pattern, replacement in _NOISE:
        line = pattern.sub(replacement, line)
    return line.strip()


def of_scenario(records: Sequence[Record]) -> Seen:
    """Of a run of one scenario, or of several in one L1: how its L2 ended, the first that ended wrongly if
    there is one, or the level that did not come so far; a splat, if all ended well and a kernel complained.
    """
    for name in ("l0", "l1"):
        for record in records:
            if record.topic == name:
                lost = record.verdicts[0]
                if lost.kind in (Kind.INFRASTRUCTURE, Kind.UNKNOWN, Kind.SKIP):
                    return Seen("", lost.proof, trouble=f"{lost.check}: {lost.observed.token}: {lost.proof}")
                if lost.kind is Kind.FAIL:  # it did not boot; other facts of a level come later
                    return _ended(name.upper(), lost)
    guests = [record for record in records if record.topic == "l2"]
    if not guests:
        return Seen("", trouble="the run has no result for this scenario")
    ends: list[Seen] = []
    for record in guests:
        verdict = record.verdicts[0]
        if verdict.kind is Kind.SKIP:
            return Seen("", verdict.proof, trouble=verdict.observed.token)
        if verdict.kind in NOT_JUDGED:
            return Seen("", verdict.proof, trouble=f"{verdict.observed.token}: {verdict.proof}")
        seen = _ended("L2" if len(guests) == 1 else record.l2.upper(), verdict)
        if seen.right is False:
            return seen
        ends.append(seen)
    return _complaint(records) or _unproven(records) or ends[-1]


def titles_of(records: Sequence[Record]) -> dict[str, str]:
    """Title of each splat that counts -> its proof, in the order of the run."""
    found: dict[str, str] = {}
    for record in records:
        for verdict in record.verdicts:
            if verdict.kind is Kind.FAIL:
                for title in verdict.titles:
                    found.setdefault(title, verdict.proof)
    return found


def of_splat(records: Sequence[Record], title: str) -> Seen:
    """Of a run of one scenario: whether a kernel made this complaint."""
    found = titles_of(records)
    if title in found:
        return Seen(f"splat: {title}", found[title], False)
    lost = _unproven(records)
    if lost is not None:
        return lost
    if not any(each.topic == "health" for each in records):
        return Seen("", trouble="the run did not look at the health of its levels")
    return Seen(f"no splat {title!r}", "", True)


def _complaint(records: Sequence[Record]) -> Seen | None:
    """What is wrong though each guest ended as it should: splats, else the first verdict that failed."""
    found = titles_of(records)
    if found:
        return Seen(f"splat: {'; '.join(sorted(found))}", next(iter(found.values())), False)
    for record in records:
        for verdict in record.verdicts:
            if verdict.kind is Kind.FAIL and record.topic in ("l2", "health") and verdict.right is False:
                token = without_noise(verdict.observed.token)
                return Seen(f"{verdict.check}: {token}", verdict.proof, False, _is_hang(verdict.observed))
    return None


def _unproven(records: Sequence[Record]) -> Seen | None:
    for record in records:
        for verdict in record.verdicts:
            if verdict.kind in (Kind.INFRASTRUCTURE, Kind.UNKNOWN):
                words = f"{verdict.check}: {verdict.observed.token}: {verdict.proof}"
                return Seen("", verdict.proof, trouble=words)
    return None


def _ended(level: str, verdict: Verdict) -> Seen:
    end = verdict.observed
    booted = isinstance(end, Ended) and end.booted
    hang = isinstance(end, Ended) and end.outcome is Outcome.HANG
    # What decided tells two panics apart. Of a boot it has the release in it, and the last line before a hang
    # is what happened to be printed.
    detail = "" if booted or hang else f": {without_noise(verdict.proof)}"
    return Seen(f"{level} {end.token}{detail}", verdict.proof, verdict.right, hang)


def _is_hang(fact: Fact) -> bool:
    if isinstance(fact, GuestLeft):
        return fact.rule == "hang"
    return isinstance(fact, (Ended, Lost)) and fact.outcome is Outcome.HANG


def of_check(records: Sequence[Record], name: str) -> Seen:
    """Of a run of the conformance suite in one L1: what one check observed."""
    for record in records:
        if record.topic in ("l0", "l1") and record.verdicts[0].kind in TROUBLE:
            return of_scenario(records)
    for record in records:
        for verdict in record.verdicts:
            if verdict.check == name:
                if not verdict.answered:
                    return Seen("", verdict.proof, trouble=f"{name}: {verdict.observed.token}")
                # As it is: what a check observes has no times or addresses in it, but values that count.
                words = f"{name}: {verdict.observed.token}"
                right = verdict.right
                if right is None and verdict.kind is not Kind.SKIP:  # not judged is neither
                    right = verdict.kind is Kind.OK
                return Seen(words, f"{verdict.proof}: {verdict.observed.token}", right)
    lost = [each for record in records for each in record.verdicts if each.check.endswith(" answers")]
    if lost and lost[0].kind is Kind.FAIL:
        return _ended("L1", lost[0])
    return Seen("", trouble=f"no check of this name was made: {name}")
