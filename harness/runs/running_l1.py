# SPDX-License-Identifier: GPL-2.0-only
"""The L1 that the tests of one placement share, and the oracle's view of it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection
from pathlib import Path

from harness.levels.choose import level_for
from harness.levels.level import Level
from harness.levels.ssh import ClientKey
from harness.model import oracle_arch_compat, oracle_caps, oracle_l1, oracle_l2
from harness.model.abi import REVISIONS
from harness.model.behaviour import Behaviour
from harness.model.cpu import Mode
from harness.model.observation import Boot, L1Observation, boot_to_json, l1_to_json
from harness.model.outcome import Outcome
from harness.model.record import Record
from harness.model.scenario import L2Setting, Placement
from harness.model.topology import NestedApi
from harness.model.verdict import Kind, Verdict
from harness.runs.prepare import Prepared


class RunningL1:
    """Boots its level when it is first needed, and a new one after it was lost.

    run_directory: of the whole run; this L1's logs go below it.
    """

    def __init__(
        self,
        placement: Placement,
        prepared: Prepared,
        key: ClientKey,
        run_directory: Path,
        switched_off: Collection[str],
    ):
        self.placement = placement
        self._prepared = prepared
        self._key = key
        self._run_directory = run_directory
        self._switched_off = switched_off
        self._level: Level | None = None
        self._seen: L1Observation | None = None
        self._boots = 0
        self._directory = run_directory / placement.full_id

    # -- facts ---------------------------------------------------------------------------

    @property
    def seen(self) -> L1Observation:
        """What L1 is and answered; boots it if there is none yet."""
        if self._seen is None:
            self._start()
        assert self._seen is not None
        return self._seen

    @property
    def up(self) -> bool:
        return self.seen.boot.outcome is Outcome.BOOTED

    def boot_guest(self, setting: L2Setting) -> Boot:
        """One L2 boot, in a fresh L1 if the last L2 took L1 with it. Saved as observation.json."""
        if self._level is not None and not self._level.alive:
            self._start()
        if not self.up or self._level is None:
            boot = self.seen.boot
            words = f"L1 did not come up again: {boot.summary}: {boot.proof}"
            return Boot(Outcome.INFRASTRUCTURE, "l1-gone", words, directory=boot.directory)
        directory = self._directory / setting.id
        boot = self._level.boot_guest(setting, directory)
        _save(directory / "observation.json", boot_to_json(boot))
        return boot

    def _start(self) -> None:
        self.stop()
        self._boots += 1
        name = "l1" if self._boots == 1 else f"l1-{self._boots}"
        kernel = self._prepared.kernels[self.placement.kernel]
        self._level = level_for(
            self.placement,
            kernel.version,
            self._prepared.boot_sets[self.placement.kernel],
            self._prepared.program,
            self._key,
            self._directory / name,
            self._switched_off,
        )
        self._seen = self._level.start()
        _save(self._directory / name / "observation.json", l1_to_json(self._seen))

    def stop(self) -> None:
        """Harmless when there is none."""
        if self._level is not None:
            self._level.stop()
            self._level = None

    # -- records -------------------------------------------------------------------------

    def record_of_l1(self) -> Record:
        def judge() -> tuple[str, list[Verdict]]:
            seen = self.seen
            kernel = self._prepared.kernels[self.placement.kernel]
            words = "" if seen.boot.mode else seen.boot.outcome.short
            return words, oracle_l1.judge(self.placement, kernel.release, kernel.build_id, seen)

        return self._record("l1", "", "l1", judge)

    def record_of_caps(self) -> Record:
        def judge() -> tuple[str, list[Verdict]]:
            assert self.seen.probe is not None
            answered = [
                (revision, answer)
                for revision in REVISIONS
                if (answer := self.seen.probe.ioctl(revision.name)) is not None and answer.result == 0
            ]
            summary = "cap 0" if not any(self.seen.probe.capability.values()) else "cap 1, no ioctl"
            if answered:
                revision, answer = answered[0]
                summary = f"{answer.field64(revision.offset_caps):#018x}"
            return summary, oracle_caps.judge(*self._oracle_key, self.seen.probe)

        return self._record("caps", "", "l1", judge)

    def record_of_arch_compat(self) -> Record:
        def judge() -> tuple[str, list[Verdict]]:
            assert self.seen.probe is not None
            return "", oracle_arch_compat.judge(*self._oracle_key, self.seen.probe)

        return self._record("arch_compat", "", "l1", judge)

    def record_of_l2(self, setting: L2Setting) -> Record:
        def judge() -> tuple[str, list[Verdict]]:
            boot = self.boot_guest(setting)
            case = oracle_l2.Case(
                self._behaviour,
                self.placement.topology.nested_api,
                self.placement.l1,
                setting,
                self._prepared.boot_sets[self.placement.kernel].l1_qemu,
            )
            words = str(boot.mode) if boot.outcome is Outcome.BOOTED else boot.outcome.short
            return words, [oracle_l2.judge(case, boot)]

        return self._record("l2", setting.id, setting.id, judge)

    @property
    def _behaviour(self) -> Behaviour:
        return self._prepared.behaviours[self.placement.kernel]

    @property
    def _oracle_key(self) -> tuple[Behaviour, NestedApi, Mode]:
        return self._behaviour, self.placement.topology.nested_api, self.placement.l1.mode

    def _record(
        self, topic: str, l2: str, directory: str, judge: Callable[[], tuple[str, list[Verdict]]]
    ) -> Record:
        """Judge, unless there is no L1 to judge: then the record is skipped, with the reason."""
        began = time.monotonic()
        if topic != "l1" and not self.up:
            reason = f"L1: {self.seen.boot.summary}"
            summary, verdicts = (
                "",
                [Verdict("L1 is up", Kind.SKIP, "an L1 to ask", reason, self.seen.boot.proof)],
            )
            directory = "l1"
        else:
            summary, verdicts = judge()
        return Record(
            kernel=self.placement.kernel,
            topology=self.placement.topology.short,
            l1=self.placement.l1.id,
            l2=l2,
            topic=topic,
            summary=summary,
            verdicts=tuple(verdicts),
            directory=f"{self.placement.full_id}/{directory}",
            seconds=time.monotonic() - began,
        )


def _save(path: Path, data: object) -> None:
    path.write_text(json.dumps(data, indent=1) + "\n")
