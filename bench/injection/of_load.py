# SPDX-License-Identifier: GPL-2.0-only
"""Too little CPU time, too little memory."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import threading
from pathlib import Path

from injection.fault import Action, Fault, at, from_the_start
from injection.found import UNHARMED, Expect
from injection.trial import L1_BOOTS, L2_BOOTS, Trial

_LOOP = "while :; do :; done"
_MEMORY = Path("/sys/fs/cgroup/memory")


def busy_core(loops: int) -> Action:
    """The run and so many endless loops, all on one core."""

    def act(trial: Trial) -> None:
        core = str(min(os.sched_getaffinity(0)))
        for _ in range(loops):
            trial.helper(["taskset", "-c", core, "sh", "-c", _LOOP])
        trial.wrapped = lambda command: ["taskset", "-c", core, *command]

    return act


def nice_qemu(trial: Trial) -> None:
    pid = trial.qemu()
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, int(task.name), 19)


def duty_cycle(trial: Trial, runs: float = 0.02, stops: float = 0.08) -> None:
    """What cpulimit does: QEMU runs for a while, and is stopped for a while."""
    pid, over = trial.qemu(), threading.Event()

    def cycle() -> None:
        with contextlib.suppress(ProcessLookupError):
            while not over.is_set():
                os.kill(pid, signal.SIGSTOP)
                over.wait(stops)
                os.kill(pid, signal.SIGCONT)
                over.wait(runs)

    thread = threading.Thread(target=cycle, daemon=True)
    thread.start()
    trial.undo.append(over.set)


def little_address_space(trial: Trial) -> None:
    """Less than L1's memory."""
    limit = 1200 * 1024
    trial.wrapped = lambda command: ["sh", "-c", f'ulimit -v {limit}; exec "$@"', "sh", *command]


def no_memory_group() -> str:
    return "" if os.access(_MEMORY / "cgroup.procs", os.W_OK) else "no memory control group of ours"


def out_of_memory(trial: Trial) -> None:
    """A control group with less memory than QEMU has already: the kernel's OOM killer ends it."""
    group = _MEMORY / f"kvmppc-faults-{os.getpid()}"
    group.mkdir()
    trial.undo.append(group.rmdir)
    (group / "memory.limit_in_bytes").write_text(str(160 << 20))
    # Also what it has already.
    (group / "memory.move_charge_at_immigrate").write_text("1")
    (group / "cgroup.procs").write_text(str(trial.qemu()))


def no_taskset() -> str:
    return "" if shutil.which("taskset") else "there is no taskset"


FAULTS = (
    Fault(
        "busy-core", "the run shares one core with four endless loops", from_the_start(busy_core(4)),
        UNHARMED, no_taskset, seconds=600,
    ),
    Fault(
        "busy-core-nice", "the same, and QEMU gets nice 19 when L1 boots",
        at(L1_BOOTS, nice_qemu, first=busy_core(4)), Expect(says="busy|starved"), no_taskset, seconds=900,
    ),
    Fault(
        "duty-cycle", "QEMU is stopped and continued, a fifth of the time it runs, from when L1 boots",
        at(L1_BOOTS, duty_cycle), UNHARMED, seconds=600,
    ),
    Fault(
        "little-address-space", "less address space than L1's memory", from_the_start(little_address_space),
        Expect(says="memory"),
    ),
    Fault(
        "out-of-memory", "the OOM killer ends QEMU while L2 boots", at(L2_BOOTS, out_of_memory),
        Expect(says="SIGKILL"), no_memory_group,
    ),
)  # fmt: skip
