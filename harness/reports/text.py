# SPDX-License-Identifier: GPL-2.0-only
"""The run as text: the grid, published rows, times, what was skipped, each failure, where everything is."""

from __future__ import annotations

import io
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from harness.model.record import Record, RunInfo
from harness.reports import failures, grid, published, terminal, times


def render(
    info: RunInfo, records: Sequence[Record], skipped: Mapping[str, int], directory: Path, colour: bool
) -> list[str]:
    """Lines. skipped: reason -> number of tests that had no record."""
    target = io.StringIO()
    console = terminal.console(target, shutil.get_terminal_size((terminal.WIDTH, 24)).columns, colour)
    grid.render(info, records, console)
    published.render(records, console)
    times.render(records, console)
    for reason, count in skipped.items():
        console.print(f"skipped {count} tests: {reason}", markup=False)
    failures.render(info, records, directory, console)
    console.print(f"results: {directory}", markup=False, soft_wrap=True)
    return [line.rstrip() for line in target.getvalue().splitlines()]
