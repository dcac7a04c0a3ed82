# SPDX-License-Identifier: GPL-2.0-only
"""plan.json: a plan as a file. Its schema is plan.schema.json; files of the cache are named relative to it,
so that a plan is good on any machine whose cache has them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict
from importlib import resources
from pathlib import Path
from typing import Any

from harness.model.bootable import BootSet, QemuProgram
from harness.model.errors import UsageError
from harness.model.expectation import Expectation
from harness.model.plan import SAME, Machine, Plan, PlannedKernel, Suite
from harness.model.record import KernelInfo
from harness.model.scenario import L1Setting, L2Setting, Placement, Scenario
from harness.model.topology import topology

NAME = "plan.json"
SCHEMA = 1

# Stands for the directory of the cache.
_CACHE = "{cache}"

_PLAIN = (
    "made", "version", "command", "options", "qemu_text", "l1_qemu_text", "fuzz_seconds", "seed",
    "timeout_scale", "qemu_sha256",
)  # fmt: skip
_TUPLES = ("calls", "no_workaround", "allow_splat", "notes", "tests")
_BOOT_FILES = ("vmlinux", "initramfs", "userland", "kernel_disk", "symbols")
_VERSIONS = ("version", "l1_qemu")


def schema() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(
        resources.files("harness.engine").joinpath("plan.schema.json").read_text()
    )
    return found


def write(plan: Plan, path: Path, cache: Path) -> None:
    """As a whole. cache: its directory. OSError if it cannot be written."""
    partial = path.with_suffix(".part")
    partial.write_text(json.dumps(to_json(plan, cache), indent=1) + "\n")
    partial.replace(path)


def read(path: Path, cache: Path) -> Plan:
    """UsageError for what is no plan of this version."""
    try:
        found = json.loads(path.read_text())
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}", "give the plan.json of a run") from None
    except ValueError as error:
        raise UsageError(f"{path} is no plan: {error}", "give the plan.json of a run") from None
    if not isinstance(found, dict) or found.get("plan") != SCHEMA:
        number = found.get("plan") if isinstance(found, dict) else None
        hint = f"this version reads plans of format {SCHEMA}"
        raise UsageError(f"{path} is no plan of a known format (plan: {number!r})", hint)
    import jsonschema  # takes long to import

    try:
        jsonschema.Draft202012Validator(schema()).validate(found)
        return from_json(found, cache)
    except jsonschema.ValidationError as error:
        words = f"{error.json_path}: {error.message[:200]}"
    except (KeyError, ValueError, TypeError, StopIteration) as error:
        words = f"{type(error).__name__}: {error}"
    raise UsageError(f"{path} is no plan: {words}", "give the plan.json of a run")


def to_json(plan: Plan, cache: Path) -> dict[str, Any]:
    """In JSON's types."""
    found = {
        "plan": SCHEMA,
        **{name: getattr(plan, name) for name in _PLAIN},
        **{name: list(getattr(plan, name)) for name in _TUPLES},
        "suite": plan.suite.value,
        "scenarios": [_scenario(each) for each in plan.scenarios],
        "kernels": [_kernel(each) for each in plan.kernels.values()],
        "l0_kernels": [_kernel(each) for each in plan.l0_kernels.values()],
        "qemu": _qemu(plan.qemu) if plan.qemu is not None else None,
        "lacking": dict(plan.lacking),
    }
    relative: dict[str, Any] = _replaced(found, str(cache), _CACHE)
    return relative


def from_json(data: dict[str, Any], cache: Path) -> Plan:
    """Inverse of to_json. KeyError, ValueError or TypeError for anything else."""
    data = _replaced(data, _CACHE, str(cache))
    qemu = data["qemu"]
    labels = {each["info"]["label"] for each in data["l0_kernels"]} | {"", SAME}
    for each in data["scenarios"]:
        if each["l0"] not in labels:
            raise ValueError(f"there is no kernel {each['l0']!r} for L0")
    as_they_are: dict[str, Any] = {name: data[name] for name in _PLAIN}
    as_they_are |= {name: tuple(data[name]) for name in _TUPLES}
    return Plan(
        **as_they_are,
        suite=Suite(data["suite"]),
        scenarios=tuple(_scenario_of(each) for each in data["scenarios"]),
        kernels={each["info"]["label"]: _kernel_of(each) for each in data["kernels"]},
        l0_kernels={each["info"]["label"]: _kernel_of(each) for each in data["l0_kernels"]},
        qemu=None if qemu is None else _qemu_of(qemu),
        lacking=data["lacking"],
    )


def _replaced(value: Any, old: str, new: str) -> Any:
    """With *old* as a path, or as the beginning of one, replaced by *new* in all strings."""
    if isinstance(value, str):
        # At the start of a path, or of one of several in one word.
        return re.sub(rf"(^|:){re.escape(old)}(?=/|$)", lambda found: found[1] + new, value)
    if isinstance(value, Mapping):
        return {key: _replaced(each, old, new) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_replaced(each, old, new) for each in value]
    return value


def _scenario(each: Scenario) -> dict[str, Any]:
    at = each.placement
    return {
        "kernel": at.kernel, "l0": at.l0, "topology": at.topology.name, "l1": at.l1.id, "l2": each.l2.id,
    }  # fmt: skip


def _scenario_of(data: Mapping[str, str]) -> Scenario:
    where = Placement(data["kernel"], topology(data["topology"]), L1Setting.parse(data["l1"]), data["l0"])
    return Scenario(where, L2Setting.parse(data["l2"]))


def _kernel(kernel: PlannedKernel) -> dict[str, Any]:
    boots = kernel.boots
    return {
        "info": asdict(kernel.info),
        "boots": _boots(boots) if boots is not None else None,
        "expected": {name: each.to_json() for name, each in kernel.expected.items()},
        "texts": _text(kernel.texts),
        "symbols": _text(kernel.symbols),
        "machine": asdict(kernel.machine) if kernel.machine is not None else None,
    }


def _kernel_of(data: Mapping[str, Any]) -> PlannedKernel:
    boots, machine = data["boots"], data["machine"]
    return PlannedKernel(
        info=KernelInfo(**data["info"]),
        boots=None if boots is None else _boots_of(boots),
        expected={name: Expectation.from_json(each) for name, each in data["expected"].items()},
        texts=_path(data["texts"]),
        symbols=_path(data["symbols"]),
        machine=None if machine is None else Machine(**machine),
    )


def _boots(boots: BootSet) -> dict[str, Any]:
    files = {name: _text(getattr(boots, name)) for name in _BOOT_FILES}
    return {**asdict(boots), **files, **{name: list(getattr(boots, name)) for name in _VERSIONS}}


def _boots_of(data: Mapping[str, Any]) -> BootSet:
    files = {name: _path(data[name]) for name in _BOOT_FILES}
    return BootSet(**{**data, **files, **{name: tuple(data[name]) for name in _VERSIONS}})


def _qemu(qemu: QemuProgram) -> dict[str, Any]:
    return {"label": qemu.label, "argv": list(qemu.argv), "version": list(qemu.version)}


def _qemu_of(data: Mapping[str, Any]) -> QemuProgram:
    return QemuProgram(data["label"], tuple(data["argv"]), tuple(data["version"]))


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)


def _path(text: str | None) -> Path | None:
    return None if text is None else Path(text)
