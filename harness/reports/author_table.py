# SPDX-License-Identifier: GPL-2.0-only
"""The author's published rows beside what this run saw."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from harness.features.compat_caps.published_rows import ROWS
from harness.model.record import Record
from harness.model.scenario import kernels_id
from harness.model.verdict import Kind
from harness.reports import terminal
from harness.reports.short import cell


def render(records: Sequence[Record], console: Console) -> None:
    """Print the table if this run has scenarios with an L0; what it cannot show comes with the reason."""
    if not any(record.l0 for record in records):
        return
    seen: dict[str, list[Record]] = {}
    for record in records:
        if record.topic == "l2" and record.l0:
            seen.setdefault(f"{record.topology}-{record.l1}-{record.l2}", []).append(record)
    table = terminal.table("the author's table (cover letter of v5), and what was seen here")
    for heading in ("where", "L1", "L2", "published", "here"):
        table.add_column(heading, no_wrap=True)
    notes: dict[str, int] = {}
    for row in ROWS:
        here = _here(seen.get(row.scenario, []), row.scenario)
        if row.reason:
            here.append(f" [{notes.setdefault(row.reason, len(notes) + 1)}]", style="")
        table.add_row(row.where, row.l1, row.l2, row.result, here)
    terminal.whole(console, table)
    for reason, number in notes.items():
        console.print(f"[{number}] {reason}", markup=False)
    console.print()


def _here(records: Sequence[Record], scenario: str) -> Text:
    """One line for each answer there was, with the kernels that gave it."""
    if not records:
        return Text("not in this run" if scenario else "cannot be shown", style="dim")
    answers: dict[tuple[str, Kind], list[str]] = {}
    for record in records:
        key = (cell(record.answer), record.kind)
        answers.setdefault(key, []).append(kernels_id(record.kernel, record.l0))
    lines = []
    for (answer, kind), kernels in answers.items():
        words = f"{answer} {kind.mark}".strip()
        words += f", all {len(kernels)} kernels" if len(answers) == 1 < len(kernels) else ""
        words += f": {', '.join(kernels)}" if len(answers) > 1 or len(kernels) == 1 else ""
        lines.append(Text(words, style=terminal.STYLE[kind]))
    return Text("\n").join(lines)
