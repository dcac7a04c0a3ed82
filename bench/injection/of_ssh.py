# SPDX-License-Identifier: GPL-2.0-only
"""Faults of a machine that is reached by kvmppc probe --ssh: a guest of kvmppc boot, or a port of ours."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from harness.levels.ssh import new_key
from injection import inside
from injection.fault import Action, Fault, at, both, from_the_start
from injection.found import UNHARMED, Expect
from injection.trial import SUITE_ASKS, Missed, Trial

_WAY = re.compile(r"^L1: ssh -F (\S+) l1$", re.MULTILINE)


def guest(trial: Trial) -> None:
    """A Linux that answers over SSH, and the run that asks it."""
    log = trial.directory / "helper.txt"
    boots = trial.helper(
        [sys.executable, "-m", "harness", "boot", "pseries-papr", "--l1", "p11@p10", "--kernel",
         trial.parts.kernel, "--run-dir", str(trial.directory / "guest")],
        stdin=subprocess.PIPE,
    )  # fmt: skip
    trial.guest = boots.pid

    def up() -> object:
        if boots.poll() is not None:
            raise Missed(f"a guest to ask: {log.read_text()[-200:]}")
        return _WAY.search(log.read_text())

    trial.wait_for(up, "a guest to ask")
    way = _WAY.search(log.read_text())
    assert way is not None
    asks(trial, Path(way[1]))


def asks(trial: Trial, config: Path) -> None:
    trial.command = "probe"
    trial.subject = ["--ssh", "l1", "--ssh-config", str(config), "--expect", "merged"]


def in_guest(command: str) -> Action:
    return lambda trial: inside.type_on_terminal(trial.guest, f"\n{command}\n")


def kill_guests_qemu(trial: Trial) -> None:
    for pid in trial.helpers():
        if "chardev:qmp" in inside.command_of(pid):
            os.kill(pid, signal.SIGKILL)


def other_host_key(trial: Trial) -> None:
    """As if another machine had its address."""
    config = Path(trial.subject[3])
    known = trial.directory / "known_hosts"
    known.write_text(f"kvmppc-l1 ssh-ed25519 {new_key().public}\n")
    text = re.sub(r"UserKnownHostsFile .*", f"UserKnownHostsFile {known}", config.read_text())
    (trial.directory / "ssh_config").write_text(text)
    asks(trial, trial.directory / "ssh_config")


def port(answer: Callable[[socket.socket], object]) -> Action:
    """A machine of which only a port is there. answer: what it does with who comes."""

    def act(trial: Trial) -> None:
        server = socket.create_server(("127.0.0.1", 0))
        keep: list[socket.socket] = []

        def serve() -> None:
            while True:
                try:
                    came, _ = server.accept()
                except OSError:
                    return
                keep.append(came)
                answer(came)

        threading.Thread(target=serve, daemon=True).start()

        def end() -> None:
            server.shutdown(socket.SHUT_RDWR)
            server.close()
            for each in keep:
                each.close()

        trial.undo.append(end)
        at_port(trial, server.getsockname()[1])

    return act


def at_port(trial: Trial, number: int) -> None:
    config = trial.directory / "ssh_config"
    config.write_text(f"Host l1\n  HostName 127.0.0.1\n  Port {number}\n  User root\n")
    asks(trial, config)


def nobody_listens(trial: Trial) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        number = server.getsockname()[1]
    at_port(trial, number)


def odd_config(trial: Trial) -> None:
    config = trial.directory / "ssh_config"
    config.write_bytes(b"Host l1\n  Port many\n  HostName \xff\xfe\n")
    asks(trial, config)


_NO_REPORT = Expect(report=False, says="SSH|host key")
_USAGE = Expect(exits=(2,), report=False, says="ssh|SSH|host key")

FAULTS = (
    Fault("remote-well", "a machine over SSH, and nothing is wrong", from_the_start(guest), UNHARMED),
    Fault("remote-refused", "nobody listens on its port", from_the_start(nobody_listens), _NO_REPORT),
    Fault(
        "remote-silent", "it accepts and says nothing", from_the_start(port(lambda _came: None)),
        _NO_REPORT,
    ),
    Fault(
        "remote-closes", "it accepts and closes at once",
        from_the_start(port(lambda came: came.close())), _NO_REPORT,
    ),
    Fault(
        "remote-babbles", "another service is on that port",
        from_the_start(port(lambda came: came.sendall(b"220 mail ready\r\n" * 2000))), _NO_REPORT,
    ),
    Fault(
        "remote-other-key", "its host key is another one", from_the_start(both(guest, other_host_key)),
        _USAGE,
    ),
    Fault("remote-odd-config", "the SSH configuration makes no sense", from_the_start(odd_config), _USAGE),
    Fault(
        "remote-killed", "the machine dies while the suite asks",
        at(SUITE_ASKS, kill_guests_qemu, first=guest), Expect(says="SSH|answer"),
    ),
    Fault(
        "remote-sshd-killed", "its SSH server is killed while the suite asks",
        at(SUITE_ASKS, in_guest("busybox killall -9 dropbear"), first=guest), Expect(says="SSH|answer"),
    ),
    Fault(
        "remote-reset", "the connection is reset while the suite asks",
        at(SUITE_ASKS, lambda trial: inside.reset(trial.harness, trial.connection()), first=guest),
        Expect(says="SSH|answer"),
    ),
)  # fmt: skip
