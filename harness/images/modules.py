# SPDX-License-Identifier: GPL-2.0-only
"""Which modules a level loads, in which order.

A Debian package carries no modules.dep (depmod runs when it is installed), so the order
comes from what each module says about itself.
"""

from __future__ import annotations

import gzip
import lzma
from pathlib import Path

from harness.parts.elf import module_depends

# A level's disks, its file system, its network, KVM. What a kernel has built in has no file.
WANTED = ("virtio_pci", "virtio_blk", "erofs", "virtio_net", "virtio_rng", "kvm_hv")


def _key(name: str) -> str:
    """Module names use - and _ alike."""
    return name.replace("-", "_")


def load_order(modules: Path) -> list[Path]:
    """Files of WANTED and of all they depend on, dependencies first.

    modules: a lib/modules/RELEASE directory.
    """
    files: dict[str, Path] = {}
    for path in sorted(modules.rglob("*.ko*")):
        files.setdefault(_key(path.name.partition(".ko")[0]), path)
    order: dict[str, Path] = {}

    def add(name: str, chain: tuple[str, ...]) -> None:
        path = files.get(name)
        if path is None or name in order or name in chain:
            return
        for dependency in module_depends(path):
            add(_key(dependency), (*chain, name))
        order[name] = path

    for name in WANTED:
        add(name, ())
    return list(order.values())


def read(path: Path) -> bytes:
    """A module's ELF, whatever the package compressed it with. ValueError for an unknown kind."""
    data = path.read_bytes()
    match path.suffix:
        case ".ko":
            return data
        case ".xz":
            return lzma.decompress(data)
        case ".gz":
            return gzip.decompress(data)
    raise ValueError(f"{path}: compressed in a way this tool does not know")
