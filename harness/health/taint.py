# SPDX-License-Identifier: GPL-2.0-only
"""/proc/sys/kernel/tainted in words, and which of its bits speak against the kernel.

Bits and letters: Linux include/linux/panic.h and kernel/panic.c, taint_flags; what they mean:
Documentation/admin-guide/tainted-kernels.rst. Read in 6.12, 7.2 and 7.3.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Taint:
    """evidence: whether a set bit says that the kernel, or what it was made to do, went wrong."""

    bit: int
    letter: str
    words: str
    evidence: bool


TAINTS = (
    Taint(0, "P", "proprietary module loaded", False),
    Taint(1, "F", "module load forced", True),
    Taint(2, "S", "CPU out of specification", False),
    Taint(3, "R", "module unload forced", True),
    Taint(4, "M", "machine check", True),
    Taint(5, "B", "bad page or slab", True),
    Taint(6, "U", "asked for by user space", False),
    Taint(7, "D", "oops or BUG", True),
    Taint(8, "A", "ACPI table overridden", False),
    Taint(9, "W", "WARNING", True),
    Taint(10, "C", "staging driver loaded", False),
    Taint(11, "I", "workaround for a firmware bug", False),
    Taint(12, "O", "out-of-tree module loaded", False),
    Taint(13, "E", "unsigned module loaded", False),
    Taint(14, "L", "soft lockup", True),
    Taint(15, "K", "live patched", False),
    Taint(16, "X", "auxiliary, for distributions", False),
    Taint(17, "T", "built with randomised structures", False),
    Taint(18, "N", "in-kernel test run", False),
    Taint(19, "J", "firmware access from user space (fwctl)", False),
)
_BY_BIT = {each.bit: each for each in TAINTS}


def decode(value: int) -> tuple[Taint, ...]:
    """The bits of *value*, lowest first. One that no kernel known here has is evidence, to be looked at.

    ValueError for a negative value.
    """
    if value < 0:
        raise ValueError(f"taint {value} is negative")
    bits = [bit for bit in range(value.bit_length()) if value >> bit & 1]
    return tuple(_BY_BIT.get(bit, Taint(bit, "?", f"unknown taint bit {bit}", True)) for bit in bits)


def evidence(value: int, before: int = 0) -> tuple[Taint, ...]:
    """What speaks against the kernel in *value*, without what *before* had already."""
    return tuple(each for each in decode(value & ~before) if each.evidence)


def describe(value: int) -> str:
    """``W (WARNING), D (oops or BUG)``; ``not tainted`` for 0."""
    return ", ".join(f"{each.letter} ({each.words})" for each in decode(value)) or "not tainted"
