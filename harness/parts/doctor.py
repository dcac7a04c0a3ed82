# SPDX-License-Identifier: GPL-2.0-only
"""What a machine lacks, before a run finds out."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from harness.model.errors import HarnessError
from harness.parts.cache import Cache
from harness.parts.qemu import resolve_qemu
from harness.parts.toolchain import find_toolchain
from harness.processes import memory

# What a first run puts into the cache, with kernels from source: measured.
_WANTED_DISK = 12 << 30
# Without kernels from source.
_LEAST_DISK = 1 << 30
_WANTED_MEMORY = 4 << 30


class State(Enum):
    """Values are read by people."""

    FINE = "ok"
    LESS = "less"  # works, with something missing or slower
    MISSING = "MISSING"


@dataclass(frozen=True)
class Finding:
    what: str
    state: State
    words: str
    hint: str = ""


def examine() -> list[Finding]:
    """Fetches and builds nothing."""
    return [
        finding
        for look in (_python, _programs, _emulator, _compiler, _cache, _memory, _cores, _parts, _host_qemu)
        for finding in look()
    ]


def _python() -> Iterator[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    yield Finding("Python", State.FINE, f"{version}, {sys.executable}")


def _programs() -> Iterator[Finding]:
    for program, package, why in (
        ("mmdebstrap", "mmdebstrap", "fetches Debian's packages"),
        ("gpg", "gpg", "checks their signatures"),
        ("mkfs.erofs", "erofs-utils", "makes the guests' disks"),
    ):
        yield _program(program, package, why, State.MISSING)
    keyring = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
    there = keyring.exists() or keyring.with_suffix(".pgp").exists()
    yield Finding(
        "debian-archive-keyring", State.FINE if there else State.MISSING,
        "there" if there else "not installed: without it no signature can be checked",
        "" if there else _install("debian-archive-keyring"),
    )  # fmt: skip
    yield _program("git", "git", "kernels from a tree, series, bisects", State.LESS)


def _program(program: str, package: str, why: str, without: State) -> Finding:
    found = shutil.which(program)
    if found:
        return Finding(program, State.FINE, found)
    return Finding(program, without, f"not there: {why}", _install(package))


def _install(package: str) -> str:
    return f"type: sudo apt-get install {package}"


def _emulator() -> Iterator[Finding]:
    found = shutil.which("qemu-ppc64le-static") or shutil.which("qemu-ppc64le")
    if found:
        yield Finding("qemu-ppc64le", State.FINE, found)
    else:
        words = "not there: Python in L1 starts 2 s slower"
        yield Finding("qemu-ppc64le", State.LESS, words, _install("qemu-user"))


def _compiler() -> Iterator[Finding]:
    try:
        toolchain = find_toolchain()
    except HarnessError as error:
        yield Finding("cross compiler", State.LESS, f"no kernels from source: {error.what}", error.hint)
        return
    yield Finding("cross compiler", State.FINE, toolchain.version)
    if not toolchain.ccache:
        yield Finding(
            "ccache", State.LESS, "not there: a second cold build takes minutes", _install("ccache")
        )


def _cache() -> Iterator[Finding]:
    try:
        cache = Cache.default()
    except HarnessError as error:
        yield Finding("cache", State.MISSING, error.what, error.hint)
        return
    free = shutil.disk_usage(cache.root).free
    words = f"{cache.root}, {free / 1e9:.0f} GB free"
    if free < _LEAST_DISK:
        yield Finding("cache", State.MISSING, words, "free some, or set KVMPPC_CACHE to another disk")
    elif free < _WANTED_DISK:
        yield Finding(
            "cache", State.LESS, words, f"some {_WANTED_DISK >> 30} GB are wanted; see KVMPPC_CACHE"
        )
    else:
        yield Finding("cache", State.FINE, words)


def _memory() -> Iterator[Finding]:
    free = memory.available()
    state = State.FINE if free >= _WANTED_MEMORY else State.LESS
    hint = "" if state is State.FINE else "an L1 wants 3 GB, three levels on powernv 5 GB"
    yield Finding("memory", state, f"{free / 1e9:.1f} GB available", hint)


def _cores() -> Iterator[Finding]:
    count = len(os.sched_getaffinity(0))
    words = f"{count}, so {count} L1s side by side"
    yield Finding("cores", State.FINE if count > 1 else State.LESS, words)


def _parts() -> Iterator[Finding]:
    try:
        cache = Cache.default()
    except HarnessError:
        return
    count = sum(1 for each in cache.entries() if each.kind == "debian")
    words = (
        f"{count} of Debian's parts are there" if count else "nothing yet: the first run fetches some 200 MB"
    )
    yield Finding("parts", State.FINE, words)


def _host_qemu() -> Iterator[Finding]:
    if shutil.which("qemu-system-ppc64") is None:
        yield Finding("QEMU on PATH", State.FINE, "none, and none is needed: Debian's is fetched")
        return
    try:
        build = resolve_qemu("host", Cache.default())
    except (HarnessError, OSError, subprocess.SubprocessError) as error:
        yield Finding("QEMU on PATH", State.LESS, str(error), "runs use Debian's unless --qemu host is given")
        return
    lacking = [f"-cpu {cpu}" for cpu in ("power9", "power10", "power11") if cpu not in build.cpus]
    lacking += [each for each in ("powernv9", "powernv10", "powernv11") if each not in build.machines]
    words = build.version_text + (f", without {', '.join(lacking)}" if lacking else "")
    yield Finding("QEMU on PATH", State.FINE, words)


def report(show: Callable[[str], None]) -> int:
    """Exit code: 0 if a run can start, 3 if something is missing."""
    findings = examine()
    width = max(len(each.what) for each in findings)
    for each in findings:
        show(
            f"{each.state.value:<8}{each.what:<{width}}  {each.words}"
            + (f"; {each.hint}" if each.hint else "")
        )
    missing = [each.what for each in findings if each.state is State.MISSING]
    show(f"missing: {', '.join(missing)}; ci/setup brings it" if missing else "a run can start")
    return 3 if missing else 0
