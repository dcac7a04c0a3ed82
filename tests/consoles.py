# SPDX-License-Identifier: GPL-2.0-only
"""The consoles in tests/data/consoles, and what each says is in it.

The first lines of a file are comments: ``# recorded: LINUX, MACHINE, QEMU: WHAT WAS DONE``, as
bench/record_consoles.py writes it, or ``# described: WHO PRINTS IT`` for one that was written from the
kernel's printing code; then ``# title: TITLE`` for each splat, with `` (final)`` behind the one after which
the machine is of no more use. What follows is the console.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

CONSOLES = sorted((Path(__file__).parent / "data/consoles").glob("*.log"))
RECORDED = [path for path in CONSOLES if not path.name.startswith("described-")]


@dataclass(frozen=True)
class Console:
    about: str
    titles: list[str]
    lines: list[str]


def read(path: Path) -> Console:
    text = path.read_text().splitlines()
    head = [line for line in text if line.startswith("# ")]
    titles = [line.removeprefix("# title: ") for line in head[1:]]
    return Console(head[0], titles, text[len(head) :])


def told(splats) -> list[str]:
    """Splats as a file tells them."""
    return [f"{each.title}{' (final)' if each.final else ''}" for each in splats]
