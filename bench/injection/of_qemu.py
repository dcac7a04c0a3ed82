# SPDX-License-Identifier: GPL-2.0-only
"""Faults of the QEMU process, and of the QEMU processes inside it."""

from __future__ import annotations

import os
import signal
import threading

from injection.fault import Action, Fault, at, with_hv, with_powernv, with_suite
from injection.found import UNHARMED, Expect
from injection.trial import (
    AT_THE_END,
    L1_BOOTS,
    L1_READY,
    L2_BOOTS,
    L2_STARTS,
    L2_UP,
    SUITE_ASKS,
    Trial,
)


def send(number: signal.Signals) -> Action:
    return lambda trial: os.kill(trial.qemu(), number)


def stop_for(seconds: float) -> Action:
    """Stop it, and continue it later."""

    def act(trial: Trial) -> None:
        pid = trial.qemu()
        os.kill(pid, signal.SIGSTOP)
        timer = threading.Timer(seconds, lambda: os.kill(pid, signal.SIGCONT))
        timer.start()
        trial.undo.append(timer.cancel)

    return act


def at_once(trial: Trial) -> None:
    """As soon as QEMU is there, before its guest has said anything."""
    trial.start()
    pid = trial.qemu()
    trial.remember()
    os.kill(pid, signal.SIGKILL)


def in_monitor(command: str) -> Action:
    """Type a command in QEMU's monitor, which is on the guest's console behind Ctrl-A c."""
    return lambda trial: trial.type_in_monitor(command)


def in_outermost(command: str) -> Action:
    return lambda trial: trial.type_in_outermost(command)


# As soon as it has written its number.
_KILL_L2 = (
    "tries=0; until kill -9 $(cat /run/l2.pid 2>/dev/null) 2>/dev/null || [ $((tries += 1)) -gt 200 ]; "
    "do busybox usleep 20000; done"
)
_KILL_L1 = "kill -9 $(cat /run/l1.pid)"
# L1 itself is well, so that what is found of it after the loss of its L2 may be ok.
_L2_ONLY = ("p10 health",)


def killed(where: str, moment: str) -> str:
    return f"QEMU{where} gets SIGKILL {moment}"


