# SPDX-License-Identifier: GPL-2.0-only
# ruff: noqa: E501
"""Lines of a call trace, and which functions in one only report what another did."""

from __future__ import annotations

import re
from dataclasses import dataclass

_SYMBOL = r"\.?(?P<function>[A-Za-z_][\w.$]*)\+0x[0-9a-f]+(?:/0x[0-9a-f]+)?"

# ``[c000000007a3fc40] [c0000000005bdc0c] func+0x58/0xc0 [kvm_hv] (unreliable)``: powerpc's show_stack
# (arch/powerpc/kernel/process.c) prints the stack pointer first; xmon's addresses have no second brackets;
# `` func+0x58/0xc0`` is stack_trace_print (kernel/stacktrace.c), as in KFENCE's and lockdep's reports;
# `` S: 0000000031c03b90 R: 000000003001b5c0   .func+0x60`` is skiboot's (core/stack.c).
_FRAME = re.compile(
    r"(?:"
    r"\[[0-9a-f]{8,16}\] (?:\[?[0-9a-f]{8,16}\]? )?"
    r"|\[link register   \] [0-9a-f]{8,16} "
    r"|\[<[0-9a-f]{8,16}>\] "
    r"| S: [0-9a-f]{16} R: [0-9a-f]{16} [ !E*] "
    r"| +)" + _SYMBOL
)
_INTERRUPT = re.compile(
    r"-{3,4} (?:interrupt|Exception): [0-9a-f]+(?: \([^)]*\))? at +(?:[0-9a-f]{8,16}:? )?" + _SYMBOL
)
_NIP = re.compile(r"(?:MCE: CPU\d+: )?NIP \[[0-9a-f]{8,16}\] " + _SYMBOL)
_MCE_NIP = re.compile(r"MCE: CPU\d+: NIP: \[[0-9a-f]{8,16}\] " + _SYMBOL)
_LR = re.compile(r"LR \[[0-9a-f]{8,16}\] " + _SYMBOL)
_XMON_PC = re.compile(r" {4}pc: [0-9a-f]{8,16}: " + _SYMBOL)
_XMON_LR = re.compile(r" {4}lr: [0-9a-f]{8,16}: " + _SYMBOL)
_SYMBOL_ALONE = re.compile(_SYMBOL)
# lib/smp_processor_id.c; kernel/workqueue.c, process_one_work and show_pwq.
_NAMED = re.compile(
    r"caller is (?P<function>[A-Za-z_][\w.]*)| +last function: (?P<last>[A-Za-z_][\w.]*)"
    r"|(?:workqueue: )? +in-flight: \d+:(?P<flight>[A-Za-z_][\w.]*)"
)
# GCC's and clang's copies of a function are that function.
_COPY = re.compile(r"\.(?:isra|constprop|part|cold|llvm|lto_priv)(?:\.\d+)*")


@dataclass(frozen=True)
class Frame:
    """kind: ``nip``, ``lr``, ``interrupt`` (what was interrupted) or ``call``; sure: False where the kernel
    says "unreliable"."""

    function: str
    kind: str
    sure: bool = True


def read_frame(text: str) -> Frame | None:
    """A line of a trace or of registers that names a function; None for any other."""
    for kind, pattern in _KINDS:
        match = pattern.match(text)
        if match:
            return Frame(plain_function(match["function"]), kind, "(unreliable)" not in text)
    match = _NAMED.match(text)
    return Frame(plain_function(match[match.lastgroup or 0]), "call") if match else None


_KINDS = (
    ("nip", _NIP),
    ("nip", _MCE_NIP),
    ("nip", _XMON_PC),
    ("lr", _LR),
    ("lr", _XMON_LR),
    ("interrupt", _INTERRUPT),
    ("call", _FRAME),
)


def function_in(text: str) -> str:
    """The first ``func+0x1/0x2`` in *text*, without offset; '' if there is none."""
    match = _SYMBOL_ALONE.search(text)
    return plain_function(match["function"]) if match else ""


def plain_function(name: str) -> str:
    return _COPY.sub("", name)


def _names(text: str) -> re.Pattern[str]:
    return re.compile("|".join(text.split()))


