# SPDX-License-Identifier: GPL-2.0-only
"""The guests' userland: ppc64el packages, unpacked."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from harness.model.errors import InfrastructureError
from harness.parts import debian
from harness.parts.cache import Cache
from harness.parts.packages import USERLAND
from harness.parts.progress import Progress, to_stderr


@dataclass(frozen=True)
class Userland:
    """qemu_version: upstream version of the QEMU in it, e.g. ``11.1.2``."""

    tree: Path
    identity: str
    qemu_version: str
    drift: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()


def resolve_userland(cache: Cache, *, locked_only: bool = False, progress: Progress = to_stderr) -> Userland:
    unpacked = debian.obtain(USERLAND, cache, locked_only=locked_only, progress=progress)
    version = unpacked.version_of("qemu-system-ppc")
    match = re.match(r"(?:\d+:)?(\d+\.\d+(?:\.\d+)?)", version)
    if match is None:
        raise InfrastructureError(f"the guests' qemu-system-ppc has the odd version {version}")
    text = match[1] if match[1].count(".") == 2 else f"{match[1]}.0"
    return Userland(unpacked.tree, unpacked.identity, text, unpacked.drift, unpacked.notices)
