#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Record how a kernel complains: one boot for each case, its console cut to what matters.

    kvmppc build debian-source:7.2               prints where its image is; its .config is beside it
    cat IMAGE/../.config bench/consoles/debug.config >/tmp/debug.config
    bench/record_consoles.py --config /tmp/debug.config --out tests/data/consoles [--only CASE]

The kernel has LKDTM, and more ways to fail of ours (bench/consoles/provoke). Each file begins with how it
came about, and with the titles that harness.health.splats gives it today: a proposal, to be read and
corrected before it is committed. A file that is there stays as it is, but for --again.
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
from dataclasses import dataclass
from pathlib import Path

from harness.health.splats import read_splats
from harness.images import cpio
from harness.parts.cache import Cache
from harness.parts.kernelbuild import BuildChoices
from harness.parts.kernels import KernelBuild, resolve_kernel
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
    """script: shell, run by bench/consoles/init; seconds: until QEMU is ended, if it has not left by
    itself; until: or a little later than this is seen; begins: where its console is of interest, if that is
    not what the kernel is told to do."""

    name: str
    script: str
    machine: str = "papr"
    smp: int = 1
    append: str = ""
    seconds: float = 20
    until: str = ""
    begins: str = ""

    @property
    def words(self) -> str:
        """What was done, for the file's first line."""
        return " ".join(filter(None, (self.append, self.script)))


def lkdtm(kind: str, **more: object) -> Case:
    return Case(f"lkdtm-{kind.lower().replace('_', '-')}", f"lkdtm {kind}", **more)  # type: ignore[arg-type]


def ours(kind: str, **more: object) -> Case:
    return Case(kind.replace("_", "-"), f"provoke {kind}", **more)  # type: ignore[arg-type]


# TCG is slow, and nobody wants to wait: the shortest limits that the kernel takes.
_ON = "echo 1 >/proc/sys/kernel"
_LOCKUP = "echo 3 >/proc/sys/kernel/watchdog_thresh"
_HUNG = (
    "echo 3 >/proc/sys/kernel/hung_task_timeout_secs; echo 1 >/proc/sys/kernel/hung_task_check_interval_secs"
)
_SCAN = "echo scan >/sys/kernel/debug/kmemleak"

_FAULTS = """
null_read null_write null_call bad_call bad_read bad_write user_read illegal trap vsx fp altivec bad_stack
unrecoverable bug sreset machine_check stack
"""
_LKDTM_FAULTS = """
BUG EXCEPTION PANIC CORRUPT_STACK CORRUPT_STACK_STRONG EXEC_DATA EXEC_STACK EXEC_KMALLOC EXEC_VMALLOC
EXEC_USERSPACE EXEC_NULL ACCESS_USERSPACE ACCESS_NULL WRITE_RO WRITE_KERN EXHAUST_STACK
STACK_GUARD_PAGE_LEADING PPC_RADIX_TLBIEL PANIC_IN_HARDIRQ BUG_IN_HARDIRQ
"""
_CHECKS = """
warn warn_text warn_many srcu odebug odebug_init kobject sysfs not_running rcu_switch warn_timer oops_timer
warn_work oops_work of_put panic harmless sleep_mutex sleep_alloc schedule_atomic lock_order lock_recursive
lock_irq unlock lock_kept lock_freed rcu_deref no_key spin_magic workqueue_leak
"""
_LKDTM_CHECKS = """
WARNING WARNING_MESSAGE CORRUPT_LIST_ADD CORRUPT_LIST_DEL REFCOUNT_INC_OVERFLOW REFCOUNT_DEC_ZERO
REFCOUNT_INC_ZERO REFCOUNT_SUB_AND_TEST_NEGATIVE ARRAY_BOUNDS FORTIFY_MEM_OBJECT FORTIFY_MEM_MEMBER
FORTIFY_STRSCPY
"""
_MEMORY = """
ubsan_shift ubsan_bool redzone use_after_free kfence_oob kfence_free bad_page page_bug page_allocation
"""
_LKDTM_MEMORY = """
SLAB_LINEAR_OVERFLOW WRITE_AFTER_FREE SLAB_FREE_DOUBLE SLAB_FREE_CROSS SLAB_FREE_PAGE KFENCE_READ_AFTER_FREE
VMALLOC_LINEAR_OVERFLOW
"""
_LKDTM_USERCOPY = "USERCOPY_SLAB_SIZE_TO USERCOPY_STACK_BEYOND USERCOPY_KERNEL"

