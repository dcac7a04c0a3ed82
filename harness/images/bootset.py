# SPDX-License-Identifier: GPL-2.0-only
"""From a kernel and a userland to what a level boots."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path

from harness.images import cpio, erofs, guestfiles, modules
from harness.images.userland_image import userland_image
from harness.model.bootable import BootSet
from harness.model.errors import InfrastructureError
from harness.parts.archive import require_programs
from harness.parts.cache import Cache
from harness.parts.elf import read_module
from harness.parts.kernels import KernelBuild, file_identity
from harness.parts.userland import Userland

# Bumped when this file changes what it puts into an image.
LAYOUT = "8"


def boot_set(
    cache: Cache, kernel: KernelBuild, userland: Userland, progress: Callable[[str], None]
) -> BootSet:
    """Images for *kernel*; built once and kept in the cache."""
    disk = userland_image(cache, userland, progress)
    key = hashlib.sha256(
        f"{LAYOUT} {kernel.identity} {userland.identity} {guestfiles.digest()}".encode()
    ).hexdigest()[:32]

    def build(directory: Path) -> None:
        require_programs({"mkfs.erofs": "erofs-utils"})
        progress(f"making the images of kernel {kernel.label}")
        busybox = (userland.tree / "usr/bin/busybox").read_bytes()
        cpio.write(directory / "level.cpio", [*_common(busybox), *_module_entries(kernel)])
        tree = directory / "disk"
        tree.mkdir()
        # Followed, not linked: a user's vmlinux may be on another file system.
        shutil.copyfile(kernel.vmlinux, tree / "vmlinux")
        if cache.tree_of(kernel.vmlinux) is None:
            _keep_image(kernel, tree / "vmlinux", directory / "vmlinux")
        cpio.write(tree / "guest.cpio", _common(busybox))
        # For an L0, which boots L1 from this disk and hands it down.
        shutil.copyfile(directory / "level.cpio", tree / "level.cpio")
        # Plain: QEMU in the level reads the kernel once, and unpacking costs TCG time.
        erofs.make(directory / "kernel.erofs", tree, compress=False)
        shutil.rmtree(tree)

    made = cache.tree("kernel-image", key, build, why=f"images of kernel {kernel.label}")
    version = tuple(int(part) for part in userland.qemu_version.split("."))
    image = made / "vmlinux" if cache.tree_of(kernel.vmlinux) is None else kernel.vmlinux
    return BootSet(
        vmlinux=image,
        symbols=kernel.symbols or image,
        initramfs=made / "level.cpio",
        userland=disk,
        kernel_disk=made / "kernel.erofs",
        release=kernel.release,
        version=kernel.version[:2],
        l1_qemu=(version[0], version[1], version[2]),
    )


def _keep_image(kernel: KernelBuild, copy: Path, place: Path) -> None:
    """An image of the user's may become another one while a run goes on: what boots is a copy.
    InfrastructureError if it is another one already."""
    shutil.copyfile(copy, place)
    if file_identity(place) != kernel.identity:
        raise InfrastructureError(f"{kernel.vmlinux} changed while it was copied", "start it again")


def _common(busybox: bytes) -> list[cpio.Entry]:
    return [
        cpio.Entry("init", guestfiles.read("init"), executable=True),
        cpio.Entry("report.sh", guestfiles.read("report.sh")),
        cpio.Entry("bin/busybox", busybox, executable=True),
    ]


def _module_entries(kernel: KernelBuild) -> list[cpio.Entry]:
    if kernel.modules is None:
        return []
    entries = [
        cpio.Entry(f"modules/{path.name.partition('.ko')[0]}.ko", read_module(path))
        for path in modules.load_order(kernel.modules)
    ]
    order = "\n".join(entry.name.removeprefix("modules/") for entry in entries) + "\n"
    return [*entries, cpio.Entry("modules/order", order.encode())]
