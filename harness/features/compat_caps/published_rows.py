# SPDX-License-Identifier: GPL-2.0-only
"""What the series' author tested, and which scenario of ours is each row.

Source: the test table in the cover letter of v5 of "KVM: PPC: Handle CPU compatibility mode for nested
guests" (Amit Machhiwal). Modes are those of L1 and L2.
"""

from __future__ import annotations

from dataclasses import dataclass

PARTLY = (
    "a plain -cpu host takes this mode only with QEMU's companion series (11.2 and later) in L1; with "
    "QEMU up to 11.1 it is asked for with max-cpu-compat, and -cpu host asks for more than L1 has"
)


@dataclass(frozen=True)
class PublishedRow:
    """where, l1, l2, result: as published; scenario: ``topology-l1-l2`` of ours, '' if there is none;
    reason: why there is none, or what of the row is not shown."""

    where: str
    l1: str
    l2: str
    result: str
    scenario: str
    reason: str = ""


_POWERVM = "PowerVM's firmware is not public; QEMU's own nested API v2 (pseries-papr) is the nearest"

ROWS = (
    PublishedRow("powernv11, TCG", "P11", "P11", "boots", "pnv11-p11-l2host"),
    PublishedRow("powernv11, TCG", "P10-compat", "P10", "boots", "pnv11-p11@p10-l2p10", PARTLY),
    PublishedRow("powernv11, TCG", "P9-compat", "P9", "boots", "pnv11-p11@p9-l2p9", PARTLY),
    PublishedRow("P10 PowerNV", "P10", "P10", "boots", "pnv10-p10-l2host"),
    PublishedRow("P10 PowerNV", "P10", "P9-compat", "boots", "pnv10-p10-l2p9"),
    PublishedRow("P10 PowerNV", "P9-compat", "P9", "boots", "pnv10-p10@p9-l2p9", PARTLY),
    PublishedRow("PowerVM", "P11", "P11", "boots", "", _POWERVM),
    PublishedRow("PowerVM", "P11", "P10-compat", "boots", "", _POWERVM),
    PublishedRow("PowerVM", "P11", "P9-compat", "refused", "", f"{_POWERVM}, and boots it"),
    PublishedRow("PowerVM", "P10-compat", "P10", "boots", "", f"{_POWERVM}; needs QEMU 11.2 in L1 as well"),
)
