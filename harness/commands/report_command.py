# SPDX-License-Identifier: GPL-2.0-only
"""``kvmppc report``: the words of report.py."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from harness.commands.completion import completes
from harness.commands.said import has_colour, progress
from harness.reports.formats import FORMATS, TEXT


def _formats(function: Callable[..., Any]) -> Callable[..., Any]:
    """An option for each format; without one it is text."""
    for each in reversed(FORMATS):
        if each is not TEXT:
            function = click.option(f"--{each.name}", "form", flag_value=each.name, help=each.help)(function)
    return function


@click.command("report")
@_formats
@click.option(
    "--rejudge", is_flag=True, help="apply today's expectations to what was observed, and list what changed"
)
@click.option(
    "--output", "-o", metavar="FILE", default="", shell_complete=completes("file"),
    help="write to FILE instead of stdout",
)  # fmt: skip
@click.argument("runs", nargs=-1, required=True, metavar="RUN...", shell_complete=completes("run_dir"))
def command(form: str | None, rejudge: bool, output: str, runs: tuple[str, ...]) -> int:
    """Show saved runs again, several as one.

    \b
    kvmppc report runs/2026-11-25_120000                      as the run ended
    kvmppc report --html -o page.html runs/*                  a page of all of them
    kvmppc report --rejudge runs/2026-11-25_120000            by today's expectations

    Exit code as of a run.
    """
    from harness.commands import report

    return report.report(runs, form or TEXT.name, output, rejudge, progress, click.echo, has_colour())
