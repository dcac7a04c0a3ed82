# SPDX-License-Identifier: GPL-2.0-only
"""What every machine that a level boots on can do, whoever runs it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from harness.health.cause import Loss
from harness.levels.commands import Nonce
from harness.levels.console import Console
from harness.levels.ssh import ClientKey, Connection


@dataclass(frozen=True)
class MachineState:
    """What is known of a machine apart from what its guest says. Fields as in health.cause.Evidence."""

    exit_status: int | None = None
    killed_by_signal: bool = False
    signal: int = 0
    shutdown: str = ""
    process_state: str = ""
    monitor: str = ""
    hdsi: str = ""
    caught: str = ""
    starved: float = 0.0
    outer: Loss | None = None


class Machine(Protocol):
    """command: what started it, without the monitor; empty before."""

    command: list[str]

    def start(self, nonce: Nonce, directory: Path, about: str) -> Console:
        """Start it; logs and a script that repeats it go into *directory*. InfrastructureError if it
        cannot be started."""

    @property
    def enclosing_commands(self) -> list[list[str]]:
        """Commands of the machines it runs in, outermost first."""

    def connect(self, host_key: str, key: ClientKey, timeout: float) -> Connection:
        """Log in to the Linux in it. InfrastructureError if that fails."""

    @property
    def ssh_port(self) -> int:
        """Where its SSH is, on 127.0.0.1 of what runs it."""

    @property
    def exit_status(self) -> int | None:
        """QEMU's, None while it runs; -1 if it ended and nobody knows how."""

    def state(self) -> MachineState:
        """What is known of it now; takes a second where QEMU runs. Never raises."""

    def monitor_command(self, line: str) -> str:
        """Output of a human monitor command of the outermost QEMU. InfrastructureError if it does not
        answer."""

    def lag(self) -> float:
        """Seconds so far in which the outermost QEMU wanted to run and this computer did not let it."""

    def starved(self) -> float:
        """Share of the last half minute in which it got no CPU, because others had it or because it was
        stopped, of that in which it wanted one; 0 where that was less than five seconds."""

    def starved_since(self, moment: float) -> float:
        """The same of the worst half minute that ended after *moment*, of time.monotonic()."""

    def type_on_console(self, text: str) -> bool:
        """Whether *text* could be typed on its console."""

    def stop(self) -> None:
        """End it. Bounded; never raises."""

    def wait(self, timeout: float) -> int | None:
        """Exit status within *timeout* seconds, None if it runs on or the way to it is lost."""

    def close(self) -> None:
        """Free what its console was read from, once that is done."""
