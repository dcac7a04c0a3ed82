# SPDX-License-Identifier: GPL-2.0-only
"""Faults of the network between the harness and its levels."""

from __future__ import annotations

import threading

from injection import inside, isolation
from injection.fault import Action, Fault, at, isolated, isolated_with, with_powernv, with_suite
from injection.found import Expect
from injection.trial import L1_READY, L2_BOOTS, SUITE_ASKS, Trial


def reset_connection(trial: Trial) -> None:
    inside.reset(trial.harness, trial.connection())


def reset_at_login(trial: Trial) -> None:
    """As soon as there is a connection."""
    reset_connection(trial)


def reset_qemus_end(trial: Trial) -> None:
    """The other end: of the socket that QEMU's user network has accepted."""
    pid = trial.qemu()
    inside.reset(pid, inside.tcp_connections(pid)[-1])


def dropped(trial: Trial) -> None:
    trial.undo.append(lambda: isolation.drop_packets(False))
    isolation.drop_packets(True)


def dropped_for(seconds: float) -> Action:
    def act(trial: Trial) -> None:
        isolation.drop_packets(True)
        timer = threading.Timer(seconds, lambda: isolation.drop_packets(False))
        timer.start()
        trial.undo.append(timer.join)

    return act


def link_down(trial: Trial) -> None:
    trial.undo.append(lambda: isolation.loopback(True))
    isolation.loopback(False)


def in_outermost(command: str) -> Action:
    return lambda trial: trial.type_in_outermost(command)


_PACKETS = isolated_with("tc")
# The level itself is well, and may be found so on a new connection.
_WELL = ("p10 health",)

FAULTS = (
    Fault(
        "ssh-reset-login", "the SSH connection is reset when it is made", at(L1_READY, reset_at_login),
        Expect(says="SSH"),
    ),
    Fault(
        "ssh-reset-l2", "the SSH connection is reset while L2 boots", at(L2_BOOTS, reset_connection),
        Expect(spared=_WELL, says="SSH"), ci=True,
    ),
    Fault(
        "ssh-reset-l2-qemu", "the same, at QEMU's end", at(L2_BOOTS, reset_qemus_end),
        Expect(spared=_WELL, says="SSH"),
    ),
    Fault(
        "ssh-reset-suite", "the SSH connection is reset while the suite asks",
        at(SUITE_ASKS, reset_connection, first=with_suite), Expect(spared=_WELL, says="SSH"),
    ),
    Fault(
        "ssh-reset-powernv", "the SSH connection to L0 is reset while L2 boots on powernv11",
        at(L2_BOOTS, reset_connection, first=with_powernv), Expect(spared=_WELL), seconds=400,
    ),
    Fault(
        "packets-dropped-login", "packets are dropped from when L1 is ready", at(L1_READY, dropped),
        Expect(says="SSH|network"), _PACKETS,
    ),
    Fault(
        "packets-dropped-l2", "packets are dropped from when L2 boots", at(L2_BOOTS, dropped),
        Expect(says="SSH|network"), _PACKETS,
    ),
    Fault(
        "packets-dropped-suite", "packets are dropped from when the suite asks",
        at(SUITE_ASKS, dropped, first=with_suite), Expect(says="SSH|network"), _PACKETS,
    ),
    Fault(
        "packets-dropped-8s", "packets are dropped for 8 s while L2 boots", at(L2_BOOTS, dropped_for(8)),
        Expect(says="SSH", healed=True), _PACKETS,
    ),
    Fault(
        "link-down", "the loopback device goes down while L2 boots", at(L2_BOOTS, link_down),
        Expect(says="SSH|network"), isolated,
    ),
    Fault(
        "eth0-down", "L1's network device goes down while L2 boots",
        at(L2_BOOTS, in_outermost("busybox ip link set eth0 down")), Expect(says="SSH|network"),
    ),
    Fault(
        "sshd-killed", "L1's SSH server is killed while L2 boots",
        at(L2_BOOTS, in_outermost("busybox killall -9 dropbear")), Expect(says="SSH|network"),
    ),
)  # fmt: skip
