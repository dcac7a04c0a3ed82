# SPDX-License-Identifier: GPL-2.0-only
"""A machine in a machine: QEMU with KVM, started over SSH in a running Linux of ours."""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from harness.health.cause import Loss
from harness.levels import repro
from harness.levels.commands import NESTED_SSH_PORT, Nonce
from harness.levels.console import Console
from harness.levels.limits import Limits
from harness.levels.machine import MachineState
from harness.levels.ssh import ChannelSpawn, ClientKey, Completed, Connection
from harness.levels.stuck import stopped, stuck
from harness.model.errors import InfrastructureError

# Prints the process ids of QEMU. Not from its pidfile: QEMU removes that before its last moment, in which it
# may be caught in the kernel; nor by its command line, which is gone by then too. A zombie counts as
# long as it has other threads.
QEMU_PIDS = (
    "for at in /proc/[0-9]*; do read -r line 2>/dev/null <$at/stat || continue; case $line in "
    '*"(qemu-system-ppc"*") Z "*) set -- $at/task/*; [ $# -gt 1 ] && echo ${at#/proc/};; '
    '*"(qemu-system-ppc"*) echo ${at#/proc/};; esac; done'
)

# What a shell says of a program that ended by signal N (POSIX, Shell & Utilities 2.8.2; busybox and dash).
_BY_SIGNAL = 128

# Between two looks whether it has ended, in seconds.
_TRY_SECONDS = 0.1


def _status(said: int | None) -> int | None:
    """What the shell says, as -N for signal N."""
    return _BY_SIGNAL - said if said is not None and said > _BY_SIGNAL else said


class Host(Protocol):
    """A Linux that QEMU can be started in.

    name: ``L1``; console: its own, None before it was started; commands: of its machine and all
    that run it, outermost first.
    """

    name: str

    @property
    def console(self) -> Console | None: ...

    @property
    def commands(self) -> list[list[str]]: ...

    @property
    def connection(self) -> Connection:
        """InfrastructureError where there is none."""

    def run(self, command: str, timeout: float, stdin: bytes = b"") -> Completed:
        """Run a shell command in it."""

    def loss(self, doing: str) -> Loss | None:
        """How it was lost; None while it answers. Takes seconds if it does not."""

    @property
    def gone(self) -> bool:
        """Whether it is known to be of no further use, without asking it."""

    def lag(self) -> float:
        """As of machine.Machine."""

    def starved(self) -> float:
        """As of machine.Machine."""

    def starved_since(self, moment: float) -> float:
        """As of machine.Machine."""

    def monitor_command(self, line: str) -> str:
        """As of machine.Machine."""


class NestedMachine:
    """guest: the level that will run in it, ``L2``; make: from the boot's nonce to the command."""

    def __init__(self, host: Host, guest: str, make: Callable[[Nonce], list[str]], limits: Limits):
        self._host = host
        self._make = make
        self._limits = limits
        self.pidfile = f"/run/{guest.lower()}.pid"
        self.command: list[str] = []
        self._stream: ChannelSpawn | None = None
        self.stays = False  # not even SIGKILL has ended its QEMU

    @property
    def enclosing_commands(self) -> list[list[str]]:
        return self._host.commands

    def start(self, nonce: Nonce, directory: Path, about: str) -> Console:
        self.command = self._make(nonce)
        repro.write(directory, self.command, about, inside=self.enclosing_commands)
        words = (
            f"rm -f {self.pidfile}; {shlex.join([*self.command, '-pidfile', self.pidfile])} </dev/null; "
            # By the shell that waits for it: of a signal SSH's own word says less.
            "exit $?"
        )
        self._stream = self._host.connection.stream(words, self._limits.ssh)
        return Console(
            self._stream, directory / "console.log", nonce.joined, outer=self._host.console,
            lag=self._host.lag,
        )  # fmt: skip

    def connect(self, host_key: str, key: ClientKey, timeout: float) -> Connection:
        return Connection.through(self._host.connection, NESTED_SSH_PORT, host_key, key, timeout)

    @property
    def ssh_port(self) -> int:
        return NESTED_SSH_PORT

    @property
    def exit_status(self) -> int | None:
        if self._stream is None:
            return -1
        return _status(self._stream.exit_status(0))

    def wait(self, timeout: float) -> int | None:
        """Exit status within *timeout* seconds, negative for a signal, -1 also if nobody knows how it ended;
        None if it runs on or the way to it is lost."""
        assert self._stream is not None
        return _status(self._stream.exit_status(timeout))

    def runs(self) -> bool | None:
        """Whether its QEMU process is there in its host; None if nobody could look."""
        try:
            done = self._host.run(f"{QEMU_PIDS}; echo end", self._limits.answer)
        except InfrastructureError:
            return None
        words = done.stdout.split()
        return len(words) > 1 if words[-1:] == ["end"] else None

    def stopped(self) -> bool:
        """Whether somebody has stopped its QEMU process; False if nobody could look."""
        return stopped(self._host.run, QEMU_PIDS, self._limits.answer)

    def lag(self) -> float:
        return self._host.lag()

    def starved(self) -> float:
        return self._host.starved()

    def starved_since(self, moment: float) -> float:
        return self._host.starved_since(moment)

    def monitor_command(self, line: str) -> str:
        return self._host.monitor_command(line)

    def type_on_console(self, text: str) -> bool:
        """Its console has no keyboard."""
        del text
        return False

    def state(self) -> MachineState:
        outer = self._host.loss(f"{self._host.name} runs its guest's QEMU")
        if outer is not None or self._stream is None:
            return MachineState(outer=outer)
        status = self.exit_status
        if status is None:
            caught = stuck(self._host.run, QEMU_PIDS, self._limits.answer)
            return MachineState(
                process_state="T" if self.stopped() else "", caught=caught, starved=self.starved()
            )
        if status >= 0:
            return MachineState(status)
        return MachineState(killed_by_signal=True, signal=-status if status < -1 else 0)

    def stop(self) -> None:
        """Also of one that is gone, as far as can be seen: what is caught in the kernel stays there."""
        if self._stream is None:
            return
        if not self._stream.channel.exit_status_ready() and not self._host.gone:
            # It has ended when its VM has: whatever goes on in the host next is nobody else's then.
            tries = int(self._limits.stop * 0.6 / _TRY_SECONDS)
            script = (
                f"read -r pid <{self.pidfile} && kill -9 $pid; rm -f {self.pidfile}; tries=0; "
                f'while [ -n "$({QEMU_PIDS})" ]; do tries=$((tries + 1)); '
                f"[ $tries -gt {tries} ] && echo stays && break; "
                f"busybox usleep {int(_TRY_SECONDS * 1e6)}; done"
            )
            with contextlib.suppress(InfrastructureError):  # whoever uses the host next finds out
                self.stays = self._host.run(script, self._limits.stop).stdout.strip() == "stays"
        self._stream.channel.close()

    def close(self) -> None:
        """Nothing is left to close."""
