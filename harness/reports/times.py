# SPDX-License-Identifier: GPL-2.0-only
"""Where the time went: by topology, level and phase."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from rich.console import Console

from harness.model.record import Record
from harness.model.verdict import Kind
from harness.reports import terminal

_LEVELS = {"l0": "L0", "l1": "L1", "l2": "L2"}
_PHASES = ("boot", "ssh", "probe", "power off")


def render(records: Sequence[Record], console: Console) -> None:
    """Print medians in seconds, of levels that ended as expected: one that hangs would say how long a
    limit is."""
    found: dict[tuple[str, str, str], list[float]] = {}
    for record in records:
        if record.topic in _LEVELS and record.kind in (Kind.OK, Kind.DEFECT):
            for phase, seconds in record.phases.items():
                found.setdefault((_LEVELS[record.topic], phase, record.topology), []).append(seconds)
    if not found:
        return
    topologies = list(dict.fromkeys(topology for _, _, topology in found))
    table = terminal.table("seconds, median by level and phase")
    table.add_column("level and phase")
    for topology in topologies:
        table.add_column(topology, justify="right")
    for level in _LEVELS.values():
        for phase in _PHASES:
            cells = [found.get((level, phase, topology), []) for topology in topologies]
            if any(cells):
                words = (f"{statistics.median(cell):.1f}" if cell else "" for cell in cells)
                table.add_row(f"{level} {phase}", *words)
    terminal.whole(console, table)
    console.print()
