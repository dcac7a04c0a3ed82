# SPDX-License-Identifier: GPL-2.0-only
"""What a level can do, whatever carries it. The testcases know this and nothing below it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from harness.health.cause import Loss
from harness.levels.asking import QuerySession
from harness.levels.ssh import Completed
from harness.model.looks import Look
from harness.model.observation import Boot, LevelObservation
from harness.model.program import Program
from harness.model.scenario import L2Setting


class Level(Protocol):
    """A Linux that can be started, talked to, probed and stopped, and starts guests in itself."""

    name: str
    directory: Path

    def start(self) -> LevelObservation:
        """Boot and probe. Does not raise for a level that fails to: the observation says so."""

    @property
    def gone(self) -> bool:
        """Whether it is known to be of no further use, without asking it."""

    def run(self, command: str, timeout: float, stdin: bytes = b"") -> Completed:
        """Run a shell command in it."""

    def asking(self, program: Program | None = None) -> QuerySession:
        """A conversation with its KVM, in questions of a feature; to be used with ``with``. program: that
        answers, which is put there; it may import those of images/guest/. None for ask.py."""

    @property
    def monitor_command(self) -> Callable[[str], str] | None:
        """A human monitor command of the outermost QEMU -> its output, InfrastructureError if it does not
        answer. None where no QEMU of ours runs all levels."""

    @property
    def page_bytes(self) -> int:
        """Size of its pages; known once it is up."""

    def boot_guest(self, setting: L2Setting, directory: Path) -> Boot:
        """Boot one guest to its end and say how that went; logs go into *directory*."""

    def glance(self, when: str) -> Look:
        """What it has complained of since the last look, without asking it."""

    def look(self, when: str) -> Look:
        """The same, and its taint flags and kernel log. Never raises."""

    def diagnose(self, doing: str, ended: str = "", ended_by: int = 0) -> Loss:
        """Why *doing* came to no end in it. ended: words of a program of ours that ended without an answer;
        ended_by: the signal that ended it, 0 for none. Takes seconds. Never raises."""

    def loss(self, doing: str) -> Loss | None:
        """How it was lost; None while it answers."""

    def pause(self, seconds: float) -> None:
        """Let it go on for so long by its own clock. Never raises."""

    def stop(self) -> None:
        """End it and all it started; always ends, never raises for a level that is gone."""