# Functions that print or check, whoever called them. Each is matched as a whole; names as in Linux 6.12 to 7.3.
REPORTERS = _names(
    # kernel/panic.c, lib/bug.c, lib/dump_stack.c, kernel/printk
    r"dump_stack(_lvl)? __dump_stack show_stack show_regs __warn warn_slowpath_\w+ __warn_printk report_bug \w*panic"
    r" _?printk vprintk\w* __die die oops_end bad_page_fault __bad_page_fault program_check_exception"
    # lib/refcount.c, lib/list_debug.c, lib/debugobjects.c, lib/ubsan.c
    r" refcount_warn_saturate __refcount_\w+ refcount_\w+"
    r" __list_(add|del_entry)_valid\w* list_(add|del)\w* __list_(add|del)\w*"
    r" debug_print_object __debug_object_\w+ debug_object_\w+ debug_check_no_obj_freed __debug_check_no_obj_freed"
    r" ubsan_epilogue __ubsan_handle_\w+ handle_overflow val_to_string"
    # kernel/sched/core.c
    r" __might_resched __might_sleep __might_fault ___might_sleep __schedule_bug __cant_sleep check_preemption_disabled"
    r" (__)?debug_smp_processor_id __this_cpu_preempt_check"
    # mm
    r" kasan_\w+ __kasan_\w+ print_report end_report __asan_\w+ (__asan_)?mem(cpy|set|move) kfence_\w+ __kfence_\w+"
    r" kcsan_\w+ __tsan_\w+ bad_page free_page_is_bad\w* free_tail_page_prepare check_new_page_bad page_bad_reason"
    r" warn_alloc slab_err object_err __slab_err slab_bug __slab_bug print_trailer free_to_partial_list"
    r" check_object check_bytes_and_report \w*_consistency_checks slab_fix usercopy_abort __check_heap_object"
    r" __check_object_size check_heap_object __fortify_(panic|report)"
    # kernel/locking: spinlock_debug.c and lockdep.c
    r" spin_(dump|bug) rwlock_bug do_raw_\w+ print_(usage_bug|circular_bug|deadlock_bug|irq_inversion_bug|lock_\w+|\w*_bug)"
    r" (print_)?lockdep_\w+ trace_hardirqs_\w+ check_(prev_add|noncircular|deadlock|flags|wait_context)"
    r" check_irq_usage mark_lock(_irq)? mark_usage validate_chain __lock_\w+ lock_(acquire|release|is_held)\w*"
    r" debug_check_no_locks_(freed|held) register_lock_class assign_lock_key look_up_lock_class"
    # drivers/of/dynamic.c, lib/kobject.c, lib/kref
    r" of_node_release of_node_put kobject_(put|cleanup|release|get) __kobject_del kref_put"
    # kernel/rcu
    r" cleanup_srcu_struct rcu_note_context_switch"
    # kernel/hung_task.c and those who show other tasks
    r" sched_show_task show_state_filter"
)

# Functions that wait: a task that sleeps in them was put there by their caller.
WAITERS = _names(
    r"__switch_to context_switch __schedule\w* schedule\w* io_schedule\w* preempt_schedule\w* __cond_resched cond_resched\w*"
    r" do_sched_yield yield _switch"
    r" mutex_lock\w* __mutex_lock\w* ww_mutex_\w+ rt_mutex_\w+ __rt_mutex_\w+ rwsem_\w+ __?down\w* down_\w+"
    r" percpu_(down|rwsem)\w* __percpu_\w+ wait_for_\w+ __wait_\w+ do_wait_for_common out_of_line_wait_\w+"
    r" bit_wait\w* wait_on_\w+ wait_woken prepare_to_wait\w*"
    r" synchronize_(s?rcu|rcu_\w+|srcu_\w+) __synchronize_srcu\w* rcu_barrier\w* rcu_sync_\w+"
    r" msleep\w* usleep_\w+ ssleep fsleep __?flush_work\w* flush_(delayed_)?work\w*"
    r" (__)?k[vmz]alloc\w* (__)?kmem_cache_\w+ __alloc_\w+ alloc_pages\w* slab_pre_alloc_hook vmalloc\w* __vmalloc\w*"
    r" copy_(from|to)_user\w* _copy_(from|to)_user\w*"
)

# Functions that wait without sleeping: a CPU that is stuck in them was put there by their caller.
SPINNERS = _names(
    r"queued_spin_lock_\w+ (_raw_|raw_|__raw_)?(spin|read|write)_(try)?lock\w* do_raw_\w+ \w*_spin_yield splpar_\w+ yield_to_\w+"
    r" __delay udelay spin_until_\w+ arch_spin_\w+ lock_(acquire|release)\w* __lock_\w+ csd_lock_\w+ smp_call_function_\w+"
    r" smp_call_function on_each_cpu\w* stop_machine\w* multi_cpu_stop plpar_hcall\w* plpar_\w+ arch_local_irq_\w+"
    r" (__)?replay_soft_interrupts\w* rcu_\w+ dump_cpu_task sched_show_task print_cpu_stall\w* check_cpu_stall"
    r" update_process_times tick_\w+ __hrtimer_\w+ hrtimer_\w+ (__)?timer_interrupt decrementer_common\w*"
    r" nmi_\w+ arch_trigger_\w+ trigger_\w+ __?do_softirq handle_softirqs irq_exit\w*"
)


def only(pattern: re.Pattern[str], function: str) -> bool:
    """Whether *function* is one of these as a whole."""
    return pattern.fullmatch(function) is not None
