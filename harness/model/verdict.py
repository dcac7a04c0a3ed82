# SPDX-License-Identifier: GPL-2.0-only
"""The oracle's answer about one check."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from enum import Enum
from typing import Any


class Kind(Enum):
    """Values appear in JSON and reports."""

    OK = "as expected"
    FAIL = "not as expected"
    DEFECT = "known defect, shown"  # neither a success nor a failure
    INFRASTRUCTURE = "infrastructure failed"
    UNKNOWN = "not proven"  # evidence neither for nor against the kernel or the surroundings; never green
    SKIP = "skipped"

    @property
    def mark(self) -> str:
        """Readable without colour, one word."""
        return _MARK[self]


_MARK = {
    Kind.OK: "ok",
    Kind.FAIL: "FAIL",
    Kind.DEFECT: "DEFECT",
    Kind.INFRASTRUCTURE: "INFRA",
    Kind.UNKNOWN: "UNKNOWN",
    Kind.SKIP: "skip",
}

# What somebody has to look at.
TROUBLE = (Kind.FAIL, Kind.INFRASTRUCTURE, Kind.UNKNOWN)
# What says nothing about the kernel.
NOT_JUDGED = (Kind.INFRASTRUCTURE, Kind.UNKNOWN, Kind.SKIP)
# What a skipped check says in place of an expectation if only that is missing.
NOT_KNOWN = "nothing is known of this kernel; see --expect"

# Why something is expected of a kernel of which nothing is known.
_OF_ANY = "what any kernel should do, whatever its version"

# Worst first: what a group of checks amounts to.
SEVERITY = (Kind.FAIL, Kind.INFRASTRUCTURE, Kind.UNKNOWN, Kind.DEFECT, Kind.OK, Kind.SKIP)


@dataclass(frozen=True)
class Verdict:
    """check: name of the check, e.g. ``ioctl merged``; expected, observed: one line each;
    proof: the line or value that shows it; source: why the oracle expects this;
    measured: True where the expectation rests on measurement alone;
    right: whether what was observed is what any kernel should do, whatever is expected of this
    one; None where that is not the question;
    titles: of the splats that a health check is about, sorted;
    any_kernel: what any kernel should do, in words, where that is not what is expected of this one.
    """

    check: str
    kind: Kind
    expected: str
    observed: str
    proof: str = ""
    source: str = ""
    measured: bool = False
    right: bool | None = None
    titles: tuple[str, ...] = ()
    any_kernel: str = ""

    @property
    def answered(self) -> bool:
        """Whether something was observed, judged or not."""
        if self.kind is Kind.SKIP:
            return self.expected == NOT_KNOWN
        return self.kind not in (Kind.INFRASTRUCTURE, Kind.UNKNOWN)

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "kind": self.kind.value, "titles": list(self.titles)}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Verdict:
        values = {**data, "kind": Kind(data["kind"]), "titles": tuple(data.get("titles", ()))}
        return cls(**values)


def worst(verdicts: Iterable[Verdict]) -> Kind:
    """The kind that a group of verdicts amounts to; SKIP for an empty group."""
    kinds = {each.kind for each in verdicts}
    return next((kind for kind in SEVERITY if kind in kinds), Kind.SKIP)


def by_any_kernel(verdicts: Iterable[Verdict]) -> list[Verdict]:
    """Verdicts on a kernel of which nothing is known: right is OK, wrong FAIL, and where any kernel may do as
    it likes nothing is judged. What was not answered, or not by the kernel, stays as it is."""
    return [_by_any_kernel(each) for each in verdicts]


def _by_any_kernel(verdict: Verdict) -> Verdict:
    if verdict.kind not in (Kind.OK, Kind.FAIL, Kind.DEFECT):
        return verdict
    if verdict.right is None:
        return replace(verdict, kind=Kind.SKIP, expected=NOT_KNOWN)
    kind = Kind.OK if verdict.right else Kind.FAIL
    if not verdict.any_kernel:
        return replace(verdict, kind=kind)
    return replace(verdict, kind=kind, expected=verdict.any_kernel, source=_OF_ANY)


def answered(verdicts: Sequence[Verdict]) -> bool:
    """Whether a group of checks has an answer of the kernel's, and no check of it was lost."""
    return any(each.answered for each in verdicts) and worst(verdicts) not in (
        Kind.INFRASTRUCTURE,
        Kind.UNKNOWN,
    )
