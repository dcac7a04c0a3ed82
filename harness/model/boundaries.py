# SPDX-License-Identifier: GPL-2.0-only
"""A series patch by patch: which check has which answer with the first N patches on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.model.comparison import IDENTITY, Change, check_words, compare, l1_words
from harness.model.fact import Fact, same
from harness.model.matrix import control_of
from harness.model.record import Record
from harness.model.scenario import L1Setting
from harness.model.verdict import SEVERITY, Kind, Verdict, answered, worst


@dataclass(frozen=True)
class Boundary:
    """number: so many patches are on; title: of the last one; kernel: its label in the run, '' if it was
    not built; trouble: why it was not, or what it lacks, '' for nothing."""

    number: int
    title: str
    kernel: str
    trouble: str = ""


@dataclass(frozen=True)
class History:
    """A check that some patch turns. answers, kinds: one for each boundary, None where there is none;
    where: all that have this very history, ``arch_compat P11: papr, hv P11 as P10``."""

    answers: tuple[Fact | None, ...]
    kinds: tuple[Kind | None, ...]
    where: tuple[str, ...]

    def turned(self, number: int) -> bool:
        """Whether the answer at this boundary differs from the last one there was."""
        before = next((each for each in reversed(self.answers[:number]) if each is not None), None)
        now = self.answers[number]
        return now is not None and before is not None and not same(now, before)


_Course = tuple[tuple[str | None, Kind | None], ...]


def histories(boundaries: Sequence[Boundary], records: Sequence[Record]) -> list[History]:
    """Checks whose answer is not the same at all boundaries; those with one history together."""
    position = {each.kernel: each.number for each in boundaries if each.kernel}
    # (check, L1, topology) -> a verdict for each boundary
    seen: dict[tuple[str, str, str], list[Verdict | None]] = {}
    for record in records:
        if record.kernel not in position or not answered(record.verdicts):
            continue
        for verdict in record.verdicts:
            if verdict.check in IDENTITY:
                continue
            check = check_words(verdict.check, record.l2)
            place = (check, l1_words(record.l1, record.l0), record.topology)
            seen.setdefault(place, [None] * len(boundaries))[position[record.kernel]] = verdict
    # (token, kind) at each boundary -> verdicts, and (check, L1) -> topologies
    found: dict[_Course, tuple[Sequence[Verdict | None], dict[tuple[str, str], list[str]]]] = {}
    for (check, l1, topology), verdicts in seen.items():
        key = tuple((each.observed.token, each.kind) if each else (None, None) for each in verdicts)
        if len({each.observed.token for each in verdicts if each is not None}) > 1:
            _, places = found.setdefault(key, (verdicts, {}))
            places.setdefault((check, l1), []).append(topology)
    return [
        History(
            tuple(each.observed if each else None for each in verdicts),
            tuple(each.kind if each else None for each in verdicts),
            tuple(f"{check}: {', '.join(topologies)} {l1}" for (check, l1), topologies in places.items()),
        )
        for verdicts, places in found.values()
    ]


def kind_at(boundary: Boundary, records: Sequence[Record]) -> Kind:
    """What the verdicts at a boundary, and its control, amount to; FAIL if it did not come so far."""
    if boundary.trouble or not boundary.kernel:
        return Kind.FAIL
    kinds = {
        worst(
            verdict for record in records if record.kernel == boundary.kernel for verdict in record.verdicts
        ),
        control_at(boundary, records),
    }
    return next(kind for kind in SEVERITY if kind in kinds)


def control_at(boundary: Boundary, records: Sequence[Record]) -> Kind:
    """Whether guests that any kernel must boot, in L1's own mode, boot there: OK if all that were asked do,
    UNKNOWN if none was, or not all that were asked at other boundaries. What a patch breaks for every guest
    shows here, even where all others are refused."""
    if boundary.trouble or not boundary.kernel:
        return Kind.FAIL
    mine = {_place(each): each for each in records if _is_control(each) and each.kernel == boundary.kernel}
    kinds = {worst(each.verdicts) for each in mine.values()} - {Kind.SKIP}
    asked = {_place(each) for each in records if _is_control(each) and each.kind is not Kind.SKIP}
    if not kinds or any(place not in mine or mine[place].kind is Kind.SKIP for place in asked):
        kinds.add(Kind.UNKNOWN)
    return next(kind for kind in SEVERITY if kind in kinds)


def _is_control(record: Record) -> bool:
    return record.topic == "l2" and record.l2 == control_of(L1Setting.parse(record.l1)).id


def _place(record: Record) -> tuple[str, str, str]:
    return record.topology, record.l0, record.l1


def broken_at(boundary: Boundary, boundaries: Sequence[Boundary], records: Sequence[Record]) -> list[str]:
    """What any kernel should do, was done with fewer patches on, and is not done any more:
    ``L2 max-cpu-compat=power10: papr P11 as P10``."""
    before = [each for each in boundaries if each.number < boundary.number and each.kernel]
    if not before or not boundary.kernel:
        return []
    cells = compare(records, before[-1].kernel, boundary.kernel)
    return [
        f"{check_words(each.check, cell.l2)}: {cell.topology} {l1_words(cell.l1, cell.l0)}"
        for cell in cells
        for each in cell.checks
        if each.change is Change.BROKEN
    ]
