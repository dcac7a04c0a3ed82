# SPDX-License-Identifier: GPL-2.0-only
"""Copies of the cache that may be damaged."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path


def copy_used(original: Path, target: Path, since: float) -> None:
    """Those trees of a cache that were used since then, in seconds since the epoch; *target* is made. Real
    copies: a further link to a file changes its inode, and the original would have to be proven anew."""
    target.mkdir(parents=True)
    answers = original / "qemu-answers.json"
    if answers.is_file():
        shutil.copy2(answers, target / answers.name)
    for about in original.glob("trees/*/*.json"):
        tree = about.with_suffix("")
        if about.stat().st_mtime < since or not tree.is_dir():
            continue
        into = target / "trees" / about.parent.name
        into.mkdir(parents=True, exist_ok=True)
        # Images have holes; copied without them the copy is several times as large.
        subprocess.run(["cp", "-a", "--sparse=always", tree, into / tree.name], check=True)
        shutil.copy2(about, into / about.name)


def link(original: Path, target: Path) -> None:
    """A copy of a copy: of hard links, so that it costs nothing. What is written in place is copied: the
    descriptions beside the trees."""

    def one(source: str, copy: str) -> None:
        if source.endswith(".json"):
            shutil.copy2(source, copy)
        else:
            os.link(source, copy)

    shutil.copytree(original, target, symlinks=True, copy_function=one)


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
