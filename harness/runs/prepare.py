# SPDX-License-Identifier: GPL-2.0-only
"""Have everything a plan needs: QEMU, userland, kernels, images. Slow the first time only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from harness.images.bootset import boot_set
from harness.model.behaviour import Behaviour
from harness.model.machine import BootSet, QemuProgram
from harness.model.scenario import Placement
from harness.parts.cache import Cache
from harness.parts.kernelbuild import BuildChoices
from harness.parts.kernels import KernelBuild, resolve_kernel
from harness.parts.qemu import QemuBuild, resolve_qemu
from harness.parts.userland import Userland, resolve_userland
from harness.runs.expect import Expected, expectation
from harness.runs.options import RunOptions
from harness.runs.plan import Plan


@dataclass(frozen=True)
class Prepared:
    """kernels, boot_sets, expected: by kernel label."""

    qemu: QemuBuild
    userland: Userland
    kernels: dict[str, KernelBuild]
    boot_sets: dict[str, BootSet]
    expected: dict[str, Expected]

    @property
    def program(self) -> QemuProgram:
        return QemuProgram(self.qemu.label, self.qemu.argv, self.qemu.version)

    def lacks(self, placement: Placement) -> str:
        """Why this QEMU cannot run an L1 at this placement; '' if it can."""
        options = [option.partition("=")[0] for option in placement.topology.machine_options]
        return self.qemu.lacks(placement.l1.cpu.qemu_name, placement.topology.machine, options)

    @property
    def behaviours(self) -> dict[str, Behaviour]:
        return {name: each.behaviour for name, each in self.expected.items()}

    @property
    def notes(self) -> tuple[str, ...]:
        """What makes the parts differ from the lock file, or older than they should be."""
        notes: list[str] = []
        every: list[QemuBuild | Userland | KernelBuild] = [self.qemu, self.userland, *self.kernels.values()]
        for part in every:
            notes += part.notices
            if part.drift:
                first, more = part.drift[0], len(part.drift) - 1
                notes.append(f"not as locked: {first}" + (f" and {more} more packages" if more else ""))
        notes += [each.note for each in self.expected.values() if each.note]
        return tuple(dict.fromkeys(notes))


def prepare(plan: Plan, options: RunOptions, progress: Callable[[str], None]) -> Prepared:
    """Fetch and build what is missing. InfrastructureError or UsageError where that fails."""
    cache = Cache.default()
    choices = choices_of(options)
    kernels = {
        name: resolve_kernel(spec, cache, choices, locked_only=options.locked, progress=progress)
        for name, spec in plan.kernels.items()
    }
    qemu = resolve_qemu(options.qemu, cache, locked_only=options.locked, progress=progress)
    userland = resolve_userland(cache, locked_only=options.locked, progress=progress)
    return Prepared(
        qemu=qemu,
        userland=userland,
        kernels=kernels,
        boot_sets={name: boot_set(cache, kernel, userland, progress) for name, kernel in kernels.items()},
        expected={name: expectation(kernel, plan.expect) for name, kernel in kernels.items()},
    )


def choices_of(options: RunOptions) -> BuildChoices:
    return BuildChoices(options.config, options.cross_compile, options.llvm)
