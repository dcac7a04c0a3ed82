# SPDX-License-Identifier: GPL-2.0-only
"""``kvmppc probe``: the words of levelfacts.py."""

from __future__ import annotations

from typing import Any

import click

from harness.commands.click_options import jobs, run_options
from harness.commands.completion import completes
from harness.commands.said import has_colour, progress
from harness.engine.options import RunOptions


@click.command("probe")
@run_options(without=("l2", "only", "suite", "control"))  # there is no L2
@jobs
@click.option("--ssh", metavar="[USER@]HOST", help="test this machine, which runs already, as the L1")
@click.option("--ktap", "as_ktap", is_flag=True, help="print KTAP, the format of kselftest")
@click.option(
    "--table", metavar="FILE", default="", shell_complete=completes("file"),
    help="write checks by kernels to FILE, as Markdown",
)  # fmt: skip
def command(jobs: int, ssh: str | None, as_ktap: bool, table: str, **choices: Any) -> int:
    """Test all of the ABI in one L1: every call of the ioctl, arch_compat, and a guest that runs.

    \b
    kvmppc probe --kernel ~/linux                             the suite in a POWER10-mode L1, nested API v2
    kvmppc probe --kernel ~/linux --topology pseries-hv --l1 p11
    kvmppc probe --kernel ~/linux --ktap                      in the format of kselftest
    kvmppc probe --ssh root@lpar7 --expect merged             a real machine, as the L1 it is
    kvmppc probe --matrix abi --table docs/abi-results.md     all our kernels and L1s

    Boots no L2. Exit code 1 if a check is not as expected.
    """

    from harness.commands import probe

    options = RunOptions.from_mapping(choices)
    return probe.run(options, jobs, ssh, as_ktap, table, progress, click.echo, has_colour())
