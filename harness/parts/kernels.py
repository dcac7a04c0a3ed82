# SPDX-License-Identifier: GPL-2.0-only
"""Kernels under test, by what the user writes for --kernel.

Each kind of base (see kernelspec.py) is one row of KINDS; to add one, add a row.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from harness import features
from harness.model.errors import InfrastructureError, UsageError
from harness.model.release import Version, parse_release
from harness.parts import debian
from harness.parts.cache import Cache
from harness.parts.elf import kernel_facts
from harness.parts.kernelbuild import BuildChoices, build_kernel
from harness.parts.kernelspec import BaseKind, KernelSpec, parse_spec
from harness.parts.kernelsymbols import symbols_of
from harness.parts.packages import kernel_part
from harness.parts.progress import Progress, to_stderr


@dataclass(frozen=True)
class KernelBuild:
    """identity: names image and modules; modules: a lib/modules/RELEASE directory, None if all is
    built in; release: what ``uname -r`` answers; build_id: of the linker, hex, '' if it left none;
    version: (7, 3, 1), of what it calls itself; origin: what it was built from, '' for a prebuilt one;
    lacks: see Built; symbols: the same image before it was stripped, for a debugger, None without one;
    texts: see Built, empty for a prebuilt one; symbol_names: those that features look for, in
    the symbol table of a prebuilt one; found_running: it is not from an image, so that
    release is its own word; build_id is then what was said to run, '' for nothing."""

    spec: str
    label: str
    identity: str
    vmlinux: Path
    modules: Path | None
    release: str
    banner: str
    build_id: str
    version: Version
    drift: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
    origin: str = ""
    lacks: tuple[str, ...] = ()
    symbols: Path | None = None
    texts: Mapping[str, str] = field(default_factory=dict)
    symbol_names: frozenset[str] = frozenset()
    found_running: bool = False


_Resolve = Callable[[KernelSpec, Cache, BuildChoices, bool, Progress], KernelBuild]


def resolve_kernel(
    spec: str,
    cache: Cache,
    choices: BuildChoices = BuildChoices(),  # noqa: B008 - frozen
    *,
    locked_only: bool = False,
    progress: Progress = to_stderr,
) -> KernelBuild:
    """UsageError for a spec that names no bootable kernel, BuildError for one that does not build."""
    parsed = parse_spec(spec)
    return KINDS[parsed.kind](parsed, cache, choices, locked_only, progress)


def kernel_label(spec: str) -> str:
    """Short name of a spec, fit for ids and file names: ``debian:7.3`` -> ``7.3``. Only looks whether
    a file is there. UsageError for what is no spec."""
    return parse_spec(spec).label


def version_of(release: str, spec: str, banner: str = "") -> Version:
    """(7, 3, 1) of ``uname -r``. UsageError for what is none. banner: as for parse_release."""
    found = parse_release(release, banner)
    if found is None:
        raise UsageError(f"kernel {spec} calls itself {release!r}, which is no version")
    return found.version


def _debian(
    spec: KernelSpec, cache: Cache, _choices: BuildChoices, locked_only: bool, progress: Progress
) -> KernelBuild:
    unpacked = debian.obtain(kernel_part(spec.version), cache, locked_only=locked_only, progress=progress)
    images = _images(unpacked.tree)
    if len(images) != 1:
        raise InfrastructureError(f"the packages of {spec.text} hold {len(images)} kernel images, not one")
    facts = kernel_facts(images[0])
    places = ("lib/modules/*/kernel", "usr/lib/modules/*/kernel")
    modules = next((path.parent for place in places for path in unpacked.tree.glob(place)), None)
    return KernelBuild(
        spec=spec.text,
        label=spec.label,
        identity=unpacked.identity,
        vmlinux=images[0],
        modules=modules,
        release=facts.release,
        banner=facts.banner,
        build_id=facts.build_id,
        version=version_of(facts.release, spec.text, facts.banner),
        drift=unpacked.drift,
        notices=unpacked.notices,
        symbol_names=symbols_of(images[0], modules, features.symbols()),
    )


def _images(tree: Path) -> list[Path]:
    """Of kernels, in a package's files. Before 7.x in boot/, since then beside the modules."""
    usual = {
        path.stat().st_ino: path  # lib may be a link to usr/lib
        for place in ("boot", "lib/modules/*", "usr/lib/modules/*")
        for path in tree.glob(f"{place}/vmlinu[xz]*")
        if path.is_file()
    }
    # To look through all the modules takes ten times as long.
    return list(usual.values()) or [path for path in tree.rglob("vmlinu[xz]*") if path.is_file()]


def file_identity(path: Path) -> str:
    """Of a kernel that is an image of the user's. OSError if it cannot be read."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:32]


def _file(
    spec: KernelSpec, _cache: Cache, _choices: BuildChoices, _locked_only: bool, _progress: Progress
) -> KernelBuild:
    path = spec.path
    facts = kernel_facts(path)
    return KernelBuild(
        spec=spec.text,
        label=spec.label,
        identity=file_identity(path),
        vmlinux=path,
        modules=None,
        release=facts.release,
        banner=facts.banner,
        build_id=facts.build_id,
        version=version_of(facts.release, spec.text, facts.banner),
        symbol_names=symbols_of(path, None, features.symbols()),
    )


def _source(
    spec: KernelSpec, cache: Cache, choices: BuildChoices, locked_only: bool, progress: Progress
) -> KernelBuild:
    built = build_kernel(spec, choices, cache, locked_only=locked_only, progress=progress)
    image = built.directory / "vmlinux"
    facts = kernel_facts(image)
    modules = next((path.parent for path in built.directory.glob("lib/modules/*/kernel")), None)
    return KernelBuild(
        spec=spec.text,
        label=spec.label,
        identity=built.identity,
        vmlinux=image,
        modules=modules,
        release=facts.release,
        banner=facts.banner,
        build_id=facts.build_id,
        version=version_of(facts.release, spec.text, facts.banner),
        drift=built.drift,
        notices=built.notices,
        origin=built.origin,
        lacks=built.lacks,
        symbols=built.directory / "vmlinux.symbols",
        texts=built.texts,
    )


def _running(
    spec: KernelSpec, _cache: Cache, _choices: BuildChoices, _locked_only: bool, _progress: Progress
) -> KernelBuild:
    raise UsageError(
        f"kernel {spec.text} runs on a machine over SSH, and cannot be booted here", "see kvmppc probe --ssh"
    )


KINDS: dict[BaseKind, _Resolve] = {
    BaseKind.DEBIAN: _debian,
    BaseKind.DEBIAN_SOURCE: _source,
    BaseKind.FILE: _file,
    BaseKind.TREE: _source,
    BaseKind.RUNNING: _running,
}
