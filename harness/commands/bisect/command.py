# SPDX-License-Identifier: GPL-2.0-only
"""``kvmppc bisect``: the words of request.py."""

from __future__ import annotations

from typing import Any

import click

from harness.commands.bisect.bisect_options import bisect_options
from harness.commands.completion import completes
from harness.commands.said import progress
from harness.engine.options import RunOptions


@click.command("bisect")
@click.option(
    "--tree", metavar="DIR", default="", shell_complete=completes("directory"),
    help="a git tree; it is only read",
)  # fmt: skip
@click.option("--good", metavar="REV", default="", help="a revision that works")
@click.option("--bad", metavar="REV", default="HEAD", show_default=True, help="a revision that fails")
@click.option(
    "--series", metavar="SERIES", multiple=True, shell_complete=completes("series"),
    help="put on every commit that has it not already",
)  # fmt: skip
@click.option(
    "--over-qemu", metavar="PATH", multiple=True, shell_complete=completes("qemu"),
    help="QEMU binaries instead, oldest first",
)  # fmt: skip
@click.option(
    "--over-kernel", metavar="KERNEL", multiple=True, shell_complete=completes("kernels"),
    help="kernels instead, oldest first",
)  # fmt: skip
@click.option(
    "--repeat", type=click.IntRange(min=1), default=1, show_default=True, help="runs of each commit"
)
@click.option(
    "--require",
    type=click.IntRange(min=1),
    help="number of failing runs that make a commit bad (default: all)",
)
@bisect_options
def command(
    tree: str, good: str, bad: str, series: tuple[str, ...], over_qemu: tuple[str, ...],
    over_kernel: tuple[str, ...], repeat: int, require: int | None, scenarios: tuple[str, ...], check: str,
    splat: str, **choices: Any,
) -> int:  # fmt: skip
    """Find the commit that brought a failure.

    It can be interrupted; start the same command again to continue.

    \b
    kvmppc bisect --tree ~/linux --good v7.2 --only papr-p11@p10-l2p10
    kvmppc bisect --tree ~/linux --good v7.2 --bad next-20261101 --check 'size 16: result'
    kvmppc bisect --tree ~/linux --good v7.1 --series fix.mbox --repeat 5 --require 1 --only hv-p11-l2p10
    kvmppc bisect --tree ~/linux --good v7.2 --splat 'WARNING in kvmppc_vcpu_run_hv' --only hv-p11-l2p10
    kvmppc bisect --over-kernel debian:6.12 --over-kernel debian:7.2 --only papr-p11@p10-l2host
    kvmppc bisect --over-qemu ~/q/10.0 --over-qemu ~/q/11.1 --kernel ~/vmlinux --only hv-p11-l2host

    A commit is bad only with the same failure as the bad end. One that fails otherwise, or does not build, is
    skipped.

    \b
    Exit codes: 0 one commit was found
    1 it is one of several, or git gave up or warns
    2 the ends do not differ, are swapped, or their runs do not agree
    3 an end cannot be tested
    """
    from harness.commands.bisect import request

    asked = request.BisectRequest(
        tree, good, bad, series, over_qemu, over_kernel, repeat, require, scenarios, check, splat
    )
    return request.bisect(asked, RunOptions.from_mapping(choices), progress, click.echo)
