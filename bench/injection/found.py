# SPDX-License-Identifier: GPL-2.0-only
"""What a fault must lead to, what came of it, and where the two differ. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from harness.model.record import Record
from harness.model.verdict import TROUBLE, Kind
from harness.reports.sentences import observed_of


@dataclass(frozen=True)
class Expect:
    """exits: exit codes, any of which is right, negative for a signal; ok: whether the run must come through,
    with every record ok; spared: parts of ``ID TOPIC`` of records that the fault does not touch, so that they
    may be ok although they come after it; says: a pattern that the reason for what is not ok, or the output,
    must have; report: whether it must have left results; skip: whether records are skipped, since nothing
    can be judged; healed: whether it is right as well that all is ok, with exit code 0.
    """

    exits: tuple[int, ...] = (3,)
    ok: bool = False
    spared: tuple[str, ...] = ()
    says: str = ""
    report: bool = True
    skip: bool = False
    healed: bool = False


# A run that was disturbed, and says so.
LOST = Expect()

# For what must not disturb a run at all.
UNHARMED = Expect(exits=(0,), ok=True)


@dataclass(frozen=True)
class Found:
    """exit_code: None for a run that had to be killed; records: that it left, None if it left none
    or cannot be read; before: those that were there when the fault was injected; leftovers: processes, files
    and locks that outlived it; output: what it printed; errors: its errors.txt; missing: why the fault could
    not be injected as described, '' if it was; notes: what else went wrong."""

    exit_code: int | None
    seconds: float
    records: Sequence[Record] | None = None
    before: Sequence[Record] = ()
    leftovers: Sequence[str] = field(default_factory=tuple)
    output: str = ""
    errors: str = ""
    missing: str = ""
    notes: Sequence[str] = ()


def key(record: Record) -> str:
    return f"{record.id} {record.topic}"


def differences(found: Found, expect: Expect) -> list[str]:
    """One line for each; none if all is as expected."""
    if expect.healed and found.exit_code == 0:
        expect = UNHARMED
    lines = [f"not injected: {found.missing}"] if found.missing else []
    lines += found.notes
    if found.exit_code is None:
        lines.append(f"it did not end within {found.seconds:.0f} s")
    elif found.exit_code not in expect.exits:
        lines.append(f"exit code {found.exit_code}, not {' or '.join(map(str, expect.exits))}")
    lines += [f"left behind: {each}" for each in found.leftovers]
    if "Traceback (most recent call last)" in found.output + found.errors:
        lines.append("a traceback")
    if found.records is None:
        if expect.report:
            lines.append("no results that can be read")
    else:
        lines += _of_records(found.records, found.before, expect)
    if expect.says and not re.search(expect.says, reasons(found.records or ()) + found.output):
        lines.append(f"nothing says {expect.says!r}")
    return lines


def _of_records(records: Sequence[Record], before: Sequence[Record], expect: Expect) -> list[str]:
    lines = []
    delivered = {key(each): each for each in before}
    after = {key(each): each for each in records}
    anew = _asked_anew(records)
    for name, record in delivered.items():
        if after.get(name) != record:
            lines.append(f"lost, or changed: {name}")
    for name, record in after.items():
        if record.kind is Kind.FAIL and name not in delivered:
            lines.append(f"FAIL: {name}: {reason(record)}")
        elif expect.ok and record.kind is not Kind.OK:
            lines.append(f"{record.kind.mark}: {name}: {reason(record)}")
        elif record.kind in (Kind.OK, Kind.DEFECT) and not expect.ok and name not in delivered:
            if not (any(each in name for each in expect.spared) or name in anew):
                lines.append(f"ok without proof: {name}")
        elif record.kind is Kind.SKIP and expect.skip is False and not _explained(records):
            lines.append(f"skipped, and nothing says why: {name}")
    if expect.ok and not records:
        lines.append("no record")
    return lines


def _asked_anew(records: Sequence[Record]) -> set[str]:
    """Those of an L1 that was booted after the fault: the first of them has a note that says so."""
    found: set[str] = set()
    fresh: set[str] = set()
    for each in records:
        place = f"{each.kernel} {each.topology} {each.l1}"
        if any(note.startswith("in a fresh L1") for note in each.notes):
            fresh.add(place)
        if place in fresh:
            found.add(key(each))
    return found


def _explained(records: Sequence[Record]) -> bool:
    """Whether a record tells what the skipped ones are skipped for."""
    return any(each.kind in TROUBLE for each in records)


def reason(record: Record) -> str:
    """Of its worst kind: what was observed, and the proof."""
    words = [f"{observed_of(each)}: {each.proof}" for each in record.verdicts if each.kind is record.kind]
    return "; ".join(words)


def reasons(records: Sequence[Record]) -> str:
    return "\n".join(reason(each) for each in records if each.kind is not Kind.OK)


def classified(found: Found) -> tuple[str, str]:
    """(kinds, words) for people: ``ok 3, INFRA 1``, and the first reason."""
    if found.records is None:
        last = (found.output.strip().splitlines() or ["it said nothing"])[-1]
        return "no report", last
    marks = [each.kind.mark for each in found.records]
    kinds = ", ".join(f"{mark} {marks.count(mark)}" for mark in dict.fromkeys(marks))
    worst = [each for kind in TROUBLE for each in found.records if each.kind is kind]
    if worst:
        return kinds, f"{worst[0].l2 or worst[0].topic}: {reason(worst[0])}"
    words = "" if found.exit_code == 0 else (found.output.strip().splitlines() or [""])[-1]
    return kinds or "no record", words
