# SPDX-License-Identifier: GPL-2.0-only
"""A series patch by patch, as a table patch x check."""

from __future__ import annotations

import io
from collections.abc import Sequence

from rich.box import ASCII2
from rich.table import Table
from rich.text import Text

from harness.model.boundaries import Boundary, History, broken_at, control_at, kind_at
from harness.model.record import Record
from harness.model.verdict import Kind
from harness.reports import terminal
from harness.reports.short import short

LEGEND = (
    "=: as with one patch less; P10: L2 booted in that mode; early, late: refused when the mode is set, "
    "when L2 runs"
)


def text(
    boundaries: Sequence[Boundary], histories: Sequence[History], records: Sequence[Record], judged: bool,
    width: int, colour: bool,
) -> list[str]:  # fmt: skip
    """Lines. judged: whether it is known what each patch must turn."""
    target = io.StringIO()
    console = terminal.console(target, width, colour)
    for boundary in boundaries:
        words = boundary.title if boundary.number else f"{boundary.title}, without the series"
        console.print(f"{boundary.number:3}  {words}", markup=False)
    console.print()
    table = Table(box=ASCII2, show_edge=False, pad_edge=False)
    table.add_column("with the first N patches on")
    for boundary in boundaries:
        table.add_column(str(boundary.number))
    table.add_row(
        "as series.toml says" if judged else "boots, breaks nothing",
        *(_verdict(each, boundaries, records, judged) for each in boundaries),
        end_section=True,
    )
    for history in histories:
        table.add_row("\n".join(history.where), *(_answer(history, each.number) for each in boundaries))
    console.print(table)
    console.print()
    if not histories:
        console.print("no patch turns any check")
    console.print(LEGEND, style="dim")
    for boundary in boundaries:
        for line in troubles(boundary, boundaries, records, judged):
            console.print(line, markup=False, soft_wrap=True)
    return [line.rstrip() for line in target.getvalue().splitlines()]


def troubles(
    boundary: Boundary, boundaries: Sequence[Boundary], records: Sequence[Record], judged: bool
) -> list[str]:
    """A line for each reason why a boundary is not fine beyond what its checks say."""
    if boundary.trouble:
        return [f"FAIL patch {boundary.number}: {boundary.trouble}"]
    found = []
    control = control_at(boundary, records)
    if control is Kind.FAIL:
        found.append(f"FAIL patch {boundary.number}: an L2 in L1's own mode does not boot")
    elif control is not Kind.OK:
        found.append(f"{control.mark} patch {boundary.number}: no proof that an L2 in L1's own mode boots")
    if not judged:
        broken = broken_at(boundary, boundaries, records)
        found += [f"FAIL patch {boundary.number}: broken: {each}" for each in broken]
    return found


def _verdict(
    boundary: Boundary, boundaries: Sequence[Boundary], records: Sequence[Record], judged: bool
) -> Text:
    if not boundary.kernel:
        return Text("no build FAIL", style=terminal.STYLE[Kind.FAIL])
    kind = kind_at(boundary, records)
    mine = [record for record in records if record.kernel == boundary.kernel and record.topic == "l1"]
    if any(record.kind is Kind.FAIL for record in mine):
        return Text("no boot FAIL", style=terminal.STYLE[Kind.FAIL])
    if not judged:
        control = control_at(boundary, records)
        if broken_at(boundary, boundaries, records):
            kind = Kind.FAIL
        elif kind in (Kind.FAIL, Kind.DEFECT, Kind.SKIP) or control is Kind.FAIL:
            kind = control  # whether an answer is right is for its first patch to say
    return Text(kind.mark, style=terminal.STYLE[kind])


def _answer(history: History, number: int) -> Text:
    answer, kind = history.answers[number], history.kinds[number]
    if answer is None or kind is None:
        return Text("-")
    if number and not history.turned(number):
        return Text("=")
    return Text(short(answer), style=terminal.STYLE[kind] if kind in (Kind.FAIL, Kind.DEFECT) else "bold")
