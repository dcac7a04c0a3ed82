# SPDX-License-Identifier: GPL-2.0-only
# ruff: noqa: E501
"""Which line begins a splat, and what it is called: one row for each form in which a kernel, or the firmware
below it, complains. Forms were read in Linux 6.12 to 7.3; the source of each is named.

What belongs to several (an oops is announced by up to four lines) is one family: its lines are one splat,
and the row with the highest rank gives the title.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import Enum, auto

from harness.health.frames import REPORTERS, SPINNERS, WAITERS


class Where(Enum):
    """How the function of a title is found, where the line itself names none."""

    FAULT = auto()  # registers first, then the calls
    CALLER = auto()  # the address itself is bad (a call of NULL): who called
    STUCK = auto()  # a CPU that does not move on: where it was interrupted
    CALLS = auto()  # the call trace alone
    NOWHERE = auto()  # it has no function


class End(Enum):
    """What the last line of a report is."""

    MARK = auto()  # ---[ end trace
    BAR = auto()  # a line of =
    TRACE = auto()  # none: what is no trace any more
    LINE = auto()  # the first line is all


@dataclass(frozen=True)
class Rule:
    """pattern: of the whole text from its beginning, with groups ``what`` (goes into the title) and ``at`` (has the
    function); title: with ``{what}`` and, at its end, `` in {at}``, which goes where no function is known;
    bare: whether it comes without a printk prefix where the kernel prints one (firmware, xmon, QEMU);
    after_bar: only after a line of =; marker: the trace that counts comes after this line;
    skip: functions that are never the one; keep_numbers: ``what`` is a name, as ``kmalloc-64``.
    """

    key: str
    pattern: re.Pattern[str]
    title: str
    source: str
    family: str = ""
    rank: int = 0
    where: Where = Where.FAULT
    end: End = End.TRACE
    final: bool = False
    bare: bool = False
    after_bar: bool = False
    marker: str = ""
    skip: tuple[re.Pattern[str], ...] = field(default=(REPORTERS,))
    keep_numbers: bool = False

    @property
    def group(self) -> str:
        return self.family or self.key


def _rule(key: str, pattern: str, title: str, source: str, **more: object) -> Rule:
    return Rule(key, re.compile(pattern), title, source, **more)  # type: ignore[arg-type]


_SLEEPS = (REPORTERS, WAITERS)
_STUCK = (REPORTERS, SPINNERS)
_CALLS = Where.CALLS
_PANIC_C = "kernel/panic.c"
_FAULT_C = "arch/powerpc/mm/fault.c, __bad_page_fault"
_TRAPS_C = "arch/powerpc/kernel/traps.c"
_LOCKDEP_C = "kernel/locking/lockdep.c"

# What lockdep says after "WARNING: " (print_*_bug and their like). The forms with [ BUG: ] are older.
_LOCKDEP = (
    r"possible circular locking dependency|possible recursive locking|inconsistent lock state"
    r"|possible irq lock inversion dependency|\S+-safe -> \S+-unsafe lock order|bad unlock balance|bad contention"
    r"|held lock freed|lock held when returning to user space|suspicious RCU usage|chain_key collision"
    r"|Nested lock was not taken|Invalid wait context"
)

RULES = (
    # -- WARNING -----------------------------------------------------------------------------------
    _rule(
        "warning",
        r"WARNING: CPU: \d+ PID: \d+ at (?:\S+:\d+ )?(?P<at>\S.*)",
        "WARNING in {at}",
        f"{_PANIC_C}, __warn, to 6.18",
        family="warning",
        end=End.MARK,
    ),
    _rule(
        "warning",
        r"WARNING: (?:\S+:\d+ )?at (?P<at>\S.*), CPU#\d+: ",
        "WARNING in {at}",
        f"{_PANIC_C}, __warn, 7.x",
        family="warning",
        end=End.MARK,
    ),
    # -- lockdep -----------------------------------------------------------------------------------
    _rule(
        "lockdep",
        rf"(?:WARNING: |\[ (?:BUG|INFO): )(?P<what>{_LOCKDEP})( detected)?!?( \])?$",
        "lockdep: {what} in {at}",
        _LOCKDEP_C,
        where=_CALLS,
        marker="stack backtrace:",
        skip=(*_SLEEPS, SPINNERS),
    ),
    _rule(
        "lockdep",
        r"(?:WARNING: |\[ BUG: )\S.*/\d+ (?P<what>still has locks held)!( \])?$",
        "lockdep: {what} in {at}",
        f"{_LOCKDEP_C}, print_held_locks_bug",
        where=_CALLS,
        marker="stack backtrace:",
        skip=_SLEEPS,
    ),
    _rule(
        "lockdep-other",
        r"(?:WARNING: |\[ BUG: )(?P<what>\S.*?)( \])?$",
        "lockdep: {what} in {at}",
        f"{_LOCKDEP_C}: all its reports begin with a line of =",
        where=_CALLS,
        marker="stack backtrace:",
        after_bar=True,
        skip=(*_SLEEPS, SPINNERS),
    ),
    _rule(
        "lockdep-key",
        r"INFO: trying to register non-static key\.",
        "lockdep: non-static key in {at}",
        f"{_LOCKDEP_C}, print_lockdep_off and assign_lock_key",
        where=_CALLS,
        skip=(*_SLEEPS, SPINNERS),
    ),
    # -- memory checkers ---------------------------------------------------------------------------
    _rule(
        "kasan",
        r"BUG: KASAN: (?P<what>[\w-]+)(?: in (?P<at>\S.*))?",
        "KASAN: {what} in {at}",
        "mm/kasan/report.c, print_error_description",
        where=_CALLS,
        end=End.BAR,
    ),
    _rule(
        "kfence",
        r"BUG: KFENCE: (?P<what>[\w -]+?) in (?P<at>\S.*)",
        "KFENCE: {what} in {at}",
        "mm/kfence/report.c, kfence_report_error",
        where=_CALLS,
        end=End.BAR,
    ),
    _rule(
        "kcsan",
        r"BUG: KCSAN: (?P<what>[\w: -]+? in [\w.]+ / [\w.]+)",
        "KCSAN: {what}",
        "kernel/kcsan/report.c, print_report",
        where=Where.NOWHERE,
        end=End.BAR,
    ),
    _rule(
        "kcsan",
        r"BUG: KCSAN: (?P<what>[\w: -]+?) in (?P<at>\S.*)",
        "KCSAN: {what} in {at}",
        "kernel/kcsan/report.c, print_report",
        where=_CALLS,
        end=End.BAR,
    ),
    _rule(
        "ubsan",
        r"UBSAN: (?P<what>[\w -]+?) in \S+:\d+(?::\d+)?",
        "UBSAN: {what} in {at}",
        "lib/ubsan.c, ubsan_prologue",
        where=_CALLS,
        end=End.MARK,
    ),
    _rule(
        "slub",
        r"BUG (?P<what>\S+) \([^)]*\): (?P<more>\S.*)",
        "BUG {what}: {more}",
        "mm/slub.c, __slab_bug",
        family="slub",
        where=Where.NOWHERE,
        rank=2,
        keep_numbers=True,
    ),
    _rule(
        "bad-page",
        r"BUG: (?P<what>Bad page (?:state|map)) in process ",
        "BUG: {what} in {at}",
        "mm/page_alloc.c, bad_page; mm/memory.c, print_bad_pte",
        where=_CALLS,
    ),
    _rule(
        "kmemleak",
        r"kmemleak: \d+ new suspected memory leaks",
        "kmemleak: suspected memory leaks",
        "mm/kmemleak.c, kmemleak_scan",
        where=Where.NOWHERE,
        end=End.LINE,
    ),
    _rule(
        "kmemleak-object",
        r"(?:kmemleak: )?unreferenced object 0x[0-9a-f]+ \(size \d+\):",
        "kmemleak: unreferenced object in {at}",
        "mm/kmemleak.c, print_unreferenced",
        where=_CALLS,
        skip=_SLEEPS,
        bare=True,
    ),
    # -- sleeping and scheduling -------------------------------------------------------------------
    _rule(
        "atomic-sleep",
        r"BUG: sleeping function called from invalid context at ",
        "BUG: sleeping function called from invalid context in {at}",
        "kernel/sched/core.c, __might_resched",
        where=_CALLS,
        skip=_SLEEPS,
    ),
    _rule(
        "atomic-schedule",
        r"BUG: (?P<what>scheduling while atomic|scheduling in a non-blocking section): ",
        "BUG: {what} in {at}",
        "kernel/sched/core.c, __schedule_bug",
        where=_CALLS,
        skip=_SLEEPS,
    ),
    _rule(
        "preemptible",
        r"BUG: using (?P<what>\w+\(\)) in preemptible ",
        "BUG: {what} in preemptible code in {at}",
        "lib/smp_processor_id.c",
        where=_CALLS,
    ),
    # -- lockups and stalls ------------------------------------------------------------------------
    _rule(
        "soft-lockup",
        r"(?:watchdog: )?BUG: soft lockup - CPU#\d+ stuck for ",
        "soft lockup in {at}",
        "kernel/watchdog.c, watchdog_timer_fn",
        where=Where.STUCK,
        skip=_STUCK,
    ),
    _rule(
        "hard-lockup",
        r"(?:watchdog: )?CPU \d+ self-detected hard LOCKUP @ (?P<at>\S.*)",
        "hard lockup in {at}",
        "arch/powerpc/kernel/watchdog.c, soft_nmi_interrupt",
        family="hard-lockup",
        rank=2,
        where=Where.STUCK,
        skip=_STUCK,
    ),
    _rule(
        "hard-lockup-other",
        r"(?:watchdog: )?(?:CPU ?\d+ detected hard LOCKUP on other CPUs|CPU\d+: Watchdog detected hard LOCKUP on cpu)",
        "hard lockup in {at}",
        "arch/powerpc/kernel/watchdog.c, watchdog_smp_panic; kernel/watchdog.c",
        family="hard-lockup",
        where=Where.STUCK,
        skip=_STUCK,
        rank=1,
    ),
    _rule(
        "hard-lockup-ipi",
        r"(?:watchdog: )?CPU \d+ Hard LOCKUP$",
        "hard lockup in {at}",
        "arch/powerpc/kernel/watchdog.c, wd_lockup_ipi",
        family="hard-lockup",
        where=Where.STUCK,
        skip=_STUCK,
    ),
    _rule(
        "rcu-stall",
        r"(?:rcu: )?INFO: (?:rcu\w+ )?(?:self-detected stall on CPU|detected (?:expedited )?stalls? on (?:CPUs/)?tasks)",
        "RCU stall in {at}",
        "kernel/rcu/tree_stall.h, tree_exp.h, tasks.h",
        family="rcu-stall",
        where=Where.STUCK,
        skip=_STUCK,
    ),
    _rule(
        "hung-task",
        r"INFO: task \S.*:\d+ blocked (?:in I/O wait )?for more than \d+ seconds\.",
        "hung task in {at}",
        "kernel/hung_task.c, check_hung_task",
        where=_CALLS,
        skip=_SLEEPS,
    ),
    _rule(
        "workqueue-lockup",
        r"BUG: workqueue lockup - pool",
        "workqueue lockup in {at}",
        "kernel/workqueue.c, wq_watchdog_timer_fn",
        where=_CALLS,
        family="workqueue-lockup",
    ),
    _rule(
        "csd-lock",
        r"(?:smp: )?csd: Detected non-responsive CSD lock",
        "csd lock not released in {at}",
        "kernel/smp.c, csd_lock_wait_toolong",
        where=Where.STUCK,
        skip=_STUCK,
    ),
    _rule(
        "spinlock",
        r"BUG: (?P<what>(?:spin|rw)lock [\w ]+?) on CPU#\d+, ",
        "BUG: {what} in {at}",
        "kernel/locking/spinlock_debug.c, spin_dump",
        where=_CALLS,
        skip=(REPORTERS, SPINNERS),
    ),
    # -- faults: up to four lines announce one ------------------------------------------------------
    _rule(
        "user-page",
        r"[Kk]ernel (?:attempted|tried) to (?P<what>\w+) (?:user|exec-protected) page \([0-9a-f]+\) - exploit attempt\?",
        "BUG: {what} of a user page in {at}",
        "arch/powerpc/mm/fault.c, bad_kernel_fault",
        family="fault",
        rank=4,
        end=End.MARK,
    ),
    _rule(
        "null",
        r"BUG: Kernel NULL pointer dereference",
        "BUG: NULL dereference in {at}",
        _FAULT_C,
        family="fault",
        rank=6,
        end=End.MARK,
    ),
    _rule(
        "null",
        r"Unable to handle kernel paging request for data at address 0x0000[0-9a-f]{4}$|"
        r"Unable to handle kernel paging request for data at address 0x0{12}[0-9a-f]{4}$",
        "BUG: NULL dereference in {at}",
        f"{_FAULT_C}, before 5.0",
        family="fault",
        rank=6,
        end=End.MARK,
    ),
    _rule(
        "bad-access",
        r"(?:BUG: )?Unable to handle kernel (?:data access|paging request for data)",
        "BUG: bad access in {at}",
        _FAULT_C,
        family="fault",
        rank=3,
        end=End.MARK,
    ),
    _rule(
        "null-call",
        r"(?:BUG: )?Unable to handle kernel instruction fetch \(NULL pointer\?\)",
        "BUG: call of NULL in {at}",
        _FAULT_C,
        family="fault",
        rank=6,
        where=Where.CALLER,
        end=End.MARK,
    ),
    _rule(
        "bad-call",
        r"(?:BUG: )?Unable to handle kernel (?:instruction fetch|paging request for instruction fetch)",
        "BUG: bad instruction fetch in {at}",
        _FAULT_C,
        family="fault",
        rank=5,
        where=Where.CALLER,
        end=End.MARK,
    ),
    _rule(
        "unaligned",
        r"(?:BUG: )?Unable to handle kernel unaligned access",
        "BUG: unaligned access in {at}",
        _FAULT_C,
        family="fault",
        rank=3,
        end=End.MARK,
    ),
    _rule(
        "paging",
        r"(?:BUG: )?Unable to handle (?:unknown|kernel) paging (?:fault|request)",
        "BUG: unknown paging fault in {at}",
        _FAULT_C,
        family="fault",
        rank=2,
        end=End.MARK,
    ),
    _rule(
        "kernel-bug",
        r"kernel BUG at ",
        "kernel BUG in {at}",
        "lib/bug.c, __report_bug; arch/powerpc/xmon/xmon.c, print_bug_trap",
        family="fault",
        rank=6,
        end=End.MARK,
    ),
    _rule(
        "bad-stack",
        r"Bad kernel stack pointer [0-9a-f]+ at [0-9a-f]+",
        "Bad kernel stack pointer in {at}",
        f"{_TRAPS_C}, stack_overflow_exception",
        family="fault",
        rank=6,
        end=End.MARK,
    ),
    _rule(
        "unrecoverable",
        r"Unrecoverable exception [0-9a-f]+ at [0-9a-f]+",
        "Unrecoverable exception in {at}",
        f"{_TRAPS_C}, unrecoverable_exception",
        family="fault",
        rank=6,
        end=End.MARK,
    ),
    _rule(
        "unavailable",
        r"Unrecoverable (?P<what>\S+(?: Unavailable)?) (?:Unavailable )?Exception [0-9a-f]+ at |"
        r"Facility '(?P<what2>\S+)' unavailable \(\d+\) exception in kernel mode",
        "Oops: {what} in {at}",
        f"{_TRAPS_C}, kernel_fp_unavailable_exception and its like",
        family="fault",
        rank=5,
        end=End.MARK,
    ),
    _rule(
        "machine-check",
        r"MCE: CPU\d+: machine check \((?:Severe|Fatal|Warning)\)",
        "machine check in {at}",
        "arch/powerpc/kernel/mce.c, machine_check_print_event_info",
        family="fault",
        rank=7,
        end=End.MARK,
    ),
    _rule(
        "oops",
        r"Oops: Exception in kernel mode, sig: 4 \[#\d+\]",
        "Oops: illegal instruction in {at}",
        f"{_TRAPS_C}, __die after SIGILL",
        family="fault",
        rank=1,
        end=End.MARK,
    ),
    _rule(
        "oops",
        r"Oops: Exception in kernel mode, sig: 5 \[#\d+\]",
        "Oops: program check in {at}",
        f"{_TRAPS_C}, __die after SIGTRAP",
        family="fault",
        rank=1,
        end=End.MARK,
    ),
    _rule(
        "oops",
        r"Oops: Kernel access of bad area, sig: \d+ \[#\d+\]",
        "Oops: bad access in {at}",
        f"{_FAULT_C}, whose own lines are lost",
        family="fault",
        rank=1,
        end=End.MARK,
    ),
    _rule(
        "oops",
        r"Oops: Machine check, sig: \d+ \[#\d+\]",
        "machine check in {at}",
        f"{_TRAPS_C}, machine_check_exception",
        family="fault",
        rank=1,
        end=End.MARK,
    ),
    _rule(
        "oops",
        r"Oops: (?P<what>\S.*?), sig: \d+ \[#\d+\]",
        "Oops: {what} in {at}",
        f"{_TRAPS_C}, __die",
        family="fault",
        rank=1,
        end=End.MARK,
    ),
    _rule(
        "xmon",
        r"(?:cpu 0x[0-9a-f]+: )?Vector: [0-9a-f]+ (?:\((?P<what>[^)]*)\))? ?at \[[0-9a-f]+\]",
        "xmon: {what} in {at}",
        "arch/powerpc/xmon/xmon.c, excprint",
        family="fault",
        rank=1,
        final=True,
        bare=True,
        end=End.MARK,
    ),
    _rule(
        "xmon-prompt",
        r"(?:[0-9a-f]+:)?mon>(?: |$)",
        "xmon: prompt",
        "arch/powerpc/xmon/xmon.c, cmds",
        family="fault",
        final=True,
        bare=True,
        where=Where.NOWHERE,
        end=End.MARK,
    ),
    _rule(
        "irq-stack",
        r"do_IRQ: stack overflow: ",
        "stack overflow in {at}",
        "arch/powerpc/kernel/irq.c, check_stack_overflow",
        where=_CALLS,
    ),
    # -- devices and firmware tables ---------------------------------------------------------------
    _rule(
        "of-put",
        r"OF: ERROR: (?:\w+\(\) detected bad of_node_put\(\)|Bad of_node_put\(\)) on ",
        "OF: ERROR: bad of_node_put in {at}",
        "drivers/of/dynamic.c, of_node_release",
        where=_CALLS,
    ),
    _rule(
        "of-leak",
        r"OF: ERROR: memory leak",
        "OF: ERROR: memory leak of a node",
        "drivers/of/dynamic.c, __of_changeset_entry_destroy",
        where=Where.NOWHERE,
        end=End.LINE,
    ),
    _rule(
        "of-error",
        r"OF: ERROR: (?P<what>(?!next of_node_put)\S.*)",
        "OF: ERROR: {what}",
        "drivers/of/dynamic.c",
        where=Where.NOWHERE,
        end=End.LINE,
    ),
    _rule(
        "sysfs",
        r"sysfs: cannot create duplicate filename ",
        "sysfs: duplicate filename in {at}",
        "fs/sysfs/dir.c, sysfs_warn_dup",
        where=_CALLS,
    ),
    _rule(
        "irq-nobody",
        r"irq \d+: nobody cared",
        "irq: nobody cared",
        "kernel/irq/spurious.c, __report_bad_irq",
        where=Where.NOWHERE,
    ),
    _rule(
        "oom",
        r"(?:Out of memory(?: \([^)]*\))?|Memory cgroup out of memory): Killed process ",
        "OOM kill",
        "mm/oom_kill.c, __oom_kill_process",
        where=Where.NOWHERE,
        end=End.LINE,
    ),
    _rule(
        "page-allocation",
        r"\S.*: page allocation (?P<what>failure|stall)",
        "page allocation {what} in {at}",
        "mm/page_alloc.c, warn_alloc",
        where=_CALLS,
        skip=_SLEEPS,
    ),
    _rule(
        "kvm-trap",
        r"KVM trap in HV mode",
        "KVM: trap in HV mode",
        "arch/powerpc/kvm/book3s_hv.c, kvmppc_handle_exit_hv",
        where=Where.NOWHERE,
        end=End.LINE,
    ),
    # -- hypervisor and firmware -------------------------------------------------------------------
    _rule(
        "opal-error",
        r"opal: Hardware platform error: (?P<what>\S.*)",
        "OPAL: {what}",
        "arch/powerpc/platforms/powernv/opal.c, pnv_platform_error_reboot",
        family="opal",
        where=Where.NOWHERE,
        final=True,
        end=End.LINE,
    ),
    _rule(
        "mce-fatal",
        r"(?:opal: |RTAS: |pseries?: )?Machine check interrupt (?P<what>unrecoverable|is fatal)",
        "machine check, {what}",
        "arch/powerpc/platforms/powernv/opal.c and pseries/ras.c, *_recover_mce",
        family="fault",
        rank=2,
        end=End.MARK,
    ),
    _rule(
        "rtas",
        r"(?:RTAS: )?(?P<what>Fatal hardware error) detected",
        "RTAS: {what}",
        "arch/powerpc/platforms/pseries/ras.c, ras_error_interrupt",
        where=Where.NOWHERE,
        end=End.LINE,
    ),
    _rule(
        "skiboot-assert",
        r"assert failed at (?P<what>\S+?):\d+: |Assert fail: (?P<what2>\S+?):\d+:",
        "skiboot: assertion in {what}",
        "skiboot core/utils.c, assert_fail",
        where=Where.NOWHERE,
        final=True,
        bare=True,
    ),
    _rule(
        "skiboot-exception",
        r"Fatal (?P<what>MCE|TRAP|Exception 0x[0-9a-f]+|System Reset) (?:in sleep|at [0-9a-f]+) *(?P<at>\S*)",
        "skiboot: {what} in {at}",
        "skiboot core/exceptions.c, exception_entry",
        final=True,
        bare=True,
        keep_numbers=True,
    ),
    _rule(
        "skiboot-stack",
        r"Stack corruption detected !|CPU [0-9a-f]{4} Stack (?:overflow detected|usage danger) !",
        "skiboot: stack overflow",
        "skiboot core/stack.c",
        where=Where.NOWHERE,
        bare=True,
    ),
    _rule(
        "slof",
        r"\( [0-9A-F]+ \) (?P<what>[A-Z][\w -]+?) Exception \[ [0-9a-f]+ \]",
        "SLOF: {what}",
        "SLOF slof/fs/exception.fs, .hw-exception",
        where=Where.NOWHERE,
        final=True,
        bare=True,
        end=End.LINE,
    ),
    # -- panic -------------------------------------------------------------------------------------
    _rule(
        "panic",
        r"Kernel panic - not syncing: (?P<whole>(?P<what>.*?)(?: exitcode=0x[0-9a-f]+)?)$",
        "kernel panic: {what}",
        f"{_PANIC_C}, vpanic",
        family="panic",
        where=Where.NOWHERE,
        final=True,
        rank=1,
    ),
    _rule(
        "os-term",
        r"qemu-system-ppc64: OS terminated: (?:OS panic: )?(?P<whole>(?P<what>.*?)(?: exitcode=0x[0-9a-f]+)?)$",
        "kernel panic: {what}",
        "QEMU hw/ppc/spapr_rtas.c, rtas_ibm_os_term",
        family="panic",
        where=Where.NOWHERE,
        final=True,
        bare=True,
        end=End.LINE,
    ),
    # -- the rest of what a kernel calls a bug -----------------------------------------------------
    _rule(
        "bug",
        r"BUG: (?P<what>\S.*)",
        "BUG: {what}",
        'anywhere; pr_*("BUG: ...")',
        where=Where.NOWHERE,
    ),
)

# A WARNING in one of these functions, or with this text, is a check that many share: it is told by its
# kind, and by the function that was caught.
WARNING_KINDS = tuple(
    (re.compile(functions), re.compile(text), kind)
    for functions, text, kind in (
        (r"refcount_\w+", r"refcount_t: ", "refcount bug"),
        (r"debug_print_object|debug_object_\w+|debug_check_no_obj_freed", r"ODEBUG: ", "ODEBUG bug"),
        (
            r"__list_(?:add|del_entry)_valid\w*",
            r"list_(?:add|del) (?:corruption|double add)",
            "list corruption",
        ),
        (r"cleanup_srcu_struct", r"cleanup_srcu_struct", "srcu bug"),
        (r"__might_sleep", r"do not call blocking ops when !TASK_RUNNING", "blocking call while not running"),
        (
            r"rcu_note_context_switch",
            r"Voluntary context switch within RCU",
            "context switch in an RCU reader",
        ),
        (r"__fortify_\w+", r"\w+: detected buffer overflow", "buffer overflow"),
        (r"usercopy_abort", r"usercopy: Kernel memory ", "usercopy overflow"),
        (r"kobject_\w+", r"kobject: ", "kobject bug"),
        # Nothing else calls these when all is well, so the text decides.
        (r"(?!)", r"DEBUG_LOCKS_WARN_ON\(", "locking bug"),
        (r"(?!)", r"\w+: detected field-spanning write", "field-spanning write"),
    )
)

# A panic of these words only says that the splat before it was too much: of any of these families.
CONSEQUENCES = tuple(
    (re.compile(pattern), families)
    for pattern, families in (
        (r"Fatal exception|Aiee, killing interrupt handler|Attempted to kill the idle task", ("fault",)),
        # The low bits are the signal that killed it; without one it left by itself.
        (r"Attempted to kill init! exitcode=0x[0-9a-f]*(?!00)[0-9a-f]{2}$", ("fault",)),
        (r"Unrecoverable Machine Check", ("fault", "opal")),
        (r"softlockup: hung tasks", ("soft-lockup",)),
        (r"Hard LOCKUP", ("hard-lockup",)),
        (r"RCU Stall", ("rcu-stall",)),
        (r"hung_task: blocked tasks", ("hung-task",)),
        (r"workqueue lockup", ("workqueue-lockup",)),
        (
            r".*panic_on_warn set",
            ("warning", "kasan", "kfence", "kcsan", "ubsan", "slub", "atomic-sleep", "atomic-schedule"),
        ),
    )
)
