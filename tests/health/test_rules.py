# SPDX-License-Identifier: GPL-2.0-only
"""No row is there for nothing: without it a console says something else."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from consoles import CONSOLES, read, told

from harness.health import splat_report as report
from harness.health import splats
from harness.health.consoleline import read_line
from harness.health.reporters import REPORTERS, SPINNERS, WAITERS, only
from harness.health.splatrules import CONSEQUENCES, RULES, SHARED_CHECKS, any_rule
from harness.health.splats import read_splats

# Each with its lines as rules see them.
TEXTS = [(console, [read_line(line).text for line in console.lines]) for console in map(read, CONSOLES)]


def without(rows, row):
    return tuple(each for each in rows if each is not row)


def some_console_changes(mentions) -> bool:
    """mentions: whether a line is of interest, so that not all consoles are read for each row."""
    return any(
        told(read_splats(console.lines)) != console.titles
        for console, texts in TEXTS
        if any(map(mentions, texts))
    )


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.key}:{rule.pattern.pattern[:30]}")
def test_a_rule_is_needed(rule, monkeypatch):
    monkeypatch.setattr(splats, "RULES", without(RULES, rule))
    assert some_console_changes(rule.pattern.match)


@pytest.mark.parametrize("row", CONSEQUENCES, ids=lambda row: row.panic.pattern)
def test_a_consequence_is_needed(row, monkeypatch):
    monkeypatch.setattr(splats, "CONSEQUENCES", without(CONSEQUENCES, row))
    assert some_console_changes(re.compile("Kernel panic").match)


@pytest.mark.parametrize("row", SHARED_CHECKS, ids=lambda row: row.kind)
def test_a_shared_check_is_needed(row, monkeypatch):
    monkeypatch.setattr(report, "SHARED_CHECKS", without(SHARED_CHECKS, row))
    assert some_console_changes(re.compile("WARNING|kernel BUG").match)


def test_what_begins_any_rule_is_what_begins_one():
    """Also of lines that are cut off, or begin one character later: near every form there is one that is
    none."""
    begins = Counter()

    def compare(form):
        expected = any(rule.pattern.match(form) for rule in RULES)
        assert (any_rule().match(form) is not None) is expected, form
        begins[expected] += 1
        return expected

    for text in dict.fromkeys(text for _, texts in TEXTS for text in texts):
        if compare(text):
            compare(text[1:])
            compare(text[: len(text) // 2])
    assert min(begins.values()) > 300


def test_sources_are_named():
    for rule in RULES:
        assert rule.source and rule.title.count("{at}") == (rule.title.endswith("{at}"))


# Real functions, one for each name or form of names in the lists.
REPORT = """
    dump_stack dump_stack_lvl __dump_stack show_stack show_regs __warn warn_slowpath_fmt __warn_printk
    report_bug xmon xmon_core debugger __handle_sysrq handle_sysrq sysrq_handle_xmon panic vpanic
    nmi_panic _printk printk vprintk_emit die __die oops_end bad_page_fault __bad_page_fault
    program_check_exception refcount_warn_saturate __refcount_add __list_add_valid_or_report
    __list_del_entry_valid_or_report list_del_init debug_object_activate __debug_object_init
    debug_print_object debug_check_no_obj_freed __debug_check_no_obj_freed ubsan_epilogue
    __ubsan_handle_shift_out_of_bounds handle_overflow __might_resched __might_sleep __might_fault
    ___might_sleep __schedule_bug check_preemption_disabled debug_smp_processor_id
    __debug_smp_processor_id kasan_report __kasan_slab_free print_report __asan_load8 memcpy memset
    memmove memcpy_power7 __memcpy kfence_report_error __kfence_alloc kcsan_report_known_origin
    __tsan_read8 bad_page kfree kvfree_sensitive vfree kmem_cache_free slab_free_hook __slab_free
    free_pages __free_pages __free_frozen_pages free_unref_page free_page_is_bad_report
    warn_free_bad_obj check_new_page_bad warn_alloc slab_err __slab_err slab_bug object_err
    usercopy_abort __check_heap_object check_heap_object __check_object_size __fortify_panic
    __fortify_report spin_dump spin_bug rwlock_bug do_raw_spin_lock print_circular_bug print_bug_lockdep
    lockdep_rcu_suspicious print_lockdep_off trace_hardirqs_on trace_softirqs_off check_prev_add
    check_noncircular check_deadlock check_flags check_wait_context check_irq_usage mark_lock
    mark_lock_irq mark_usage validate_chain __lock_acquire lock_acquire lock_release lock_is_held_type
    debug_check_no_locks_held debug_check_no_locks_freed register_lock_class assign_lock_key
    look_up_lock_class of_node_release of_node_put of_node_get of_get_next_cpu_node of_find_node_by_path
    kobject_put kobject_cleanup kobject_release kobject_get kobject_add_internal kref_put sysfs_warn_dup
    create_dir timer_init_key init_timer_key mod_timer __mod_timer timer_delete_sync del_timer_sync
    add_timer_on cleanup_srcu_struct rcu_note_context_switch sched_show_task
