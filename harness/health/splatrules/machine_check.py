# SPDX-License-Identifier: GPL-2.0-only
"""Panics, and what the hypervisor's and the firmware's own code says when it fails."""

from __future__ import annotations

import re
from dataclasses import dataclass

from harness.health.splatrules.rule import End, Where, rule

_PANIC = r"(?P<whole>(?P<what>.*?)(?: exitcode=0x[0-9a-f]+)?)$"

RULES = (
    rule(
        "panic-wordless",
        r"Kernel panic - not syncing:(?P<whole>)$",
        "kernel panic in {at}",
        "kernel/panic.c, vpanic, of a caller that gives no words: the trace tells who it is",
        family="panic",
        where=Where.CALLS,
        final=True,
    ),
    rule(
        "panic",
        rf"Kernel panic - not syncing: {_PANIC}",
        "kernel panic: {what}",
        "kernel/panic.c, vpanic",
        where=Where.NOWHERE,
        final=True,
    ),
    rule(
        "os-term",
        rf"(?:\S*/)?qemu-system-ppc64: OS terminated:\s*(?:OS panic: )?{_PANIC}",
        "kernel panic: {what}",
        "QEMU hw/ppc/spapr_rtas.c, rtas_ibm_os_term: the panic's own line is lost",
        family="panic",
        where=Where.NOWHERE,
        end=End.LINE,
        final=True,
        bare=True,
    ),
    rule(
        "kvm-trap",
        r"KVM trap in HV mode",
        "KVM: trap in HV mode",
        "arch/powerpc/kvm/book3s_hv.c, kvmppc_handle_exit_hv",
        where=Where.NOWHERE,
        end=End.LINE,
    ),
    rule(
        "rtas",
        r"(?:RTAS: )?(?P<what>Fatal hardware error) detected",
        "RTAS: {what}",
        "arch/powerpc/platforms/pseries/ras.c, ras_error_interrupt",
        where=Where.NOWHERE,
        end=End.LINE,
    ),
    rule(
        "skiboot-assert",
        r"(?:assert failed at|Assert fail:) (?P<what>[^\s:]+):\d+:",
        "skiboot: assertion in {what}",
        "skiboot core/utils.c, assert_fail",
        family="skiboot",
        where=Where.NOWHERE,
        final=True,
        bare=True,
    ),
    rule(
        "skiboot-exception",
        r"Fatal (?P<what>MCE|TRAP|Exception 0x[0-9a-f]+|System Reset) (?:in sleep|at [0-9a-f]+ *(?P<at>\S*))",
        "skiboot: {what} in {at}",
        "skiboot core/exceptions.c, exception_entry",
        family="skiboot",
        final=True,
        bare=True,
        verbatim=True,
    ),
    rule(
        "skiboot-stack",
        r"Stack corruption detected !|CPU [0-9a-f]{4} Stack (?:overflow detected|usage danger) !",
        "skiboot: stack overflow",
        "skiboot core/stack.c",
        family="skiboot",
        where=Where.NOWHERE,
        bare=True,
    ),
    rule(
        "slof",
        r"\( [0-9A-F]+ \) (?P<what>[A-Z][\w -]+?) Exception \[ [0-9a-f]+ \]",
        "SLOF: {what}",
        "SLOF slof/fs/exception.fs, .hw-exception",
        where=Where.NOWHERE,
        end=End.LINE,
        final=True,
        bare=True,
        lower=True,
    ),
)


@dataclass(frozen=True)
class Consequence:
    """A panic of these words only says that a splat before it, of one of these families, was too much."""

    panic: re.Pattern[str]
    families: tuple[str, ...]


def _after(panic: str, *families: str) -> Consequence:
    return Consequence(re.compile(panic), families)


CONSEQUENCES = (
    _after(r"Fatal exception|Aiee, killing interrupt handler|Attempted to kill the idle task", "fault"),
    # The low bits are the signal that killed it; without one it left by itself.
    _after(r"Attempted to kill init! exitcode=0x[0-9a-f]*(?!00)[0-9a-f]{2}$", "fault"),
    _after(r"Unrecoverable Machine Check", "fault"),
    _after(r"System Reset|Unrecoverable System Reset", "fault"),
    _after(r"softlockup: hung tasks", "soft-lockup"),
    _after(r"Hard LOCKUP", "hard-lockup"),
    _after(r"RCU Stall", "rcu-stall"),
    _after(r"hung_task: blocked tasks", "hung-task"),
    _after(r"workqueue: (?:\d+ )?stall", "workqueue-lockup"),
    _after(r"kernel: panic_on_warn set", "warning"),
    _after(r"(?:KASAN|KFENCE|KCSAN|UBSAN): panic_on_warn set", "kasan", "kfence", "kcsan", "ubsan"),
    _after(r"scheduling while atomic: panic_on_warn set", "atomic-schedule"),
)
