# SPDX-License-Identifier: GPL-2.0-only
"""Where the vCPUs of the outermost QEMU are, seen through its monitor, with names."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

from harness.levels.symbols import Symbols
from harness.model.errors import InfrastructureError

# QEMU target/ppc/cpu_init.c, ppc_cpu_dump_state.
_NIP = re.compile(r"\bNIP ([0-9a-f]{16})\b")

SAMPLES = 6
_APART_SECONDS = 0.08


def sample(monitor: Callable[[str], str], symbols: Symbols, count: int = SAMPLES) -> tuple[str, ...]:
    """*count* samples of each vCPU, oldest first, by the symbols of one kernel. monitor: a human monitor
    command to its output. Empty if QEMU does not answer."""
    found: list[str] = []
    for number in range(count):
        if number:
            time.sleep(_APART_SECONDS)  # samples lie apart; there is no event to wait for
        try:
            text = monitor("info registers -a")
        except InfrastructureError:
            break
        found += [symbols.name(int(match, 16)) for match in _NIP.findall(text)]
    return tuple(found)


_LPIDR_SAMPLES, _LPIDR_APART_SECONDS = 40, 0.05


def leaves_guest_alone(monitor: Callable[[str], str], symbols: Symbols) -> bool:
    """Whether the outermost QEMU's first vCPU is in KVM again and again, and never in its guest: KVM_RUN does
    not get to run it. Of a QEMU in a level that is still starting, which is not in KVM, nothing is said.

    LPIDR is 0 while L1 runs and that of L2 while L2 does (QEMU hw/ppc/spapr_nested.c, measured on both
    nested APIs); only where L1 is the outermost level.
    """
    in_kvm = False
    for number in range(_LPIDR_SAMPLES):
        if number:
            time.sleep(_LPIDR_APART_SECONDS)  # samples lie apart; there is no event to wait for
        try:
            if int(monitor("p/x $lpidr").strip(), 16):
                return False
            found = _NIP.search(monitor("info registers"))
        except (InfrastructureError, ValueError):
            return False  # nothing is known
        in_kvm |= found is not None and "kvm" in symbols.name(int(found[1], 16))
    return in_kvm


# Where a processor is that has nothing to do (Linux arch/powerpc: pseries and powernv idle, KVM's own).
_IDLE = re.compile(r"idle|cede|snooze|stop_loop|power9_|nap")


# Addresses that have no name count as one place within so many bytes: a loop is that short.
_LOOP_BYTES = 4096


def moves(samples: tuple[str, ...]) -> bool:
    """Whether they show a kernel that gets on: it is in several places, and not idle."""
    busy = {_place(each) for each in samples if not _IDLE.search(each)}
    return len(busy) >= 3


def _place(name: str) -> str | int:
    address = re.search(r"0x([0-9a-f]+)", name)
    return int(address[1], 16) // _LOOP_BYTES if address else name
