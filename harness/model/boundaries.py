# SPDX-License-Identifier: GPL-2.0-only
"""A series patch by patch: which check has which answer with the first N patches on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.model.comparison import l1_words, l2_words
from harness.model.record import Record
from harness.model.verdict import Kind, Verdict, worst

_IDENTITY = ("L1 kernel", "L1 build id")


@dataclass(frozen=True)
class Boundary:
    """number: so many patches are on; title: of the last one; kernel: its label in the run, '' if it was
    not built; trouble: why it was not, or what it lacks, '' for nothing."""

    number: int
    title: str
    kernel: str
    trouble: str = ""


@dataclass(frozen=True)
class Column:
    """A check that some patch turns. answers: one for each boundary, None where there is none;
    places: all that have this very history, ``arch_compat P11, papr P11 as P10``."""

    answers: tuple[str | None, ...]
    kinds: tuple[Kind | None, ...]
    places: tuple[str, ...]

    def turned(self, number: int) -> bool:
        """Whether the answer at this boundary differs from the last one there was."""
        before = next((each for each in reversed(self.answers[:number]) if each is not None), None)
        now = self.answers[number]
        return now is not None and before is not None and now != before


def columns(boundaries: Sequence[Boundary], records: Sequence[Record]) -> list[Column]:
    """Checks whose answer is not the same at all boundaries; those with one history together."""
    position = {each.kernel: each.number for each in boundaries if each.kernel}
    history: dict[tuple[str, str], list[Verdict | None]] = {}
    for record in records:
        if record.kernel not in position or record.kind in (Kind.SKIP, Kind.INFRASTRUCTURE):
            continue
        for verdict in record.verdicts:
            if verdict.check in _IDENTITY:
                continue
            check = l2_words(record.l2) if record.topic == "l2" else verdict.check
            place = (check, f"{record.topology} {l1_words(record.l1)}")
            answers = history.setdefault(place, [None] * len(boundaries))
            answers[position[record.kernel]] = verdict
    found: dict[tuple[tuple[str | None, Kind | None], ...], dict[str, list[str]]] = {}
    for (check, where), verdicts in history.items():
        key = tuple((each.observed, each.kind) if each else (None, None) for each in verdicts)
        if len({each.observed for each in verdicts if each is not None}) > 1:
            found.setdefault(key, {}).setdefault(check, []).append(where)
    return [
        Column(
            tuple(answer for answer, _ in key),
            tuple(kind for _, kind in key),
            tuple(f"{check}: {', '.join(places)}" for check, places in by_check.items()),
        )
        for key, by_check in found.items()
    ]


def kind_at(boundary: Boundary, records: Sequence[Record]) -> Kind:
    """What the verdicts at a boundary amount to; FAIL if it did not come so far."""
    if boundary.trouble or not boundary.kernel:
        return Kind.FAIL
    return worst(
        verdict for record in records if record.kernel == boundary.kernel for verdict in record.verdicts
    )
