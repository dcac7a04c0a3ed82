# SPDX-License-Identifier: GPL-2.0-only
"""Known workarounds: each with its reason, where it applies, and a name to switch it off by.

To add one, add a row; the levels room asks for what applies and knows no names.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from harness.model.cpu import Mode
from harness.model.errors import UsageError
from harness.model.scenario import L1Setting


@dataclass(frozen=True)
class Circumstances:
    """What is known when a machine is put together. guest: it is L2, started inside an L1.

    kernel: of L1; l1_page_kb: L1's page size in KiB, 0 while unknown.
    """

    guest: bool
    l1: L1Setting
    kernel: tuple[int, int]
    l1_page_kb: int = 0


@dataclass(frozen=True)
class Workaround:
    """applies: as a function, and scope: the same in words for people.

    append: words for the kernel command line; machine: ``-machine`` options;
    net_device: options of the network device.
    """

    name: str
    reason: str
    scope: str
    applies: Callable[[Circumstances], bool]
    append: tuple[str, ...] = ()
    machine: tuple[str, ...] = ()
    net_device: tuple[str, ...] = ()


def _isa31(at: Circumstances) -> bool:
    return at.l1.cpu >= Mode.P10


WORKAROUNDS = (
    Workaround(
        "x-vof",
        "SLOF costs 5 s of every boot; the virtual open firmware costs nothing",
        "every pseries machine",
        lambda _at: True,
        machine=("x-vof=on",),
    ),
    Workaround(
        "no-boot-rom",
        "the iPXE image of virtio-net-pci is in another package than QEMU",
        "L1",
        lambda at: not at.guest,
        net_device=("romfile=",),
    ),
    Workaround(
        "thp-never",
        "QEMU target/ppc: an instruction fetch that finds the Reference bit of an L2 page table page "
        "clear is reported as a data fault, and the prefix check then fetches again, for ever; "
        "THP collapse in L1 makes such pages",
        "L1 on a POWER10 or newer CPU, Linux 7.2 and later, QEMU up to 11.1",
        lambda at: not at.guest and _isa31(at) and at.kernel >= (7, 2),
        append=("transparent_hugepage=never",),
    ),
    Workaround(
        "damon-stat-off",
        "the same QEMU fault: DAMON_STAT, on by default in distribution kernels, clears Reference bits "
        "of L2's pages all the time; measured: without, one L2 boot in three hangs, with, none in 12",
        "L1 on a POWER10 or newer CPU, Linux 6.17 and later, QEMU up to 11.1",
        lambda at: not at.guest and _isa31(at) and at.kernel >= (6, 17),
        append=("damon_stat.enabled=0",),
    ),
    Workaround(
        "dawr1-off",
        "KVM in a POWER9-mode L1 has no DAWR1, and QEMU stops on that before the compat mode is asked for",
        "L2 under an L1 in POWER9 mode on a newer CPU",
        lambda at: at.guest and at.l1.mode is Mode.P9 and _isa31(at),
        machine=("cap-dawr1=off",),
    ),
    Workaround(
        "hpt-4k",
        "QEMU wants 64 KiB pages for its hash page table, which a 4 KiB-page L1 cannot back",
        "L2 under an L1 with 4 KiB pages",
        lambda at: at.guest and at.l1_page_kb == 4,
        machine=("cap-hpt-max-page-size=4k",),
    ),
)


def applying(at: Circumstances, switched_off: Collection[str] = ()) -> tuple[Workaround, ...]:
    return tuple(each for each in WORKAROUNDS if each.name not in switched_off and each.applies(at))


def check_names(names: Collection[str]) -> None:
    """UsageError for a name that is none."""
    known = [each.name for each in WORKAROUNDS]
    for name in names:
        if name not in known:
            raise UsageError(f"unknown workaround {name!r}", f"known are {', '.join(known)}")
