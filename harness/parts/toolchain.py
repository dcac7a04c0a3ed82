# SPDX-License-Identifier: GPL-2.0-only
"""The compiler that kernels are built with."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass

from harness.model.errors import InfrastructureError, UsageError

# As distributions call their cross compilers.
_PREFIXES = ("powerpc64le-linux-gnu-", "powerpc64-linux-gnu-", "ppc64le-linux-gnu-")

# Program -> Debian package, beside the compiler.
_PROGRAMS = {"make": "make", "gcc": "gcc", "bc": "bc", "bison": "bison", "flex": "flex"}


@dataclass(frozen=True)
class Toolchain:
    """words: for make's command line; version: the compiler's first line; ccache: is one used;
    strip: the program that goes with the compiler."""

    words: tuple[str, ...]
    version: str
    ccache: bool
    strip: str


def find_toolchain(cross_compile: str = "", llvm: bool = False) -> Toolchain:
    """cross_compile: a prefix such as ``powerpc64le-linux-gnu-``, '' to look for one; llvm: clang, as
    with make's LLVM=1. UsageError for one that does not work, InfrastructureError if there is none."""
    missing = {name: package for name, package in _PROGRAMS.items() if shutil.which(name) is None}
    if missing:
        raise InfrastructureError(
            f"to build a kernel, {', '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing",
            f"type: sudo apt-get install {' '.join(missing.values())}",
        )
    prefix = cross_compile or _found_prefix(llvm)
    compiler = "clang" if llvm else f"{prefix}gcc"
    if shutil.which(compiler) is None:
        hint = "install clang and lld" if llvm else "give the whole prefix, such as powerpc64le-linux-gnu-"
        raise UsageError(f"there is no compiler {compiler}", hint)
    version = _version(compiler)
    if (
        not llvm
        and "ppc64" not in (target := _output(compiler, "-dumpmachine"))
        and "powerpc64" not in target
    ):
        raise UsageError(f"the compiler {compiler} is for {target}, not for ppc64le")
    ccache = shutil.which("ccache") is not None
    words = ["ARCH=powerpc", f"CROSS_COMPILE={prefix}", *(["LLVM=1"] if llvm else [])]
    if ccache:
        words.append(f"CC=ccache {compiler}")
    return Toolchain(tuple(words), version, ccache, "llvm-strip" if llvm else f"{prefix}strip")


def _found_prefix(llvm: bool) -> str:
    for prefix in _PREFIXES:
        if llvm or shutil.which(f"{prefix}gcc"):
            return prefix
    if os.uname().machine == "ppc64le" and shutil.which("gcc"):
        return ""
    raise InfrastructureError(
        "there is no compiler for ppc64le",
        "type: sudo apt-get install gcc-powerpc64le-linux-gnu, or give --cross-compile PREFIX",
    )


def _version(compiler: str) -> str:
    return _output(compiler, "--version").splitlines()[0]


def _output(*command: str) -> str:
    try:
        # It ends by itself: see harness.parts.git.
        done = subprocess.run(command, capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.CalledProcessError) as error:
        raise UsageError(f"{' '.join(command)} does not work: {error}") from None
    return done.stdout.strip() or "unknown"
