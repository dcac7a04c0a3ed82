# SPDX-License-Identifier: GPL-2.0-only
"""The grid: one block for each kernel, rows L1 settings, columns L2 settings."""

from __future__ import annotations

from collections.abc import Sequence

from rich.box import ASCII2
from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness.model.comparison import l1_words
from harness.model.record import KernelInfo, Record, RunInfo
from harness.reports import terminal

LEGEND = (
    "P10 = L2 booted in that mode; early, late = refused when the mode is set, when L2 runs; "
    "ok / FAIL / DEFECT (known defect, shown) / INFRA / skip = verdict"
)


def _columns(records: Sequence[Record]) -> list[tuple[str, str]]:
    """(topic, L2 setting) in the order of their first appearance, L1's own first."""
    seen: dict[tuple[str, str], None] = {}
    for topic in _HEADINGS:
        if any(record.topic == topic for record in records):
            seen[(topic, "")] = None
    for record in records:
        if record.topic == "l2":
            seen[("l2", record.l2)] = None
    order = {"l2host": 0, "l2p11": 1, "l2p10": 2, "l2p9": 3}
    return sorted(seen, key=lambda column: order.get(column[1], -1))


_HEADINGS = {
    "l0": "L0",
    "l0_caps": "L0 caps",
    "l1": "L1",
    "caps": "compat caps",
    "arch_compat": "arch_compat",
}


def _heading(column: tuple[str, str]) -> str:
    topic, l2 = column
    if topic != "l2":
        return _HEADINGS[topic]
    return "L2 host" if l2 == "l2host" else f"max={l2.removeprefix('l2').upper()}"


def _cell(records: Sequence[Record]) -> Text:
    if not records:
        return Text("")
    record = records[0]
    text = f"{record.summary} {record.kind.mark}".strip()
    return Text(text, style=terminal.STYLE[record.kind])


def _row_name(record: Record, several_l0: bool) -> str:
    return f"{record.topology} {l1_words(record.l1, record.l0 if several_l0 else '')}"


def _title(kernel: KernelInfo) -> str:
    origin = f", {kernel.origin}" if kernel.origin else ""
    return f"kernel {kernel.label}: {kernel.release} ({kernel.spec}{origin}), judged as {kernel.expect!r}"


def _l0_title(kernel: KernelInfo) -> str:
    return f"L0 kernel {kernel.label}: {kernel.release} ({kernel.spec}), judged as {kernel.expect!r}"


def render(info: RunInfo, records: Sequence[Record], console: Console) -> None:
    """Print one table for each kernel, then the legend and the notes."""
    several_l0 = len({record.l0 for record in records if record.l0}) > 1
    for kernel in info.kernels:
        mine = [record for record in records if record.kernel == kernel.label]
        if not mine:
            continue
        columns = _columns(mine)
        table = Table(
            title=_title(kernel),
            title_justify="left",
            title_style="bold",
            box=ASCII2,
            show_edge=False,
            pad_edge=False,
        )
        table.add_column("L1 setting", no_wrap=True)
        for column in columns:
            table.add_column(_heading(column), no_wrap=True)
        for name in dict.fromkeys(_row_name(record, several_l0) for record in mine):
            row = [record for record in mine if _row_name(record, several_l0) == name]
            cells = [
                _cell(
                    [
                        record
                        for record in row
                        if (record.topic, record.l2 if record.topic == "l2" else "") == column
                    ]
                )
                for column in columns
            ]
            table.add_row(name, *cells)
        terminal.whole(console, table)
        console.print()
    for kernel in info.l0_kernels:
        console.print(_l0_title(kernel), markup=False)
    console.print(LEGEND, style="dim")
    for note in info.notes:
        console.print(f"note: {note}")
