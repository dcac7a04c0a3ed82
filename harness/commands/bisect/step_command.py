# SPDX-License-Identifier: GPL-2.0-only
"""``kvmppc bisect-step``: the words of request.py's step()."""

from __future__ import annotations

from typing import Any

import click

from harness.commands.bisect.bisect_options import bisect_options
from harness.commands.completion import completes
from harness.commands.said import progress
from harness.engine.options import RunOptions


@click.command("bisect-step")
@click.option(
    "--tree", metavar="DIR", default=".", show_default=True, shell_complete=completes("directory"),
    help="the tree, as it is checked out",
)  # fmt: skip
@click.option(
    "--series", metavar="SERIES", multiple=True, shell_complete=completes("series"),
    help="put on it, if it is not there already",
)  # fmt: skip
@click.option(
    "--bad-signature", metavar="TEXT", default="", help="result of the failure, as kvmppc bisect prints it"
)
@click.option("--good-signature", metavar="TEXT", default="", help="result of a good run")
@bisect_options
def command(
    tree: str, series: tuple[str, ...], bad_signature: str, good_signature: str, scenarios: tuple[str, ...],
    check: str, splat: str, **choices: Any,
) -> int:  # fmt: skip
    """Test one commit: exit code 0 good, 1 bad, 125 not known, 128 or more an error. For git bisect run.

    \b
    git bisect run kvmppc bisect-step --only papr-p11@p10-l2p10
    git bisect run kvmppc bisect-step --check 'size 16: result'

    Without signatures: good is what any kernel should do, bad is anything else a kernel does.
    """
    from harness.commands.bisect import request

    options = RunOptions.from_mapping(choices)
    return request.step(
        tree, series, scenarios, check, splat, good_signature, bad_signature, options, progress
    )
