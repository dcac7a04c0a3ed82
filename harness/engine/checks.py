# SPDX-License-Identifier: GPL-2.0-only
"""The fixture ``check``: what a test claims, one verdict for each claim."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

import harness
from harness.engine.about import About
from harness.engine.judging import Judged
from harness.model.cpu import GuestMode, Mode
from harness.model.errors import HarnessError
from harness.model.fact import Fact, same
from harness.model.facts import AssertionHolds, Checked, Number, Quote, TestPasses
from harness.model.level_facts import Ended, InMode
from harness.model.outcome import Outcome
from harness.model.verdict import Kind, Verdict

_HARNESS = Path(harness.__file__).parent


class Checks:
    """Collects the verdicts of one test. about: what its record is about."""

    def __init__(self, about: About):
        self.about = about
        self.answer: Fact | None = None
        self._verdicts: list[Verdict] = []
        self._names: Counter[str] = Counter()
        self._over = False
        self.broken: Exception | None = None  # by which the test ended, if that is not about its levels

    @property
    def so_far(self) -> list[Verdict]:
        return list(self._verdicts)

    def _add(self, verdicts: Iterable[Verdict]) -> None:
        """RuntimeError once the record is made: what comes then would be lost."""
        if self._over:
            raise RuntimeError("a check was made after the test had ended, where no record has it")
        self._verdicts += verdicts

    def _named(self, name: str) -> str:
        """A name that is used again gets a number: records are compared by names."""
        self._names[name] += 1
        return name if self._names[name] == 1 else f"{name} ({self._names[name]})"

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
        self._add([Verdict(self._named(name), kind, *facts, str(proof), str(source), right=right)])

    def skip(self, name: str, reason: str) -> None:
        """One claim that cannot be tested here."""
        self._add([Verdict(self._named(name), Kind.SKIP, None, Quote(str(reason)))])

    def judged(self, judged: Judged) -> None:
        """What an oracle says: the cell's answer, and verdicts."""
        answer, verdicts = judged
        self._add(verdicts)
        self.answer = answer

    def verdicts(self, verdicts: Iterable[Verdict]) -> None:
        self._add(verdicts)

    def of(self, test: Callable[[], object]) -> Judged:
        """What the test came to. A failed assertion of its own is a failed check; one that makes no check has
        proven nothing. HarnessError is passed on: it is about a level. Any other exception is a mistake of
        the test's: what it had checked stays, and nothing more is proven."""
        try:
            test()
        except HarnessError:
            self._over = True
            raise
        except pytest.fail.Exception as error:
            self._add([Verdict("test", Kind.FAIL, TestPasses(), Quote(str(error.msg)), right=False)])
        except pytest.skip.Exception as error:
            self._add([Verdict("test", Kind.SKIP, None, Quote(str(error.msg)))])
        except Exception as error:
            words = (str(error).strip().splitlines() or ["no words"])[0]
            if isinstance(error, AssertionError) and not _is_ours(error):
                self._add([Verdict("assertion", Kind.FAIL, AssertionHolds(), Quote(words), right=False)])
            else:
                self.broken = error
                said = Quote(f"{type(error).__name__}: {words}")
                self._add([Verdict("test ends", Kind.UNKNOWN, TestPasses(), said)])
        if not self._verdicts:
            self._add([Verdict("checks", Kind.UNKNOWN, Checked(True), Checked(False))])
        self._over = True
        return self.answer, self._verdicts


def _is_ours(error: BaseException) -> bool:
    """Whether it was raised by the harness, and not by the test."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace is not None and _HARNESS in Path(trace.tb_frame.f_code.co_filename).parents


def fact_of(value: object) -> Fact:
    """Of a value that a test gives: itself if it is a fact; what str() makes of one that has none."""
    if isinstance(value, Fact):
        return value
    if isinstance(value, (Mode, GuestMode)):
        return InMode.of(GuestMode(value) if isinstance(value, Mode) else value)
    if isinstance(value, Outcome):
        return Ended(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return Number(int(value))
    return Quote(str(value))
