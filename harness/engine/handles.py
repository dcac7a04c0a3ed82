# SPDX-License-Identifier: GPL-2.0-only
"""What a test is given: levels to start, to run commands in and to ask, and guests to boot. Documented for
everybody's own tests in docs/reference.md; what is there changes with a note in CHANGES.md only."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from harness.engine.judging import Judge
from harness.engine.running_l1 import RunningL1
from harness.features.feature import Evidence, Feature
from harness.levels.asking import QuerySession
from harness.levels.ssh import Completed
from harness.model.observation import Boot, LevelObservation
from harness.model.record import KernelInfo
from harness.model.scenario import L2Setting, Placement
from harness.model.verdict import Verdict

# A command that takes longer is not waited for, in seconds.
_COMMAND_SECONDS = 60.0


class LevelHandle:
    """L0 or L1. name: which; placement: topology, L1 setting, kernels; oracle: what is expected there."""

    def __init__(self, running: RunningL1, name: str):
        self._running = running
        self.name = name

    @property
    def placement(self) -> Placement:
        return self._running.placement

    @property
    def oracle(self) -> Judge:
        return self._running.oracle

    @property
    def kernel(self) -> KernelInfo:
        """The kernel under test, which L1 and L2 run."""
        return self._running.kernel.info

    @property
    def directory(self) -> Path:
        """For logs of its own, in the run's directory."""
        return self._running.level(self.name).directory

    def start(self) -> LevelObservation:
        """How it started, and what it answered when it was up. For tests of the start itself; a level that
        does not come up is an observation too."""
        return self._running.seen(self.name)

    @property
    def observation(self) -> LevelObservation:
        """What it answered when it came up: release, mode, KVM, capabilities."""
        return self._running.up(self.name)

    def run(self, command: str, *, timeout: float = _COMMAND_SECONDS, stdin: bytes = b"") -> Completed:
        """A shell command in it, as root: exit status, stdout, stderr. timeout: in seconds. A level that does
        not answer is diagnosed, and the test's record says what became of it."""
        return self._running.level(self.name).run(command, timeout, stdin)


class L1Handle(LevelHandle):
    """L1, which has guests."""

    def __init__(self, running: RunningL1):
        super().__init__(running, "L1")

    def ask(self, questions: Sequence[str]) -> list[dict[str, Any]]:
        """Questions to its KVM, as in images/guest/ask.py: a document for each."""
        with self._running.asking("questions") as session:
            return session.ask(list(questions))

    def boot_guest(self, setting: L2Setting | str) -> Boot:
        """Boot one guest to its end, and say how that went. setting: ``host`` or a mode: ``p10``. In a fresh
        L1 if the one there has complained: the record says so."""
        chosen = L2Setting.parse(setting) if isinstance(setting, str) else setting
        return self._running.boot_guest(chosen)

    def feature(self, topic: str) -> list[Verdict]:
        """Verdicts of a feature's topic, by its oracle; its questions are asked once of an L1."""
        return self._running.feature(topic)

    def evidence(self, feature: Feature) -> Evidence:
        """What L1 answered to all questions of a feature, which are asked once."""
        return self._running.evidence(feature)

    def asking(self, what: str) -> AbstractContextManager[QuerySession]:
        """A conversation with its KVM, in questions as in images/guest/ask.py; to be used with ``with``.
        what: for whoever watches the run."""
        return self._running.asking(what)


class L2Handle:
    """The guest of a scenario, which is not booted yet."""

    def __init__(self, l1: L1Handle, setting: L2Setting):
        self._l1 = l1
        self.setting = setting

    @property
    def oracle(self) -> Judge:
        return self._l1.oracle

    def boot(self) -> Boot:
        """Boot it to its end, and say how that went."""
        return self._l1.boot_guest(self.setting)
