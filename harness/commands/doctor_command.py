# SPDX-License-Identifier: GPL-2.0-only
"""``kvmppc doctor``: what this machine lacks; parts/doctor.py looks."""

from __future__ import annotations

import click


@click.command("doctor")
def command() -> int:
    """List what is missing on this machine.

    \b
    kvmppc doctor

    Exit code 0 if a run can start, 3 if something is missing for it.
    """
    from harness.parts import doctor

    return doctor.report(click.echo)