CASES = (
    *map(ours, f"{_FAULTS} {_CHECKS} {_MEMORY}".split()),
    *map(lkdtm, f"{_LKDTM_FAULTS} {_LKDTM_CHECKS} {_LKDTM_MEMORY}".split()),
    *(lkdtm(name, append="hardened_usercopy=on") for name in _LKDTM_USERCOPY.split()),
    Case(
        "leak", f"provoke leak; $bb sleep 6; {_SCAN}; {_SCAN}; $bb cat /sys/kernel/debug/kmemleak", seconds=60
    ),
    Case("oom", "$bb tail /dev/zero", seconds=90),
    # What this kernel says at boot, asked or not.
    *(Case(f"boot-{machine}", "", machine=machine, seconds=60, begins="cut here|Run /init")
      for machine in ("papr", "hv", "pnv10")),
    # What does not move on.
    Case("soft-lockup", f"{_LOCKUP}; provoke soft_lockup", seconds=40, until="soft lockup"),
    Case("soft-lockup-panic", f"{_LOCKUP}; {_ON}/softlockup_panic; provoke soft_lockup", seconds=40),
    Case("hard-lockup", f"{_LOCKUP}; provoke hard_lockup", smp=2, seconds=40, until="LOCKUP"),
    Case("hard-lockup-panic", f"{_LOCKUP}; {_ON}/hardlockup_panic; provoke hard_lockup", smp=2, seconds=40),
    Case("rcu-stall", "provoke rcu_stall", seconds=40, until="detected stall"),
    Case("rcu-stall-smp", "provoke rcu_stall", smp=2, seconds=40, until="detected stall"),
    Case("rcu-stall-panic", f"{_ON}/panic_on_rcu_stall; provoke rcu_stall", smp=2, seconds=40),
    Case("hung-completion", f"{_HUNG}; provoke hung_completion & $bb sleep 8", seconds=30),
    Case("hung-mutex", f"{_HUNG}; provoke hung_mutex & $bb sleep 8", seconds=30),
    Case("hung-panic", f"{_HUNG}; {_ON}/hung_task_panic; provoke hung_completion & $bb sleep 8", seconds=30),
    Case("smp-call", f"{_LOCKUP}; provoke smp_call", smp=2, seconds=40, until="soft lockup|stall"),
    lkdtm("SPINLOCKUP", seconds=40, until="lockup|stall"),
    # Panics that follow, and others.
    Case("warn-panic", f"{_ON}/panic_on_warn; provoke warn"),
    Case("kfence-panic", f"{_ON}/panic_on_warn; provoke kfence_oob"),
    Case("schedule-panic", f"{_ON}/panic_on_warn; provoke schedule_atomic"),
    Case("oops-panic", f"{_ON}/panic_on_oops; provoke null_read"),
    Case("init-exits", "", append="rdinit=/none init=/none"),
    Case("sysrq-crash", "echo c >/proc/sysrq-trigger"),
    # xmon.
    *(Case(f"xmon-{name.replace('_', '-')}", f"provoke {name}", append="xmon=on", seconds=15, until="mon>")
      for name in ("null_read", "bug", "illegal", "null_call", "panic", "warn")),
    Case("xmon-sysrq", "echo x >/proc/sysrq-trigger", append="xmon=on", seconds=15, until="mon>"),
    # Other machines.
    Case("hv-null-read", "provoke null_read", machine="hv"),
    Case("hv-warn", "provoke warn", machine="hv"),
    Case("hv-machine-check", "provoke machine_check", machine="hv"),
    Case("hv-soft-lockup", f"{_LOCKUP}; provoke soft_lockup", machine="hv", seconds=40, until="soft lockup"),
    *(Case(f"pnv10-{name.replace('_', '-')}", f"provoke {name}", machine="pnv10", seconds=60)
      for name in ("null_read", "warn", "machine_check", "unrecoverable", "bad_stack", "panic")),
    Case("pnv10-xmon", "provoke null_write", machine="pnv10", append="xmon=on", seconds=60, until="mon>"),
    Case("pnv9-hard-lockup", f"{_LOCKUP}; provoke hard_lockup", machine="pnv9", smp=2, seconds=60,
         until="LOCKUP"),
    Case("pnv9-machine-check", "provoke machine_check", machine="pnv9", seconds=60),
    Case("pnv9-illegal", "provoke illegal", machine="pnv9", seconds=60),
    # In an L2, on the kernel of its L1.
    *(Case(f"l2-{name.replace('_', '-')}", f"provoke {name}", machine="L2 on pseries-hv", seconds=240)
      for name in ("null_read", "warn", "illegal", "panic", "lock_order")),
    Case("l2-papr-bug", "provoke bug", machine="L2 on pseries-papr", seconds=240),
)  # fmt: skip

# The kernel says what it was told to do; what is before is an ordinary boot.
_BEGINS = (
    re.compile(r"provoke: |lkdtm: Performing direct entry|sysrq: "),
    re.compile(r"Run /init|Kernel panic"),
)
_REGISTERS = re.compile(r"\] GPR(?:0[48]|[12]\d): ")
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
# Seconds after what a case waits for.
_LATER = 3.0


# Typed into an L2, whose shell is at its console's other end.
_L2_SETUP = """
bb=/bin/busybox
$bb mount -t debugfs debugfs /sys/kernel/debug
provoke() { echo "$1" >/sys/kernel/debug/provoke-splat; }
"""


