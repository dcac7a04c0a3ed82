# SPDX-License-Identifier: GPL-2.0-only
"""Mutants × the checks that caught them."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from rich.text import Text

from harness.model.verdict import Kind, Verdict
from harness.reports import terminal


class Mutant(Protocol):
    """See parts/mutant_catalogue.py."""

    @property
    def name(self) -> str: ...

    @property
    def defect(self) -> str: ...

    @property
    def caught_by(self) -> str: ...

    @property
    def kind(self) -> str: ...

    @property
    def title(self) -> str: ...


class State(Enum):
    """What came of a mutant. Values are what a report says."""

    CAUGHT = "caught"
    MISSED = "MISSED"
    SILENT = "silent"  # harmless, and nothing failed
    REPORTED = "REPORTED"  # harmless, and yet something failed
    UNKNOWN = "not judged"

    @property
    def kind(self) -> Kind:
        """As which verdict it is coloured."""
        if self is State.UNKNOWN:
            return Kind.UNKNOWN
        return Kind.OK if self in (State.CAUGHT, State.SILENT) else Kind.FAIL


@dataclass(frozen=True)
class Catch:
    """failed: the verdicts that failed on it; judged: whether all that should be asked of it was
    answered; shown: whether the words of a harmless one were seen on a console."""

    mutant: Mutant
    failed: tuple[Verdict, ...]
    judged: bool
    shown: bool = False

    @property
    def state(self) -> State:
        if self.mutant.kind == "ok":
            if self.failed:
                return State.REPORTED
            return State.SILENT if self.judged and self.shown else State.UNKNOWN
        if any(self._is_it(verdict) for verdict in self.failed):
            return State.CAUGHT
        return State.MISSED if self.failed or self.judged else State.UNKNOWN

    def _is_it(self, verdict: Verdict) -> bool:
        """By the check whose name says what is wrong, with the words; another one is not enough."""
        words = (*verdict.titles, verdict.observed.token, verdict.proof)
        return verdict.check == self.mutant.caught_by and any(self.mutant.title in each for each in words)


def names(failed: Sequence[Verdict]) -> tuple[str, ...]:
    """Of the checks, each once."""
    return tuple(dict.fromkeys(each.check for each in failed))


def _caught_by(mutant: Mutant) -> str:
    if mutant.kind == "ok":
        return "(harmless)"
    return f"{mutant.caught_by}: {mutant.title}" if mutant.title else mutant.caught_by


def text(catches: Sequence[Catch], clean: Mapping[str, Sequence[str]], width: int, colour: bool) -> list[str]:
    """clean: kernel without a defect -> names of the checks that failed on it all the same."""
    target = io.StringIO()
    console = terminal.console(target, width, colour)
    table = terminal.table()
    for heading in ("mutant", "defect", "", "caught by", "checks that failed"):
        table.add_column(heading, no_wrap=True)
    for each in catches:
        mutant, state = each.mutant, each.state
        table.add_row(
            mutant.name, mutant.defect, Text(state.value, style=terminal.STYLE[state.kind]),
            _caught_by(mutant), str(len(names(each.failed))),
        )  # fmt: skip
    terminal.whole(console, table)
    console.print()
    for each in catches:
        if each.state is State.MISSED or each.state is State.REPORTED:
            words = ", ".join(names(each.failed)) or "no check"
            console.print(f"{each.mutant.name} fails {words}", markup=False, soft_wrap=True)
    for kernel, failed in clean.items():
        words = f"fails {', '.join(failed)}" if failed else "no check fails"
        console.print(f"without a defect, {kernel}: {words}", markup=False, soft_wrap=True)
    states = [each.state for each in catches]
    harmless = sum(each.mutant.kind == "ok" for each in catches)
    summary = f"{states.count(State.CAUGHT)} of {len(catches) - harmless} mutants caught"
    if harmless:
        summary += f", {states.count(State.REPORTED)} of {harmless} harmless ones reported"
    if State.UNKNOWN in states:
        summary += f", {states.count(State.UNKNOWN)} not judged"
    console.print(summary, style="bold")
    return [line.rstrip() for line in target.getvalue().splitlines()]
