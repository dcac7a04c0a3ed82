# SPDX-License-Identifier: GPL-2.0-only
"""One KVM_RUN of the micro-guest that says what works in it (images/guest/microguest.py, GUEST)."""

from __future__ import annotations

import errno
from dataclasses import dataclass
from typing import Any

from harness.model.cpu import Mode

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


def errno_word(error: int | None) -> str:
    """``EINVAL``, or ``0``; None is a value that was not set."""
    if error is None:
        return "not set"
    return "0" if error == 0 else errno.errorcode.get(error, str(error))


def judge_run(run: Run, sane: bool, mode: Mode, raw_pvr: int | None) -> tuple[bool, str, str]:
    """(right, expected, observed) of one KVM_RUN. mode: that the guest runs in; raw_pvr: of the machine,
    None if L1 does not know it.

    PCR takes instructions of newer ISAs from problem state only, and QEMU's TCG not even there (it stores
    PCR and never reads it: target/ppc/misc_helper.c, helper_store_pcr). So a guest in an older mode may
    have them or not; which mode is in force is for oracle_inforce.py.
    """
    if not sane:
        return run.errno == errno.EINVAL, "EINVAL", run_words(run)
    pvr = "" if raw_pvr is None else f", reads PVR {raw_pvr:#010x}"
    right = ran(run) and (raw_pvr is None or run.gpr[4] == raw_pvr)
    if right and mode >= Mode.P10:
        right = run.hcall == HCALL_DONE and run.gpr[6] == 1  # an instruction of ISA 3.1 among the others
    expected = f"runs to its end{pvr}" if mode >= Mode.P10 else f"runs to its end, or to ISA 3.1{pvr}"
    return right, expected, run_words(run)


def ran(run: Run) -> bool:
    """Whether the micro-guest did all that its mode lets it."""
    if run.errno or run.exit != KVM_EXIT_PAPR_HCALL:
        return False
    illegal = run.hcall == HCALL_INTERRUPT and run.gpr[8] == _ISA31_AT and run.gpr[9] in _ILLEGAL
    return (run.hcall == HCALL_DONE and run.gpr[5] == 1) or illegal


def run_words(run: Run) -> str:
    if run.errno:
        return errno_word(run.errno)
    if run.exit != KVM_EXIT_PAPR_HCALL:
        return f"exit {run.exit}"
    if run.hcall == HCALL_DONE:
        return f"runs to its end, reads PVR {run.gpr[4]:#010x}"
    if run.hcall == HCALL_INTERRUPT:
        words = "ISA 3.1" if run.gpr[8] == _ISA31_AT else f"{run.gpr[8]:#x}"
        return f"interrupt {run.gpr[9]:#x} at {words}, reads PVR {run.gpr[4]:#010x}"
    return f"hypercall {run.hcall:#x}"
