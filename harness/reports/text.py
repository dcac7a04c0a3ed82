# SPDX-License-Identifier: GPL-2.0-only
"""The run as text: the grid, what was skipped, each failure, where everything is."""

from __future__ import annotations

import io
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console

from harness.model.record import Record, RunInfo
from harness.reports import failures, grid

# The grid with all its columns; a narrower terminal wraps, which beats losing verdicts.
_WIDTH = 120


def render(
    info: RunInfo, records: Sequence[Record], skipped: Mapping[str, int], directory: Path, colour: bool
) -> list[str]:
    """Lines. skipped: reason -> number of tests that had no record."""
    target = io.StringIO()
    width = max(_WIDTH, shutil.get_terminal_size((_WIDTH, 24)).columns)
    console = Console(
        file=target, width=width, force_terminal=colour, no_color=not colour, highlight=False, emoji=False
    )
    grid.render(info, records, console)
    for reason, count in skipped.items():
        console.print(f"skipped {count} tests: {reason}", markup=False)
    failures.render(info, records, directory, console)
    console.print(f"results: {directory}", markup=False, soft_wrap=True)
    return [line.rstrip() for line in target.getvalue().splitlines()]
