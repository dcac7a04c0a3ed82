#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Record how a kernel complains: one boot for each case, its console cut to what matters.

    kvmppc build debian-source:7.2                       prints IMAGE; its .config is beside it
    cat DIR_OF_IMAGE/.config bench/consoles/debug.config >/tmp/debug.config
    bench/record_consoles.py --kernel debian-source:7.2+bench/consoles/provoke --config /tmp/debug.config \\
        --out tests/data/consoles [--only NAME]

The kernel has LKDTM, and more ways to fail of ours (bench/consoles/provoke). Each file begins with how it came about
and with the titles that harness.health.splats gives it today: a proposal, to be read and corrected by a human before
it is committed. What is there already is not recorded again without --again.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.health.splats import read_splats
from harness.images import cpio
from harness.parts.cache import Cache
from harness.parts.kernelbuild import BuildChoices
from harness.parts.kernels import resolve_kernel
from harness.parts.qemu import QemuBuild, resolve_qemu
from harness.parts.userland import resolve_userland

HERE = Path(__file__).parent / "consoles"
LONGEST = 140

MACHINES = {
    "papr": ["-M", "pseries,x-vof=on,cap-nested-papr=on", "-nodefaults", "-cpu", "power11"],
    "hv": ["-M", "pseries,x-vof=on,cap-nested-hv=on", "-nodefaults", "-cpu", "power10"],
    "pnv10": ["-M", "powernv10", "-nic", "none", "-cpu", "power10"],
    "pnv9": ["-M", "powernv9", "-nic", "none", "-cpu", "power9"],
}


@dataclass(frozen=True)
class Case:
    """script: shell, run by bench/consoles/init; seconds: until QEMU is ended, if it has not left by itself;
    until: ... or so much later than this is seen."""

    name: str
    script: str
    machine: str = "papr"
    smp: int = 1
    append: str = ""
    seconds: float = 20
    until: str = ""


def lkdtm(kind: str, **more: object) -> Case:
    return Case(f"lkdtm-{kind.lower().replace('_', '-')}", f"lkdtm {kind}", **more)  # type: ignore[arg-type]


def ours(kind: str, **more: object) -> Case:
    return Case(kind.replace("_", "-"), f"provoke {kind}", **more)  # type: ignore[arg-type]


# A timer that is due is not seen by a CPU that spins with interrupts off, and TCG is slow: limits are the shortest
# that the kernel takes.
_LOCKUP = "echo 3 >/proc/sys/kernel/watchdog_thresh; "
_HUNG = "echo 3 >/proc/sys/kernel/hung_task_timeout_secs; echo 1 >/proc/sys/kernel/hung_task_check_interval_secs; "
_WORKQUEUE = "echo 5 >/sys/module/workqueue/parameters/watchdog_thresh; "

