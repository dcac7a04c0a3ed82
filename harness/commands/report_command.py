# SPDX-License-Identifier: GPL-2.0-only
"""``kvmppc report``: the words of report.py."""

from __future__ import annotations

import click

from harness.commands.completion import completes
from harness.commands.terminal import has_colour, progress


@click.command("report")
@click.option("--html", "form", flag_value="html", help="one self-contained page")
@click.option("--junit", "form", flag_value="junit", help="JUnit XML")
@click.option("--ktap", "form", flag_value="ktap", help="KTAP")
@click.option("--markdown", "form", flag_value="markdown", help="for a mail or a CI job's summary")
@click.option("--annotations", "form", flag_value="annotations", help="a line for each failure, for CI")
@click.option("--json", "form", flag_value="json", help="as report.json, of all of them")
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

    return report.report(runs, form or "text", output, rejudge, progress, click.echo, has_colour())
