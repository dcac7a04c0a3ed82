# SPDX-License-Identifier: GPL-2.0-only
"""Faults of the harness's own processes."""

from __future__ import annotations

import os
import signal
import subprocess
import threading

from harness.processes import sampling
from injection.fault import Action, Fault, at, from_the_start, with_suite
from injection.found import UNHARMED, Expect
from injection.trial import AT_THE_END, L1_BOOTS, L1_READY, L2_BOOTS, SUITE_ASKS, Missed, Moment, Trial

HV_L2_BOOTS = Moment("L2 boots, nested API v1", "*-hv-*/l2p10/console.log", r"\[ +\d+\.\d+\]")


def send(number: signal.Signals) -> Action:
    return lambda trial: os.kill(trial.harness, number)


def stop_for(seconds: float) -> Action:
    def act(trial: Trial) -> None:
        os.kill(trial.harness, signal.SIGSTOP)
        timer = threading.Timer(seconds, lambda: os.kill(trial.harness, signal.SIGCONT))
        timer.start()
        trial.undo.append(timer.cancel)

    return act


def two_workers(trial: Trial) -> None:
    trial.words[:] = ["-j", "2"]
    trial.scenarios = ("papr-p11@p10-l2p10", "hv-p11@p10-l2p10")


def kill_worker(trial: Trial) -> None:
    """The one that holds the QEMU of nested API v1."""
    parents = sampling.parents()
    worker = parents.get(trial.qemu("cap-nested-hv"))
    if worker is None or worker == trial.harness:
        raise Missed("a worker that holds a QEMU")
    os.kill(worker, signal.SIGKILL)


def one_line_is_enough(trial: Trial) -> None:
    """As in ``kvmppc run | head -1``."""
    reader, writer = os.pipe()
    with subprocess.Popen(["head", "-1"], stdin=reader, stdout=subprocess.DEVNULL) as head:
        os.close(reader)
        trial.stdout = writer
        trial.start()
        os.close(writer)
        head.wait()


def closed_output(trial: Trial) -> None:
    """As with >&- in a shell."""
    trial.wrapped = lambda command: ["sh", "-c", 'exec "$@" >&-', "sh", *command]


FAULTS = (
    Fault(
        "harness-killed-boot", "kvmppc gets SIGKILL while L1 boots", at(L1_BOOTS, send(signal.SIGKILL)),
        Expect(exits=(-9,)),
    ),
    Fault(
        "harness-killed-l2", "kvmppc gets SIGKILL while L2 boots", at(L2_BOOTS, send(signal.SIGKILL)),
        Expect(exits=(-9,)),
    ),
    Fault(
        "harness-terminated-probe", "kvmppc gets SIGTERM while L1 is probed",
        at(L1_READY, send(signal.SIGTERM)), Expect(exits=(143,)),
    ),
    Fault(
        "harness-terminated-l2", "kvmppc gets SIGTERM while L2 boots", at(L2_BOOTS, send(signal.SIGTERM)),
        Expect(exits=(143,)), ci=True,
    ),
    Fault(
        "harness-terminated-end", "kvmppc gets SIGTERM after L2 was off",
        at(AT_THE_END, send(signal.SIGTERM)),
        Expect(exits=(143,)),
    ),
    Fault(
        "harness-interrupted-l2", "Ctrl-C while L2 boots", at(L2_BOOTS, send(signal.SIGINT)),
        Expect(exits=(130,)),
    ),
    Fault(
        "harness-interrupted-suite", "Ctrl-C while the suite asks",
        at(SUITE_ASKS, send(signal.SIGINT), first=with_suite), Expect(exits=(130,)),
    ),
    Fault(
        "harness-hangup-l2", "its terminal goes (SIGHUP) while L2 boots", at(L2_BOOTS, send(signal.SIGHUP)),
        Expect(exits=(129,)),
    ),
    Fault(
        "harness-paused-10s", "kvmppc is stopped for 10 s while L2 boots", at(L2_BOOTS, stop_for(10)),
        UNHARMED,
    ),
    Fault(
        "worker-killed", "one of two workers gets SIGKILL while its L2 boots",
        at(HV_L2_BOOTS, kill_worker, first=two_workers), Expect(spared=("-papr-", " health")), seconds=400,
    ),
    Fault("stdout-one-line", "kvmppc run | head -1", one_line_is_enough, UNHARMED),
    Fault("stdout-closed", "kvmppc run >&-", from_the_start(closed_output), UNHARMED),
)  # fmt: skip