CASES = (
    # Faults.
    *(ours(name) for name in (
        "null_read", "null_write", "null_call", "bad_call", "bad_read", "bad_write", "user_read", "illegal", "trap",
        "vsx", "fp", "altivec", "bad_stack", "unrecoverable", "bug", "sreset", "machine_check", "stack",
    )),
    *(lkdtm(name) for name in (
        "BUG", "EXCEPTION", "PANIC", "CORRUPT_STACK", "CORRUPT_STACK_STRONG", "EXEC_DATA", "EXEC_STACK", "EXEC_KMALLOC",
        "EXEC_VMALLOC", "EXEC_RODATA", "EXEC_USERSPACE", "EXEC_NULL", "ACCESS_USERSPACE", "ACCESS_NULL", "WRITE_RO",
        "WRITE_KERN", "EXHAUST_STACK", "STACK_GUARD_PAGE_LEADING", "PPC_RADIX_TLBIEL", "PANIC_IN_HARDIRQ", "BUG_IN_HARDIRQ",
    )),
    # WARNINGs and checks of structures.
    *(ours(name) for name in (
        "warn", "warn_text", "warn_many", "srcu", "odebug", "odebug_init", "kobject", "sysfs", "not_running", "rcu_switch",
        "warn_timer", "oops_timer", "warn_work", "oops_work", "of_put", "panic", "harmless",
    )),
    *(lkdtm(name) for name in (
        "WARNING", "WARNING_MESSAGE", "CORRUPT_LIST_ADD", "CORRUPT_LIST_DEL", "REFCOUNT_INC_OVERFLOW",
        "REFCOUNT_DEC_ZERO", "REFCOUNT_INC_ZERO", "REFCOUNT_SUB_AND_TEST_NEGATIVE", "ARRAY_BOUNDS",
        "FORTIFY_MEM_OBJECT", "FORTIFY_MEM_MEMBER", "FORTIFY_STRSCPY", "OVERFLOW_SIGNED",
    )),
    # Locks and sleeping.
    *(ours(name) for name in (
        "sleep_mutex", "sleep_alloc", "schedule_atomic", "lock_order", "lock_recursive", "lock_irq", "unlock", "lock_kept",
        "lock_freed", "rcu_deref", "no_key", "spin_magic",
    )),
    # Memory.
    *(ours(name) for name in (
        "ubsan_shift", "ubsan_bool", "redzone", "use_after_free", "kfence_oob", "kfence_free", "bad_page", "page_bug",
        "page_allocation",
    )),
    *(lkdtm(name) for name in (
        "SLAB_LINEAR_OVERFLOW", "WRITE_AFTER_FREE", "SLAB_FREE_DOUBLE", "SLAB_FREE_CROSS", "SLAB_FREE_PAGE",
        "KFENCE_READ_AFTER_FREE", "USERCOPY_SLAB_SIZE_TO", "USERCOPY_STACK_BEYOND", "USERCOPY_KERNEL",
        "VMALLOC_LINEAR_OVERFLOW",
    )),
    Case("leak", "provoke leak; $bb sleep 6; echo scan >/sys/kernel/debug/kmemleak; echo scan >/sys/kernel/debug/kmemleak;"
         " $bb cat /sys/kernel/debug/kmemleak", seconds=60),
    Case("oom", "$bb tail /dev/zero", seconds=90),
    # Lockups.
    Case("soft-lockup", f"{_LOCKUP} provoke soft_lockup", seconds=40, until="soft lockup"),
    Case("soft-lockup-panic", f"{_LOCKUP} echo 1 >/proc/sys/kernel/softlockup_panic; provoke soft_lockup", seconds=40),
    Case("hard-lockup", f"{_LOCKUP} provoke hard_lockup", smp=2, seconds=40, until="LOCKUP"),
    Case("hard-lockup-self", f"{_LOCKUP} provoke hard_lockup", seconds=40, until="LOCKUP"),
    Case("rcu-stall", "provoke rcu_stall", seconds=40, until="detected stall"),
    Case("rcu-stall-smp", "provoke rcu_stall", smp=2, seconds=40, until="detected stall"),
    Case("hung-completion", f"{_HUNG} provoke hung_completion & $bb sleep 8", seconds=30),
    Case("hung-mutex", f"{_HUNG} provoke hung_mutex & $bb sleep 8", seconds=30),
    Case("hung-panic", f"{_HUNG} echo 1 >/proc/sys/kernel/hung_task_panic; provoke hung_completion & $bb sleep 8", seconds=30),
    Case("workqueue-lockup", f"{_WORKQUEUE} provoke workqueue_lockup; $bb sleep 20", seconds=60),
    ours("workqueue_leak"),
    Case("smp-call", f"{_LOCKUP} provoke smp_call", smp=2, seconds=40, until="soft lockup|stall"),
    lkdtm("SPINLOCKUP", seconds=40, until="lockup|stall"),
    # Panics that follow.
    Case("warn-panic", "echo 1 >/proc/sys/kernel/panic_on_warn; provoke warn"),
    Case("oops-panic", "echo 1 >/proc/sys/kernel/panic_on_oops; provoke null_read"),
    Case("init-exits", "$bb kill -9 1; exit 0", append="rdinit=/bin/false"),
    Case("no-init", "exit 0", append="rdinit=/none root=/dev/none"),
    Case("sysrq-crash", "echo c >/proc/sysrq-trigger"),
    # xmon.
    Case("xmon-null", "provoke null_read", append="xmon=on", seconds=15, until="mon>"),
    Case("xmon-bug", "provoke bug", append="xmon=on", seconds=15, until="mon>"),
    Case("xmon-illegal", "provoke illegal", append="xmon=on", seconds=15, until="mon>"),
    Case("xmon-call", "provoke null_call", append="xmon=on", seconds=15, until="mon>"),
    Case("xmon-panic", "provoke panic", append="xmon=on", seconds=15, until="mon>"),
    Case("xmon-warn", "provoke warn", append="xmon=on", seconds=15),
    Case("xmon-sysrq", "echo x >/proc/sysrq-trigger", append="xmon=on", seconds=15, until="mon>"),
    Case("xmon-lockup", f"{_LOCKUP} echo 1 >/proc/sys/kernel/softlockup_panic; provoke soft_lockup", append="xmon=on",
         seconds=40, until="mon>"),
    # Other machines.
    Case("hv-null-read", "provoke null_read", machine="hv"),
    Case("hv-warn", "provoke warn", machine="hv"),
    Case("hv-machine-check", "provoke machine_check", machine="hv"),
    Case("hv-soft-lockup", f"{_LOCKUP} provoke soft_lockup", machine="hv", seconds=40, until="soft lockup"),
    Case("pnv10-null-read", "provoke null_read", machine="pnv10", seconds=60),
    Case("pnv10-warn", "provoke warn", machine="pnv10", seconds=60),
    Case("pnv10-machine-check", "provoke machine_check", machine="pnv10", seconds=60),
    Case("pnv10-unrecoverable", "provoke unrecoverable", machine="pnv10", seconds=60),
    Case("pnv10-panic", "provoke panic", machine="pnv10", seconds=60),
    Case("pnv10-xmon", "provoke null_write", machine="pnv10", append="xmon=on", seconds=60, until="mon>"),
    Case("pnv9-hard-lockup", f"{_LOCKUP} provoke hard_lockup", machine="pnv9", smp=2, seconds=60, until="LOCKUP"),
    Case("pnv9-machine-check", "provoke machine_check", machine="pnv9", seconds=60),
    Case("pnv9-illegal", "provoke illegal", machine="pnv9", seconds=60),
)  # fmt: skip

