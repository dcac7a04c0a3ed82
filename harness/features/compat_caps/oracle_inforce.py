# SPDX-License-Identifier: GPL-2.0-only
"""Judges which mode is in force while a guest runs, by the PCR that the outermost emulated CPU holds then.

Nested API v1: KVM hands over a PCR, hv_guest_state.pcr (Linux book3s_hv_nested.c, kvmhv_save_hv_regs), whose
version bits are host_pcr_bit - guest_pcr_bit (book3s_hv.c, kvmppc_set_arch_compat); QEMU loads it as it is
(hw/ppc/spapr_nested.c, h_enter_nested), and a Linux L0 writes it to the CPU (book3s_hv_p9_entry.c), where
QEMU keeps the bits that the CPU has (target/ppc/misc_helper.c, helper_store_pcr).
Nested API v2: KVM hands over a logical PVR, from which QEMU makes a PCR (spapr_nested.c, copy_logical_pvr).
POWER10 and Power11 have the same ISA, and so the same PCR.
"""

from __future__ import annotations

import errno
from dataclasses import dataclass

from harness.features.compat_caps.abi import CAP_BIT
from harness.features.compat_caps.caps_checks import right_call
from harness.features.compat_caps.facts import IoctlToAsk, NoIoctl, NoModeIn, SomeMode
from harness.features.compat_caps.in_force import SINGLE, SPINS, Seen, Spin
from harness.features.compat_caps.micro_run import run_fact
from harness.features.compat_caps.oracle_ioctl import Subject
from harness.features.compat_caps.oracle_lives import TOLD_LESS
from harness.features.compat_caps.oracle_vcpu import name_of
from harness.features.compat_caps.suite import Answers
from harness.features.compat_caps.vcpu_facts import (
    DidNotRun,
    IsaUpTo,
    ModesInForce,
    ModesRefused,
    NoMonitor,
    NotSeen,
    PcrBits,
    RunRefused,
    SetThenRun,
    WhileLookedAt,
)
from harness.features.compat_caps.vm_model import Host, ModelVm, fits, is_defect
from harness.model.cpu import RAW_PVR_VERSION, Mode
from harness.model.fact import Fact
from harness.model.facts import Named, NoAnswer, NotAsked, Quote, Register, Steps
from harness.model.topology import NestedApi
from harness.model.verdict import Kind, Verdict

_EINTR = 4

# Linux asm/reg.h, PCR_ARCH_205 to PCR_ARCH_300, and the next for ISA 3.1.
_PCR_BIT = {Mode.P8: 0x8, Mode.P9: 0x10, Mode.P10: 0x20, Mode.P11: 0x20, Mode.P12: 0x40}
_V1_BITS = 0x1E  # 0x20 is reserved in 7.2 and has a name in 7.3; nothing sets it for a mode
_V2_BITS = 0x3E
# copy_logical_pvr: ~(bits of the ISAs that are left) with all but 0x10 and 0x20 set; 0 if it was never told.
_V2_PCR = {Mode.P9: 0x2E, Mode.P10: 0x0E, Mode.P11: 0x0E}

_SOURCE = {
    NestedApi.V1: "book3s_hv.c, kvmppc_set_arch_compat: host_pcr_bit - guest_pcr_bit, handed over by"
    " book3s_hv_nested.c, kvmhv_save_hv_regs",
    NestedApi.V2: "book3s_hv_nestedv2.c, kvmhv_nestedv2_flush_vcpu: the logical PVR; its PCR is QEMU's"
    " hw/ppc/spapr_nested.c, copy_logical_pvr",
}
_LEFT_OPEN = (
    "an L1 in an older mode hands over a PCR relative to its own mode, and L0 does not add what it keeps from"
    " L1: QEMU hw/ppc/spapr_nested.c, h_enter_nested; Linux book3s_hv_nested.c, load_l2_hv_regs"
)
_UNTOLD = "hw/ppc/spapr_nested.c, h_guest_create_vcpu: PCR is 0 until a logical PVR is set"
# Of several: one that was not seen leaves all of them unproven.
_LEAST_PROVEN = (Kind.FAIL, Kind.INFRASTRUCTURE, Kind.UNKNOWN, Kind.SKIP, Kind.DEFECT)
_GET = "Documentation/virt/kvm/api.rst: the modes that L1 can give its guests"


