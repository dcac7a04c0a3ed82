# SPDX-License-Identifier: GPL-2.0-only
"""What differs between two kernels in one run: cells of the grid, and the checks in them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

from harness.model.fact import Fact, same
from harness.model.facts import NoAnswer
from harness.model.level_facts import SplatWas
from harness.model.record import Record
from harness.model.verdict import Kind, Verdict, answered


class Change(Enum):
    """Values appear in reports. FIXED and BROKEN are about what any kernel should do (Verdict.right),
    not about what either of the two was expected to do."""

    BROKEN = "broken"
    FIXED = "fixed"
    CHANGED = "changed"
    SAME = "same"
    UNKNOWN = "no answer"


# What a cell amounts to: the first of these that a check in it has.
_SEVERITY = (Change.BROKEN, Change.UNKNOWN, Change.FIXED, Change.CHANGED, Change.SAME)

# They say which kernel runs, and differ between any two.
IDENTITY = ("L0 kernel", "L0 build id", "L1 kernel", "L1 build id", "L2 kernel", "L2 build id")

# How an L2 ends: the check of oracle_l2.
L2_OUTCOME = "L2 outcome"

# topology, l0, l1, l2, topic: where a record belongs, whichever kernel it is of.
Place = tuple[str, str, str, str, str]


@dataclass(frozen=True)
class Difference:
    """One check at one place, before and after. before, after: as observed. Of a check with titles of splats
    there is one for each title, ``L1 health: WARNING in f``, whose answers are SplatWas."""

    check: str
    before: Fact
    after: Fact
    change: Change


@dataclass(frozen=True)
class Cell:
    """topology, l0, l1, l2, topic: as in Record; before, after: the records' answers."""

    topology: str
    l0: str
    l1: str
    l2: str
    topic: str
    before: Fact
    after: Fact
    checks: tuple[Difference, ...]

    @property
    def change(self) -> Change:
        kinds = {each.change for each in self.checks}
        return next((each for each in _SEVERITY if each in kinds), Change.SAME)


def compare(records: Sequence[Record], base: str, new: str) -> list[Cell]:
    """Cells in the order of the run. base, new: kernel labels. A place that only one of the two has
    an answer for has the change UNKNOWN, or BROKEN if the new kernel's L1 does not come up. A splat that only
    the new kernel has is BROKEN, one that only the base has FIXED; one that both have, elsewhere, CHANGED."""
    sides: dict[str, dict[Place, Record]] = {base: {}, new: {}}
    for record in records:
        if record.kernel in sides:
            key = (record.topology, record.l0, record.l1, record.l2, record.topic)
            sides[record.kernel][key] = record
    places = dict.fromkeys((*sides[base], *sides[new]))
    common = _titles(sides[base].values()) & _titles(sides[new].values())
    return [_cell(place, sides[base].get(place), sides[new].get(place), common) for place in places]


def _titles(records: Iterable[Record]) -> set[str]:
    return {title for record in records for each in record.verdicts for title in each.titles}


def _cell(place: Place, before: Record | None, after: Record | None, common: set[str]) -> Cell:
    topology, l0, l1, l2, topic = place
    checks: Iterable[Difference]
    if before is None or after is None or not (_answered(before) and _answered(after)):
        lost = Change.UNKNOWN
        if topic in ("l0", "l1") and before is not None and after is not None and _answered(before):
            lost = Change.BROKEN if after.kind is Kind.FAIL else Change.UNKNOWN
        checks = [Difference(topic, _answer(before), _answer(after), lost)]
    else:
        new = {each.check: each for each in after.verdicts}
        pairs = [(each, new[each.check]) for each in before.verdicts if each.check in new]
        checks = [
            _difference(old, now)
            for old, now in pairs
            if old.check not in IDENTITY and not (old.titles or now.titles)
        ]
    checks = [*checks, *_splats(before, after, common)]
    return Cell(topology, l0, l1, l2, topic, _answer(before), _answer(after), tuple(checks))


