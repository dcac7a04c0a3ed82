# SPDX-License-Identifier: GPL-2.0-only
"""The read-only disk that carries a level's userland: QEMU, SSH, Python, our programs."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from harness.images import erofs, guestfiles
from harness.model.errors import InfrastructureError
from harness.parts.archive import require_programs
from harness.parts.cache import Cache
from harness.parts.userland import Userland
from harness.processes import single

# Bumped when this file changes what it puts into the image.
LAYOUT = "6"

# What no level ever opens; a third of the tree.
LEAVE_OUT = (
    "usr/share/doc", "usr/share/man", "usr/share/locale", "usr/share/lintian", "usr/share/bash-completion",
    "usr/share/zsh", "usr/share/bug", "usr/share/alsa", "usr/share/seabios", "usr/share/polkit-1",
    "usr/lib/systemd", "usr/share/qemu/keymaps", "usr/share/qemu/hppa-firmware.img",
    "usr/share/qemu/hppa-firmware64.img", "usr/bin/qemu-system-ppc", "etc", "dev", "var", "tmp",
)  # fmt: skip

# Directories the guest mounts something on.
MOUNT_POINTS = ("proc", "sys", "dev", "run", "tmp", "kernel", "etc", "root")


def userland_image(cache: Cache, userland: Userland, progress: Callable[[str], None]) -> Path:
    """Path of the erofs image; built once for each userland and each version of our programs."""
    emulator = shutil.which("qemu-ppc64le-static") or shutil.which("qemu-ppc64le")
    key = hashlib.sha256(
        f"{LAYOUT} {userland.identity} {guestfiles.digest()} {'pyc' if emulator else 'plain'}".encode()
    ).hexdigest()[:32]

    def build(directory: Path) -> None:
        require_programs({"mkfs.erofs": "erofs-utils"})
        progress("making the guests' userland image")
        tree = directory / "tree"
        _copy(userland.tree, tree)
        _add_ours(tree)
        if emulator:
            _compile_python(tree, emulator)
        else:
            progress("qemu-ppc64le (package qemu-user-static) is missing: Python in L1 starts 2 s slower")
        erofs.make(directory / "userland.erofs", tree, compress=False)
        shutil.rmtree(tree)

    return cache.tree("userland-image", key, build, why="guests' userland") / "userland.erofs"


def _copy(source: Path, target: Path) -> None:
    left_out = {source / name for name in LEAVE_OUT}

    def ignore(directory: str, names: list[str]) -> set[str]:
        return {name for name in names if Path(directory) / name in left_out}

    # Hard links where possible: the copy lives for seconds and nothing in it is changed.
    def link(origin: str, copy: str) -> None:
        try:
            os.link(origin, copy)
        except OSError:
            shutil.copy2(origin, copy)

    shutil.copytree(source, target, symlinks=True, ignore=ignore, copy_function=link)


def _add_ours(tree: Path) -> None:
    for name in MOUNT_POINTS:
        (tree / name).mkdir(exist_ok=True)
    for name in ("bin", "sbin", "lib", "lib64"):
        if not (tree / name).exists():
            (tree / name).symlink_to(f"usr/{name}")
    (tree / "etc/passwd").write_text("root:x:0:0:root:/run/root:/usr/bin/sh\n")
    (tree / "etc/group").write_text("root:x:0:\n")
    (tree / "etc/shells").write_text("/usr/bin/sh\n")
    for name in ("sh", "poweroff"):
        if not (tree / "usr/bin" / name).exists():
            (tree / "usr/bin" / name).symlink_to("busybox")
    ours = tree / "usr/lib/kvmppc"
    ours.mkdir()
    for name in ("level", "report.sh", *guestfiles.PROGRAMS):
        (ours / name).write_bytes(guestfiles.read(name))
    (ours / "level").chmod(0o755)


def _compile_python(tree: Path, emulator: str) -> None:
    """Compile the standard library and our programs with the guest's own Python: under TCG, compiling
    what the probe imports costs 1.5 s of every L1 (measured on 2 cores).

    The image has no times, so a .pyc must not be checked against its source's.
    """
    library = next(tree.glob("usr/lib/python3.*"))
    packages = ("collections", "ctypes", "encodings", "importlib", "json", "re")
    sources = [path for path in library.glob("*.py") if path.is_file()] + [
        library / name for name in packages
    ]
    sources.append(tree / "usr/lib/kvmppc")
    command = [
        emulator,
        "-L",
        str(tree),
        str(tree / "usr/bin/python3"),
        "-S",
        "-m",
        "compileall",
        "-q",
        "-j1",
        "--invalidation-mode",
        "unchecked-hash",
        "-s",
        str(tree),
        "-p",
        "/",
        *map(str, sources),
    ]
    result = single.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONHOME": str(tree / "usr"), "PYTHONDONTWRITEBYTECODE": ""},
    )
    if result.returncode:
        lines = (result.stderr or result.stdout).strip().splitlines() or ["no output"]
        raise InfrastructureError(f"compiling the guest's Python under {emulator} failed: {lines[-1]}")
