# SPDX-License-Identifier: GPL-2.0-only
"""What a plan's levels are made of. Everything comes from the plan: nothing is resolved here."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from harness.engine.circumstances import circumstances_of
from harness.engine.part_of_plan import digest_of
from harness.health.benign import Circumstances
from harness.levels.choose import levels_for
from harness.levels.level import Level
from harness.levels.limits import LIMITS
from harness.levels.setup import Setup
from harness.levels.ssh import ClientKey
from harness.model.bootable import BootSet
from harness.model.plan import Plan, PlannedKernel
from harness.model.scenario import Placement
from harness.parts.cache import Cache


class Environment(Protocol):
    """Where a plan's levels come from: machines that are booted here (LocalEnvironment), or that run already
    (remote_environment.py)."""

    @property
    def plan(self) -> Plan: ...

    @property
    def qemu_version(self) -> tuple[int, int, int] | None:
        """Of the outermost QEMU, None where none of ours is."""

    def lacks(self, placement: Placement) -> str:
        """Why an L1 cannot be at this placement; '' if it can."""

    def levels(
        self, placement: Placement, directories: Sequence[Path], boot: int, key: ClientKey,
        switched_off: Collection[str],
    ) -> tuple[Level, ...]:  # fmt: skip
        """Those of a placement, outermost first, not started. directories: for L0's and L1's logs; boot:
        which start of them in this run, from 1."""

    def circumstances(self, placement: Placement) -> dict[str, Circumstances]:
        """What the harmless complaints of its levels depend on, by level name."""

    def damage(self, placement: Placement) -> str:
        """What its levels boot from that is not any more as it was when the run began; '' if all is. Cheap
        where nothing has changed."""


def texts_of(kernel: PlannedKernel) -> Mapping[str, str]:
    """File of its source -> content, of those that features read; empty for a prebuilt one."""
    if kernel.texts is None:
        return {}
    found: dict[str, str] = json.loads(kernel.texts.read_text())
    return found


@dataclass(frozen=True)
class LocalEnvironment:
    """See Environment."""

    plan: Plan
    cache: Cache | None = None

    @property
    def qemu_version(self) -> tuple[int, int, int]:
        assert self.plan.qemu is not None
        return self.plan.qemu.version

    def setup(self, placement: Placement, key: ClientKey, switched_off: Collection[str]) -> Setup:
        assert self.plan.qemu is not None
        kernel, l0 = self.plan.kernels[placement.kernel], self.plan.l0_kernel(placement)
        return Setup(
            placement, self.plan.qemu, boots_of(kernel), boots_of(l0) if l0 else None, key, switched_off,
            LIMITS.scaled(self.plan.timeout_scale),
        )  # fmt: skip

    def levels(
        self, placement: Placement, directories: Sequence[Path], boot: int, key: ClientKey,
        switched_off: Collection[str],
    ) -> tuple[Level, ...]:  # fmt: skip
        return levels_for(self.setup(placement, key, switched_off), directories, boot=boot)

    def circumstances(self, placement: Placement) -> dict[str, Circumstances]:
        kernel, l0 = self.plan.kernels[placement.kernel], self.plan.l0_kernel(placement)
        l0_release = l0.info.release if l0 is not None else ""
        return circumstances_of(
            placement, kernel.info.release, l0_release, self.qemu_version, boots_of(kernel).l1_qemu
        )

    def lacks(self, placement: Placement) -> str:
        return self.plan.lacking.get(placement.full_id, "")

    def damage(self, placement: Placement) -> str:
        if self.cache is None or self.plan.qemu is None:
            return ""
        kernels = [self.plan.kernels[placement.kernel], self.plan.l0_kernel(placement)]
        files = [Path(word) for word in self.plan.qemu.argv]
        files += [file for each in kernels if each is not None for file in boots_of(each).files]
        return self.cache.damage_since(files) or self._other_qemu()

    def _other_qemu(self) -> str:
        """Of a QEMU of the user's, which runs from where it is."""
        assert self.plan.qemu is not None
        program = Path(self.plan.qemu.argv[-1])
        if not self.plan.qemu_sha256 or digest_of(program) == self.plan.qemu_sha256:
            return ""
        return f"{program} is another one than when this run began"


def boots_of(kernel: PlannedKernel) -> BootSet:
    assert kernel.boots is not None, "asked of a kernel that is booted here"
    return kernel.boots
