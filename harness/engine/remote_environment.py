# SPDX-License-Identifier: GPL-2.0-only
"""Runs on a real machine over SSH: an LPAR, or any Linux that can be an L1. Only the suite: no L2."""

from __future__ import annotations

import functools
import re
import tempfile
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from harness import features
from harness.engine.options import RunOptions
from harness.engine.resolve import plan_of, planned_kernel
from harness.engine.wanted import Wanted, timeout_scale_of
from harness.health.benign import Circumstances
from harness.images import guestfiles
from harness.levels.level import Level
from harness.levels.limits import LIMITS
from harness.levels.remote import Facts, RemoteLevel
from harness.levels.ssh import ClientKey
from harness.levels.userssh import Target
from harness.model.errors import UsageError
from harness.model.plan import Machine, Plan
from harness.model.scenario import L1Setting, Placement
from harness.model.topology import PSERIES, topology
from harness.parts.elf import kernel_facts
from harness.parts.kernels import KernelBuild, version_of
from harness.parts.kernelspec import parse_spec
from harness.parts.kernelsymbols import symbols_of


def options_for(ssh: str, options: RunOptions, progress: Callable[[str], None]) -> RunOptions:
    """What a run on it is about: its own nested API and mode, unless the user said what they should be.
    UsageError for a machine that is no L1."""
    if not ssh.rpartition("@")[2]:
        raise UsageError("--ssh names no machine", "write it as [USER@]HOST")
    _given(options)  # bad words are told before anything is asked
    asked = [topology(name) for name in options.topologies]
    if len(asked) > 1 or len(options.l1) > 1 or any(each.has_l0 for each in asked):
        raise UsageError("--ssh tests one L1 as it is", "give at most one pseries --topology and one --l1")
    if options.kernels or options.l0_kernels:
        raise UsageError("--ssh tests the kernel that runs there", "leave --kernel out")
    facts = _look(Target(ssh, options.ssh_config), options.timeout_scale)
    api = asked[0].nested_api if asked else facts.nested_api
    if facts.probe.kvm != "hv" or api is None:
        raise UsageError(
            f"{ssh} does not show an L1: KVM HV on a pseries machine that may run nested guests (it says: "
            f"{'; '.join(facts.probe.notes) or facts.probe.kvm})",
            "load kvm-hv there; if its boot log is gone, say with --topology which nested API it has",
        )
    if facts.mode is None or facts.cpu is None:
        raise UsageError(f"{ssh} runs in no mode that is known", "see its /proc/cpuinfo")
    mode = facts.mode.mode
    l1 = L1Setting(facts.cpu.mode, mode if mode != facts.cpu.mode else None)
    progress(f"{ssh}: Linux {facts.release}, {l1}, nested API {api.value}")
    where = next(each for each in PSERIES if each.nested_api is api)
    return replace(
        options, kernels=(f"ssh:{ssh}",), topologies=options.topologies or (where.name,),
        l1=options.l1 or (l1.id,),
    )  # fmt: skip


@dataclass(frozen=True)
class _Given:
    """What the user says should run there: '' and None for what is not said."""

    build_id: str = ""
    release: str = ""
    banner: str = ""
    image: Path | None = None


def _given(options: RunOptions) -> _Given:
    """UsageError for a word that is neither a build id nor a kernel's image with one."""
    word = options.expect_build_id
    if not word:
        return _Given()
    if re.fullmatch(r"(?:[0-9a-fA-F]{2}){8,32}", word):
        return _Given(word.lower())
    path = Path(word).expanduser()
    if not path.exists():
        raise UsageError(
            f"--expect-build-id {word!r} is neither a build id nor a file",
            "give 16 to 64 hex digits, or a vmlinux",
        )
    facts = kernel_facts(path)
    if not facts.build_id:
        raise UsageError(f"{path} has no build id", "its linker was not asked for one (ld --build-id)")
    return _Given(facts.build_id, facts.release, facts.banner, path)


def _programs() -> dict[str, bytes]:
    return {name: guestfiles.read(name) for name in guestfiles.PROGRAMS}


@functools.cache
def _look(target: Target, timeout_scale: str) -> Facts:
    """Once in a process: it takes seconds on an emulated machine."""
    with tempfile.TemporaryDirectory(prefix="kvmppc-") as scratch:
        limits = LIMITS.scaled(timeout_scale_of(timeout_scale))
        level = RemoteLevel(target, _programs(), Path(scratch), limits=limits)
        try:
            return level.facts()
        finally:
            level.stop()


@dataclass(frozen=True)
class RemoteEnvironment:
    """See Environment."""

    plan: Plan
    qemu_version: None = None

    def lacks(self, _placement: Placement) -> str:
        return ""

    def damage(self, _placement: Placement) -> str:
        return ""

    def circumstances(self, placement: Placement) -> dict[str, Circumstances]:
        return {"L1": Circumstances((), (), placement.topology.nested_api, placement.topology.name, "L1")}

    def levels(
        self, placement: Placement, directories: Sequence[Path], boot: int, key: ClientKey,
        switched_off: Collection[str],
    ) -> tuple[Level, ...]:  # fmt: skip
        del key, switched_off, boot  # of machines that we boot
        machine = self.plan.kernels[placement.kernel].machine
        assert machine is not None, "of a kernel that runs elsewhere"
        limits = LIMITS.scaled(self.plan.timeout_scale)
        target = Target(machine.host, machine.config)
        return (RemoteLevel(target, _programs(), directories[-1], placement.full_id, limits),)


def require_same_kernels(plan: Plan) -> None:
    """UsageError for a machine that runs another kernel than when the plan was made."""
    for kernel in plan.kernels.values():
        if kernel.machine is None:
            continue
        target = Target(kernel.machine.host, kernel.machine.config)
        runs = _look(target, str(plan.timeout_scale)).build_id
        if runs != kernel.info.identity:
            words = f"{kernel.machine.host} runs the kernel with build id {runs or 'unknown'}"
            raise UsageError(f"{words}, the plan is of {kernel.info.identity or 'none'}", "make a new plan")


_NO_QEMU = "none of ours: a machine over SSH"


def resolve_remote(wanted: Wanted, options: RunOptions) -> Plan:
    """Looks at each machine once more, for its kernel. UsageError for one that cannot be asked."""
    given = _given(options)
    kernels = {}
    for label, spec in wanted.kernels.items():
        machine = Machine(parse_spec(spec).base.partition(":")[2], options.ssh_config)
        facts = _look(Target(machine.host, machine.config), options.timeout_scale)
        release, banner = (given.release, given.banner) if given.release else (facts.release, facts.banner)
        build = KernelBuild(
            spec=spec, label=label, identity=facts.build_id, vmlinux=Path(), modules=None,
            release=release, banner=banner, build_id=given.build_id,
            version=version_of(release, spec, banner),
            symbol_names=symbols_of(given.image, None, features.symbols()) if given.image else frozenset(),
            found_running=not given.release,
        )  # fmt: skip
        kernels[label] = planned_kernel(label, spec, build, None, wanted.expect, None, machine)
    return plan_of(
        wanted, options, kernels, {}, qemu=None, qemu_text=_NO_QEMU, l1_qemu_text=_NO_QEMU, lacking={}
    )
