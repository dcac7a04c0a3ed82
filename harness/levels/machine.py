# SPDX-License-Identifier: GPL-2.0-only
"""What every machine that a level boots on can do, whoever runs it."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from harness.levels.commands import Nonce
from harness.levels.console import Console
from harness.levels.ssh import ClientKey, Connection
from harness.model.outcome import Outcome

# How a machine was lost: outcome, key of the rule, the line that proves it.
Death = tuple[Outcome, str, str]


class Machine(Protocol):
    """command: what started it, without the monitor; empty before."""

    command: list[str]

    def start(self, nonce: Nonce, directory: Path, about: str) -> Console:
        """Start it; logs and a script that repeats it go into *directory*. InfrastructureError if it
        cannot be started."""

    @property
    def around(self) -> list[list[str]]:
        """Commands of the machines it runs in, outermost first."""

    def connect(self, host_key: str, key: ClientKey, timeout: float) -> Connection:
        """Log in to the Linux in it. InfrastructureError if that fails."""

    @property
    def ssh_port(self) -> int:
        """Where its SSH is, on 127.0.0.1 of what runs it."""

    @property
    def exit_status(self) -> int | None:
        """QEMU's, None while it runs; -1 if it ended and nobody knows how."""

    def condition(self) -> str:
        """QEMU's own word for its state, for people."""

    def death(self) -> Death | None:
        """What befell QEMU or what it runs in; None if nothing did. What its guest says is not part of it."""

    def stop(self) -> None:
        """End it. Bounded; never raises."""

    def wait(self, timeout: float) -> int | None:
        """Exit status within *timeout* seconds, None if it runs on or the way to it is lost."""

    def close(self) -> None:
        """Free what its console was read from, once that is done."""
