# SPDX-License-Identifier: GPL-2.0-only
"""How long each phase may take, in seconds. A limit ends what hangs; nothing waits for it otherwise."""

from __future__ import annotations

from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Limits:
    """Generous against a loaded 2-core machine: a generic kernel's L1 takes 5 s, its L2 12 s.

    *_silence: without a single byte on the console; qemu_start: from QEMU's start to its monitor's greeting;
    suite: for one question; answer: for a sign of life, of a level that is suspected.
    """

    qemu_start: float = 30
    monitor: float = 5
    l1_boot: float = 120
    l1_silence: float = 45
    ssh: float = 20
    probe: float = 20
    suite: float = 20
    l2_boot: float = 150
    l2_silence: float = 45
    l2_power_off: float = 20
    health: float = 10
    answer: float = 5
    stop: float = 5
    quit: float = 2

    def scaled(self, factor: float) -> Limits:
        """All of them times *factor*: for a machine, or a kernel, that is that much slower."""
        return Limits(**{name: seconds * factor for name, seconds in asdict(self).items()})


LIMITS = Limits()
