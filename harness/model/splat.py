# SPDX-License-Identifier: GPL-2.0-only
"""A kernel's own complaint: WARNING, BUG, Oops, KASAN, UBSAN, lockdep, stall, panic, and the like."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Splat:
    """title: what it is and where, without addresses, times and process ids, so that the same fault
    has the same title each time: ``WARNING in kvmppc_vcpu_run_hv``;
    line: the line of the console that it was told by, as printed;
    trace: functions of its call trace, the innermost first, empty if it has none;
    final: whether the machine is of no further use afterwards (a panic, a debugger's prompt);
    level: whose kernel complains, ``L1``; when: what was going on, ``during l2p10``.
    """

    title: str
    line: str
    trace: tuple[str, ...] = ()
    final: bool = False
    level: str = ""
    when: str = ""

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "trace": list(self.trace)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Splat:
        """Inverse of to_json. TypeError or KeyError for anything else."""
        return cls(**{**data, "trace": tuple(data["trace"])})
