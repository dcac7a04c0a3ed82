# SPDX-License-Identifier: GPL-2.0-only
"""What was seen of a level's health, as plain data. Saved as JSON; can be judged again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from harness.model.splat import Splat


@dataclass(frozen=True)
class Look:
    """One look at the health of one level: its console, and, if it answered, its taint flags and kernel log.

    level: ``L1``; when: what went on since the look before, ``during l2p10``; answered: whether the level
    was asked and answered; taint: /proc/sys/kernel/tainted, None if it did not answer; splats: new
    since the look before, those of the kernel log that are no splats but complaints included;
    messages: new lines of the kernel log at warning level and worse, for people; uptime: of the level, in
    seconds; boot: which start of this level, from 1: a level that was lost is started anew;
    reason: why it did not answer, '' if it did or was not asked; starved: share of the time before it in
    which the outermost QEMU wanted a CPU and got none, 0 to 1.
    """

    level: str
    when: str
    answered: bool
    taint: int | None = None
    splats: tuple[Splat, ...] = ()
    messages: tuple[str, ...] = ()
    uptime: float = 0.0
    boot: int = 1
    reason: str = ""
    starved: float = 0.0

    def to_json(self) -> dict[str, Any]:
        return {
            **asdict(self),
            "splats": [each.to_json() for each in self.splats],
            "messages": list(self.messages),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Look:
        """Inverse of to_json. TypeError or KeyError for anything else."""
        splats = tuple(Splat.from_json(each) for each in data["splats"])
        return cls(**{**data, "splats": splats, "messages": tuple(data["messages"])})
