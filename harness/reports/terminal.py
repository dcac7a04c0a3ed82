# SPDX-License-Identifier: GPL-2.0-only
"""How reports for people are laid out: width, and colours that mean the same everywhere."""

from __future__ import annotations

import io

from rich.console import Console

from harness.model.verdict import Kind

# A grid with all its columns; a narrower terminal wraps, which beats losing verdicts.
WIDTH = 120

STYLE = {
    Kind.OK: "green",
    Kind.FAIL: "bold red",
    Kind.DEFECT: "yellow",
    Kind.INFRASTRUCTURE: "bold magenta",
    Kind.SKIP: "dim",
}


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
