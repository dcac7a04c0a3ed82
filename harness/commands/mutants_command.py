# SPDX-License-Identifier: GPL-2.0-only
"""``kvmppc mutants``: the words of mutants.py."""

from __future__ import annotations

from typing import Any

import click

from harness.commands.click_options import build_options, jobs
from harness.commands.completion import completes
from harness.commands.said import has_colour, progress
from harness.engine.options import RunOptions


@click.command("mutants")
@build_options(also=("qemu", "timeout_scale", "run_dir"))  # those about no scenario
@jobs
@click.option("--list", "only_list", is_flag=True, help="show them and stop")
@click.argument("names", nargs=-1, shell_complete=completes("mutants"))
def command(names: tuple[str, ...], jobs: int, only_list: bool, **choices: Any) -> int:
    """Build kernels with one defect each, and test that the check named for each finds it.

    \b
    kvmppc mutants                     all, about half a minute each once 7.2 is built
    kvmppc mutants flags-ignored       one
    kvmppc mutants --list              what there is

    Some are harmless and must give no failure. Exit code 1 if a defect is missed, or a harmless one fails.
    """
    if only_list:
        from harness.parts.mutant_catalogue import all_mutants

        for each in all_mutants():
            click.echo(each.summary)
        return 0
    from harness.commands import mutants

    options = RunOptions.from_mapping(choices)
    return mutants.run(names, options, jobs, progress, click.echo, has_colour())
