# SPDX-License-Identifier: GPL-2.0-only
"""The levels that the tests of one placement share, and the oracle's view of them."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from harness.levels.level import Level
from harness.levels.ssh import ClientKey
from harness.model.calls import Call
from harness.model.errors import InfrastructureError
from harness.model.observation import Boot, LevelObservation, boot_to_json, level_to_json
from harness.model.outcome import Outcome
from harness.model.record import Record
from harness.model.scenario import L2Setting, Placement
from harness.model.suite import Answers, paired, questions
from harness.model.verdict import Kind, Verdict
from harness.runs import conformance
from harness.runs.activity import doing
from harness.runs.judging import Judge, Judged, KernelFacts, probe_of
from harness.runs.prepare import Ready, ReadyKernel


class RunningL1:
    """Boots its levels, L0 where that is a Linux and L1, when they are first needed, and new ones
    after one was lost.

    run_directory: of the whole run; logs go below it.
    """

    def __init__(
        self,
        placement: Placement,
        prepared: Ready,
        key: ClientKey,
        run_directory: Path,
        switched_off: Collection[str],
    ):
        self.placement = placement
        kernel, l0_kernel = prepared.kernels[placement.kernel], prepared.l0_of(placement)
        l1_qemu = kernel.boot_set.l1_qemu if kernel.boot_set else None
        l0_facts = _facts(l0_kernel) if l0_kernel else None
        self._judge = Judge(placement, _facts(kernel), l0_facts, l1_qemu, prepared.qemu_version)
        self._texts = kernel.build.texts
        self._make_levels = partial(prepared.levels, placement, key=key, switched_off=switched_off)
        self._levels: tuple[Level, ...] = ()
        self._seen: dict[str, LevelObservation] = {}
        self._asked: tuple[Level, Answers] | None = None
        self._boots = 0
        self._directory = run_directory / placement.full_id

    # -- facts ---------------------------------------------------------------------------

    def seen(self, name: str) -> LevelObservation:
        """What L0 or L1 is and answered; boots it, and what it needs, if there is none yet. Of an L1
        whose L0 does not come up this is what was seen of L0."""
        if not self._levels:
            self._make()
        for level in self._levels:
            if level.name not in self._seen:
                with doing(self._directory, f"{level.name} starts", level.directory / "console.log"):
                    self._seen[level.name] = level.start()
                _save(level.directory / "observation.json", level_to_json(self._seen[level.name]))
            found = self._seen[level.name]
            if level.name == name or found.boot.outcome is not Outcome.BOOTED:
                break
        return found

    def boot_guest(self, setting: L2Setting) -> Boot:
        """One L2 boot, in fresh levels if the last L2 took one with it. Saved as observation.json."""
        self.seen("L1")
        if not all(level.alive for level in self._levels):
            self.stop()
        seen = self.seen("L1").boot
        if seen.outcome is not Outcome.BOOTED:
            words = f"{seen.directory} did not come up again: {seen.summary}: {seen.proof}"
            return Boot(Outcome.INFRASTRUCTURE, "l1-gone", words, directory=seen.directory)
        directory = self._directory / setting.id
        with doing(self._directory, f"L2 {setting}", directory / "console.log"):
            boot = self._levels[-1].boot_guest(setting, directory)
        _save(directory / "observation.json", boot_to_json(boot))
        return boot

    def _make(self) -> None:
        self._boots += 1
        suffix = "" if self._boots == 1 else f"-{self._boots}"
        directories = [self._directory / f"{name}{suffix}" for name in ("l0", "l1")]
        self._levels = self._make_levels(directories)
        self._seen = {}

    def stop(self) -> None:
        """From the inside out. Harmless when there is nothing."""
        for level in reversed(self._levels):
            level.stop()
        self._levels = ()

    # -- records -------------------------------------------------------------------------

    def record_of_l0(self) -> Record:
        return self._record("l0", "", "l0", lambda: self._judge.l0(self.seen("L0")))

    def record_of_l0_caps(self) -> Record:
        return self._record("l0_caps", "", "l0", lambda: self._judge.l0_caps(self.seen("L0")), needs="L0")

    def record_of_l1(self) -> Record:
        needs = "L0" if self.placement.l0 else ""
        return self._record("l1", "", "l1", lambda: self._judge.l1(self.seen("L1")), needs=needs)

    def record_of_caps(self) -> Record:
        return self._record("caps", "", "l1", lambda: self._judge.caps(self.seen("L1")), needs="L1")

    def record_of_arch_compat(self) -> Record:
        return self._record(
            "arch_compat", "", "l1", lambda: self._judge.arch_compat(self.seen("L1")), needs="L1"
        )

    def record_of_l2(self, setting: L2Setting) -> Record:
        phases: dict[str, float] = {}

        def judge() -> Judged:
            boot = self.boot_guest(setting)
            phases.update(boot.phases)
            return self._judge.l2(setting, boot)

        return self._record("l2", setting.id, setting.id, judge, needs="L1", phases=phases)

    def record_of_suite(self, topic: str) -> Record:
        """topic: of conformance.TOPICS."""
        return self._suite_record(topic, lambda asked: conformance.TOPICS[topic](asked))

    def record_of_calls(self, calls: Sequence[Call]) -> Record:
        def judge(asked: conformance.Asked) -> list[Verdict]:
            with self._levels[-1].asking() as asking:
                lines = [each.line for each in calls]
                answers = paired(asked.answers.page, lines, asking.ask(lines))
            return conformance.judge_calls(replace(asked, answers=answers), calls)

        return self._suite_record("calls", judge)

    def record_of_fuzz(self, seconds: float, seed: int) -> Record:
        # Here, for hypothesis takes longer to import than all the rest.
        from harness.runs.fuzz import fuzz

        def judge(asked: conformance.Asked) -> list[Verdict]:
            with doing(self._directory, "random calls", None), self._levels[-1].asking() as asking:
                found = fuzz(asked.subject.kernel(asked.answers.page), asking.ask, seconds, seed)
            return conformance.judge_fuzz(asked, found, seconds, seed, self._levels[-1].finding)

        return self._suite_record("fuzz", judge)

    def _suite_record(self, topic: str, judge: Callable[[conformance.Asked], list[Verdict]]) -> Record:
        def judged() -> Judged:
            asked = conformance.Asked(
                self._judge.subject, probe_of(self.seen("L1")), self._answers(), self._texts,
                self._levels[-1].finding, self._judge.kernel.known,
            )  # fmt: skip
            return "", conformance.judged(asked, judge)

        return self._record(topic, "", "l1", judged, needs="L1")

    def _answers(self) -> Answers:
        """Asked once of each L1. InfrastructureError if it does not answer."""
        level = self._levels[-1]
        if self._asked is None or self._asked[0] is not level:
            lines = questions(level.page_bytes)
            with doing(self._directory, "the suite", None), level.asking() as asking:
                answers = paired(level.page_bytes, lines, asking.ask(lines))
            _save(level.directory / "suite.json", answers.to_json())
            self._asked = (level, answers)
        return self._asked[1]

    def _record(
        self, topic: str, l2: str, directory: str, judge: Callable[[], Judged], *,
        needs: str = "", phases: dict[str, float] | None = None,
    ) -> Record:  # fmt: skip
        """Judge, unless a level that it needs is not up: then the record is skipped, with the reason."""
        began = time.monotonic()
        missing = self._missing(needs)
        if missing is not None:
            name, boot = missing
            reason = f"{name}: {boot.summary}"
            summary = ""
            verdicts = [Verdict(f"{name} is up", Kind.SKIP, f"an {name} to ask", reason, boot.proof)]
            directory = name.lower()
        else:
            try:
                summary, verdicts = judge()
            except InfrastructureError as error:
                summary, verdicts = "", [self._lost(str(error))]
        if phases is None:
            level = {"l0": "L0", "l1": "L1"}.get(topic, "")
            phases = dict(self._seen[level].boot.phases) if level in self._seen else {}
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
            l0=self.placement.l0,
            phases=phases,
        )

    def _lost(self, words: str) -> Verdict:
        """What became of a level that stopped answering when it was asked something."""
        for level in self._levels:
            decided = level.death()
            if decided is not None:
                outcome, rule, proof = decided
                infrastructure = outcome is Outcome.INFRASTRUCTURE
                return Verdict(
                    f"{level.name} answers", Kind.INFRASTRUCTURE if infrastructure else Kind.FAIL,
                    "an answer", f"{outcome.value} ({rule})", proof, "no question may harm a kernel",
                )  # fmt: skip
        return Verdict("L1 answers", Kind.INFRASTRUCTURE, "an answer", words)

    def _missing(self, needs: str) -> tuple[str, Boot] | None:
        """The outermost of the levels up to *needs* that is not up; None if all are, or none is needed."""
        if needs:
            self.seen(needs)
        for name, seen in self._seen.items():
            if needs and name <= needs and seen.boot.outcome is not Outcome.BOOTED:
                return name, seen.boot
        return None


def _facts(kernel: ReadyKernel) -> KernelFacts:
    build, expected = kernel.build, kernel.expected
    release = "" if build.found_running else build.release
    return KernelFacts(release, build.build_id, expected.behaviour, expected.sure)


def _save(path: Path, data: object) -> None:
    path.write_text(json.dumps(data, indent=1) + "\n")