# The kernel says what it was told to do; what is before is an ordinary boot.
_BEGINS = re.compile(
    r"provoke: |lkdtm: Performing direct entry|sysrq: |Run /|PRNG|blocked for more|Kernel panic|invoked oom"
)
# Lines after what --until waits for.
_LATER = 3.0


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kernel", default="debian-source:7.2+bench/consoles/provoke")
    parser.add_argument("--config", required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--only", action="append", default=[], help="a case; may be repeated")
    parser.add_argument("--prefix", default="", help="of the files' names, for a second kernel")
    parser.add_argument("--again", action="store_true")
    words = parser.parse_args()
    cache = Cache.default()
    kernel = resolve_kernel(words.kernel, cache, BuildChoices(config=words.config))
    busybox = (resolve_userland(cache).tree / "usr/bin/busybox").read_bytes()
    qemu = resolve_qemu("debian", cache)
    words.out.mkdir(parents=True, exist_ok=True)
    known = {case.name for case in CASES}
    unknown = set(words.only) - known
    if unknown:
        sys.exit(f"unknown cases: {' '.join(sorted(unknown))}")
    for case in CASES:
        path = words.out / f"{words.prefix}{case.name}.log"
        if (words.only and case.name not in words.only) or (path.exists() and not words.again):
            continue
        with tempfile.TemporaryDirectory(prefix="kvmppc-record-") as name:
            initramfs = Path(name) / "initramfs.cpio"
            entries = [
                cpio.Entry("init", (HERE / "init").read_bytes(), executable=True),
                cpio.Entry("case.sh", f"{case.script}\n".encode()),
                cpio.Entry("bin/busybox", busybox, executable=True),
            ]
            cpio.write(initramfs, entries)
            lines = boot(qemu, case, kernel.vmlinux, initramfs)
        text = trimmed(lines)
        splats = read_splats(text)
        where = f"Linux {kernel.release}, {case.machine}, QEMU {'.'.join(map(str, qemu.version))}"
        header = [f"# recorded: {where}: {case.script.strip()}"]
        header += [f"# title: {each.title}{' (final)' if each.final else ''}" for each in splats]
        path.write_text("\n".join([*header, *text]) + "\n")
        print(f"{case.name}: {len(text)} lines: {'; '.join(header[1:])}", flush=True)


def boot(qemu: QemuBuild, case: Case, vmlinux: Path, initramfs: Path) -> list[str]:
    append = f"console=hvc0 panic=-1 {case.append}".strip()
    command: Sequence[str] = [
        *qemu.argv, *MACHINES[case.machine], "-accel", "tcg", "-smp", str(case.smp), "-m", "2G", "-display", "none",
        "-no-reboot", "-serial", "stdio", "-kernel", str(vmlinux), "-initrd", str(initramfs), "-append", append,
    ]  # fmt: skip
    child = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    assert child.stdout is not None
    seen, end = b"", time.monotonic() + case.seconds
    waiting = re.compile(case.until.encode()) if case.until else None
    with selectors.DefaultSelector() as selector, child:
        selector.register(child.stdout, selectors.EVENT_READ)
        while time.monotonic() < end:
            if not selector.select(0.2):
                continue
            more = os.read(child.stdout.fileno(), 65536)
            if not more:
                break
            seen += more
            if waiting is not None and waiting.search(seen):
                waiting, end = None, time.monotonic() + _LATER
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", seen.decode(errors="replace")).splitlines()


def trimmed(lines: list[str]) -> list[str]:
    """From two lines before the case begins, and no longer than a test wants to read."""
    lines = [line.rstrip() for line in lines]
    start = next((number for number, line in enumerate(lines) if _BEGINS.search(line)), 0)
    return lines[max(0, start - 2) :][:LONGEST]


if __name__ == "__main__":
    main()
