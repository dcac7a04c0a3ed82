# SPDX-License-Identifier: GPL-2.0-only
"""Run two kernels through the same scenarios and say what differs."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace

from harness.engine import drive
from harness.engine.options import RunOptions
from harness.engine.rundir import claim
from harness.engine.wanted import wanted
from harness.model.comparison import Cell, Change, compare
from harness.model.errors import UsageError
from harness.model.record import Delivery, Record, RunInfo, not_proven
from harness.model.verdict import Kind
from harness.reports import compare_table as comparison
from harness.reports import recordlog
from harness.reports.sentences import expected_of, observed_of
from harness.reports.shortfall import trouble_of


def run(
    base: str, new: str, options: RunOptions, jobs: int, markdown: bool, progress: Callable[[str], None],
    show: Callable[[str], None], colour: bool,
) -> int:  # fmt: skip
    """Exit code: 1 if something is broken, or a kernel of which is known what it should do does not;
    otherwise as of a run. The comparison is left in the run's directory as well, in both forms.
    UsageError if the two are one."""
    if base == new:
        raise UsageError(f"{base} cannot be compared with itself", "give two kernels")
    options = replace(options, kernels=(base, new))
    first, second = wanted(options).kernels  # labels, before anything is built
    directory = claim(options.run_dir)
    options = replace(options, run_dir=str(directory))
    status = drive.run(options, jobs, (), progress, summary=False)
    if status not in (0, 1, 3) or not recordlog.has_run(directory):
        return status
    info, records, delivery = recordlog.of_run(directory)
    cells = compare(records, first, second)
    kernels = {each.label: each for each in info.kernels}
    width = shutil.get_terminal_size((120, 24)).columns
    plain = comparison.text(kernels[first], kernels[second], cells, width, False)
    mail = comparison.markdown(info, kernels[first], kernels[second], cells)
    (directory / "compare.txt").write_text("\n".join(plain) + "\n")
    (directory / "compare.md").write_text("\n".join(mail) + "\n")
    plain = comparison.text(kernels[first], kernels[second], cells, width, colour)
    lines = mail if markdown else plain
    show("\n".join(lines))
    for line in _unexpected(info, records):
        progress(line)
    trouble = trouble_of(delivery, records)
    if trouble:
        progress(trouble)
    progress(f"results: {directory.resolve()}")
    return _exit_code(info, records, cells, delivery)


def _surprises(info: RunInfo, records: list[Record]) -> list[Record]:
    """Failed verdicts on kernels of which is known what they should do."""
    sure = {each.label for each in info.kernels if each.sure}
    return [record for record in records if record.kind is Kind.FAIL and record.kernel in sure]


def _unexpected(info: RunInfo, records: list[Record]) -> list[str]:
    lines = []
    for record in _surprises(info, records):
        for each in record.verdicts:
            if each.kind is Kind.FAIL:
                lines.append(
                    f"FAIL {record.id}: {each.check}: expected {expected_of(each)}; "
                    f"observed {observed_of(each)}"
                )
    return lines


def _exit_code(info: RunInfo, records: list[Record], cells: list[Cell], delivery: Delivery) -> int:
    if any(cell.change is Change.BROKEN for cell in cells) or _surprises(info, records):
        return 1
    return 3 if not_proven(records, delivery) else 0
