# SPDX-License-Identifier: GPL-2.0-only
"""The run as text: the grid, published rows, times, what was skipped, each failure, where everything is."""

from __future__ import annotations

import io
import shutil
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from harness.model.record import Delivery, Record, RunInfo
from harness.model.verdict import Kind
from harness.reports import author_table as published
from harness.reports import failures, grid, terminal, times
from harness.reports.sentences import observed_of
from harness.reports.shortfall import trouble_of


def render(
    info: RunInfo, records: Sequence[Record], delivery: Delivery, directory: Path, colour: bool
) -> list[str]:
    """Lines."""
    target = io.StringIO()
    console = terminal.console(target, shutil.get_terminal_size((terminal.WIDTH, 24)).columns, colour)
    grid.render(info, records, console)
    published.render(records, console)
    times.render(records, console)
    skipped = Counter(
        observed_of(each.verdicts[0]) for each in records if each.kind is Kind.SKIP and each.verdicts
    )
    for reason, count in skipped.items():
        console.print(f"skipped {count} tests: {reason}", markup=False, soft_wrap=True)
    failures.render(info, records, directory, console)
    trouble = trouble_of(delivery, records)
    if trouble:
        console.print(trouble, style="bold", markup=False, soft_wrap=True)
    console.print(f"results: {directory}", markup=False, soft_wrap=True)
    return [line.rstrip() for line in target.getvalue().splitlines()]
