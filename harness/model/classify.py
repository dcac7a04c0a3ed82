# SPDX-License-Identifier: GPL-2.0-only
"""Which line of a console decides how a boot ended. Pure: lines in, rule out.

The rules are tried on every line as it arrives, in the order below; the first that
matches wins. A rule says whether more is to be expected after it (``final``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from harness.model.outcome import Outcome


@dataclass(frozen=True)
class Rule:
    """key: name used by expectations; final: the machine is of no further use after this line."""

    key: str
    pattern: re.Pattern[str]
    outcome: Outcome
    final: bool
    source: str


@dataclass(frozen=True)
class Finding:
    """The line that proves an outcome, and the rule that read it."""

    key: str
    outcome: Outcome
    line: str
    final: bool


def _rule(key: str, pattern: str, outcome: Outcome, source: str, final: bool = True) -> Rule:
    return Rule(key, re.compile(pattern), outcome, final, source)


# Lines that look like trouble and are not. Checked before the rules.
BENIGN = tuple(
    re.compile(pattern)
    for pattern in (
        r"KVM: TLB LPID invalidation hcall failed, rc=-2",  # L1, VM teardown on nested-papr
        r"KVM-NESTEDv2: couldn't register the L2 VPA \(rc=-56\)",
        r"nestedv2 get capabilities hcall failed, falling back to nestedv1 \(rc=-2\)",
        r"IRQ_XIVE capability must be present for KVM",
    )
)

RULES = (
    _rule(
        "compat-refused",
        r"Unable to set CPU compatibility mode in KVM: Invalid argument",
        Outcome.REFUSED_EARLY,
        "QEMU target/ppc/compat.c, ppc_set_compat: KVM_SET_ONE_REG(ARCH_COMPAT) failed",
    ),
    _rule(
        "run-refused",
        r"error: kvm run failed Invalid argument",
        Outcome.REFUSED_LATE,
        "QEMU accel/kvm/kvm-all.c, kvm_cpu_exec: KVM_RUN failed; QEMU dumps registers and stays",
    ),
    _rule(
        "guest-wide-refused",
        r"KVM: unknown exit, hardware reason f{8}[0-9a-f]{8}",
        Outcome.REFUSED_LATE,
        "QEMU target/ppc/kvm.c, kvm_arch_handle_exit; an old kernel on PowerVM (cover letter of v5)",
    ),
    _rule(
        "run-failed",
        r"error: kvm run failed ",
        Outcome.QEMU_ERROR,
        "QEMU accel/kvm/kvm-all.c, kvm_cpu_exec, an errno that is no refusal",
    ),
    _rule(
        "unknown-exit",
        r"^KVM(?:: unknown exit\b|: entry failed\b|: unhandled exit\b| internal error\b)",
        Outcome.QEMU_ERROR,
        "QEMU accel/kvm/kvm-all.c, kvm_cpu_exec, kvm_handle_internal_error; target/ppc/kvm.c, "
        "kvm_arch_handle_exit: KVM_RUN ended for a reason QEMU cannot serve; it dumps registers and stays",
    ),
    _rule(
        "mode-not-for-cpu",
        r"Compatibility PVR 0x[0-9a-f]+ not valid for CPU",
        Outcome.QEMU_ERROR,
        "QEMU target/ppc/compat.c, ppc_set_compat: max-cpu-compat is newer than the CPU",
    ),
    _rule(
        "dawr1",
        r"DAWR1 not supported by KVM",
        Outcome.QEMU_ERROR,
        "QEMU hw/ppc/spapr_caps.c, cap_dawr1_apply",
    ),
    _rule(
        "register-sync",
        r'Register sync failed.*only "-cpu host" is possible',
        Outcome.QEMU_ERROR,
        "QEMU target/ppc/kvm.c, kvm_arch_put_registers",
    ),
    _rule(
        "qemu-signal",
        r"^qemu-system-ppc64: terminating on signal ",
        Outcome.INFRASTRUCTURE,
        "QEMU system/runstate.c, qemu_kill_report: somebody asked it to end",
    ),
    _rule(
        "qemu",
        r"^qemu-system-ppc64: (?!.*\bwarning: |.*\binfo: |OS terminated)",
        Outcome.QEMU_ERROR,
        "QEMU error_report, after which some go on",
        final=False,
    ),
    _rule("panic", r"Kernel panic - not syncing: ", Outcome.PANIC, "Linux kernel/panic.c"),
    _rule(
        "os-terminated",
        r"qemu-system-ppc64: OS terminated:",
        Outcome.PANIC,
        "QEMU hw/ppc/spapr_rtas.c, ibm,os-term: the guest panicked",
    ),
)

# A disk or an image that cannot be read: the kernel's fault, or the image's. Sources: Linux
# block/blk-core.c, print_req_error; fs/erofs; init/initramfs.c; lib/decompress*.
_DISK = re.compile(
    r"(?:I/O error, dev vd|Buffer I/O error on dev vd|erofs[ :(].*(?:corrupt|invalid|bogus|failed to|cannot)"
    r"|Initramfs unpacking failed|junk within compressed archive|read error, dev vd)",
    re.IGNORECASE,
)


def disk_trouble(line: str) -> bool:
    """Whether a line says that a disk or an image of ours cannot be read."""
    return _DISK.search(line) is not None


def classify(line: str) -> Finding | None:
    """The first rule that matches an ANSI-free line; None for an ordinary one."""
    if any(pattern.search(line) for pattern in BENIGN):
        return None
    for rule in RULES:
        if rule.pattern.search(line):
            return Finding(rule.key, rule.outcome, line.strip(), rule.final)
    return None


def first_finding(lines: Iterable[str]) -> Finding | None:
    """The finding that decides for a whole log: the first final one, else the first of all."""
    found = [finding for finding in map(classify, lines) if finding is not None]
    return next((each for each in found if each.final), found[0] if found else None)
