# SPDX-License-Identifier: GPL-2.0-only
"""Topologies: which machine carries which levels, and which nested API is between them.

On pseries L0 is QEMU itself, which answers the nested hypercalls; L1 is the first Linux.
On powernv L0 is a Linux on emulated bare metal, and L1 a KVM guest of it.

To add one, add a row to TOPOLOGIES; the levels room reads the fields, nothing
else names a topology.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from harness.model.cpu import Mode
from harness.model.errors import UsageError


class NestedApi(Enum):
    """Which hypercalls L1's KVM uses to run L2. Values as in domain language."""

    V1 = "v1"  # PowerNV; H_ENTER_NESTED
    V2 = "v2"  # PowerVM; H_GUEST_*


@dataclass(frozen=True)
class Topology:
    """name: what ``--topology`` takes; short: how scenario ids write it;
    machine: QEMU ``-machine`` type of the outermost machine;
    machine_options: further ``-machine`` options of the pseries machine that L1 runs on, which make
    L0 offer the nested API;
    nested_api: between L1 and L2;
    l0_cpu: the CPU of the machine where L0 is a Linux, None where L0 is QEMU.
    """

    name: str
    short: str
    machine: str
    machine_options: tuple[str, ...]
    nested_api: NestedApi
    source: str
    l0_cpu: Mode | None = None

    @property
    def has_l0(self) -> bool:
        """Whether L0 is a Linux, so that there are three of them."""
        return self.l0_cpu is not None

    def carries(self, cpu: Mode) -> bool:
        """Whether its machine can have this CPU."""
        return self.l0_cpu in (None, cpu)


def _powernv(cpu: Mode) -> Topology:
    return Topology(
        f"powernv{int(cpu)}",
        f"pnv{int(cpu)}",
        f"powernv{int(cpu)}",
        ("cap-nested-hv=on",),
        NestedApi.V1,
        "QEMU hw/ppc/pnv.c; Linux book3s_hv_nested.c, kvmhv_nested_init: on bare metal L0 serves API v1",
        cpu,
    )


TOPOLOGIES = (
    Topology(
        "pseries-papr",
        "papr",
        "pseries",
        ("cap-nested-papr=on",),
        NestedApi.V2,
        "QEMU docs/specs/ppc-spapr-hcalls; hw/ppc/spapr_caps.c, SPAPR_CAP_NESTED_PAPR",
    ),
    Topology(
        "pseries-hv",
        "hv",
        "pseries",
        ("cap-nested-hv=on",),
        NestedApi.V1,
        "QEMU hw/ppc/spapr_caps.c, SPAPR_CAP_NESTED_KVM_HV",
    ),
    *(_powernv(cpu) for cpu in (Mode.P9, Mode.P10, Mode.P11)),
)
PSERIES = tuple(each for each in TOPOLOGIES if not each.has_l0)
POWERNV = tuple(each for each in TOPOLOGIES if each.has_l0)


def topology(name: str) -> Topology:
    """By full or short name. UsageError when there is none."""
    for candidate in TOPOLOGIES:
        if name in (candidate.name, candidate.short):
            return candidate
    raise UsageError(f"unknown topology {name!r}", f"known are {', '.join(each.name for each in TOPOLOGIES)}")
