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
from harness.model.topology import Topology

# major, minor, micro.
Qemu = tuple[int, int, int]


@dataclass(frozen=True)
class Circumstances:
    """What is known when a machine is put together. level: of the Linux that it will run.

    kernel: version of the kernel it boots; qemu: version of the machine's own QEMU, which is the outermost
    one's or that of the userland (what is emulated is always the outermost one's doing); host_page_kb: page
    size in KiB of the Linux whose KVM runs it, 0 where none does.
    """

    level: int
    topology: Topology
    l1: L1Setting
    kernel: tuple[int, int]
    qemu: Qemu
    host_page_kb: int = 0


@dataclass(frozen=True)
class Workaround:
    """applies: as a function, and scope: the same in words for people; qemu_since, qemu_before: machines
    whose QEMU is in [since, before) are meant, None where nothing is known to begin or to be fixed.

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
    qemu_since: Qemu | None = None
    qemu_before: Qemu | None = None

    def meant_for(self, qemu: Qemu) -> bool:
        """Whether this QEMU is in its range."""
        since, before = self.qemu_since, self.qemu_before
        return (since is None or since <= qemu) and (before is None or qemu < before)


def _isa31_host(at: Circumstances) -> bool:
    """A level that runs guests, on an emulated CPU whose QEMU has the prefix check."""
    return at.level < 2 and at.l1.cpu >= Mode.P10


WORKAROUNDS = (
    Workaround(
        "x-vof",
        "SLOF costs 5 s of every boot; the virtual open firmware costs nothing",
        "every pseries machine, QEMU 6.1 and later",
        lambda at: at.level > 0 or not at.topology.has_l0,
        machine=("x-vof=on",),
        qemu_since=(6, 1, 0),  # commit fc8c745d5015: an older one knows no such option
    ),
    Workaround(
        "no-boot-rom",
        "the iPXE image of virtio-net-pci is in another package than QEMU",
        "L0 and L1",
        lambda at: at.level < 2,
        net_device=("romfile=",),
    ),
    Workaround(
        "thp-never",
        "QEMU target/ppc: an instruction fetch that finds the Reference bit of an L2 page table page "
        "clear is reported as a data fault, and the prefix check then fetches again, for ever; "
        "THP collapse in L1 makes such pages",
        "L0 and L1 on a POWER10 or newer CPU, Linux 7.2 and later, QEMU up to 11.1",
        lambda at: _isa31_host(at) and at.kernel >= (7, 2),
        append=("transparent_hugepage=never",),
    ),
    Workaround(
        "damon-stat-off",
        "the same QEMU fault: DAMON_STAT, on by default in distribution kernels, clears Reference bits "
        "of L2's pages all the time; measured: without, one L2 boot in three hangs, with, none in 12",
        "L0 and L1 on a POWER10 or newer CPU, Linux 6.17 and later, QEMU up to 11.1",
        lambda at: _isa31_host(at) and at.kernel >= (6, 17),
        append=("damon_stat.enabled=0",),
    ),
    Workaround(
        "dawr1-off",
        "KVM in a POWER9-mode L1 has no DAWR1, and QEMU stops on that before the compat mode is asked for",
        "L2 under an L1 in POWER9 mode on a newer CPU, QEMU 10.0 and later",
        lambda at: at.level == 2 and at.l1.mode is Mode.P9 and at.l1.cpu >= Mode.P10,
        machine=("cap-dawr1=off",),
        qemu_since=(10, 0, 0),  # commit 5f361ea187ba: brought the option, on by default
    ),
    Workaround(
        "hpt-4k",
        "QEMU wants 64 KiB pages for its hash page table, which a 4 KiB-page L1 cannot back",
        "L1 under an L0, L2 under an L1, with 4 KiB pages",
        lambda at: at.host_page_kb == 4,
        machine=("cap-hpt-max-page-size=4k",),
    ),
    Workaround(
        "powernv-no-spectre-levels",
        "KVM on an emulated powernv has none of the cache and branch mitigations that pseries asks for by "
        "default, and QEMU stops on each",
        "L1 and L2 on powernv",
        lambda at: at.level > 0 and at.topology.has_l0,
        machine=("cap-cfpc=broken", "cap-sbbc=broken", "cap-ibs=broken", "cap-ccf-assist=off"),
    ),
)


def applying(at: Circumstances, switched_off: Collection[str] = ()) -> tuple[Workaround, ...]:
    return tuple(
        each
        for each in WORKAROUNDS
        if each.name not in switched_off and each.meant_for(at.qemu) and each.applies(at)
    )


def check_names(names: Collection[str]) -> None:
    """UsageError for a name that is none."""
    known = [each.name for each in WORKAROUNDS]
    for name in names:
        if name not in known:
            raise UsageError(f"unknown workaround {name!r}", f"known are {', '.join(known)}")