"""
WAIT = """
    __switch_to _switch context_switch __schedule schedule schedule_timeout io_schedule
    preempt_schedule_common cond_resched __cond_resched mutex_lock mutex_lock_nested __mutex_lock
    ww_mutex_lock rt_mutex_lock __rt_mutex_lock rwsem_down_write_slowpath down_write __down_read
    percpu_down_write percpu_rwsem_wait wait_for_completion __wait_for_common wait_woken
    do_wait_for_common out_of_line_wait_on_bit bit_wait_io synchronize_rcu synchronize_rcu_expedited
    synchronize_srcu __synchronize_srcu rcu_barrier msleep msleep_interruptible usleep_range_state
    ssleep fsleep flush_work __flush_work __flush_workqueue flush_delayed_work kmalloc_trace
    kvmalloc_node kcalloc kzalloc __kmalloc_noprof __do_kmalloc_node kmem_cache_alloc
    __kmem_cache_alloc_node alloc_pages_noprof __alloc_frozen_pages_noprof vmalloc __vmalloc_node
    slab_pre_alloc_hook slab_alloc_node kmemleak_alloc copy_from_user _copy_to_user
"""
SPIN = """
    queued_spin_lock_slowpath _raw_spin_lock _raw_spin_lock_irqsave _raw_read_lock _raw_write_lock
    spin_lock do_raw_spin_lock __spin_yield splpar_spin_yield yield_to_any __delay udelay arch_spin_lock
    lock_acquire lock_release __lock_acquire csd_lock_wait_toolong smp_call_function_many_cond
    on_each_cpu_cond_mask stop_machine multi_cpu_stop plpar_hcall_norets plpar_hcall9 plpar_idle
    arch_local_irq_restore replay_soft_interrupts __replay_soft_interrupts rcu_dump_cpu_stacks
    rcu_sched_clock_irq dump_cpu_task print_cpu_stall check_cpu_stall update_process_times
    tick_sched_handle hrtimer_interrupt __hrtimer_run_queues timer_interrupt __timer_interrupt
    decrementer_common_virt nmi_cpu_backtrace arch_trigger_cpumask_backtrace
    trigger_single_cpu_backtrace handle_softirqs do_softirq __do_softirq irq_exit irq_exit_rcu
"""
GROUPS = ((REPORTERS, REPORT), (WAITERS, WAIT), (SPINNERS, SPIN))


@pytest.mark.parametrize(("names", "words"), GROUPS, ids=["reporters", "waiters", "spinners"])
def test_functions_that_only_report_wait_or_spin(names, words):
    for function in words.split():
        assert only(names, function), function


@pytest.mark.parametrize(("names", "words"), GROUPS, ids=["reporters", "waiters", "spinners"])
def test_each_name_has_an_example(names, words):
    for name in alternatives(names.pattern):
        assert any(re.fullmatch(name, function) for function in words.split()), name


def alternatives(pattern: str) -> list[str]:
    """Those of the top, not those in parentheses."""
    found, depth = [""], 0
    for letter in pattern:
        depth += (letter == "(") - (letter == ")")
        if letter == "|" and not depth:
            found.append("")
        else:
            found[-1] += letter
    return found


@pytest.mark.parametrize(
    "function",
    ["kvmppc_vcpu_run_hv", "kvm_vm_ioctl", "kvmppc_set_arch_compat", "kvmppc_alloc_hpt", "lkdtm_WARNING",
     "kvmhv_emulate_tlbie_all_lpid", "vfs_write", "do_exit", "kthread", "wait_task_zombie", "downgrade"],
)  # fmt: skip
def test_a_function_of_the_kernel_is_none_of_these(function):
    assert not any(only(names, function) for names, _ in GROUPS)
