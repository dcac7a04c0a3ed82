# SPDX-License-Identifier: GPL-2.0-only
"""A series patch by patch, as a table patch x check."""

from __future__ import annotations

import io
from collections.abc import Sequence

from rich.box import ASCII2
from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness.model.boundaries import Boundary, Column, kind_at
from harness.model.record import Record
from harness.model.verdict import Kind

_STYLE = {
    Kind.OK: "green", Kind.FAIL: "bold red", Kind.DEFECT: "yellow", Kind.INFRASTRUCTURE: "bold magenta",
    Kind.SKIP: "dim",
}  # fmt: skip


def text(
    boundaries: Sequence[Boundary], columns: Sequence[Column], records: Sequence[Record], judged: bool,
    width: int, colour: bool,
) -> list[str]:  # fmt: skip
    """Lines. judged: whether it is known what each patch must turn."""
    target = io.StringIO()
    console = Console(
        file=target,
        width=max(width, 120),
        force_terminal=colour,
        no_color=not colour,
        highlight=False,
        emoji=False,
    )
    table = Table(box=ASCII2, show_edge=False, pad_edge=False)
    table.add_column("patch")
    table.add_column("verdict", no_wrap=True)
    letters = [chr(ord("A") + number) for number in range(len(columns))]
    for letter in letters:
        table.add_column(letter)
    for boundary in boundaries:
        table.add_row(
            f"{boundary.number} {boundary.title}",
            _verdict(boundary, records, judged),
            *(_answer(column, boundary.number) for column in columns),
        )
    console.print(table)
    console.print()
    console.print("* this patch turns it", style="dim")
    for letter, column in zip(letters, columns, strict=True):
        for number, place in enumerate(column.places):
            console.print(f"{letter if number == 0 else ' '}: {place}", markup=False)
    if not columns:
        console.print("no patch turns any check")
    for boundary in boundaries:
        if boundary.trouble:
            console.print(f"FAIL patch {boundary.number}: {boundary.trouble}", markup=False, soft_wrap=True)
    return [line.rstrip() for line in target.getvalue().splitlines()]


def _verdict(boundary: Boundary, records: Sequence[Record], judged: bool) -> Text:
    if not boundary.kernel:
        return Text("no build FAIL", style=_STYLE[Kind.FAIL])
    kind = kind_at(boundary, records)
    mine = [record for record in records if record.kernel == boundary.kernel and record.topic == "l1"]
    up = all(record.kind is not Kind.FAIL for record in mine)
    if not judged and up and kind is not Kind.INFRASTRUCTURE:
        return Text("boots")
    return Text(f"{'boots' if up else 'no boot'} {kind.mark}", style=_STYLE[kind])


def _answer(column: Column, number: int) -> Text:
    answer, kind = column.answers[number], column.kinds[number]
    if answer is None or kind is None:
        return Text("-")
    star = "* " if column.turned(number) else ""
    style = _STYLE[kind] if kind in (Kind.FAIL, Kind.DEFECT) else "bold" if star else ""
    return Text(f"{star}{answer}", style=style)
