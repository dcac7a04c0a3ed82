# SPDX-License-Identifier: GPL-2.0-only
"""A machine in a machine: QEMU with KVM, started over SSH in a running Linux of ours."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from harness.levels import repro
from harness.levels.commands import NESTED_SSH_PORT, Nonce
from harness.levels.console import Console
from harness.levels.limits import LIMITS
from harness.levels.machine import Death
from harness.levels.ssh import ChannelSpawn, ClientKey, Completed, Connection
from harness.model.errors import InfrastructureError
from harness.model.outcome import Outcome


class Host(Protocol):
    """A Linux that QEMU can be started in.

    name: ``L1``; console: its own, None before it was started; commands: of its machine and all
    that run it, outermost first; lost: set when it was found not to answer any more.
    """

    name: str
    lost: bool

    @property
    def console(self) -> Console | None: ...

    @property
    def commands(self) -> list[list[str]]: ...

    @property
    def connection(self) -> Connection:
        """InfrastructureError where there is none."""

    @property
    def alive(self) -> bool:
        """As far as is known without asking it."""

    def answers(self) -> bool:
        """Whether it runs a command; takes at most a few seconds."""

    def run(self, command: str, timeout: float, stdin: bytes = b"") -> Completed:
        """Run a shell command in it."""

    def death(self) -> Death | None:
        """How it was lost; None while it may live."""


class NestedMachine:
    """guest: the level that will run in it, ``L2``; make: from the boot's nonce to the command."""

    def __init__(self, host: Host, guest: str, make: Callable[[Nonce], list[str]]):
        self._host = host
        self._make = make
        self._pidfile = f"/run/{guest.lower()}.pid"
        self.command: list[str] = []
        self._stream: ChannelSpawn | None = None

    @property
    def around(self) -> list[list[str]]:
        return self._host.commands

    def start(self, nonce: Nonce, directory: Path, about: str) -> Console:
        self.command = self._make(nonce)
        repro.write(directory, self.command, about, inside=self.around)
        words = f"exec {shlex.join([*self.command, '-pidfile', self._pidfile])} </dev/null"
        self._stream = self._host.connection.stream(words, LIMITS.ssh)
        return Console(self._stream, directory / "console.log", nonce.joined, outer=self._host.console)

    def connect(self, host_key: str, key: ClientKey, timeout: float) -> Connection:
        return Connection.through(self._host.connection, NESTED_SSH_PORT, host_key, key, timeout)

    @property
    def ssh_port(self) -> int:
        return NESTED_SSH_PORT

    @property
    def exit_status(self) -> int | None:
        if self._stream is None:
            return -1
        return self._stream.exit_status(0)

    def wait(self, timeout: float) -> int | None:
        """Exit status within *timeout* seconds, None if it runs on or the way to it is lost."""
        assert self._stream is not None
        return self._stream.exit_status(timeout)

    def condition(self) -> str:
        return "nothing (it has no monitor)"

    def death(self) -> Death | None:
        decided = self._host.death()
        if decided is None and not self._host.answers():
            decided = (Outcome.HANG, "silent", "stopped answering")
        if decided is None:
            return None
        self._host.lost = True
        outcome, rule, proof = decided
        if proof.startswith(("L0: ", "L1: ")):
            return decided
        return outcome, f"{self._host.name.lower()}-{rule}", f"{self._host.name}: {proof}"

    def stop(self) -> None:
        if self._stream is None:
            return
        if not self._stream.channel.exit_status_ready() and self._host.alive:
            try:
                self._host.run(f"kill -9 $(cat {self._pidfile}); rm -f {self._pidfile}", LIMITS.stop)
            except InfrastructureError:
                self._host.lost = True
        self._stream.channel.close()

    def close(self) -> None:
        """Nothing is left to close."""
