# SPDX-License-Identifier: GPL-2.0-only
"""From what the options ask for to a plan: QEMU, userland, kernels, images and expectations. Slow the first
time only."""

from __future__ import annotations

import hashlib
import json
import shlex
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from importlib import metadata
from pathlib import Path

from harness import features
from harness.engine.kernel_description import description_of
from harness.engine.options import RunOptions
from harness.engine.part_of_plan import digest_of
from harness.engine.wanted import Wanted
from harness.features.compat_caps.behaviour import Behaviour
from harness.images.bootset import boot_set
from harness.model.bootable import BootSet, QemuProgram
from harness.model.errors import UsageError
from harness.model.expectation import Expectation
from harness.model.plan import SAME, Machine, Plan, PlannedKernel
from harness.model.record import KernelInfo
from harness.model.scenario import Placement
from harness.parts.cache import Cache
from harness.parts.kernelbuild import BuildChoices
from harness.parts.kernels import KernelBuild, resolve_kernel
from harness.parts.kernelspec import BaseKind, parse_spec
from harness.parts.qemu import QemuBuild, resolve_qemu
from harness.parts.userland import Userland, resolve_userland

# Message and hint for --expect-build-id where the machines are ours.
NOT_OVER_SSH = (
    "--expect-build-id is for a machine over SSH",
    "a machine of ours boots the image it is given",
)


def resolve(wanted: Wanted, options: RunOptions, progress: Callable[[str], None]) -> Plan:
    """Fetch and build what is missing. InfrastructureError or UsageError where that fails."""
    if any(runs_elsewhere(spec) for spec in wanted.kernels.values()):
        from harness.engine.remote_environment import resolve_remote  # the rest of it needs this file

        return resolve_remote(wanted, options)
    if options.expect_build_id:
        raise UsageError(*NOT_OVER_SSH)
    return _resolve_here(wanted, options, progress)


def runs_elsewhere(spec: str) -> bool:
    """Whether it names a machine over SSH."""
    return parse_spec(spec).kind is BaseKind.RUNNING


def _resolve_here(wanted: Wanted, options: RunOptions, progress: Callable[[str], None]) -> Plan:
    cache = Cache.default()
    choices = choices_of(options)
    builds = {
        spec: resolve_kernel(spec, cache, choices, locked_only=options.locked, progress=progress)
        for spec in dict.fromkeys((*wanted.kernels.values(), *wanted.l0_kernels.values()))
        if spec != SAME
    }
    qemu = resolve_qemu(options.qemu, cache, locked_only=options.locked, progress=progress)
    userland = resolve_userland(cache, locked_only=options.locked, progress=progress)

    def planned(label: str, spec: str) -> PlannedKernel:
        build = builds[spec]
        # --expect is about the kernels that are tested: one that is L0 only is what it is.
        forced = wanted.expect if spec in wanted.kernels.values() else None
        boots = boot_set(cache, build, userland, progress)
        return planned_kernel(label, spec, build, boots, forced, cache)

    kernels = {label: planned(label, spec) for label, spec in wanted.kernels.items()}
    l0_kernels = {label: planned(label, spec) for label, spec in wanted.l0_kernels.items() if spec != SAME}
    parts: list[QemuBuild | Userland | KernelBuild] = [qemu, userland, *builds.values()]
    return plan_of(
        wanted, options, kernels, l0_kernels,
        qemu=QemuProgram(qemu.label, qemu.argv, qemu.version),
        qemu_text=qemu.version_text, l1_qemu_text=userland.qemu_version,
        lacking={each.full_id: lack for each in wanted.placements if (lack := _lacks(qemu, each))},
        notes=_notes_of(parts),
        # One of the cache is what its name says.
        qemu_sha256=digest_of(Path(qemu.argv[-1])) if cache.tree_of(Path(qemu.argv[-1])) is None else "",
    )  # fmt: skip


