# SPDX-License-Identifier: GPL-2.0-only
"""Write a newc cpio archive, the format of an initramfs, without root.

Format: Linux Documentation/driver-api/early-userspace/buffer-format.rst.
"""

from __future__ import annotations

import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO


@dataclass(frozen=True)
class Entry:
    """name: path in the archive, without a leading slash; data: None for a directory."""

    name: str
    data: bytes | None = None
    executable: bool = False


def write(path: Path, entries: Iterable[Entry]) -> None:
    """Write *entries* and the parent directories they need. Owner root, time 0."""
    made: set[str] = set()
    with path.open("wb") as file:
        number = 0
        for entry in entries:
            for parent in reversed(Path(entry.name).parents[:-1]):
                if str(parent) not in made:
                    made.add(str(parent))
                    number += 1
                    _member(file, number, str(parent), stat.S_IFDIR | 0o755, b"")
            if entry.data is None and entry.name in made:
                continue
            number += 1
            if entry.data is None:
                made.add(entry.name)
                _member(file, number, entry.name, stat.S_IFDIR | 0o755, b"")
            else:
                mode = stat.S_IFREG | (0o755 if entry.executable else 0o644)
                _member(file, number, entry.name, mode, entry.data)
        _member(file, 0, "TRAILER!!!", 0, b"")


def _member(file: BinaryIO, inode: int, name: str, mode: int, data: bytes) -> None:
    encoded = name.encode() + b"\0"
    links = 2 if stat.S_ISDIR(mode) else 1
    # magic, then 13 numbers of eight hex digits: inode mode uid gid nlink mtime size
    # devmajor devminor rdevmajor rdevminor namesize check
    numbers = (inode, mode, 0, 0, links, 0, len(data), 0, 0, 0, 0, len(encoded), 0)
    header = b"070701" + b"".join(b"%08X" % number for number in numbers) + encoded
    file.write(_padded(header))
    file.write(_padded(data))


def _padded(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % 4)
