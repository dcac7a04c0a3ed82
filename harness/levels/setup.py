# SPDX-License-Identifier: GPL-2.0-only
"""All that the levels of one placement are made from."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from harness.levels.limits import LIMITS, Limits
from harness.levels.ssh import ClientKey
from harness.model.bootable import BootSet, QemuProgram
from harness.model.scenario import Placement
from harness.model.workarounds import Circumstances, Workaround, applying


@dataclass(frozen=True)
class Setup:
    """boot_set: of the kernel under test, for L1 and L2; l0_boot_set: of L0's kernel, None where L0 is
    QEMU; key: may log in to every level; switched_off: names of workarounds that are left out; limits: how
    long each phase may take."""

    placement: Placement
    qemu: QemuProgram
    boot_set: BootSet
    l0_boot_set: BootSet | None
    key: ClientKey
    switched_off: Collection[str] = ()
    limits: Limits = LIMITS

    def around(self, level: int, host_page_kb: int = 0) -> tuple[Workaround, ...]:
        """Workarounds for the machine of that level."""
        boots = self.l0_boot_set if level == 0 and self.l0_boot_set else self.boot_set
        topology = self.placement.topology
        outermost = level == (0 if topology.has_l0 else 1)
        qemu = self.qemu.version if outermost else self.boot_set.l1_qemu
        at = Circumstances(level, topology, self.placement.l1, boots.version, qemu, host_page_kb)
        return applying(at, self.switched_off)
