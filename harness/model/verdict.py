# SPDX-License-Identifier: GPL-2.0-only
"""The oracle's answer about one check."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
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

# Worst first: what a group of checks amounts to.
SEVERITY = (Kind.FAIL, Kind.INFRASTRUCTURE, Kind.UNKNOWN, Kind.DEFECT, Kind.OK, Kind.SKIP)


@dataclass(frozen=True)
class Verdict:
    """check: name of the check, e.g. ``ioctl merged``; expected, observed: one line each;
    proof: the line or value that shows it; source: why the oracle expects this;
    measured: True where the expectation rests on measurement alone;
    right: whether what was observed is what any kernel should do, whatever is expected of this
    one; None where that is not the question;
    titles: of the splats that a health check is about, sorted.
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
