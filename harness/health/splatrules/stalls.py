# SPDX-License-Identifier: GPL-2.0-only
"""What does not move on: lockups, RCU stalls, hung tasks."""

from __future__ import annotations

from harness.health.reporters import REPORTERS, SPINNERS, WAITERS
from harness.health.splatrules.rule import Where, rule

_SPINS = (REPORTERS, SPINNERS)

RULES = (
    rule(
        "soft-lockup",
        r"(?:(?:NMI )?watchdog: )?BUG: soft lockup - CPU#\d+ stuck for ",
        "soft lockup in {at}",
        "kernel/watchdog.c, watchdog_timer_fn",
        where=Where.STUCK,
        skip=_SPINS,
    ),
    rule(
        "hard-lockup-self",
        r"(?:watchdog: CPU |Watchdog CPU:)\d+ self-detected [Hh]ard LOCKUP @ (?P<at>\S.*)",
        "hard lockup in {at}",
        "arch/powerpc/kernel/watchdog.c, soft_nmi_interrupt",
        family="hard-lockup",
        where=Where.STUCK,
        skip=_SPINS,
    ),
    rule(
        "hard-lockup-other",
        r"(?:watchdog: CPU |Watchdog CPU:)\d+ detected [Hh]ard LOCKUP (?:on )?other CPU"
        r"|CPU\d+: Watchdog detected hard LOCKUP on cpu ",
        "hard lockup in {at}",
        "arch/powerpc/kernel/watchdog.c, watchdog_smp_panic; kernel/watchdog.c, watchdog_hardlockup_check",
        family="hard-lockup",
        where=Where.STUCK,
        skip=_SPINS,
    ),
    rule(
        "hard-lockup-shown",
        r"(?:watchdog: CPU |Watchdog CPU:)\d+ Hard LOCKUP$",
        "hard lockup in {at}",
        "arch/powerpc/kernel/watchdog.c, wd_lockup_ipi",
        family="hard-lockup",
        where=Where.STUCK,
        skip=_SPINS,
    ),
    rule(
        "rcu-stall",
        r"(?:rcu: )?INFO: (?:rcu\w+ )?(?:self-)?detected (?:expedited )?stalls? on ",
        "RCU stall in {at}",
        "kernel/rcu/tree_stall.h, tree_exp.h, tasks.h",
        where=Where.STUCK,
        skip=(*_SPINS, WAITERS),
    ),
    rule(
        "hung-task",
        r"INFO: task \S.*:\d+ blocked (?:in I/O wait )?for more than \d+ seconds\.",
        "hung task in {at}",
        "kernel/hung_task.c, hung_task_info",
        where=Where.CALLS,
        skip=(REPORTERS, WAITERS),
    ),
    rule(
        "workqueue-lockup",
        r"BUG: workqueue lockup - pool",
        "workqueue lockup in {at}",
        "kernel/workqueue.c, wq_watchdog_timer_fn",
        where=Where.CALLS,
        skip=_SPINS,
    ),
    rule(
        "csd-lock",
        r"(?:smp: )?csd: Detected non-responsive CSD lock",
        "csd lock not released in {at}",
        "kernel/smp.c, csd_lock_wait_toolong",
        where=Where.STUCK,
        skip=_SPINS,
    ),
)
