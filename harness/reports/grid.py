# SPDX-License-Identifier: GPL-2.0-only
"""The grid: one block for each kernel, rows L1 settings, columns L2 settings."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from harness.model.record import KernelInfo, Record, RunInfo
from harness.reports import columns, terminal
from harness.reports.short import cell

LEGEND = (
    "P10 = L2 booted in that mode; early, late = KVM refused the mode when it was set, when L2 ran; "
    "qemu-err = QEMU gave up by itself; panic, hang, infra, unknown = how else a boot ended; "
    "a health cell names the first complaint; "
    "ok / FAIL / DEFECT (known defect, reproduced) / INFRA / UNKNOWN (not proven) / skip = verdict"
)


def _cell(record: Record | None) -> Text:
    if record is None:
        return Text("")
    text = f"{cell(record.answer)} {record.kind.mark}".strip()
    return Text(text, style=terminal.STYLE[record.kind])


def _title(kernel: KernelInfo) -> str:
    origin = f", {kernel.origin}" if kernel.origin else ""
    return f"kernel {kernel.label}: {kernel.release} ({kernel.spec}{origin}), {kernel.judged}"


def _l0_title(kernel: KernelInfo) -> str:
    return f"L0 kernel {kernel.label}: {kernel.release} ({kernel.spec}), {kernel.judged}"


def render(info: RunInfo, records: Sequence[Record], console: Console) -> None:
    """Print one table for each kernel, then the legend and the notes."""
    several_l0 = len({record.l0 for record in records if record.l0}) > 1
    for kernel in info.kernels:
        mine = [record for record in records if record.kernel == kernel.label]
        if not mine:
            continue
        shown, rows = columns.arranged(mine, several_l0)
        table = terminal.table(_title(kernel))
        table.add_column("L1 setting", no_wrap=True)
        for each in shown:
            table.add_column(columns.heading(each), no_wrap=True)
        for name, row in rows.items():
            table.add_row(name, *(_cell(row.get(each)) for each in shown))
        terminal.whole(console, table)
        console.print()
    for kernel in info.l0_kernels:
        console.print(_l0_title(kernel), markup=False)
    console.print(LEGEND, style="dim")
    for note in info.notes:
        console.print(f"note: {note}")
