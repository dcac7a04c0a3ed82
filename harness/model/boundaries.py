# SPDX-License-Identifier: GPL-2.0-only
"""A series patch by patch: which check has which answer with the first N patches on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.model.comparison import IDENTITY, l1_words, l2_words
from harness.model.record import Record
from harness.model.verdict import NOT_JUDGED, Kind, Verdict, worst


@dataclass(frozen=True)
class Boundary:
    """number: so many patches are on; title: of the last one; kernel: its label in the run, '' if it was
    not built; trouble: why it was not, or what it lacks, '' for nothing."""

    number: int
    title: str
    kernel: str
    trouble: str = ""


@dataclass(frozen=True)
class History:
    """A check that some patch turns. answers, kinds: one for each boundary, None where there is none;
    where: all that have this very history, ``arch_compat P11: papr, hv P11 as P10``."""

    answers: tuple[str | None, ...]
    kinds: tuple[Kind | None, ...]
    where: tuple[str, ...]

    def turned(self, number: int) -> bool:
        """Whether the answer at this boundary differs from the last one there was."""
        before = next((each for each in reversed(self.answers[:number]) if each is not None), None)
        now = self.answers[number]
        return now is not None and before is not None and now != before


def histories(boundaries: Sequence[Boundary], records: Sequence[Record]) -> list[History]:
    """Checks whose answer is not the same at all boundaries; those with one history together."""
    position = {each.kernel: each.number for each in boundaries if each.kernel}
    # (check, L1, topology) -> a verdict for each boundary
    seen: dict[tuple[str, str, str], list[Verdict | None]] = {}
    for record in records:
        if record.kernel not in position or record.kind in NOT_JUDGED:
            continue
        for verdict in record.verdicts:
            if verdict.check in IDENTITY:
                continue
            check = f"L2 {l2_words(record.l2)}" if record.topic == "l2" else verdict.check
            place = (check, l1_words(record.l1, record.l0), record.topology)
            seen.setdefault(place, [None] * len(boundaries))[position[record.kernel]] = verdict
    found: dict[tuple[tuple[str | None, Kind | None], ...], dict[tuple[str, str], list[str]]] = {}
    for (check, l1, topology), verdicts in seen.items():
        key = tuple((each.observed, each.kind) if each else (None, None) for each in verdicts)
        if len({each.observed for each in verdicts if each is not None}) > 1:
            found.setdefault(key, {}).setdefault((check, l1), []).append(topology)
    return [
        History(
            tuple(answer for answer, _ in key),
            tuple(kind for _, kind in key),
            tuple(f"{check}: {', '.join(topologies)} {l1}" for (check, l1), topologies in places.items()),
        )
        for key, places in found.items()
    ]


def kind_at(boundary: Boundary, records: Sequence[Record]) -> Kind:
    """What the verdicts at a boundary amount to; FAIL if it did not come so far."""
    if boundary.trouble or not boundary.kernel:
        return Kind.FAIL
    return worst(
        verdict for record in records if record.kernel == boundary.kernel for verdict in record.verdicts
    )