@dataclass(frozen=True)
class Recorder:
    """spec, config: of the kernel, as kvmppc takes them; prefix: of the files' names, for a second kernel."""

    spec: str
    config: str
    qemu: QemuBuild
    kernel: KernelBuild
    busybox: bytes
    out: Path
    prefix: str

    def path(self, case: Case) -> Path:
        return self.out / f"{self.prefix}{case.name}.log"

    def record(self, case: Case) -> None:
        lines = self._in_l2(case) if case.machine.startswith("L2 ") else self._boot(case)
        lines = trimmed(lines, case.begins)
        splats = read_splats(lines)
        version = ".".join(map(str, self.qemu.version))
        header = [f"# recorded: Linux {self.kernel.release}, {case.machine}, QEMU {version}: {case.words}"]
        header += [f"# title: {each.title}{' (final)' if each.final else ''}" for each in splats]
        self.path(case).write_text("\n".join([*header, *lines]) + "\n")
        print(f"{case.name}: {len(lines)} lines: {'; '.join(header[1:])}", flush=True)

    def _in_l2(self, case: Case) -> list[str]:
        """By kvmppc boot, whose script in L1 types into L2's console."""
        topology = case.machine.removeprefix("L2 on ")
        typed = f"{_L2_SETUP}{case.script}\n$bb sleep 1\n$bb poweroff -f\n"
        script = f"{{ busybox sleep 20; busybox cat <<'END'\n{typed}END\nbusybox sleep 20; }} | /run/l2\n"
        with tempfile.TemporaryDirectory(prefix="kvmppc-record-") as name:
            command = [sys.executable, "-m", "harness", "boot", topology, "--kernel", self.spec]
            command += ["--config", self.config, "--run-dir", f"{name}/run"]
            done = subprocess.run(
                command, input=script.encode(), stdout=subprocess.PIPE, timeout=case.seconds, check=False
            )
        return lines_of(done.stdout)

    def _boot(self, case: Case) -> list[str]:
        with tempfile.TemporaryDirectory(prefix="kvmppc-record-") as name:
            initramfs = Path(name) / "initramfs.cpio"
            entries = [
                cpio.Entry("init", (HERE / "init").read_bytes(), executable=True),
                cpio.Entry("case.sh", f"{case.script}\n".encode()),
                cpio.Entry("bin/busybox", self.busybox, executable=True),
            ]
            cpio.write(initramfs, entries)
            return run(self._command(case, initramfs), case)

    def _command(self, case: Case, initramfs: Path) -> list[str]:
        command = [*self.qemu.argv, *MACHINES[case.machine], "-accel", "tcg", "-smp", str(case.smp)]
        command += ["-m", "2G", "-display", "none", "-no-reboot", "-serial", "stdio"]
        command += ["-kernel", str(self.kernel.vmlinux), "-initrd", str(initramfs)]
        return [*command, "-append", f"console=hvc0 panic=-1 {case.append}".strip()]


def run(command: list[str], case: Case) -> list[str]:
    """The console's lines, without escapes."""
    pipe = subprocess.PIPE
    child = subprocess.Popen(
        command, stdin=pipe, stdout=pipe, stderr=subprocess.STDOUT, start_new_session=True
    )  # fmt: skip
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
    return lines_of(seen)


def lines_of(output: bytes) -> list[str]:
    return _ESCAPES.sub("", output.decode(errors="replace")).splitlines()


def trimmed(lines: list[str], begins: str = "") -> list[str]:
    """From where the case begins, no longer than a test wants to read, without most of the registers."""
    lines = [line.rstrip() for line in lines if not _REGISTERS.search(line)]
    patterns = (re.compile(begins),) if begins else _BEGINS
    starts = [number for pattern in patterns for number, line in enumerate(lines) if pattern.search(line)]
    return lines[starts[0] if starts else 0 :][:LONGEST]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kernel", default="debian-source:7.2+bench/consoles/provoke")
    parser.add_argument("--config", required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--only", action="append", default=[], help="a case; may be repeated")
    parser.add_argument("--prefix", default="")
    parser.add_argument("--again", action="store_true")
    words = parser.parse_args()
    unknown = set(words.only) - {case.name for case in CASES}
    if unknown:
        sys.exit(f"unknown cases: {' '.join(sorted(unknown))}")
    cache = Cache.default()
    kernel = resolve_kernel(words.kernel, cache, BuildChoices(config=words.config))
    busybox = (resolve_userland(cache).tree / "usr/bin/busybox").read_bytes()
    words.out.mkdir(parents=True, exist_ok=True)
    qemu = resolve_qemu("debian", cache)
    recorder = Recorder(words.kernel, words.config, qemu, kernel, busybox, words.out, words.prefix)
    for case in CASES:
        if words.only and case.name not in words.only:
            continue
        if words.again or not recorder.path(case).exists():
            recorder.record(case)


if __name__ == "__main__":
    main()
