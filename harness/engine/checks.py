# SPDX-License-Identifier: GPL-2.0-only
"""The fixture ``check``: what a test claims, one verdict for each claim."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest

from harness.engine.about import About
from harness.engine.judging import Judged
from harness.model.cpu import GuestMode, Mode
from harness.model.fact import Fact, same
from harness.model.facts import AssertionHolds, Checked, Number, Quote, TestPasses
from harness.model.level_facts import Ended, InMode
from harness.model.outcome import Outcome
from harness.model.verdict import Kind, Verdict


class Checks:
    """Collects the verdicts of one test. about: what its record is about."""

    def __init__(self, about: About):
        self.about = about
        self.answer: Fact | None = None
        self._verdicts: list[Verdict] = []

    def __call__(
        self, name: str, *, expected: object, observed: object, source: str = "", proof: str = "",
    ) -> None:  # fmt: skip
        """One claim: ok if the two are equal, else a failure of the kernel's. name: of the check, the same
        in every run; expected, observed: facts, or values that become some (fact_of), of one kind: TypeError
        for others; source: why this is expected; proof: the line or command that shows it."""
        facts = fact_of(expected), fact_of(observed)
        if type(facts[0]) is not type(facts[1]) and None not in (expected, observed):
            kinds = f"{type(expected).__name__} with {type(observed).__name__}"
            raise TypeError(f"check {name!r} compares {kinds}, which are never equal")
        right = same(*facts)
        kind = Kind.OK if right else Kind.FAIL
        self._verdicts.append(Verdict(name, kind, *facts, proof, source, right=right))

    def skip(self, name: str, reason: str) -> None:
        """One claim that cannot be tested here."""
        self._verdicts.append(Verdict(name, Kind.SKIP, None, Quote(reason)))

    def judged(self, judged: Judged) -> None:
        """What an oracle says: the cell's answer, and verdicts."""
        self.answer, verdicts = judged
        self._verdicts += verdicts

    def verdicts(self, verdicts: Iterable[Verdict]) -> None:
        self._verdicts += verdicts

    def of(self, test: Callable[[], object]) -> Judged:
        """What the test came to. A failed assertion of its own is a failed check; one that makes no check has
        proven nothing. Other exceptions are passed on."""
        try:
            test()
        except AssertionError as error:
            words = (str(error).strip().splitlines() or ["assertion failed"])[0]
            self._verdicts.append(
                Verdict("assertion", Kind.FAIL, AssertionHolds(), Quote(words), right=False)
            )
        except pytest.fail.Exception as error:
            said = Quote(str(error.msg))
            self._verdicts.append(Verdict("test", Kind.FAIL, TestPasses(), said, right=False))
        except pytest.skip.Exception as error:
            self._verdicts.append(Verdict("test", Kind.SKIP, None, Quote(str(error.msg))))
        if not self._verdicts:
            self._verdicts.append(Verdict("checks", Kind.UNKNOWN, Checked(True), Checked(False)))
        return self.answer, self._verdicts


def fact_of(value: object) -> Fact:
    """Of a value that a test gives: itself if it is a fact; what str() makes of one that has none."""
    if isinstance(value, Fact):
        return value
    if isinstance(value, (Mode, GuestMode)):
        return InMode.of(GuestMode(value) if isinstance(value, Mode) else value)
    if isinstance(value, Outcome):
        return Ended(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return Number(value)
    return Quote(str(value))
