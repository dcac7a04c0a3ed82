# SPDX-License-Identifier: GPL-2.0-only
"""Packages as they were downloaded, by their sha256: what is here is not downloaded again.

Kept where the cache keeps its trees, so that it is listed and pruned like one; other than a
tree it grows.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from harness.parts.archive import Deb
from harness.parts.cache import Cache


class DebStore:
    def __init__(self, cache: Cache):
        self._root = cache.root / "trees/debs/sha256"

    def offer(self, debs: Iterable[Deb], directory: Path) -> None:
        """Put those of *debs* that are here into *directory*, under the names that apt looks for.

        apt itself only compares sizes, so each is read and verified; a damaged one goes.
        """
        directory.mkdir()
        for deb in debs:
            kept = self._path(deb.sha256)
            if not kept.is_file():
                continue
            if _digest(kept) != deb.sha256:
                kept.unlink(missing_ok=True)
                continue
            _link(kept, directory / file_name(deb))
        with contextlib.suppress(OSError):
            os.utime(self._about)  # its last use

    def keep(self, directory: Path) -> None:
        """Take the .deb files of *directory*."""
        self._root.mkdir(parents=True, exist_ok=True)
        self._about.write_text(json.dumps({"why": "packages as downloaded"}) + "\n")
        for path in directory.glob("*.deb"):
            kept = self._path(_digest(path))
            if not kept.exists():
                kept.parent.mkdir(exist_ok=True)
                # Whole or not at all, and two runs may keep the same one.
                partial = path.with_suffix(".keep")
                _link(path, partial)
                partial.replace(kept)

    @property
    def _about(self) -> Path:
        return self._root.with_name(f"{self._root.name}.json")

    def _path(self, sha256: str) -> Path:
        return self._root / sha256[:2] / f"{sha256}.deb"


def file_name(deb: Deb) -> str:
    """apt's name for it in its cache: ``qemu_1%3a11.1.3_ppc64el.deb``."""
    return f"{deb.package}_{deb.version.replace(':', '%3a')}_{deb.architecture}.deb"


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _link(origin: Path, copy: Path) -> None:
    """A hard link, or a copy on a file system that has none."""
    try:
        copy.hardlink_to(origin)
    except OSError:
        shutil.copyfile(origin, copy)
