# SPDX-License-Identifier: GPL-2.0-only
"""What tests of somebody's own may import: names of modes, settings and outcomes. The rest they are given by
fixtures (harness/engine/fixtures.py). Version 1 of the interface; docs/reference.md describes it."""

from __future__ import annotations

from harness.engine.checks import Checks
from harness.engine.handles import L1Handle, L2Handle, LevelHandle
from harness.model.cpu import Mode
from harness.model.level_facts import Ended, InMode
from harness.model.observation import Boot, LevelObservation
from harness.model.outcome import Outcome
from harness.model.scenario import L2Setting

VERSION = 1

P9, P10, P11 = Mode.P9, Mode.P10, Mode.P11


def booted(mode: Mode) -> Ended:
    """That a guest has booted in this mode, to be compared with ``boot.ended``."""
    return Ended(Outcome.BOOTED, InMode(mode))


def L2(setting: str = "host") -> L2Setting:
    """``host``, ``p11``, ``p10`` or ``p9``. UsageError for anything else."""
    return L2Setting.parse(setting)


__all__ = [
    "L2", "P9", "P10", "P11", "VERSION", "Boot", "Checks", "L1Handle", "L2Handle", "LevelHandle",
    "LevelObservation", "Mode", "Outcome", "booted",
]  # fmt: skip
