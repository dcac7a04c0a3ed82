# SPDX-License-Identifier: GPL-2.0-only
"""The ioctl's ABI in each of its published revisions, and how powerpc encodes ioctls.

Sources: the series "KVM: PPC: Handle CPU compatibility mode for nested guests",
v1 (2026-04-30) to v5, and Linux 7.3 include/uapi/linux/kvm.h as merged;
arch/powerpc/include/uapi/asm/ioctl.h for the bit layout.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from harness.model.cpu import Mode

KVMIO = 0xAE

# powerpc differs from the generic layout: 13 size bits, and three direction
# bits of which "none" is 1, not 0.
_IOC_NONE, _IOC_READ, _IOC_WRITE = 1, 2, 4


def _ioc(direction: int, number: int, size: int) -> int:
    return direction << 29 | size << 16 | KVMIO << 8 | number


def io(number: int) -> int:
    """``_IO(KVMIO, number)`` on powerpc."""
    return _ioc(_IOC_NONE, number, 0)


def ior(number: int, size: int) -> int:
    """``_IOR(KVMIO, number, T)`` on powerpc, size = sizeof(T) in bytes."""
    return _ioc(_IOC_READ, number, size)


def iow(number: int, size: int) -> int:
    """``_IOW(KVMIO, number, T)`` on powerpc, size = sizeof(T) in bytes."""
    return _ioc(_IOC_WRITE, number, size)


def iowr(number: int, size: int) -> int:
    """``_IOWR(KVMIO, number, T)`` on powerpc, size = sizeof(T) in bytes."""
    return _ioc(_IOC_READ | _IOC_WRITE, number, size)


@dataclass(frozen=True)
class Revision:
    """One published shape of KVM_PPC_GET_COMPAT_CAPS.

    struct_size, offset_*: bytes; offset_size is None where userspace does not say
    how large its struct is; cumulative: whether with nested API v1 the bits of older modes are set too.
    """

    name: str
    capability: int
    request: int
    struct_size: int
    offset_flags: int
    offset_caps: int
    offset_size: int | None
    source: str
    cumulative: bool = False


V1 = Revision(
    "v1", 249, ior(0xE4, 16), 16, 0, 8, None, "mail of 2026-04-30, patch 2/6: u32 flags, pad, u64 caps"
)
V2 = Revision("v2", 249, ior(0xE4, 16), 16, 0, 8, None, "v2 patch 2: u64 flags, u64 caps; same number as v1")
V3 = Revision("v3", 249, ior(0xE4, 16), 16, 0, 8, None, "v3: as v2, but ENOTTY without a backend")
V4 = Revision("v4", 249, ior(0xE4, 24), 24, 0, 16, 8, "v4 patch 2: flags, size, caps")
V5 = Revision("v5", 250, io(0xE4), 24, 8, 16, 0, "v5 patch 2: size first, _IO", cumulative=True)
MERGED = Revision(
    "merged", 250, io(0xB8), 24, 8, 16, 0, "Linux 7.3 include/uapi/linux/kvm.h", cumulative=True
)

REVISIONS = (V1, V2, V3, V4, V5, MERGED)

# MSB-0 bits 1, 2, 3 (KVM_PPC_COMPAT_CAP_POWER9 ... in the merged uapi header; the
# same positions as H_GUEST_CAP_POWER9 ... in arch/powerpc/include/asm/hvcall.h).
CAP_BIT = {Mode.P9: 1 << 62, Mode.P10: 1 << 61, Mode.P11: 1 << 60}

# KVM_REG_PPC | KVM_REG_SIZE_U32 | 0xb7, arch/powerpc/include/uapi/asm/kvm.h.
KVM_REG_PPC_ARCH_COMPAT = 0x1000000000000000 | 0x0020000000000000 | 0xB7


def caps_upto(mode: Mode) -> int:
    """Bitmap of all modes an L1 in *mode* may grant its guests (cumulative)."""
    return sum(bit for granted, bit in CAP_BIT.items() if granted <= mode)


def cap_names(bitmap: int) -> str:
    """``P9 P10`` for a bitmap; unknown bits as hex, ``-`` for none."""
    names = [mode.name for mode, bit in CAP_BIT.items() if bitmap & bit]
    rest = bitmap & ~sum(CAP_BIT.values())
    if rest:
        names.append(f"{rest:#x}")
    return " ".join(names) or "-"


def distinct(revisions: Iterable[Revision] = REVISIONS) -> list[Revision]:
    """One revision for each request number: v2 and v3 have v1's."""
    found: dict[int, Revision] = {}
    for each in revisions:
        found.setdefault(each.request, each)
    return list(found.values())


def requests(revisions: Iterable[Revision] = REVISIONS) -> dict[int, tuple[str, ...]]:
    """Distinct request numbers -> names of the revisions that use each."""
    table: dict[int, tuple[str, ...]] = {}
    for revision in revisions:
        table[revision.request] = (*table.get(revision.request, ()), revision.name)
    return table
