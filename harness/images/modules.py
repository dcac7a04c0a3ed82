# SPDX-License-Identifier: GPL-2.0-only
"""Which modules a level loads, in which order.

A Debian package carries no modules.dep (depmod runs when it is installed), so the order
comes from what each module says about itself.
"""

from __future__ import annotations

from pathlib import Path

from harness.parts.elf import module_facts

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

    def provider(name: str) -> str:
        """The module of this name, or the one with the alias: crc32c is crc32c_generic's."""
        if name in files:
            return name
        # An alias in use here is a prefix of its module's name; reading every module to be
        # sure would take half a minute.
        candidates = sorted(
            (key for key in files if key.startswith(name)), key=lambda key: "generic" not in key
        )
        return next((key for key in candidates if name in map(_key, module_facts(files[key]).aliases)), "")

    def add(name: str, chain: tuple[str, ...]) -> None:
        found = provider(_key(name))
        if not found or found in order or found in chain:
            return
        for dependency in module_facts(files[found]).depends:
            add(dependency, (*chain, found))
        order[found] = files[found]

    for name in WANTED:
        add(name, ())
    return list(order.values())