def judge(subject: Subject, host: Host, answers: Answers) -> list[Verdict]:
    shown = {spin: _Shown.of(subject, host, spin, answers) for spin in SPINS}
    found = [each.verdict for each in shown.values()]
    if host.raw_pvr is not None and _isa(subject.l1_mode) < _isa(_mode_of(host.raw_pvr)):
        found += [
            each.limit(subject)
            for spin, each in shown.items()
            if spin in SINGLE and each.pcr is not None and not each.refused
        ]
    return [*found, *_against_get(subject, {spin.values[0]: shown[spin] for spin in SINGLE}, answers)]


def _isa(mode: Mode) -> Mode:
    return min(mode, Mode.P10) if mode <= Mode.P11 else mode


def _mode_of(raw_pvr: int) -> Mode:
    return RAW_PVR_VERSION.get(raw_pvr >> 16, Mode.P8)


@dataclass(frozen=True)
class _Shown:
    """verdict: on what is in force; pcr: that was seen, None if none was; refused: whether the mode that was
    set last was refused; name: of the spin in checks."""

    verdict: Verdict
    pcr: int | None
    refused: bool
    name: str

    @classmethod
    def of(cls, subject: Subject, host: Host, spin: Spin, answers: Answers) -> _Shown:
        name, vm = _name(spin), ModelVm(subject, host, spin.vcpu + 1)
        for value in spin.values:
            if value is not None:
                vm.set(spin.vcpu, value)
            runs = vm.run(spin.vcpu)
        expected: Fact = PcrBits(_bits(subject, vm, spin.vcpu)) if runs else RunRefused(errno.EINVAL)
        source = _SOURCE[subject.api]

        def verdict(kind: Kind, observed: Fact, proof: str = "", defect: str = "") -> Verdict:
            proof = proof or spin.question
            return Verdict(name, kind, expected, observed, proof, source, defect=defect)

        document = answers.document(spin.question)
        if document is None:
            missing = answers.missing(spin.question) or NoAnswer()
            return cls(verdict(Kind.FAIL, missing), None, False, name)
        seen = Seen.from_json(document)
        last = seen.steps[-1]
        refused = bool(last.set)
        entered = last.run.errno == _EINTR
        if entered != runs:
            ended = SetThenRun(last.set, None if entered else run_fact(last.run))
            return cls(verdict(Kind.FAIL, ended), None, refused, name)
        if not runs:
            error = RunRefused(last.run.errno) if last.run.errno else run_fact(last.run)
            kind = Kind.OK if error == expected else Kind.FAIL
            proof = f"KVM_RUN: {errno.errorcode.get(last.run.errno, last.run.errno)}"
            return cls(verdict(kind, error, proof), None, refused, name)
        if seen.run is None or seen.run.errno != _EINTR:
            looked = run_fact(seen.run) if seen.run else DidNotRun()
            wrong = WhileLookedAt(Quote(seen.lost) if seen.lost else looked)
            return cls(verdict(Kind.FAIL, wrong), None, refused, name)
        if seen.unseen:
            return cls(verdict(Kind.SKIP, NoMonitor()), None, refused, name)
        most = seen.pcr()
        if most is None:
            counts = tuple((pcr, count) for (_, pcr), count in seen.counts.items())
            unseen = NotSeen(seen.shown, seen.samples, counts, seen.lost)
            return cls(verdict(Kind.UNKNOWN, unseen), None, refused, name)
        pcr, lpidr = most
        mask = _V1_BITS if subject.api is NestedApi.V1 else _V2_BITS
        wanted = vm.get(spin.vcpu)
        held = None if fits(wanted, seen.after) else Register(seen.after)
        observed = PcrBits(pcr & mask, held)
        proof = f"PCR {pcr:#018x}, LPIDR {lpidr}, in {seen.counts[lpidr, pcr]} of {seen.shown} samples of L2"
        kind = Kind.OK if observed == expected else Kind.FAIL
        defect = next((vm.row(value).defect for value in reversed(spin.values) if value is not None), "")
        if is_defect(wanted, seen.after):
            defect = TOLD_LESS
        if kind is Kind.OK and defect:
            return cls(verdict(Kind.DEFECT, observed, proof, defect), pcr, refused, name)
        return cls(verdict(kind, observed, proof), pcr, refused, name)

    def limit(self, subject: Subject) -> Verdict:
        """Of an L1 in an older mode than its machine's: whether its L2 may no more than it may itself."""
        assert self.pcr is not None
        name = f"{self.name}: no more than L1 itself may"
        if subject.api is NestedApi.V1:
            # A bit takes all away that is newer than the ISA it is named after.
            open_to = next((each for each in (Mode.P8, Mode.P9) if self.pcr & _PCR_BIT[each]), Mode.P10)
        else:
            open_to = Mode.P9 if self.pcr & _V2_BITS == _V2_PCR[Mode.P9] else Mode.P10
        right = open_to <= _isa(subject.l1_mode)
        untold = subject.api is NestedApi.V2 and not self.pcr
        return Verdict(
            name, Kind.OK if right else Kind.DEFECT, IsaUpTo(subject.l1_mode),
            IsaUpTo(open_to, newer=not right),
            f"PCR {self.pcr:#018x}", _UNTOLD if untold else _LEFT_OPEN, right=right,
        )  # fmt: skip


