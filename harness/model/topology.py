# SPDX-License-Identifier: GPL-2.0-only
"""Topologies: which machine carries which levels, and which nested API is between them.

To add one, add a row to TOPOLOGIES; the levels room reads the fields, nothing
else names a topology.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from harness.model.errors import UsageError


class NestedApi(Enum):
    """Which hypercalls L1's KVM uses to run L2. Values as in domain language."""

    V1 = "v1"  # PowerNV; H_ENTER_NESTED
    V2 = "v2"  # PowerVM; H_GUEST_*


@dataclass(frozen=True)
class Topology:
    """name: what ``--topology`` takes; short: how scenario ids write it;
    machine: QEMU ``-machine`` type of the outermost machine;
    machine_options: further ``-machine`` options that make L0 offer the nested API;
    nested_api: between L1 and L2.
    """

    name: str
    short: str
    machine: str
    machine_options: tuple[str, ...]
    nested_api: NestedApi
    source: str


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
)


def topology(name: str) -> Topology:
    """By full or short name. UsageError when there is none."""
    for candidate in TOPOLOGIES:
        if name in (candidate.name, candidate.short):
            return candidate
    raise UsageError(f"unknown topology {name!r}", f"known are {', '.join(each.name for each in TOPOLOGIES)}")
