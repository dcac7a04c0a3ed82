# SPDX-License-Identifier: GPL-2.0-only
"""What arch_compat of a VM's vcpus is over their life, as the sources say: set, got and run in any order.

Nested API v1: each vcpu has a vcore and so a mode of its own (Linux book3s_hv.c, threads_per_vcore), and its
PCR is handed over with each run (book3s_hv_nested.c, kvmhv_save_hv_regs).
Nested API v2: the logical PVR is an element of the whole guest. A vcpu that was set sends its own with its
next run (book3s_hv_nestedv2.c, kvmhv_nestedv2_flush_vcpu; 0 is sent as L1's own mode,
gs_msg_ops_vcpu_fill_info), and after a run what is got is what L0 holds (__kvmhv_nestedv2_cached_reload).
"""

from __future__ import annotations

from dataclasses import dataclass

from harness.features.compat_caps.behaviour import Refusal
from harness.features.compat_caps.oracle_arch_compat import Case, Row, Stored, expect
from harness.features.compat_caps.oracle_ioctl import Subject
from harness.model.cpu import PVR_INVALID, Mode
from harness.model.fact import Fact
from harness.model.facts import Anything, Register, one_of
from harness.model.observation import Probe
from harness.model.topology import NestedApi


@dataclass(frozen=True)
class Host:
    """What L1 runs on. raw_pvr: of its PVR, None if L1 does not know it; qemu: whether it says that QEMU
    emulates it (/proc/cpuinfo, of the device tree's model)."""

    raw_pvr: int | None
    qemu: bool

    @classmethod
    def of(cls, probe: Probe) -> Host:
        return cls(probe.raw_pvr, "emulated by qemu" in probe.cpuinfo)


# What may be held: the right value, and after it those of known defects; () for any value at all.
Values = tuple[int, ...]


@dataclass
class _Vcpu:
    """held: by L1, as Values; fresh: whether L1 holds it without asking L0; unsent: to be sent with the next
    run."""

    held: Values = (0,)
    fresh: bool = True
    unsent: bool = False


class ModelVm:
    """A VM with PAPR enabled on each vcpu."""

    def __init__(self, subject: Subject, host: Host, vcpus: int = 1):
        self._subject = subject
        self._vcpus = [_Vcpu() for _ in range(vcpus)]
        # What L0 holds of a guest that was told nothing: under QEMU the raw PVR (hw/ppc/spapr_nested.c,
        # h_guest_create); where L0 is another, nothing is known of it.
        self._l0: Values = (host.raw_pvr,) if host.qemu and host.raw_pvr is not None else ()
        self.sent = False  # whether L0 was ever told a logical PVR

    def row(self, value: int) -> Row:
        return expect(Case(self._subject.behaviour, self._subject.api, self._subject.l1_mode, value))

    def set(self, number: int, value: int) -> int:
        """Sets it; the errno."""
        row, vcpu = self.row(value), self._vcpus[number]
        if row.stored is not Stored.UNTOUCHED:
            vcpu.held = (PVR_INVALID if row.stored is Stored.INVALID else value,)
            vcpu.fresh = vcpu.unsent = True
        return row.errno

    def get(self, number: int) -> Values:
        """What is read."""
        vcpu = self._vcpus[number]
        if not vcpu.fresh:
            vcpu.held, vcpu.fresh = self._l0, True
        return vcpu.held

    def run(self, number: int) -> bool:
        """Runs it; whether it gets into the guest."""
        vcpu = self._vcpus[number]
        if not self.sane(number):
            return False
        if self._subject.api is NestedApi.V2:
            if vcpu.unsent:
                self._l0 = self._own() if vcpu.held == (0,) else vcpu.held
                self.sent, vcpu.unsent = True, False
            vcpu.fresh = False
        return True

    def sane(self, number: int) -> bool:
        """Whether KVM_RUN is let in (powerpc.c, kvmppc_sanity_check)."""
        return self._vcpus[number].held != (PVR_INVALID,)

    def mode(self, number: int) -> Mode:
        """That it runs in: of the last value that names one, else L1's own."""
        held = self._l0 if self._subject.api is NestedApi.V2 else self._vcpus[number].held
        return (mode_named(held[0]) if held else None) or self._subject.l1_mode

    def _own(self) -> Values:
        """L1's own mode, as it is told to L0."""
        own = self._subject.l1_mode
        if own is Mode.P11 and self._subject.behaviour.refusal is Refusal.NONE:
            # 6.12: gs_msg_ops_vcpu_fill_info knows POWER10 and POWER9 only. (Ours that add a capability to it
            # tell POWER11.)
            return own.logical_pvr, Mode.P10.logical_pvr
        return (own.logical_pvr,)


def mode_named(pvr: int) -> Mode | None:
    """By a logical PVR."""
    return next((mode for mode in Mode if mode.logical_pvr == pvr), None)


def fits(wanted: Values, got: int | None) -> bool:
    """Whether what was read is one of these."""
    return got is not None and (not wanted or got in wanted)


def is_defect(wanted: Values, got: int | None) -> bool:
    """Whether it is that of a known defect."""
    return got in wanted[1:]


def values_fact(wanted: Values) -> Fact:
    return one_of([Register(each) for each in wanted]) if wanted else Anything()
