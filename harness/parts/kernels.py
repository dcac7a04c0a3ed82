# SPDX-License-Identifier: GPL-2.0-only
"""Kernels under test, by what the user writes for --kernel.

Each kind of spec is one row of KINDS; to add one, add a row.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from harness.model.errors import InfrastructureError, UsageError
from harness.parts import debian
from harness.parts.cache import Cache
from harness.parts.elf import kernel_facts
from harness.parts.progress import Progress, to_stderr
from harness.parts.table import KERNEL_SUITES, kernel_part


@dataclass(frozen=True)
class KernelBuild:
    """identity: names image and modules; modules: a lib/modules/RELEASE directory, None if all is
    built in; release: what ``uname -r`` answers; version: (7, 3)."""

    spec: str
    label: str
    identity: str
    vmlinux: Path
    modules: Path | None
    release: str
    banner: str
    version: tuple[int, int]
    drift: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Kind:
    """pattern: specs it takes, as people write them; matches, label and resolve: of a spec."""

    pattern: str
    matches: Callable[[str], bool]
    label: Callable[[str], str]
    resolve: Callable[[str, Cache, bool, Progress], KernelBuild]


def resolve_kernel(
    spec: str, cache: Cache, *, locked_only: bool = False, progress: Progress = to_stderr
) -> KernelBuild:
    """UsageError for a spec that names no bootable kernel."""
    for kind in KINDS:
        if kind.matches(spec):
            return kind.resolve(spec, cache, locked_only, progress)
    raise UsageError(f"kernel {spec!r} is neither a file nor a known kind", _known())


def kernel_label(spec: str) -> str:
    """Short name of a spec, fit for ids and file names: ``debian:7.3`` -> ``7.3``. Does no I/O but
    to see whether a file is there."""
    kind = next((kind for kind in KINDS if kind.matches(spec)), None)
    return re.sub(r"[^\w.+~]+", "_", kind.label(spec) if kind else spec) or "kernel"


def _known() -> str:
    versions = ", ".join(f"debian:{version}" for version in KERNEL_SUITES)
    return f"give {' or '.join(kind.pattern for kind in KINDS)}; known are {versions}"


def _version(release: str, spec: str) -> tuple[int, int]:
    match = re.match(r"(\d+)\.(\d+)", release)
    if match is None:
        raise UsageError(f"kernel {spec} calls itself {release!r}, which is no version")
    return int(match[1]), int(match[2])


def _debian(spec: str, cache: Cache, locked_only: bool, progress: Progress) -> KernelBuild:
    version = spec.partition(":")[2]
    if not re.fullmatch(r"\d+\.\d+", version):
        raise UsageError(f"kernel {spec!r} names no version", _known())
    unpacked = debian.obtain(kernel_part(version), cache, locked_only=locked_only, progress=progress)
    images = [path for path in unpacked.tree.rglob("vmlinu[xz]*") if path.is_file()]
    if len(images) != 1:
        raise InfrastructureError(f"the packages of {spec} hold {len(images)} kernel images, not one")
    facts = kernel_facts(images[0])
    modules = next((path.parent for path in unpacked.tree.rglob("modules/*/kernel")), None)
    return KernelBuild(
        spec=spec,
        label=kernel_label(spec),
        identity=unpacked.identity,
        vmlinux=images[0],
        modules=modules,
        release=facts.release,
        banner=facts.banner,
        version=_version(facts.release, spec),
        drift=unpacked.drift,
        notices=unpacked.notices,
    )


def _file(spec: str, _cache: Cache, _locked_only: bool, _progress: Progress) -> KernelBuild:
    path = Path(spec).expanduser().absolute()
    facts = kernel_facts(path)
    with path.open("rb") as file:
        content = hashlib.file_digest(file, "sha256").hexdigest()
    return KernelBuild(
        spec=spec,
        label=kernel_label(spec),
        identity=content[:32],
        vmlinux=path,
        modules=None,
        release=facts.release,
        banner=facts.banner,
        version=_version(facts.release, spec),
    )


KINDS = (
    Kind("debian:VERSION", lambda spec: spec.startswith("debian:"), lambda spec: spec[7:], _debian),
    Kind(
        "the path of a vmlinux",
        lambda spec: Path(spec).expanduser().exists() or "/" in spec or spec.startswith("."),
        lambda spec: Path(spec).name,
        _file,
    ),
)
