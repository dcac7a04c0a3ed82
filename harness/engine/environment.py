# SPDX-License-Identifier: GPL-2.0-only
"""Have everything a plan needs: QEMU, userland, kernels, images. Slow the first time only."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from harness.engine.circumstances import circumstances_of
from harness.engine.options import RunOptions
from harness.engine.plan import SAME, Plan
from harness.features.compat_caps.expectation import Expected, expectation
from harness.health.benign import Circumstances
from harness.images.bootset import boot_set
from harness.levels.choose import levels_for
from harness.levels.level import Level
from harness.levels.limits import LIMITS, Limits
from harness.levels.setup import Setup
from harness.levels.ssh import ClientKey
from harness.model.bootable import BootSet, QemuProgram
from harness.model.scenario import Placement
from harness.parts.cache import Cache
from harness.parts.kernelbuild import BuildChoices
from harness.parts.kernels import KernelBuild, file_identity, resolve_kernel
from harness.parts.qemu import QemuBuild, resolve_qemu
from harness.parts.userland import Userland, resolve_userland


@dataclass(frozen=True)
class ReadyKernel:
    """A kernel, what boots from it (nothing of one that runs on a machine of its own), and by what it is
    judged."""

    build: KernelBuild
    boot_set: BootSet | None
    expected: Expected

    @property
    def boots(self) -> BootSet:
        assert self.boot_set is not None, "asked of a kernel that is booted here"
        return self.boot_set


class Ready(Protocol):
    """What a run needs: of machines that are booted here (Prepared) or that are there already (remote.py).

    kernels, l0_kernels: by label, of the plan; qemu_text, l1_qemu_text: versions for people; qemu_version: of
    the outermost QEMU, None where none of ours is; notes: what makes the parts differ from the lock file, or
    older than they should be.
    """

    @property
    def kernels(self) -> dict[str, ReadyKernel]: ...

    @property
    def l0_kernels(self) -> dict[str, ReadyKernel]: ...

    @property
    def qemu_text(self) -> str: ...

    @property
    def l1_qemu_text(self) -> str: ...

    @property
    def qemu_version(self) -> tuple[int, int, int] | None: ...

    @property
    def notes(self) -> tuple[str, ...]: ...

    def lacks(self, placement: Placement) -> str:
        """Why an L1 cannot be at this placement; '' if it can."""

    def l0_of(self, placement: Placement) -> ReadyKernel | None:
        """The kernel of its L0; None where L0 is QEMU."""

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


@dataclass(frozen=True)
class Prepared:
    """See Ready."""

    qemu: QemuBuild
    userland: Userland
    kernels: dict[str, ReadyKernel]
    l0_kernels: dict[str, ReadyKernel]
    limits: Limits = LIMITS
    cache: Cache | None = None

    @property
    def program(self) -> QemuProgram:
        return QemuProgram(self.qemu.label, self.qemu.argv, self.qemu.version)

    @property
    def qemu_text(self) -> str:
        return self.qemu.version_text

    @property
    def l1_qemu_text(self) -> str:
        return self.userland.qemu_version

    @property
    def qemu_version(self) -> tuple[int, int, int]:
        return self.qemu.version

    def setup(self, placement: Placement, key: ClientKey, switched_off: Collection[str]) -> Setup:
        kernel, l0 = self.kernels[placement.kernel], self.l0_of(placement)
        return Setup(
            placement, self.program, kernel.boots, l0.boots if l0 else None, key, switched_off, self.limits
        )

    def levels(
        self, placement: Placement, directories: Sequence[Path], boot: int, key: ClientKey,
        switched_off: Collection[str],
    ) -> tuple[Level, ...]:  # fmt: skip
        return levels_for(self.setup(placement, key, switched_off), directories, boot=boot)

    def circumstances(self, placement: Placement) -> dict[str, Circumstances]:
        kernel, l0 = self.kernels[placement.kernel], self.l0_of(placement)
        l0_release = l0.build.release if l0 is not None else ""
        return circumstances_of(
            placement, kernel.build.release, l0_release, self.qemu.version, kernel.boots.l1_qemu
        )

    def lacks(self, placement: Placement) -> str:
        options = [option.partition("=")[0] for option in placement.topology.machine_options]
        # Of an L1 in an L0 the QEMU is our userland's, which is new enough.
        wanted = [] if placement.topology.has_l0 else options
        return self.qemu.lacks(placement.l1.cpu.qemu_name, placement.topology.machine, wanted)

    def l0_of(self, placement: Placement) -> ReadyKernel | None:
        if not placement.l0:
            return None
        return self.l0_kernels.get(placement.l0, self.kernels[placement.kernel])

    def damage(self, placement: Placement) -> str:
        kernels = [self.kernels[placement.kernel], self.l0_of(placement)]
        used = [each for each in kernels if each is not None]
        if self.cache is None:
            return ""
        files = [Path(word) for word in self.qemu.argv]
        files += [file for each in used for file in each.boots.files]
        return self.cache.damage_since(files) or next(filter(None, map(self._other_image, used)), "")

    def _other_image(self, kernel: ReadyKernel) -> str:
        """Of an image of the user's, which L1 boots from where it is."""
        assert self.cache is not None
        image = kernel.build.vmlinux
        if self.cache.tree_of(image) is not None:
            return ""
        try:
            same = file_identity(image) == kernel.build.identity
        except OSError as error:
            return f"{image}: {error.strerror or error}"
        return "" if same else f"{image} is another one than when this run began"

    @property
    def notes(self) -> tuple[str, ...]:
        notes: list[str] = []
        kernels = [*self.kernels.values(), *self.l0_kernels.values()]
        every: list[QemuBuild | Userland | KernelBuild] = [self.qemu, self.userland]
        every += [each.build for each in kernels]
        for part in every:
            notes += part.notices
            if part.drift:
                first, more = part.drift[0], len(part.drift) - 1
                notes.append(f"not as locked: {first}" + (f" and {more} more packages" if more else ""))
        notes += [each.expected.note for each in kernels if each.expected.note]
        return tuple(dict.fromkeys(notes))


def prepare(plan: Plan, options: RunOptions, progress: Callable[[str], None]) -> Prepared:
    """Fetch and build what is missing. InfrastructureError or UsageError where that fails."""
    cache = Cache.default()
    choices = choices_of(options)
    builds = {
        spec: resolve_kernel(spec, cache, choices, locked_only=options.locked, progress=progress)
        for spec in dict.fromkeys((*plan.kernels.values(), *plan.l0_kernels.values()))
        if spec != SAME
    }
    qemu = resolve_qemu(options.qemu, cache, locked_only=options.locked, progress=progress)
    userland = resolve_userland(cache, locked_only=options.locked, progress=progress)
    ready = {
        spec: ReadyKernel(
            build,
            boot_set(cache, build, userland, progress),
            # --expect is about the kernels that are tested: one that is L0 only is what it is.
            expectation(build, plan.expect if spec in plan.kernels.values() else None),
        )
        for spec, build in builds.items()
    }
    return Prepared(
        qemu=qemu,
        userland=userland,
        kernels={name: ready[spec] for name, spec in plan.kernels.items()},
        l0_kernels={name: ready[spec] for name, spec in plan.l0_kernels.items() if spec != SAME},
        limits=LIMITS.scaled(plan.timeout_scale),
        cache=cache,
    )


def choices_of(options: RunOptions) -> BuildChoices:
    return BuildChoices(options.config, options.cross_compile, options.llvm)
