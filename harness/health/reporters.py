# SPDX-License-Identifier: GPL-2.0-only
"""Functions that stand in a trace before the one that matters: they only report, wait or spin for it.

Each row is matched as a whole. Names as in Linux 6.12 to 7.3.
"""

from __future__ import annotations

import re


def _names(*rows: str) -> re.Pattern[str]:
    return re.compile("|".join(name for row in rows for name in row.split()))


def only(pattern: re.Pattern[str], function: str) -> bool:
    """Whether *function* is one of these as a whole."""
    return pattern.fullmatch(function) is not None


# They check or print, whoever called them.
REPORTERS = _names(
    # kernel/panic.c, lib/bug.c, lib/dump_stack.c, kernel/printk, powerpc's traps.c
    r"(__)?dump_stack(_lvl)? show_stack show_regs __warn warn_slowpath_\w+ __warn_printk report_bug \w*panic",
    r"_?printk vprintk\w* (__)?die oops_end (__)?bad_page_fault program_check_exception",
    # lib/refcount.c, lib/list_debug.c, lib/debugobjects.c, lib/ubsan.c
    r"(__)?refcount_\w+ (__)?list_(add|del)\w* (__)?debug_object_\w+ debug_print_object",
    r"xmon\w* debugger\w* (__)?handle_sysrq sysrq_handle_xmon",
    r"(__)?debug_check_no_obj_freed ubsan_epilogue __ubsan_handle_\w+ handle_overflow",
    # kernel/time/timer.c: what the checks of objects are called from
    r"(timer_init|init_timer)_key (__)?mod_timer (timer_delete|del_timer|add_timer)\w*",
    # kernel/sched/core.c, lib/smp_processor_id.c
    r"_*might_(resched|sleep|fault) __schedule_bug check_preemption_disabled (__)?debug_smp_processor_id",
    # mm: KASAN, KFENCE, KCSAN, pages, slub, usercopy, fortify
    r"(__)?kasan_\w+ print_report __asan_\w+ _*mem(cpy|set|move)\w* (__)?kfence_\w+ kcsan_\w+ __tsan_\w+",
    r"kv?free\w* vfree kmem_cache_free\w* (__)?slab_free\w* (__)?free_(frozen_|unref_)?pages?\w*",
    r"bad_page free_page_is_bad\w* warn_free_bad_obj check_new_page_bad warn_alloc",
    r"(__)?slab_(err|bug) object_err usercopy_abort (__)?check_heap_object __check_object_size",
    r"__fortify_(panic|report)",
    # kernel/locking: spinlock_debug.c and lockdep.c
    r"spin_(dump|bug) rwlock_bug do_raw_\w+ print_\w*bug\w* (print_)?lockdep_\w+ trace_(hard|soft)irqs_\w+",
    r"check_(prev_add|noncircular|deadlock|flags|wait_context|irq_usage) mark_(lock(_irq)?|usage)",
    r"validate_chain __lock_\w+ lock_(acquire|release|is_held)\w* debug_check_no_locks_(freed|held)",
    r"register_lock_class assign_lock_key look_up_lock_class",
    # drivers/of/dynamic.c, lib/kobject.c, kernel/rcu, kernel/hung_task.c
    r"of_node_(release|put|get) of_(get|find)_\w+ kobject_\w+ kref_put sysfs_\w+ create_dir",
    r"cleanup_srcu_struct rcu_note_context_switch sched_show_task",
)

# They sleep, or may: their caller put them there.
WAITERS = _names(
    r"__switch_to _switch context_switch __schedule\w* schedule\w* io_schedule\w* preempt_schedule\w*",
    r"(__)?cond_resched\w* mutex_\w+ __mutex_\w+ ww_mutex_\w+ (__)?rt_mutex_\w+ rwsem_\w+ (__)?down(_\w+)?",
    r"percpu_(down|rwsem)\w* (__)?wait_(for_\w+|event\w*|on_\w+|rcu_gp|woken) do_wait_for_common",
    r"out_of_line_wait_on_bit\w* bit_wait\w* synchronize_(s?rcu|rcu_\w+|srcu_\w+) __synchronize_srcu\w*",
    r"rcu_barrier\w* msleep\w* usleep_\w+ ssleep fsleep (__)?flush_\w*work\w*",
    r"(__)?(k|kv|v)[mzc]alloc\w* __do_kmalloc\w* (__)?kmem_cache_\w+ (__)?alloc_(frozen_)?pages?\w*",
    r"slab_pre_alloc_hook slab_alloc_node kmemleak_\w+ _?copy_(from|to)_user\w*",
)

# They wait without sleeping, or are the timer that shows who does.
SPINNERS = _names(
    r"queued_spin_lock_\w+ _*(raw_)?(spin|read|write)_(try)?lock\w* do_raw_\w+ \w*_spin_yield splpar_\w+",
    r"yield_to_\w+ (__)?u?delay arch_spin_\w+ lock_(acquire|release)\w* __lock_\w+",
    r"csd_lock_\w+ smp_call_function\w* on_each_cpu\w* stop_machine\w* multi_cpu_stop",
    r"plpar_hcall\w* plpar_\w+ arch_local_irq_\w+ (__)?replay_soft_interrupts\w*",
    r"rcu_\w+ dump_cpu_task print_cpu_stall\w* check_cpu_stall update_process_times tick_\w+",
    r"(__)?hrtimer_\w+ (__)?timer_interrupt decrementer_common\w* nmi_\w+ arch_trigger_\w+ trigger_\w+",
    r"handle_softirqs (__)?do_softirq\w* irq_exit\w*",
)
