# SPDX-License-Identifier: GPL-2.0-only
"""A copy of the cache that may be damaged: hard links, so that it costs nothing."""

from __future__ import annotations

import os
import shutil
from pathlib import Path


def copy(original: Path, target: Path) -> None:
    """*target* is made. Trees are linked file by file, what is changed in place is copied; areas, in which
    kernels are built, are left out: who wants a kernel that is built already needs none."""
    target.mkdir(parents=True)
    for path in original.iterdir():
        if path.is_file():
            shutil.copy2(path, target / path.name)
    for name in ("trees", "manifests"):
        if (original / name).is_dir():
            shutil.copytree(original / name, target / name, symlinks=True, copy_function=_link)


def _link(source: str, target: str) -> None:
    """Descriptions beside a tree are written when it is used; all else is never changed again."""
    if source.endswith(".json"):
        shutil.copy2(source, target)
        return
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:
        shutil.copy2(source, target, follow_symlinks=False)


def own(path: Path) -> None:
    """Make a linked file one of this copy alone, before it is damaged in place."""
    apart = path.with_name(f"{path.name}.own")
    shutil.copy2(path, apart)
    apart.replace(path)


def flip(path: Path, at: float = 0.5, count: int = 65536) -> None:
    """Turn all bits of *count* bytes at that part of its length, in place. Only for a file that is own()."""
    size = path.stat().st_size
    start = min(int(size * at), max(0, size - count))
    with path.open("r+b") as file:
        file.seek(start)
        data = file.read(count)
        file.seek(start)
        file.write(bytes(each ^ 0xFF for each in data))


def truncate(path: Path, at: float = 0.5) -> None:
    """Cut it off at that part of its length, in place. Only for a file that is own()."""
    os.truncate(path, int(path.stat().st_size * at))