def plan_of(
    wanted: Wanted, options: RunOptions, kernels: Mapping[str, PlannedKernel],
    l0_kernels: Mapping[str, PlannedKernel], *, qemu: QemuProgram | None, qemu_text: str, l1_qemu_text: str,
    lacking: Mapping[str, str], notes: tuple[str, ...] = (), qemu_sha256: str = "",
) -> Plan:  # fmt: skip
    """With what the options say as they are."""
    # Whoever repeats it may stand elsewhere.
    options = replace(options, tests=wanted.tests)
    every = [*kernels.values(), *l0_kernels.values()]
    expected = [note for each in every for one in each.expected.values() if (note := one.note)]
    switched_off = [f"workaround {name} is switched off" for name in options.no_workaround]
    allowed = [f"splat {title!r} is allowed" for title in options.allow_splat]
    return Plan(
        made=datetime.now().astimezone().isoformat(timespec="seconds"),
        version=metadata.version("kvmppc-harness"),
        command=shlex.join(["kvmppc", "run", *replace(options, run_dir="").arguments()]),
        options=shlex.join(options.needed_to_repeat().arguments()),
        scenarios=wanted.scenarios,
        kernels=kernels,
        l0_kernels=l0_kernels,
        qemu=qemu,
        qemu_text=qemu_text,
        l1_qemu_text=l1_qemu_text,
        lacking=lacking,
        suite=wanted.suite,
        fuzz_seconds=wanted.fuzz_seconds,
        seed=wanted.seed,
        calls=tuple(each.line for each in wanted.calls),
        no_workaround=tuple(options.no_workaround),
        allow_splat=tuple(options.allow_splat),
        timeout_scale=wanted.timeout_scale,
        tests=wanted.tests,
        notes=tuple(dict.fromkeys([*notes, *expected, *switched_off, *allowed])),
        qemu_sha256=qemu_sha256,
    )


def planned_kernel(
    label: str, spec: str, build: KernelBuild, boots: BootSet | None, forced: Behaviour | None,
    cache: Cache | None, machine: Machine | None = None,
) -> PlannedKernel:  # fmt: skip
    """forced: by --expect; cache: where texts of its source are kept."""
    kernel = description_of(build)
    expected = {each.name: each.expect(kernel) for each in features.all_features()}
    if forced is not None:
        expected[features.MAIN] = Expectation(forced.name, forced.to_json())
    found = expected[features.MAIN]
    info = KernelInfo(
        label=label,
        spec=spec,
        release=build.release,
        banner=build.banner,
        expect=found.name,
        identity=build.identity,
        sure=found.known,
        build_id=build.build_id,
        origin=build.origin,
        found_running=build.found_running,
    )
    texts = _kept_texts(cache, build.texts) if cache is not None and build.texts else None
    return PlannedKernel(info, boots, expected, texts, build.symbols, machine)


def _kept_texts(cache: Cache, texts: Mapping[str, str]) -> Path:
    document = json.dumps(dict(sorted(texts.items())))
    key = hashlib.sha256(document.encode()).hexdigest()[:32]

    def write(directory: Path) -> None:
        (directory / "texts.json").write_text(document)

    return (
        cache.tree("kernel-texts", key, write, why="files of a kernel's source that are judged")
        / "texts.json"
    )


def _lacks(qemu: QemuBuild, placement: Placement) -> str:
    options = [option.partition("=")[0] for option in placement.topology.machine_options]
    # Of an L1 in an L0 the QEMU is our userland's, which is new enough.
    needed = [] if placement.topology.has_l0 else options
    return qemu.lacks(placement.l1.cpu.qemu_name, placement.topology.machine, needed)


def _notes_of(parts: list[QemuBuild | Userland | KernelBuild]) -> tuple[str, ...]:
    notes: list[str] = []
    for part in parts:
        notes += part.notices
        if part.drift:
            first, more = part.drift[0], len(part.drift) - 1
            notes.append(f"not as locked: {first}" + (f" and {more} more packages" if more else ""))
    return tuple(notes)


def choices_of(options: RunOptions) -> BuildChoices:
    return BuildChoices(options.config, options.cross_compile, options.llvm)
