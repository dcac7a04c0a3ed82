# SPDX-License-Identifier: GPL-2.0-only
"""Splats and messages that are known and say nothing against a kernel: each with its reason and its limits.

To add one, add a row. A row must not apply where nobody has shown it to: give the versions, down to point
releases, the nested API, the QEMU. A version that is not known is in no bounded range.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from harness.model.topology import NestedApi

Version = tuple[int, ...]


@dataclass(frozen=True)
class Circumstances:
    """kernel: version of the one that spoke, (7, 2, 12), () if it is not known; qemu: version of the QEMU
    that runs it, (11, 1, 3); nested_api: that this level uses to run guests, None where it has none or it is
    not known; topology: its full name; level: ``L1``."""

    kernel: Version = ()
    qemu: Version = ()
    nested_api: NestedApi | None = None
    topology: str = ""
    level: str = ""


@dataclass(frozen=True)
class Range:
    """Versions from *since* on and before *before*: half-open; () for no limit."""

    since: Version = ()
    before: Version = ()

    def __contains__(self, version: object) -> bool:
        if not isinstance(version, tuple):
            return False
        if not (self.since or self.before):
            return True
        return bool(version) and version >= self.since and (not self.before or version < self.before)


ANY = (Range(),)


@dataclass(frozen=True)
class Benign:
    """pattern: of a splat's title or a message's text, found anywhere in it; kernels, qemus: it applies in
    one of each; apis, topologies, levels: in all where empty; within: a function that must be in a splat's
    trace, where its title alone says too little; source: a commit, or where it was measured.
    """

    name: str
    pattern: re.Pattern[str]
    reason: str
    source: str
    kernels: Sequence[Range] = ANY
    qemus: Sequence[Range] = ANY
    apis: tuple[NestedApi, ...] = ()
    topologies: tuple[str, ...] = ()
    levels: tuple[str, ...] = ()
    within: str = ""

    def covers(self, text: str, at: Circumstances, trace: Sequence[str] = ()) -> bool:
        return (
            self.pattern.search(text) is not None
            and any(at.kernel in each for each in self.kernels)
            and any(at.qemu in each for each in self.qemus)
            and (not self.apis or at.nested_api in self.apis)
            and (not self.topologies or at.topology in self.topologies)
            and (not self.levels or at.level in self.levels)
            and (not self.within or self.within in trace)
        )


BENIGN = (
    Benign(
        "tlb-lpid",
        re.compile(r"^KVM: TLB LPID invalidation hcall failed, rc=-2$"),
        "QEMU as L0 has no H_RPT_INVALIDATE for an L2 of nested API v2, and forgets the L2 with its LPID",
        "measured at each end of an L2, QEMU 10.0 to 11.1, Linux 6.12 to 7.3",
        apis=(NestedApi.V2,),
        levels=("L1",),
    ),
    Benign(
        "l2-vpa",
        re.compile(r"^KVM-NESTEDv2: couldn't register the L2 VPA \(rc=-56\)$"),
        "QEMU as L0 does not know the element of L2's VPA; KVM goes on without",
        "measured with QEMU 10.0 to 11.1, Linux 6.12 to 7.3",
        apis=(NestedApi.V2,),
        levels=("L1",),
    ),
    Benign(
        "nested-v1",
        re.compile(r"^kvm-hv: nestedv2 get capabilities hcall failed, falling back to nestedv1 \(rc=-2\)$"),
        "that is how KVM finds out that its hypervisor has nested API v1",
        "Linux arch/powerpc/kvm/book3s_hv_nested.c, kvmhv_nested_init",
        apis=(NestedApi.V1,),
    ),
    Benign(
        "xive-for-kvm",
        re.compile(r"IRQ_XIVE capability must be present for KVM"),
        "QEMU in L1 says that KVM has no XIVE there and emulates it",
        "QEMU hw/intc/spapr_xive_kvm.c, kvmppc_xive_connect; measured on every pseries topology",
    ),
    Benign(
        "lockdep-replay",
        re.compile(r"^WARNING: locking bug in irqentry_exit$"),
        "with PROVE_LOCKING: a timer interrupt that is replayed when interrupts are switched on again seems "
        "to have come within one. It switches lockdep off: nothing is proven about locks after it",
        "measured at boot of 7.2.12 on pseries-papr, pseries-hv and powernv10: lockdep_hardirqs_on_prepare",
        kernels=(Range((7, 2), (7, 3)),),
        within="__replay_soft_interrupts",
    ),
)


def is_benign(text: str, at: Circumstances, trace: Sequence[str] = ()) -> Benign | None:
    """The row that says why a splat of this title and trace, or a message, is harmless here; None for any
    other."""
    return next((row for row in BENIGN if row.covers(text, at, trace)), None)
