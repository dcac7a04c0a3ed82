# SPDX-License-Identifier: GPL-2.0-only
"""What a level can do, whatever carries it. The testcases know this and nothing below it."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from harness.levels.asking import Asking
from harness.levels.machine import Death
from harness.levels.ssh import Completed
from harness.model.classify import Finding
from harness.model.observation import Boot, LevelObservation
from harness.model.scenario import L2Setting


class Level(Protocol):
    """A Linux that can be started, talked to, probed and stopped, and starts guests in itself."""

    name: str
    directory: Path

    def start(self) -> LevelObservation:
        """Boot and probe. Does not raise for a level that fails to: the observation says so."""

    @property
    def alive(self) -> bool:
        """Whether it still answers, so that another guest can be started in it."""

    def run(self, command: str, timeout: float, stdin: bytes = b"") -> Completed:
        """Run a shell command in it."""

    def asking(self) -> Asking:
        """A conversation with its KVM, in questions of model/suite.py; to be used with ``with``."""

    @property
    def page_bytes(self) -> int:
        """Size of its pages; known once it is up."""

    def boot_guest(self, setting: L2Setting, directory: Path) -> Boot:
        """Boot one guest to its end and say how that went; logs go into *directory*."""

    def death(self) -> Death | None:
        """How it was lost; None if it was not."""

    @property
    def finding(self) -> Finding | None:
        """The line of its console that looks most like trouble, an oops for instance; None if none does."""

    def stop(self) -> None:
        """End it and all it started; always ends, never raises for a level that is gone."""
