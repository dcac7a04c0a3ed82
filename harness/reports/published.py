# SPDX-License-Identifier: GPL-2.0-only
"""The author's published rows beside what this run saw."""

from __future__ import annotations

from collections.abc import Sequence

from rich.box import ASCII2
from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness.model.published import ROWS
from harness.model.record import Record
from harness.model.scenario import kernels_id
from harness.reports import terminal


def render(records: Sequence[Record], console: Console) -> None:
    """Print the table if this run has scenarios with an L0; what it cannot show comes with the reason."""
    if not any(record.l0 for record in records):
        return
    seen: dict[str, list[Record]] = {}
    for record in records:
        if record.topic == "l2":
            seen.setdefault(f"{record.topology}-{record.l1}-{record.l2}", []).append(record)
    kernels = list(dict.fromkeys((record.kernel, record.l0) for record in records if record.l0))
    table = Table(
        title="the author's table (cover letter of v5), and here by kernel",
        title_justify="left",
        title_style="bold",
        box=ASCII2,
        show_edge=False,
        pad_edge=False,
    )
    for heading in ("where", "L1", "L2", "published", *(kernels_id(*each) for each in kernels)):
        table.add_column(heading)
    notes: dict[str, int] = {}
    for row in ROWS:
        mark = f" [{notes.setdefault(row.reason, len(notes) + 1)}]" if row.reason else ""
        cells = [
            _cell([one for one in seen.get(row.scenario, ()) if (one.kernel, one.l0) == each], row.scenario)
            for each in kernels
        ]
        table.add_row(row.where, row.l1, row.l2, Text(row.result + mark), *cells)
    console.print(table)
    for reason, number in notes.items():
        console.print(f"[{number}] {reason}", markup=False)
    console.print()


def _cell(records: Sequence[Record], scenario: str) -> Text:
    if not records:
        return Text("not in this run" if scenario else "cannot be shown", style="dim")
    record = records[0]
    return Text(f"{record.summary} {record.kind.mark}".strip(), style=terminal.STYLE[record.kind])
