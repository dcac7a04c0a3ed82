# SPDX-License-Identifier: GPL-2.0-only
"""Checks that a kernel makes of itself while it goes on: WARNINGs, lockdep, sleeping in the wrong place."""

from __future__ import annotations

import re
from dataclasses import dataclass

from harness.health.reporters import REPORTERS, SPINNERS, WAITERS
from harness.health.splatrules.rule import End, Where, rule

_SLEEPERS = (REPORTERS, WAITERS)
_LOCKERS = (REPORTERS, WAITERS, SPINNERS)
_CORE_C = "kernel/sched/core.c"
_LOCKDEP_C = "kernel/locking/lockdep.c"

# What lockdep calls its reports. Those that an older kernel had in [ BUG: ] have the same words.
_LOCKDEP = "|".join((
    "possible circular locking dependency", "possible recursive locking", "inconsistent lock state",
    "possible irq lock inversion dependency", r"\S+-safe -> \S+-unsafe lock order", "bad unlock balance",
    "bad contention", "held lock freed", "lock held when returning to user space", "suspicious RCU usage",
    "chain_key collision", "Nested lock was not taken", "Invalid wait context",
))  # fmt: skip

RULES = (
    rule(
        "warning",
        r"WARNING: CPU: \d+ PID: \d+ at (?:\S+:\d+ )?(?P<at>\S.*)",
        "WARNING in {at}",
        "kernel/panic.c, __warn, to 6.18",
        end=End.MARK,
    ),
    rule(
        "warning",
        r"WARNING: (?:\S+:\d+ )?at (?P<at>\S.*), CPU#\d+: ",
        "WARNING in {at}",
        "kernel/panic.c, __warn, from 6.19",
        end=End.MARK,
    ),
    rule(
        "lockdep",
        rf"(?:WARNING: |\[ (?:BUG|INFO): )(?P<what>{_LOCKDEP})(?: detected)?!?(?: \])?$",
        "lockdep: {what} in {at}",
        f"{_LOCKDEP_C}, print_*_bug",
        where=Where.CALLS,
        marker="stack backtrace:",
        skip=_LOCKERS,
    ),
    rule(
        "lockdep",
        r"(?:WARNING: |\[ BUG: )\S.*/\d+ (?P<what>still has locks held)!(?: \])?$",
        "lockdep: {what} in {at}",
        f"{_LOCKDEP_C}, print_held_locks_bug",
        where=Where.CALLS,
        marker="stack backtrace:",
        skip=_LOCKERS,
    ),
    rule(
        "lockdep",
        r"(?:WARNING: |\[ BUG: )(?P<what>[a-zA-Z][^:]*?)!?(?: \])?$",
        "lockdep: {what} in {at}",
        f"{_LOCKDEP_C}: each report begins with a line of =, this is for those to come",
        where=Where.CALLS,
        after_bar=True,
        marker="stack backtrace:",
        skip=_LOCKERS,
    ),
    rule(
        "lockdep-key",
        r"INFO: trying to register non-static key\.",
        "lockdep: non-static key in {at}",
        f"{_LOCKDEP_C}, assign_lock_key",
        where=Where.CALLS,
        skip=_LOCKERS,
    ),
    rule(
        "spinlock",
        r"BUG: (?P<what>(?:spin|rw)lock [\w ]+?) on CPU#\d+, ",
        "BUG: {what} in {at}",
        "kernel/locking/spinlock_debug.c, spin_dump",
        where=Where.CALLS,
        skip=_LOCKERS,
    ),
    rule(
        "atomic-sleep",
        r"BUG: sleeping function called from invalid context at ",
        "BUG: sleeping function called from invalid context in {at}",
        f"{_CORE_C}, __might_resched",
        where=Where.CALLS,
        skip=_SLEEPERS,
    ),
    rule(
        "atomic-schedule",
        r"BUG: (?P<what>scheduling while atomic|scheduling in a non-blocking section): ",
        "BUG: {what} in {at}",
        f"{_CORE_C}, __schedule_bug",
        where=Where.CALLS,
        skip=_SLEEPERS,
    ),
    rule(
        "preemptible",
        r"BUG: using (?P<what>\w+\(\)) in preemptible ",
        "BUG: {what} in preemptible code in {at}",
        "lib/smp_processor_id.c, check_preemption_disabled",
        where=Where.CALLS,
    ),
    rule(
        "workqueue-leak",
        r"BUG: workqueue leaked (?:atomic, lock or RCU|lock or atomic): ",
        "BUG: workqueue leaked a lock in {at}",
        "kernel/workqueue.c, process_one_work",
        where=Where.CALLS,
    ),
    rule(
        "of-put",
        r"OF: ERROR: (?:\w+\(\) detected bad of_node_put\(\)|Bad of_node_put\(\)) on ",
        "OF: ERROR: bad of_node_put in {at}",
        "drivers/of/dynamic.c, of_node_release",
        where=Where.CALLS,
    ),
    rule(
        "of-leak",
        r"OF: ERROR: memory leak",
        "OF: ERROR: memory leak of a node",
        "drivers/of/dynamic.c, __of_changeset_entry_destroy",
        where=Where.NOWHERE,
        end=End.LINE,
    ),
    rule(
        "sysfs",
        r"sysfs: cannot create duplicate filename ",
        "sysfs: duplicate filename in {at}",
        "fs/sysfs/dir.c, sysfs_warn_dup",
        where=Where.CALLS,
    ),
    rule(
        "irq-nobody",
        r"irq \d+: nobody cared",
        "irq: nobody cared",
        "kernel/irq/spurious.c, __report_bad_irq",
        where=Where.NOWHERE,
    ),
)


