# SPDX-License-Identifier: GPL-2.0-only
"""The fixture ``check``: what a test claims, one verdict for each claim."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest

from harness.engine.about import About
from harness.engine.judging import Judged
from harness.model.verdict import Kind, Verdict


class Checks:
    """Collects the verdicts of one test. about: what its record is about."""

    def __init__(self, about: About):
        self.about = about
        self.answer = ""
        self._verdicts: list[Verdict] = []

    def __call__(
        self, name: str, *, expected: object, observed: object, source: str = "", proof: str = "",
    ) -> None:  # fmt: skip
        """One claim: ok if the two are equal, else a failure of the kernel's. name: of the check, the same
        in every run; source: why this is expected; proof: the line or command that shows it."""
        right = expected == observed
        kind = Kind.OK if right else Kind.FAIL
        words = _words(expected), _words(observed)
        self._verdicts.append(Verdict(name, kind, *words, proof, source, right=right))

    def skip(self, name: str, reason: str) -> None:
        """One claim that cannot be tested here."""
        self._verdicts.append(Verdict(name, Kind.SKIP, "", reason))

    def judged(self, judged: Judged) -> None:
        """What an oracle says: the cell's words, and verdicts."""
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
            self._verdicts.append(Verdict("assertion", Kind.FAIL, "it holds", words, right=False))
        except pytest.fail.Exception as error:
            self._verdicts.append(Verdict("test", Kind.FAIL, "it passes", str(error.msg), right=False))
        except pytest.skip.Exception as error:
            self._verdicts.append(Verdict("test", Kind.SKIP, "", str(error.msg)))
        if not self._verdicts:
            words = "the test made no check: it is to use the fixture check"
            self._verdicts.append(Verdict("checks", Kind.UNKNOWN, "at least one", words))
        return self.answer, self._verdicts


def _words(value: object) -> str:
    return value if isinstance(value, str) else str(value)
