# SPDX-License-Identifier: GPL-2.0-only
"""How reports for people are laid out: width, and colours that mean the same everywhere."""

from __future__ import annotations

import io

from rich.box import ASCII2
from rich.console import Console
from rich.table import Table

from harness.model.verdict import Kind

# A grid with all its columns; a narrower terminal wraps, which beats losing verdicts.
WIDTH = 120

STYLE = {
    Kind.OK: "green",
    Kind.FAIL: "bold red",
    Kind.DEFECT: "yellow",
    Kind.INFRASTRUCTURE: "bold magenta",
    Kind.UNKNOWN: "magenta",
    Kind.SKIP: "dim",
}


def table(title: str = "") -> Table:
    """An empty one, in characters that any terminal, log and mail shows."""
    return Table(
        title=title or None,
        title_justify="left",
        title_style="bold",
        box=ASCII2,
        show_edge=False,
        pad_edge=False,
    )


# No table of ours is wider.
_TABLE_WIDTH = 400


def whole(target: Console, table: Table) -> None:
    """Print a table with all that is in its cells, however narrow the terminal: a line that wraps can
    still be read, a verdict that was cut off cannot."""
    # print(width=) takes no more than the console has, so the console is made wider.
    width, target.width = target.width, _TABLE_WIDTH
    try:
        target.print(table, crop=False, no_wrap=True, overflow="ignore", soft_wrap=True)
    finally:
        target.width = width


def console(target: io.StringIO, width: int, colour: bool) -> Console:
    """One that writes to *target*; width: of the terminal, in columns."""
    return Console(
        file=target,
        width=max(width, WIDTH),
        force_terminal=colour,
        no_color=not colour,
        highlight=False,
        emoji=False,
    )
