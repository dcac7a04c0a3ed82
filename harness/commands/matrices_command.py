# SPDX-License-Identifier: GPL-2.0-only
"""``kvmppc matrices``: what ``--matrix`` takes."""

from __future__ import annotations

import click


@click.command("matrices")
def command() -> None:
    """Show the matrices that --matrix takes.

    \b
    kvmppc matrices
    """
    from harness.engine.options import RunOptions
    from harness.engine.wanted import wanted
    from harness.model.matrix import MATRICES

    for each in MATRICES:
        count = len(wanted(RunOptions(matrix=each.name)).scenarios)
        click.echo(f"{each.name}: {count} scenarios: {each.why}")
    click.echo("pairwise: few scenarios that have all pairs of settings of the full matrix")
