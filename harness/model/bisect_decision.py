# SPDX-License-Identifier: GPL-2.0-only
"""Good, bad or neither: what runs at one commit say, given those at both ends. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from harness.model.signature import Seen


class Answer(Enum):
    """Values are git bisect's words."""

    GOOD = "good"
    BAD = "bad"
    SKIP = "skip"

    @property
    def exit_code(self) -> int:
        """As git bisect run takes it."""
        return {Answer.GOOD: 0, Answer.BAD: 1, Answer.SKIP: 125}[self]


@dataclass(frozen=True)
class Result:
    """why: in words; seen: the run that shows it, None if nothing could be run."""

    answer: Answer
    why: str
    seen: Seen | None = None


@dataclass(frozen=True)
class Agreement:
    """repeat: so many runs of each commit; require: so many of them make it bad."""

    repeat: int = 1
    require: int = 1

    def for_runs(self, first: Seen | None) -> Agreement:
        """One hang may be this machine's: where a commit is run once, it must come twice."""
        return Agreement(2, 2) if self.repeat == 1 and first is not None and first.hang else self

    @property
    def require_good(self) -> int:
        """So many must be good: all where one bad run is enough to make a commit bad."""
        return max(self.require, self.repeat - self.require + 1)


def common(runs: Sequence[Seen], require: int) -> Seen | None:
    """The signature that at least *require* runs have; None if none has."""
    counted = Counter(each.signature for each in runs if each.signature)
    if not counted:
        return None
    signature, count = counted.most_common(1)[0]
    return next(each for each in runs if each.signature == signature) if count >= require else None


def decide(runs: Sequence[Seen], good: str, bad: str, agreement: Agreement) -> Result:
    """Bad is this very failure, good what the good end shows; anything else says nothing. The failure
    first: a flaky one shows in some runs only."""
    for signature, answer, enough in (
        (bad, Answer.BAD, agreement.require),
        (good, Answer.GOOD, agreement.require_good),
    ):
        same = [each for each in runs if each.signature == signature]
        if len(same) >= enough:
            more = f", {len(same)} of {len(runs)} runs" if len(runs) > 1 else ""
            return Result(answer, signature + more, same[0])
    other = next((each for each in runs if each.signature and each.signature not in (good, bad)), None)
    if other is not None:
        return Result(Answer.SKIP, f"different result: {other.signature}", other)
    lost = next((each for each in runs if each.trouble), None)
    if lost is not None:
        return Result(Answer.SKIP, lost.trouble, lost)
    words = ", ".join(
        f"{count} × {words}" for words, count in Counter(each.signature for each in runs).items()
    )
    return Result(Answer.SKIP, f"runs do not agree: {words}", runs[0] if runs else None)
