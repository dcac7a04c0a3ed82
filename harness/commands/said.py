# SPDX-License-Identifier: GPL-2.0-only
"""How commands write to the terminal."""

from __future__ import annotations

import os
import sys

import click


def progress(text: str) -> None:
    """One line for people, on stderr: stdout is for results."""
    click.echo(text, err=True)


def has_colour() -> bool:
    """Whether stdout is a terminal, and NO_COLOR (no-color.org) does not forbid it."""
    return sys.stdout is not None and sys.stdout.isatty() and not os.environ.get("NO_COLOR")