FAULTS = (
    Fault("qemu-killed-start", killed("", "as soon as it runs"), at_once, Expect(says="SIGKILL")),
    Fault(
        "qemu-killed-boot", killed("", "while L1 boots"), at(L1_BOOTS, send(signal.SIGKILL)),
        Expect(says="SIGKILL"), ci=True,
    ),
    Fault(
        "qemu-killed-probe", killed("", "while L1 is probed"), at(L1_READY, send(signal.SIGKILL)),
        Expect(says="SIGKILL"),
    ),
    Fault(
        "qemu-killed-suite", killed("", "while the suite asks"),
        at(SUITE_ASKS, send(signal.SIGKILL), first=with_suite), Expect(says="SIGKILL"),
    ),
    Fault(
        "qemu-killed-l2", killed("", "while L2 boots"), at(L2_BOOTS, send(signal.SIGKILL)),
        Expect(says="SIGKILL"),
    ),
    Fault(
        "qemu-killed-l2-hv", killed("", "while L2 boots, nested API v1"),
        at(L2_BOOTS, send(signal.SIGKILL), first=with_hv), Expect(says="SIGKILL"),
    ),
    Fault(
        "qemu-killed-powernv", killed("", "while L2 boots on powernv11"),
        at(L2_BOOTS, send(signal.SIGKILL), first=with_powernv), Expect(says="SIGKILL"), seconds=400,
    ),
    Fault(
        "qemu-killed-end", killed("", "after L2 was off"), at(AT_THE_END, send(signal.SIGKILL)),
        Expect(says="SIGKILL"),
    ),
    Fault(
        "qemu-terminated", "QEMU gets SIGTERM while L2 boots", at(L2_BOOTS, send(signal.SIGTERM)),
        Expect(says="from outside|terminating on signal"),
    ),
    Fault(
        "qemu-segfault", "QEMU gets SIGSEGV while L1 boots", at(L1_BOOTS, send(signal.SIGSEGV)),
        Expect(says="SIGSEGV"),
    ),
    Fault(
        "qemu-abort", "QEMU gets SIGABRT while L2 boots", at(L2_BOOTS, send(signal.SIGABRT)),
        Expect(says="SIGABRT"),
    ),
    Fault(
        "qemu-stopped-boot", "QEMU gets SIGSTOP while L1 boots, for ever", at(L1_BOOTS, send(signal.SIGSTOP)),
        Expect(says="stopped"),
    ),
    Fault(
        "qemu-stopped-l2", "QEMU gets SIGSTOP while L2 boots, for ever", at(L2_BOOTS, send(signal.SIGSTOP)),
        Expect(says="stopped"),
    ),
    Fault(
        "qemu-stopped-suite", "QEMU gets SIGSTOP while the suite asks, for ever",
        at(SUITE_ASKS, send(signal.SIGSTOP), first=with_suite), Expect(says="stopped"),
    ),
    Fault(
        "qemu-stopped-end", "QEMU gets SIGSTOP after L2 was off, for ever",
        at(AT_THE_END, send(signal.SIGSTOP)), Expect(says="stopped"),
    ),
    Fault(
        "qemu-paused-10s-boot", "QEMU is stopped for 10 s while L1 boots", at(L1_BOOTS, stop_for(10)),
        UNHARMED,
    ),
    Fault(
        "qemu-paused-10s-l2", "QEMU is stopped for 10 s while L2 boots", at(L2_BOOTS, stop_for(10)), UNHARMED
    ),
    Fault(
        "monitor-quit", "'quit' in QEMU's monitor while L2 boots", at(L2_BOOTS, in_monitor("quit")),
        Expect(says="from outside"),
    ),
    Fault(
        "monitor-stop-boot", "'stop' in QEMU's monitor while L1 boots", at(L1_BOOTS, in_monitor("stop")),
        Expect(says="paused"),
    ),
    Fault(
        "monitor-stop-l2", "'stop' in QEMU's monitor while L2 boots", at(L2_BOOTS, in_monitor("stop")),
        Expect(says="paused"),
    ),
    Fault(
        "monitor-reset", "'system_reset' in QEMU's monitor while L2 boots",
        at(L2_BOOTS, in_monitor("system_reset")), Expect(says="from outside"),
    ),
    Fault(
        "l2-qemu-killed-start", killed(" of L2", "in L1 as soon as it runs"),
        at(L2_STARTS, in_outermost(_KILL_L2)), Expect(spared=_L2_ONLY),
    ),
    Fault(
        "l2-qemu-killed", killed(" of L2", "in L1 while L2 boots"), at(L2_BOOTS, in_outermost(_KILL_L2)),
        Expect(spared=_L2_ONLY, says="killed"),
    ),
    Fault(
        "l2-qemu-killed-up", killed(" of L2", "in L1 after L2 was up"),
        at(L2_UP, in_outermost(_KILL_L2)), Expect(spared=_L2_ONLY),
    ),
    Fault(
        "l2-qemu-stopped", "QEMU of L2 gets SIGSTOP in L1 while L2 boots",
        at(L2_BOOTS, in_outermost("kill -STOP $(cat /run/l2.pid)")), Expect(spared=_L2_ONLY, says="stopped"),
    ),
    Fault(
        "l1-qemu-killed", killed(" of L1", "in L0 while L2 boots on powernv11"),
        at(L2_BOOTS, in_outermost(_KILL_L1), first=with_powernv),
        Expect(spared=("l0_caps", " l0"), says="L1"), seconds=400,
    ),
    Fault(
        "two-l2s", killed("", "while the first of two L2s boots; the second is judged in a fresh L1"),
        at(
            L2_BOOTS, send(signal.SIGKILL),
            first=lambda trial: setattr(
                trial, "scenarios", ("papr-p11@p10-l2p10", "papr-p11@p10-l2p9")
            ),
        ),
        Expect(spared=("l2p9",), says="SIGKILL"),
    ),
)  # fmt: skip
