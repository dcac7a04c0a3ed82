# SPDX-License-Identifier: GPL-2.0-only
"""``kvmppc workarounds``: what ``--no-workaround`` takes."""

from __future__ import annotations

import click


@click.command("workarounds")
def command() -> None:
    """Show known workarounds, their reasons and where they apply.

    \b
    kvmppc workarounds
    """
    from harness.model.workarounds import WORKAROUNDS

    for each in WORKAROUNDS:
        what = " ".join((*each.append, *each.machine, *each.net_device))
        click.echo(f"{each.name}: {what}\n  where: {each.scope}\n  why:   {each.reason}")
