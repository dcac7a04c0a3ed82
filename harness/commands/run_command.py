# SPDX-License-Identifier: GPL-2.0-only
"""``kvmppc run``: the words of engine/drive.py, run_plan.py and each_patch.py."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import click

from harness.commands.click_options import SSH_ONLY, jobs, run_options
from harness.commands.completion import completes
from harness.commands.said import has_colour, progress
from harness.engine.options import RunOptions
from harness.model.errors import UsageError


@click.command("run")
@run_options(without=SSH_ONLY)
@jobs
@click.option("--list", "only_list", is_flag=True, help="show the scenarios' ids and stop")
@click.option(
    "--plan", metavar="FILE", shell_complete=completes("file"),
    help="run this plan.json again, as it is; takes --only as well",
)  # fmt: skip
@click.option(
    "--each-patch", metavar="KERNEL+SERIES", help="build and run at each patch boundary of the series"
)
@click.argument("pytest_words", nargs=-1, type=click.UNPROCESSED)
def command(
    jobs: int, only_list: bool, plan: str | None, each_patch: str | None, pytest_words: tuple[str, ...],
    **choices: Any,
) -> int:  # fmt: skip
    """Boot the scenarios of a matrix and judge them.

    \b
    kvmppc run                                    the default matrix
    kvmppc run --kernel ./vmlinux --expect merged your own kernel
    kvmppc run --kernel debian:7.2                another Debian kernel
    kvmppc run --only papr-p11@p10-l2host         one scenario
    kvmppc run --kernel ~/linux                   a tree, as it is now
    kvmppc run --each-patch ~/linux+fix.mbox      which patch changes which check
    kvmppc run --list                             what there is
    kvmppc run --plan runs/DATE/plan.json         the same run again
    kvmppc run -- -x                              arguments for pytest
    """
    options = RunOptions.from_mapping(choices)
    if plan:
        if each_patch:
            raise UsageError("--plan and --each-patch do not go together", "give one of them")
        from harness.commands import run_plan

        return run_plan.run(plan, options, jobs, pytest_words, only_list, progress, click.echo)
    if each_patch:
        if options.kernels or pytest_words or only_list:
            raise UsageError(
                "--each-patch takes no --kernel, --list or arguments for pytest", "leave them out"
            )
        from harness.commands import each_patch as each_patch_run

        options = replace(options, kernels=(each_patch,))
        return each_patch_run.run(options, jobs, progress, click.echo, has_colour())
    if only_list:
        from harness.engine.wanted import wanted

        for scenario in wanted(options).scenarios:
            click.echo(scenario.full_id)
        return 0
    from harness.engine import drive

    return drive.run(options, jobs, pytest_words, progress)
