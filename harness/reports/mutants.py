# SPDX-License-Identifier: GPL-2.0-only
"""Mutants × the checks that caught them."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from rich.text import Text

from harness.model.verdict import Kind
from harness.reports import terminal


class Mutant(Protocol):
    """See parts/mutants.py."""

    @property
    def name(self) -> str: ...

    @property
    def defect(self) -> str: ...

    @property
    def caught_by(self) -> str: ...

    @property
    def kernel(self) -> str: ...


@dataclass(frozen=True)
class Catch:
    """failed: names of the checks that failed on it."""

    mutant: Mutant
    failed: tuple[str, ...]

    @property
    def caught(self) -> bool:
        """By the check whose name says what is wrong; another one is not enough."""
        return self.mutant.caught_by in self.failed


def text(catches: Sequence[Catch], clean: Mapping[str, Sequence[str]], width: int, colour: bool) -> list[str]:
    """clean: kernel without a defect -> names of the checks that failed on it all the same."""
    target = io.StringIO()
    console = terminal.console(target, width, colour)
    table = terminal.table()
    for heading in ("mutant", "defect", "", "caught by", "checks that failed"):
        table.add_column(heading, no_wrap=True)
    for each in catches:
        style = terminal.STYLE[Kind.OK if each.caught else Kind.FAIL]
        table.add_row(
            each.mutant.name, each.mutant.defect, Text("caught" if each.caught else "MISSED", style=style),
            each.mutant.caught_by, str(len(each.failed)),
        )  # fmt: skip
    terminal.whole(console, table)
    console.print()
    for kernel, failed in clean.items():
        words = f"fails {', '.join(failed)}" if failed else "no check fails"
        console.print(f"without a defect, {kernel}: {words}", markup=False, soft_wrap=True)
    caught = sum(each.caught for each in catches)
    console.print(f"{caught} of {len(catches)} mutants caught", style="bold")
    return [line.rstrip() for line in target.getvalue().splitlines()]
