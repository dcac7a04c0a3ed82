# SPDX-License-Identifier: GPL-2.0-only
"""One KVM_RUN of the micro-guest that says what works in it (images/guest/microguest.py, GUEST)."""

from __future__ import annotations

import errno
from dataclasses import dataclass
from typing import Any

from harness.features.compat_caps.vcpu_facts import InterruptAt, RunsToEnd
from harness.model.cpu import Mode
from harness.model.fact import Fact
from harness.model.facts import Errno, ExitReason, Hypercall

KVM_EXIT_PAPR_HCALL = 19
# What micro-guests end with, at their end and in any interrupt.
HCALL_DONE, HCALL_INTERRUPT = 0xF000, 0xF004
ENTRY = 0x2000

# Interrupts that an instruction unknown to the mode leads to, and the one of ISA 3.1.
_ILLEGAL = (0x700, 0xE40)
_ISA31_AT = ENTRY + 8 * 4


@dataclass(frozen=True)
class Run:
    """exit: KVM_EXIT_*; hcall: number of the hypercall that ended it, None if another thing did; gpr: r0 to
    r11 afterwards."""

    errno: int
    exit: int
    hcall: int | None
    gpr: tuple[int, ...]

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Run:
        return cls(data["errno"], data["exit"], data["hcall"], tuple(data["gpr"]))


def judge_run(run: Run, sane: bool, mode: Mode, raw_pvr: int | None) -> tuple[bool, Fact, Fact]:
    """(right, expected, observed) of one KVM_RUN. mode: that the guest runs in; raw_pvr: of the machine,
    None if L1 does not know it.

    PCR takes instructions of newer ISAs from problem state only, and QEMU's TCG not even there (it stores
    PCR and never reads it: target/ppc/misc_helper.c, helper_store_pcr). So a guest in an older mode may
    have them or not; which mode is in force is for oracle_inforce.py.
    """
    if not sane:
        return run.errno == errno.EINVAL, Errno(errno.EINVAL), run_fact(run)
    right = ran(run) and (raw_pvr is None or run.gpr[4] == raw_pvr)
    if right and mode >= Mode.P10:
        right = run.hcall == HCALL_DONE and run.gpr[6] == 1  # an instruction of ISA 3.1 among the others
    return right, RunsToEnd(raw_pvr, or_isa31=mode < Mode.P10), run_fact(run)


def ran(run: Run) -> bool:
    """Whether the micro-guest did all that its mode lets it."""
    if run.errno or run.exit != KVM_EXIT_PAPR_HCALL:
        return False
    illegal = run.hcall == HCALL_INTERRUPT and run.gpr[8] == _ISA31_AT and run.gpr[9] in _ILLEGAL
    return (run.hcall == HCALL_DONE and run.gpr[5] == 1) or illegal


def run_fact(run: Run) -> Fact:
    """How it ended."""
    if run.errno:
        return Errno(run.errno)
    if run.exit != KVM_EXIT_PAPR_HCALL:
        return ExitReason(run.exit)
    if run.hcall == HCALL_DONE:
        return RunsToEnd(run.gpr[4])
    if run.hcall == HCALL_INTERRUPT:
        at = None if run.gpr[8] == _ISA31_AT else run.gpr[8]
        return InterruptAt(run.gpr[9], at, run.gpr[4])
    return Hypercall(run.hcall or 0)
