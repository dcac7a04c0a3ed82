# SPDX-License-Identifier: GPL-2.0-only
"""A part of a plan, and whether a plan can be run on this machine."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from harness.features import all_features
from harness.model.errors import UsageError
from harness.model.plan import Plan, PlannedKernel
from harness.model.scenario import Scenario


def part_of(plan: Plan, scenarios: Sequence[Scenario]) -> Plan:
    """With these of its scenarios, and nothing that only others need."""
    placements = {each.placement for each in scenarios}
    kernels, l0s = {each.kernel for each in placements}, {each.l0 for each in placements}
    return replace(
        plan,
        scenarios=tuple(scenarios),
        kernels={label: each for label, each in plan.kernels.items() if label in kernels},
        l0_kernels={label: each for label, each in plan.l0_kernels.items() if label in l0s},
        lacking={name: why for name, why in plan.lacking.items() if name in {p.full_id for p in placements}},
    )


def chosen(plan: Plan, only: Collection[str]) -> Plan:
    """The part with these ids, with or without the kernel before them; all of it where none is given.
    UsageError for an id that it does not have."""
    if not only:
        return plan
    for text in only:
        if not any(text in (each.id, each.full_id) for each in plan.scenarios):
            raise UsageError(f"the plan has no scenario {text!r}", "see kvmppc run --plan FILE --list")
    return part_of(plan, [each for each in plan.scenarios if each.id in only or each.full_id in only])


def require_files(plan: Plan, file: Path) -> None:
    """UsageError that names the first of the plan's files that are not on this machine, or are others.
    file: of the plan, for the message."""
    lacks = list(_lacks(plan))
    if lacks:
        more = f" (and {len(lacks) - 1} more)" if len(lacks) > 1 else ""
        raise UsageError(
            f"{file} cannot be run here: {lacks[0]}{more}",
            f"what can be fetched or built here is by the plan's own command: {plan.command}",
        )


def _lacks(plan: Plan) -> Iterator[str]:
    installed = {each.name for each in all_features()}
    for name in dict.fromkeys(name for each in plan.kernels.values() for name in each.expected):
        if name not in installed:
            yield f"feature {name} is not installed"
    for kernel in (*plan.kernels.values(), *plan.l0_kernels.values()):
        yield from _lacks_of(kernel)
    if plan.qemu is not None:
        program = shlex.join(plan.qemu.argv)
        for word in plan.qemu.argv:
            if word.startswith("/") and ":" not in word and not Path(word).exists():
                yield f"QEMU {plan.qemu.label}: there is no {word}"
        if plan.qemu_sha256 and digest_of(Path(plan.qemu.argv[-1])) != plan.qemu_sha256:
            yield f"QEMU {plan.qemu.label}: {program} is another one than when the plan was made"


def _lacks_of(kernel: PlannedKernel) -> Iterator[str]:
    files = [
        *(kernel.boots.files if kernel.boots is not None else ()),
        *([kernel.texts] if kernel.texts else []),
    ]
    for each in files:
        if not each.is_file():
            yield f"kernel {kernel.info.label} ({kernel.info.spec}): there is no {each}"


def digest_of(path: Path) -> str:
    """sha256 of a file, '' if it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""
