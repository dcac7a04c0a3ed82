# SPDX-License-Identifier: GPL-2.0-only
"""What a level can do, whatever carries it. The testcases know this and nothing below it."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Protocol

from harness.levels.ssh import Completed, Connection
from harness.model.machine import BootSet
from harness.model.observation import Boot, L1Observation
from harness.model.outcome import Outcome
from harness.model.scenario import L2Setting, Placement


class Level(Protocol):
    """A Linux that can be started, talked to, probed and stopped, and starts guests in itself."""

    directory: Path

    def start(self) -> L1Observation:
        """Boot and probe. Does not raise for a level that fails to: the observation says so."""

    @property
    def alive(self) -> bool:
        """Whether it still answers, so that another guest can be started in it."""

    def run(self, command: str, timeout: float, stdin: bytes = b"") -> Completed:
        """Run a shell command in it."""

    def boot_guest(self, setting: L2Setting, directory: Path) -> Boot:
        """Boot one guest to its end and say how that went; logs go into *directory*."""

    def stop(self) -> None:
        """End it and all it started; always ends, never raises for a level that is gone."""


class GuestHost(Protocol):
    """What a level must have for guest.boot() to start a guest in it.

    command: the whole command of its own machine; page_kb: its page size in KiB; lost: set
    when it was found not to answer any more.
    """

    placement: Placement
    kernel: tuple[int, int]
    boot_set: BootSet
    switched_off: Collection[str]
    command: list[str]
    page_kb: int
    lost: bool

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

    def death(self) -> tuple[Outcome, str, str] | None:
        """(outcome, rule, proof) when it is lost; None while it may live."""