def _name(spin: Spin) -> str:
    values = " then ".join("nothing set" if each is None else name_of(each) for each in spin.values)
    return f"{values}{f' on vcpu {spin.vcpu}' if spin.vcpu else ''}: in force"


def _bits(subject: Subject, vm: ModelVm, vcpu: int) -> int:
    """Version bits of PCR that must be seen."""
    mode = vm.mode(vcpu)
    if subject.api is NestedApi.V1:
        return (_PCR_BIT[subject.l1_mode] - _PCR_BIT[mode]) & _V1_BITS
    return _V2_PCR[mode] if vm.sent else 0


# -- against the ioctl -----------------------------------------------------------------------


def _against_get(subject: Subject, shown: dict[int | None, _Shown], answers: Answers) -> list[Verdict]:
    """Each mode that GET names can be put in force, and none above them."""
    each, above = "each mode that the ioctl names can be put in force", "no mode above them can"
    revision = subject.behaviour.revision
    if revision is None or subject.api not in subject.behaviour.served:
        return [Verdict(name, Kind.SKIP, IoctlToAsk(), NoIoctl(), "", _GET) for name in (each, above)]
    call = right_call(revision)
    got = answers.calls(call)
    caps = got[0].after64(call.memory, revision.offset_caps) if got and not got[0].errno else 0
    named = [mode for mode, bit in CAP_BIT.items() if caps & bit]
    if not named:
        missing = answers.missing(call.line) or NoModeIn(caps)
        wanted = SomeMode(several=True)
        return [Verdict(name, Kind.FAIL, wanted, missing, call.line, _GET) for name in (each, above)]
    higher = [mode for mode in CAP_BIT if mode > max(named)]
    in_force, refused = ModesInForce(tuple(named)), ModesRefused(tuple(higher))
    return [
        _all_of(each, in_force, [shown[mode.logical_pvr] for mode in named], refused=False),
        _all_of(above, refused, [shown[mode.logical_pvr] for mode in higher], refused=True),
    ]


def _all_of(name: str, expected: Fact, shown: list[_Shown], *, refused: bool) -> Verdict:
    """refused: whether setting the modes must have been."""
    if any(isinstance(each.verdict.observed, NotAsked) for each in shown):
        return Verdict(name, Kind.FAIL, expected, NotAsked(), "", _GET)
    kinds = []
    for each in shown:
        wrong = each.verdict.kind in (Kind.OK, Kind.DEFECT) and each.refused is not refused
        kinds.append(Kind.FAIL if wrong else each.verdict.kind)
    kind = next((each for each in _LEAST_PROVEN if each in kinds), Kind.OK)
    problems = [
        Named(each.name, each.verdict.observed)
        for each, own in zip(shown, kinds, strict=True)
        if own is not Kind.OK
    ]
    return Verdict(name, kind, expected, Steps(tuple(problems)) if problems else expected, "", _GET)
