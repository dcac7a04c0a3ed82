# SPDX-License-Identifier: GPL-2.0-only
"""The oracle's answer about one check."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

from harness.model.fact import Fact
from harness.model.facts import KernelNotKnown


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
# Why something is expected of a kernel of which nothing is known.
_OF_ANY = "what any kernel should do, whatever its version"

# Worst first: what a group of checks amounts to.
SEVERITY = (Kind.FAIL, Kind.INFRASTRUCTURE, Kind.UNKNOWN, Kind.DEFECT, Kind.OK, Kind.SKIP)


@dataclass(frozen=True)
class Verdict:
    """check: name of the check, e.g. ``ioctl merged``; expected: None where nothing was; observed: what was;
    proof: the line or value that shows it; source: why the oracle expects this;
    measured: True where the expectation rests on measurement alone;
    right: whether what was observed is what any kernel should do, whatever is expected of this
    one; None where that is not the question;
    titles: of the splats that a health check is about, sorted;
    any_kernel: what any kernel should do, where that is not what is expected of this one;
    defect: what is wrong with the expectation, where that is a known defect of this kernel; '' elsewhere.
    """

    check: str
    kind: Kind
    expected: Fact | None
    observed: Fact
    proof: str = ""
    source: str = ""
    measured: bool = False
    right: bool | None = None
    titles: tuple[str, ...] = ()
    any_kernel: Fact | None = None
    defect: str = ""

    @property
    def answered(self) -> bool:
        """Whether something was observed, judged or not."""
        if self.kind is Kind.SKIP:
            return isinstance(self.expected, KernelNotKnown)
        return self.kind not in (Kind.INFRASTRUCTURE, Kind.UNKNOWN)

    def to_json(self) -> dict[str, Any]:
        return {
            "check": self.check,
            "kind": self.kind.value,
            "expected": self.expected.to_json() if self.expected else None,
            "observed": self.observed.to_json(),
            "proof": self.proof,
            "source": self.source,
            "measured": self.measured,
            "right": self.right,
            "titles": list(self.titles),
            "any_kernel": self.any_kernel.to_json() if self.any_kernel else None,
            "defect": self.defect,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Verdict:
        """Inverse of to_json. KeyError, TypeError or ValueError for anything else."""
        optional = {name: _fact(data.get(name)) for name in ("expected", "any_kernel")}
        values = {
            **data,
            **optional,
            "observed": Fact.from_json(data["observed"]),
            "kind": Kind(data["kind"]),
            "titles": tuple(data.get("titles", ())),
        }
        return cls(**values)


def _fact(data: Any) -> Fact | None:
    return None if data is None else Fact.from_json(data)


def is_health(verdict: Verdict) -> bool:
    """Whether it is about how a level is, which each record tells beside its own claims."""
    return verdict.check.endswith(" health")


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
        return replace(verdict, kind=Kind.SKIP, expected=KernelNotKnown(), defect="")
    kind = Kind.OK if verdict.right else Kind.FAIL
    if verdict.any_kernel is None:
        return replace(verdict, kind=kind)
    return replace(verdict, kind=kind, expected=verdict.any_kernel, source=_OF_ANY, defect="")


def answered(verdicts: Sequence[Verdict]) -> bool:
    """Whether a group of checks has an answer of the kernel's, and no check of it was lost."""
    return any(each.answered for each in verdicts) and worst(verdicts) not in (
        Kind.INFRASTRUCTURE,
        Kind.UNKNOWN,
    )
