# SPDX-License-Identifier: GPL-2.0-only
"""``kvmppc probe``: the conformance suite alone, no L2."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from harness.engine import drive
from harness.engine import remote_environment as remote
from harness.engine.options import RunOptions
from harness.engine.resolve import NOT_OVER_SSH
from harness.engine.rundir import claim
from harness.engine.wanted import wanted
from harness.model.errors import UsageError
from harness.model.plan import Suite
from harness.model.record import Delivery, Record, RunInfo
from harness.reports import check_table as checks
from harness.reports import docstable, ktap, recordlog
from harness.reports.shortfall import trouble_of

MATRIX = "probe"


def run(
    options: RunOptions, jobs: int, ssh: str | None, as_ktap: bool, table: str,
    progress: Callable[[str], None], show: Callable[[str], None], colour: bool,
) -> int:  # fmt: skip
    """Exit code of a run. ssh: the machine that is the L1, None to boot some; table: file to write the
    results to as a table for docs/, '' for none."""
    if options.matrix == RunOptions().matrix:
        options = replace(options, matrix=MATRIX)
    if ssh is not None:
        options = remote.options_for(ssh, options, progress)
    elif options.expect_build_id:
        raise UsageError(*NOT_OVER_SSH)
    options = replace(options, suite=Suite.ABI.value)
    wanted(options)  # bad words are told before there is a directory for them
    directory = claim(options.run_dir)
    options = replace(options, run_dir=str(directory))
    status = drive.run(options, jobs, (), progress, summary=False, quiet=True)
    if status not in (0, 1, 3) or not recordlog.has_run(directory):
        return status
    info, records, delivery = recordlog.of_run(directory)
    write_files(directory, info, records, delivery)
    if as_ktap:
        show("\n".join(ktap.lines(records, delivery)))
    else:
        width = shutil.get_terminal_size((120, 24)).columns
        show("\n".join(checks.text(info, records, width, colour)))
    if table:
        Path(table).write_text("\n".join(docstable.lines(info, records)) + "\n")
        progress(f"wrote {table}")
    trouble = trouble_of(delivery, records)
    if trouble:
        progress(trouble)
    progress(f"results: {directory.resolve()}")
    return status


def write_files(directory: Path, info: RunInfo, records: list[Record], delivery: Delivery) -> None:
    """The same in both forms, for whoever looks later."""
    (directory / "checks.txt").write_text("\n".join(checks.text(info, records, 120, False)) + "\n")
    (directory / "ktap.txt").write_text("\n".join(ktap.lines(records, delivery)) + "\n")
