# SPDX-License-Identifier: GPL-2.0-only
"""The plan of a run: all that was chosen and found before anything boots. Whoever runs it reads it, and
resolves nothing. As a file it is plan.json; see engine/plan.schema.json."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from harness.model.bootable import BootSet, QemuProgram
from harness.model.expectation import Expectation
from harness.model.record import KernelInfo
from harness.model.scenario import Placement, Scenario

# The label of an L0 that runs the kernel under test itself; what --l0-kernel takes for it.
SAME = "same"


class Suite(Enum):
    """What is asked of the levels."""

    BOOT = "boot"
    ABI = "abi"
    ALL = "all"

    @property
    def boots_guests(self) -> bool:
        return self is not Suite.ABI

    @property
    def asks_all(self) -> bool:
        """Whether the conformance suite is in it."""
        return self is not Suite.BOOT


@dataclass(frozen=True)
class Machine:
    """A machine that runs already, over SSH. host: as for ssh, with USER@ before it; config: file for ssh -F,
    '' for the user's own."""

    host: str
    config: str = ""


@dataclass(frozen=True)
class PlannedKernel:
    """boots: what levels boot of it, None for one that runs on a machine of its own (*machine*);
    expected: by name of the feature; texts: a file in the cache, JSON, file of the source -> content, None
    without a source; image: the kernel that boots; symbols: the same before it was stripped, for a debugger,
    None without one."""

    info: KernelInfo
    boots: BootSet | None
    expected: Mapping[str, Expectation]
    texts: Path | None = None
    symbols: Path | None = None
    machine: Machine | None = None


@dataclass(frozen=True)
class Plan:
    """made: when, ISO 8601; version: of the harness that made it; command: as it was typed; options: those of
    its words that a repetition of one scenario needs too; kernels, l0_kernels: by label; qemu: the outermost
    one, None where all machines run already; qemu_sha256: of its program, '' for one of the cache, whose
    files are known by name; qemu_text, l1_qemu_text: versions for people; lacking: by Placement.full_id, why
    no such L1 can be; notes: what makes this run different from another; tests: folders of tests that run in
    place of the project's own."""

    made: str
    version: str
    command: str
    options: str
    scenarios: tuple[Scenario, ...]
    kernels: Mapping[str, PlannedKernel]
    l0_kernels: Mapping[str, PlannedKernel]
    qemu: QemuProgram | None
    qemu_text: str
    l1_qemu_text: str
    lacking: Mapping[str, str] = field(default_factory=dict)
    suite: Suite = Suite.BOOT
    fuzz_seconds: float = 0
    seed: int = 1
    calls: tuple[str, ...] = ()
    no_workaround: tuple[str, ...] = ()
    allow_splat: tuple[str, ...] = ()
    timeout_scale: float = 1
    notes: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()
    qemu_sha256: str = ""

    @property
    def placements(self) -> tuple[Placement, ...]:
        """Each once, in the order they run."""
        return tuple(dict.fromkeys(each.placement for each in self.scenarios))

    def l0_kernel(self, placement: Placement) -> PlannedKernel | None:
        """None where L0 is QEMU. KeyError for a label that the plan does not have."""
        if not placement.l0:
            return None
        if placement.l0 == SAME:
            return self.kernels[placement.kernel]
        return self.l0_kernels[placement.l0]
