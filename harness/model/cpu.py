# SPDX-License-Identifier: GPL-2.0-only
"""POWER processor generations, their PVRs, and how a Linux says which one it runs as.

Sources: ``PVR_ARCH_*`` in Linux arch/powerpc/include/asm/reg.h (logical PVRs),
``CPU_POWERPC_*`` in QEMU target/ppc/cpu-models.h (raw PVRs of the models QEMU
starts for ``-cpu power9`` and so on), ``show_cpuinfo`` in Linux
arch/powerpc/kernel/setup-common.c (the text of /proc/cpuinfo).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum


class Mode(IntEnum):
    """A processor generation; also the compat mode named after it. Ordered by age."""

    P8 = 8
    P9 = 9
    P10 = 10
    P11 = 11
    P12 = 12

    @property
    def logical_pvr(self) -> int:
        """The architected PVR, 32 bit, that names this compat mode."""
        return 0x0F000004 + (self - Mode.P8)

    @property
    def qemu_name(self) -> str:
        """Value of QEMU's ``-cpu`` and ``max-cpu-compat``, e.g. ``power10``."""
        return f"power{int(self)}"

    @property
    def short(self) -> str:
        """``p10``: how scenario ids write it."""
        return f"p{int(self)}"

    @classmethod
    def parse(cls, text: str) -> Mode:
        """From ``p10``, ``P10``, ``power10`` or ``POWER10``. ValueError for anything else."""
        match = re.fullmatch(r"p(?:ower)?(\d+)", text.strip().lower())
        if match is None or int(match[1]) not in cls._value2member_map_:
            raise ValueError(f"{text!r} names no POWER generation")
        return cls(int(match[1]))


# What an architecture-compat register holds for "no valid mode"
# (PVR_ARCH_INVALID in Linux arch/powerpc/include/asm/reg.h).
PVR_INVALID = 0xFFFFFFFF

# Upper half of the raw PVR -> generation. The lower half is the revision.
RAW_PVR_VERSION = {
    0x004B: Mode.P8,
    0x004C: Mode.P8,
    0x004D: Mode.P8,
    0x004E: Mode.P9,
    0x0080: Mode.P10,
    0x0082: Mode.P11,
}


@dataclass(frozen=True)
class GuestMode:
    """The mode a Linux runs in. ``raw`` means that no compat mode was negotiated."""

    mode: Mode
    raw: bool = False

    def __str__(self) -> str:
        return f"{self.mode.name} (raw)" if self.raw else self.mode.name


def mode_of_pvr(pvr: int) -> GuestMode | None:
    """Mode named by the 32-bit ``cpu-version`` of a device tree; None when unknown."""
    for mode in Mode:
        if pvr == mode.logical_pvr:
            return GuestMode(mode)
    raw = RAW_PVR_VERSION.get(pvr >> 16)
    return GuestMode(raw, raw=True) if raw is not None else None


_CPUINFO = re.compile(r"^cpu\s*:\s*POWER(\d+)\S*\s*(?:\((\w+)\))?", re.IGNORECASE | re.MULTILINE)


def mode_of_cpuinfo(text: str) -> GuestMode | None:
    """Mode from the ``cpu`` line of /proc/cpuinfo; None when there is none.

    ``POWER10 (architected), altivec supported`` is a compat mode,
    ``Power11 (raw), ...`` and ``POWER9, ...`` are not.
    """
    match = _CPUINFO.search(text)
    if match is None or int(match[1]) not in Mode._value2member_map_:
        return None
    return GuestMode(Mode(int(match[1])), raw=match[2] != "architected")