def _splats(before: Record | None, after: Record | None, common: set[str]) -> list[Difference]:
    """Of checks that have titles, whatever else became of the records."""
    by_check = [
        {each.check: each for each in record.verdicts} if record else {} for record in (before, after)
    ]
    found = []
    for check in dict.fromkeys(name for side in by_check for name in side):
        sides = [side.get(check) for side in by_check]
        for title in sorted({title for each in sides if each is not None for title in each.titles}):
            seen, now = (_title_seen(each, title) for each in sides)
            change = _title_change(seen, now, title in common)
            found.append(Difference(f"{check}: {title}", SplatWas(seen), SplatWas(now), change))
    return found


def _title_seen(verdict: Verdict | None, title: str) -> bool | None:
    """None where that is not proven."""
    if verdict is not None and title in verdict.titles:
        return True
    return False if verdict is not None and verdict.answered else None


def _title_change(before: bool | None, after: bool | None, common: bool) -> Change:
    if before is after:
        return Change.SAME
    if before is None or after is None:
        return Change.UNKNOWN
    if common:
        return Change.CHANGED
    return Change.BROKEN if after else Change.FIXED


def _answered(record: Record) -> bool:
    if record.topic in ("l0", "l1"):
        return bool(record.verdicts) and record.verdicts[0].kind is Kind.OK  # it boots
    return answered(record.verdicts)


def _answer(record: Record | None) -> Fact:
    if record is None or not answered(record.verdicts):
        return NoAnswer()
    return record.answer or record.verdicts[0].observed


def _difference(before: Verdict, after: Verdict) -> Difference:
    if same(before.observed, after.observed):
        change = Change.SAME
    elif before.right is None or after.right is None or before.right == after.right:
        change = Change.CHANGED
    else:
        change = Change.FIXED if after.right else Change.BROKEN
    return Difference(before.check, before.observed, after.observed, change)


def counts(cells: Iterable[Cell]) -> dict[Change, int]:
    """Checks of each kind; all kinds are there."""
    found = dict.fromkeys(Change, 0)
    for cell in cells:
        for each in cell.checks:
            found[each.change] += 1
    return found


@dataclass(frozen=True)
class Group:
    """The same difference at several places. places: ``papr P11 as P10``, or ``papr, hv P11 as P10``."""

    l2: str
    difference: Difference
    places: tuple[str, ...]


def groups(cells: Iterable[Cell]) -> list[Group]:
    """Checks that are not the same on both sides, each once, with the places where it is so."""
    found: dict[tuple[str, str, str, str, Change], tuple[Difference, dict[str, list[str]]]] = {}
    for cell in cells:
        for each in cell.checks:
            if each.change is not Change.SAME:
                key = (cell.l2, each.check, each.before.token, each.after.token, each.change)
                _, by_l1 = found.setdefault(key, (each, {}))
                by_l1.setdefault(l1_words(cell.l1, cell.l0), []).append(cell.topology)
    return [
        Group(
            key[0],
            difference,
            tuple(f"{', '.join(dict.fromkeys(topologies))} {l1}" for l1, topologies in by_l1.items()),
        )
        for key, (difference, by_l1) in found.items()
    ]


def l1_words(l1: str, l0: str = "") -> str:
    """``P11 as P10`` for ``p11@p10``, with ``on 7.2`` behind it where L0 has a kernel of its own."""
    cpu, _, compat = l1.partition("@")
    return cpu.upper() + (f" as {compat.upper()}" if compat else "") + (f" on {l0}" if l0 else "")


def check_words(check: str, l2: str) -> str:
    """How a check is called where its topic is not: ``L2 max-cpu-compat=power10`` for how an L2 ends."""
    if not l2:
        return check
    return f"L2 {l2_words(l2)}" + ("" if check == L2_OUTCOME else f", {check}")


def l2_words(l2: str) -> str:
    """``max-cpu-compat=power10`` for ``l2p10``."""
    if l2 == "l2host":
        return "-cpu host"
    return f"max-cpu-compat=power{l2.removeprefix('l2p')}"
