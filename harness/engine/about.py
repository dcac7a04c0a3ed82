# SPDX-License-Identifier: GPL-2.0-only
"""What a test's record is about: its topic, and the levels that the test has to do with."""

from __future__ import annotations

import re
from dataclasses import dataclass

from harness.model.scenario import Placement

# The topic of how a guest ends, whose column is the guest's setting.
GUEST = "l2"


@dataclass(frozen=True)
class About:
    """topic: the column; l2: id of the L2 setting, '' where the test has none; level: the one that is tested,
    L0, L1 or L2, or "all" for a record of the health of all; starts: the level of which the test tells how it
    started, '' where it must be up before the test begins."""

    topic: str
    level: str = "L1"
    l2: str = ""
    starts: str = ""

    @property
    def needs(self) -> str:
        """The level that must be up before the test begins; '' for none."""
        if self.starts:
            return {"L0": "", "L1": "L0"}[self.starts]
        return {"L2": "L1", "all": "L1"}.get(self.level, self.level)

    @property
    def name(self) -> str:
        """For people, where the L1 is known."""
        return self.l2 if self.topic == GUEST and self.l2 else self.topic

    def guest_directory(self, setting: str) -> str:
        """Name of the directory with the logs of a guest. setting: its id."""
        if self.topic == GUEST:
            return setting
        name = re.sub(r"[^-.\w]+", "_", self.topic)
        return f"{name}-{setting}"

    def identity(self, placement: Placement) -> str:
        """Of the record: ``7.3-papr-p11@p10-l2p10 l2``. See Record.identity."""
        name = "-".join(part for part in (placement.full_id, self.l2) if part)
        return f"{name} {self.topic}"
