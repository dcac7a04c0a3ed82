# SPDX-License-Identifier: GPL-2.0-only
"""``kvmppc boot``: the words of boot.py."""

from __future__ import annotations

from typing import Any

import click

from harness.commands.click_options import SSH_ONLY, run_options
from harness.commands.completion import completes
from harness.commands.said import progress
from harness.engine.options import RunOptions

# Nothing is judged, and the topology is an argument.
_JUDGED = ("expect", "suite", "control", "fuzz", "seed", "calls", "allow_splat", "tests")
_ONE_SCENARIO = ("matrix", "topologies", "only")


@click.command("boot")
@run_options(without=(*_ONE_SCENARIO, *_JUDGED, *SSH_ONLY))
@click.option(
    "--level",
    type=click.IntRange(0, 2),
    default=1,
    show_default=True,
    help="open the shell or console of this level",
)
@click.option(
    "--gdb", is_flag=True, help="give the outermost machine a gdb stub, and show what attaches to it"
)
@click.argument("topology", shell_complete=completes("topologies"))
def command(topology: str, level: int, gdb: bool, **choices: Any) -> int:
    """Start the machines of a scenario, and open a shell in one.

    \b
    kvmppc boot pseries-papr --kernel ~/linux --l1 p11@p10            a shell in L1
    kvmppc boot powernv11 --kernel ~/linux --level 0 --gdb            a shell in L0
    kvmppc boot pseries-hv --kernel ~/linux --l2 p10 --level 2        L2's console

    The machines are those of a run. An ssh command for L0 and L1 is printed, and the command that starts the
    next level. All machines stop when you exit the shell.
    """
    from harness.commands import boot

    return boot.run(topology, level, gdb, RunOptions.from_mapping(choices), progress)
