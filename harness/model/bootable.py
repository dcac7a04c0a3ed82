# SPDX-License-Identifier: GPL-2.0-only
"""What a machine boots from, as paths. Made by the images room, read by the levels room."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class QemuProgram:
    """A runnable qemu-system-ppc64. argv: prefix that starts it; label and version: for people."""

    label: str
    argv: tuple[str, ...]
    version: tuple[int, int, int]


@dataclass(frozen=True)
class BootSet:
    """One kernel with all that a level needs to boot it and to start a guest of its own.

    vmlinux: the kernel, an ELF; initramfs: newc cpio; userland, kernel_disk: erofs images,
    the first and second virtio disk. release: what ``uname -r`` must answer; version: (7, 3);
    l1_qemu: of the QEMU on the userland;
    symbols: an ELF of the same kernel that names its functions, None where there is none.
    level_kernel, level_initramfs: where a level that has this kernel's disk finds what it boots
    another level from; guest_kernel, guest_initramfs: where a level finds what it boots its guest from.
    """

    vmlinux: Path
    initramfs: Path
    userland: Path
    kernel_disk: Path
    release: str
    version: tuple[int, int]
    l1_qemu: tuple[int, int, int]
    level_kernel: str = "/kernel/vmlinux"
    level_initramfs: str = "/kernel/level.cpio"
    guest_kernel: str = "/kernel/vmlinux"
    guest_initramfs: str = "/kernel/guest.cpio"
    symbols: Path | None = None

    @property
    def files(self) -> tuple[Path, ...]:
        """Those that a machine boots from."""
        return self.vmlinux, self.initramfs, self.userland, self.kernel_disk
