# SPDX-License-Identifier: GPL-2.0-only
"""Exceptions in the kernel: bad accesses, BUG, oopses, machine checks, and xmon, which takes over from them.

Up to four lines announce one and the same: of bad_kernel_fault, __bad_page_fault or __report_bug, die, xmon.
"""

from __future__ import annotations

import re

from harness.health.reporters import REPORTERS, SPINNERS
from harness.health.splatrules.rule import End, Rule, Where, rule

_FAULT_C = "arch/powerpc/mm/fault.c, __bad_page_fault"
_TRAPS_C = "arch/powerpc/kernel/traps.c"


def _fault(
    key: str, rank: int, pattern: str, title: str, source: str, *, where: Where = Where.FAULT,
    final: bool = False, bare: bool = False, lower: bool = False, again: bool = False,
    skip: tuple[re.Pattern[str], ...] = (REPORTERS,),
) -> Rule:  # fmt: skip
    return rule(
        key, pattern, title, source, family="fault", rank=rank, where=where, end=End.MARK, final=final,
        bare=bare, lower=lower, again=again, skip=skip,
    )  # fmt: skip


RULES = (
    _fault(
        "user-page",
        4,
        r"[Kk]ernel (?:attempted|tried) to (?P<what>\w+) (?:user|exec-protected) page \([0-9a-f]+\)",
        "BUG: {what} of a user page in {at}",
        "arch/powerpc/mm/fault.c, bad_kernel_fault",
    ),
    _fault("null", 6, r"BUG: Kernel NULL pointer dereference", "BUG: NULL dereference in {at}", _FAULT_C),
    _fault(
        "null",
        6,
        r"Unable to handle kernel paging request for data at address 0x(?:0{12})?0000[0-9a-f]{4}$",
        "BUG: NULL dereference in {at}",
        f"{_FAULT_C}, before 5.0",
    ),
    _fault(
        "bad-access",
        3,
        r"(?:BUG: )?Unable to handle kernel (?:data access|paging request for data)",
        "BUG: bad access in {at}",
        _FAULT_C,
    ),
    _fault(
        "null-call",
        6,
        r"(?:BUG: )?Unable to handle kernel instruction fetch \(NULL pointer\?\)",
        "BUG: call of NULL in {at}",
        _FAULT_C,
        where=Where.CALLER,
    ),
    _fault(
        "bad-call",
        5,
        r"(?:BUG: )?Unable to handle kernel (?:paging request for )?instruction fetch",
        "BUG: bad instruction fetch in {at}",
        _FAULT_C,
        where=Where.CALLER,
    ),
    _fault(
        "unaligned",
        3,
        r"(?:BUG: )?Unable to handle kernel unaligned access",
        "BUG: unaligned access in {at}",
        _FAULT_C,
    ),
    _fault(
        "paging",
        3,
        r"(?:BUG: )?Unable to handle unknown paging fault",
        "BUG: unknown paging fault in {at}",
        _FAULT_C,
    ),
    _fault(
        "kernel-bug",
        6,
        r"kernel BUG at ",
        "kernel BUG in {at}",
        "lib/bug.c, __report_bug; arch/powerpc/xmon/xmon.c, print_bug_trap",
    ),
    _fault(
        "bad-stack",
        6,
        r"Bad kernel stack pointer [0-9a-f]+ at [0-9a-f]+",
        "bad kernel stack pointer in {at}",
        f"{_TRAPS_C}, stack_overflow_exception",
    ),
    _fault(
        "unrecoverable",
        6,
        r"Unrecoverable exception [0-9a-f]+ at [0-9a-f]+",
        "unrecoverable exception in {at}",
        f"{_TRAPS_C}, unrecoverable_exception",
    ),
    _fault(
        "unavailable",
        5,
        r"Unrecoverable (?P<what>\S+ Unavailable) Exception [0-9a-f]+ at ",
        "Oops: {what} in {at}",
        f"{_TRAPS_C}, kernel_fp_unavailable_exception and its like",
        lower=True,
    ),
    _fault(
        "facility",
        5,
        r"Facility '(?P<what>[^']+)' unavailable \(\d+\) exception in kernel mode",
        "Oops: facility {what} unavailable in {at}",
        f"{_TRAPS_C}, facility_unavailable_exception",
    ),
    _fault(
        "machine-check",
        7,
        r"MCE: CPU\d+: machine check \((?:Severe|Fatal|Warning)\)",
        "machine check in {at}",
        "arch/powerpc/kernel/mce.c, machine_check_print_event_info",
    ),
    _fault(
        "machine-check-fatal",
        2,
        r"(?:opal: |RTAS: )?Machine check interrupt (?P<what>unrecoverable|is fatal)",
        "machine check in {at}",
        "arch/powerpc/platforms/powernv/opal.c, opal_recover_mce; pseries/ras.c, recover_mce",
    ),
    _fault(
        "fwnmi",
        0,
        r"FWNMI: (?P<what>corrupt r3|nmi-interlock failed)",
        "FWNMI: {what} in {at}",
        "arch/powerpc/platforms/pseries/ras.c, fwnmi_get_savep: a machine check or reset without a log",
        again=True,
    ),
    _fault(
        "opal",
        3,
        r"opal: Hardware platform error: (?P<what>\S.*)",
        "OPAL: {what}",
        "arch/powerpc/platforms/powernv/opal.c, pnv_platform_error_reboot: it reboots, or panics, next",
        where=Where.NOWHERE,
        final=True,
    ),
    _fault(
        "opal-reboot",
        0,
        r"OPAL: Reboot requested due to (?P<what>[\w ]+)",
        "OPAL: reboot due to {what}",
        "skiboot core/platform.c, opal_cec_reboot2: the kernel asks for it; its own lines can come later",
        where=Where.NOWHERE,
        final=True,
        bare=True,
        again=True,
    ),
    _fault(
        "oops",
        1,
        r"Oops: System Reset, sig: \d+ \[#\d+\]",
        "Oops: system reset in {at}",
        f"{_TRAPS_C}, system_reset_exception: where the CPU was when somebody outside asked for it",
        where=Where.STUCK,
        skip=(REPORTERS, SPINNERS),
    ),
    _fault(
        "oops",
        1,
        r"Oops: Exception in kernel mode, sig: 4 \[#\d+\]",
        "Oops: illegal instruction in {at}",
        f"{_TRAPS_C}, __die after SIGILL",
    ),
    _fault(
        "oops",
        1,
        r"Oops: Exception in kernel mode, sig: 5 \[#\d+\]",
        "Oops: program check in {at}",
        f"{_TRAPS_C}, __die after SIGTRAP",
    ),
    _fault(
        "oops",
        1,
        r"Oops: Kernel access of bad area, sig: \d+ \[#\d+\]",
        "Oops: bad access in {at}",
        f"{_FAULT_C}, when its own lines are lost",
    ),
    _fault(
        "oops",
        1,
        r"Oops: Machine check, sig: \d+ \[#\d+\]",
        "machine check in {at}",
        f"{_TRAPS_C}, die_mce",
    ),
    _fault(
        "oops",
        1,
        r"Oops: (?P<what>\S.*?), sig: \d+ \[#\d+\]",
        "Oops: {what} in {at}",
        f"{_TRAPS_C}, __die",
        lower=True,
    ),
    _fault(
        "xmon",
        1,
        r"(?:cpu 0x[0-9a-f]+: )?Vector: [0-9a-f]+ \((?P<what>[^)]*)\) at \[[0-9a-f]+\]",
        "xmon: {what} in {at}",
        "arch/powerpc/xmon/xmon.c, excprint",
        final=True,
        bare=True,
        lower=True,
    ),
    _fault(
        "xmon",
        1,
        r"(?:cpu 0x[0-9a-f]+: )?Vector: [0-9a-f]+  at \[[0-9a-f]+\]",
        "xmon: called by {at}",
        "arch/powerpc/xmon/xmon.c, excprint, without an exception: somebody asked for it",
        final=True,
        bare=True,
    ),
    _fault(
        "xmon-prompt",
        0,
        r"(?:[0-9a-f]+:)?mon>(?: |$)",
        "xmon: prompt",
        "arch/powerpc/xmon/xmon.c, cmds",
        where=Where.NOWHERE,
        final=True,
        bare=True,
        again=True,
    ),
    rule(
        "irq-stack",
        r"do_IRQ: stack overflow: ",
        "stack overflow in {at}",
        "arch/powerpc/kernel/irq.c, check_stack_overflow",
        where=Where.CALLS,
    ),
)
