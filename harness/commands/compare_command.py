# SPDX-License-Identifier: GPL-2.0-only
"""``kvmppc compare``: the words of compare.py."""

from __future__ import annotations

from typing import Any

import click

from harness.commands.click_options import SSH_ONLY, jobs, run_options
from harness.commands.completion import completes
from harness.commands.said import has_colour, progress
from harness.engine.options import RunOptions


@click.command("compare")
@run_options(without=("kernels", *SSH_ONLY))  # the kernels are arguments
@jobs
@click.option("--markdown", is_flag=True, help="print it for a mail")
@click.argument("base", shell_complete=completes("kernels"))
@click.argument("new", shell_complete=completes("kernels"))
def command(base: str, new: str, jobs: int, markdown: bool, **choices: Any) -> int:
    """Run two kernels and show what differs: which cells are fixed, broken, changed.

    \b
    kvmppc compare debian-source:6.12 debian-source:6.12+compat-caps-v1
    kvmppc compare ~/linux@v7.3 ~/linux --matrix default --markdown

    Boots the full matrix if no --matrix is given. Exit code 1 if something is broken, or if a check fails on
    a kernel whose expected behaviour is known.
    """
    from harness.commands import compare

    if not choices["matrix"]:
        choices["matrix"] = "full"
    options = RunOptions.from_mapping(choices)
    return compare.run(base, new, options, jobs, markdown, progress, click.echo, has_colour())
