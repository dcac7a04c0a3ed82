# SPDX-License-Identifier: GPL-2.0-only
"""Which class runs the level of a placement. To add a kind of machine, add a row."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from harness.levels.level import Level
from harness.levels.pseries import PseriesLevel
from harness.levels.ssh import ClientKey
from harness.model.machine import BootSet, QemuProgram
from harness.model.scenario import Placement

# QEMU -machine type of the outermost machine -> what runs its L1.
MACHINES = {"pseries": PseriesLevel}


def level_for(
    placement: Placement,
    kernel: tuple[int, int],
    boot_set: BootSet,
    qemu: QemuProgram,
    key: ClientKey,
    directory: Path,
    switched_off: Collection[str],
) -> Level:
    """An L1 for *placement*, not started yet. kernel: version of the kernel under test."""
    return MACHINES[placement.topology.machine](
        placement, kernel, boot_set, qemu, key, directory, switched_off
    )