@dataclass(frozen=True)
class SharedCheck:
    """A WARNING or BUG of a check that many share: told by its kind, and by the function it caught.

    functions: where it is printed; text: or what it says; skip: functions that are never the one caught.
    """

    functions: re.Pattern[str]
    text: re.Pattern[str]
    kind: str
    source: str
    skip: tuple[re.Pattern[str], ...] = (REPORTERS,)


def _shared(
    functions: str, text: str, kind: str, source: str, skip: tuple[re.Pattern[str], ...] = (REPORTERS,)
) -> SharedCheck:
    return SharedCheck(re.compile(functions), re.compile(text), kind, source, skip)


# Matches no function: the text decides.
_NONE = r"(?!)"

SHARED_CHECKS = (
    _shared(r"refcount_\w+", r"refcount_t: ", "refcount bug", "lib/refcount.c"),
    _shared(
        r"debug_print_object|__?debug_object_\w+|debug_check_no_obj_freed",
        r"ODEBUG: ",
        "ODEBUG bug",
        "lib/debugobjects.c",
    ),
    _shared(
        r"__list_(?:add|del_entry)_valid\w*",
        r"list_(?:add|del) (?:corruption|double add)",
        "list corruption",
        "lib/list_debug.c",
    ),
    _shared(r"cleanup_srcu_struct", _NONE, "srcu bug", "kernel/rcu/srcutree.c"),
    _shared(
        r"__might_sleep",
        r"do not call blocking ops when !TASK_RUNNING",
        "blocking call while not running",
        f"{_CORE_C}, __might_sleep",
        _SLEEPERS,
    ),
    _shared(
        r"rcu_note_context_switch",
        r"Voluntary context switch within RCU",
        "context switch in an RCU reader",
        "kernel/rcu/tree_plugin.h, rcu_note_context_switch",
        _SLEEPERS,
    ),
    _shared(r"__fortify_\w+", r"\w+: detected buffer overflow", "buffer overflow", "lib/string_helpers.c"),
    _shared(
        _NONE, r"\w+: detected field-spanning write", "field-spanning write", "include/linux/fortify-string.h"
    ),
    _shared(r"usercopy_abort", _NONE, "usercopy overflow", "mm/usercopy.c"),
    _shared(r"kobject_\w+", r"kobject: ", "kobject bug", "lib/kobject.c"),
    _shared(_NONE, r"DEBUG_LOCKS_WARN_ON\(", "locking bug", "include/linux/debug_locks.h", _LOCKERS),
)
