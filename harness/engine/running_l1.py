# SPDX-License-Identifier: GPL-2.0-only
"""The levels of one placement, as its tests share them, and a record of each test."""

from __future__ import annotations

import contextlib
import shlex
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path

from harness.engine.about import GUEST, About
from harness.engine.activity import doing
from harness.engine.environment import Environment, texts_of
from harness.engine.feature_answers import FeatureAnswers, ask
from harness.engine.judging import Judge, Judged, facts_of, of_l0, probe_of
from harness.engine.placement_levels import Between, PlacementLevels, save
from harness.features import feature_of
from harness.features.feature import Evidence, Feature
from harness.health.cause import Loss
from harness.health.oracle_files import blame_files, judge_files
from harness.health.oracle_health import Allowed, judge_level
from harness.health.oracle_loss import judge_loss
from harness.levels.asking import NoAnswer, QuerySession
from harness.levels.level import Level
from harness.levels.ssh import ClientKey
from harness.model.errors import InfrastructureError
from harness.model.fact import Fact
from harness.model.facts import Yes
from harness.model.level_facts import LostAtProbe, MachineLacks, NotUp, Title
from harness.model.observation import Boot, LevelObservation, boot_to_json
from harness.model.outcome import Outcome, Side
from harness.model.record import Record
from harness.model.scenario import L2Setting, Placement
from harness.model.verdict import Kind, Verdict


@dataclass(frozen=True)
class _Guest:
    """An L2. before, ran: the start of L1 that there was when it was its turn, and that it ran in."""

    id: str
    before: int
    ran: int


class RunningL1:
    """Boots its levels, L0 where that is a Linux and L1, when they are first needed, and new ones
    after one was lost or has complained.

    run_directory: of the whole run; logs go below it.
    """

    def __init__(self, placement: Placement, environment: Environment, key: ClientKey, run_directory: Path):
        self.placement = placement
        plan = environment.plan
        self.kernel, l0_kernel = plan.kernels[placement.kernel], plan.l0_kernel(placement)
        self.oracle = Judge(
            placement, facts_of(self.kernel.info, self.kernel.expected), of_l0(l0_kernel),
            self.kernel.boots.l1_qemu if self.kernel.boots else None,
            environment.qemu_version, Allowed(plan.allow_splat, environment.circumstances(placement)),
        )  # fmt: skip
        self._lacking = environment.lacks(placement)
        self._damage = partial(environment.damage, placement)
        self._levels = PlacementLevels(
            partial(environment.levels, placement, key=key, switched_off=plan.no_workaround),
            run_directory / placement.full_id, self.oracle.allowed,
        )  # fmt: skip
        self._answers: dict[str, FeatureAnswers] = {}  # by feature
        self._guests: list[_Guest] = []  # so far
        self._notes: list[str] = []  # for the record that goes on
        self._phases: dict[str, float] | None = None  # of the guest that was booted for it
        self._about = About("")  # what it is about
        self._boots: list[tuple[str, Boot]] = []  # guests that were booted for it, by directory
        self._told: set[tuple[str, int]] = set()  # levels whose failure to come up a record has told

    @cached_property
    def _texts(self) -> Mapping[str, str]:
        """Read once: each topic is judged with them, and they are some hundred kilobytes."""
        return texts_of(self.kernel)

    def stop(self) -> None:
        self._levels.stop()

    # -- levels --------------------------------------------------------------------------

    def seen(self, name: str) -> LevelObservation:
        """What L0 or L1 is, whether it comes up or not; started if it is not there. The record that asks
        tells how."""
        found = self._levels.up_to(name)
        self._told.add((name, self._levels.boots))
        return found

    def level(self, name: str) -> Level:
        """One that is up. InfrastructureError if a fresh one is needed and does not come up."""
        if name == "L1":
            return self._trusted_level()
        return self._levels.level(name)

    def up(self, name: str) -> LevelObservation:
        """Of a level that the record needs: it is up."""
        return self._levels.seen[name]

    # -- guests --------------------------------------------------------------------------

    def boot_guest(self, setting: L2Setting) -> Boot:
        """One L2 boot, in fresh levels if those there are cannot be trusted. Saved as observation.json."""
        before = self._levels.boots
        seen = self._trusted()
        self._guests.append(_Guest(setting.id, before, self._levels.boots))
        if not seen.up:
            return Boot(_how_lost(seen), "l1-gone", _not_up(seen))
        directory = self._fresh_directory(setting)
        with doing(self._levels.directory, f"L2 {setting}", directory / "console.log"):
            boot = self._levels.innermost.boot_guest(setting, directory)
        if boot.stays:
            self._levels.spoil(f"L1 keeps the VM of {setting.id}, which cannot be ended")
        save(directory / "observation.json", boot_to_json(boot))
        self._phases = dict(boot.phases)
        self._boots.append((directory.name, boot))
        return boot

    def _fresh_directory(self, setting: L2Setting) -> Path:
        """A test may boot the same guest twice."""
        name = self._about.guest_directory(setting.id)
        found, number = self._levels.directory / name, 1
        while found.exists():
            number += 1
            found = self._levels.directory / f"{name}-{number}"
        return found

    def _trusted(self) -> LevelObservation:
        """What L1 is, or a fresh one if that there is cannot be trusted: the record says so."""
        note = self._levels.renew()
        if note:
            self._notes.append(note)
        return self._levels.up_to("L1")

    # -- features ------------------------------------------------------------------------

    def feature(self, topic: str) -> list[Verdict]:
        """Verdicts of a feature's topic. KeyError for a topic that no feature has."""
        feature = feature_of(topic)
        if feature is None:
            raise KeyError(topic)
        evidence = self.evidence(feature)
        return self._answers[feature.name].with_loss(feature.judge(topic, evidence))

    def evidence(self, feature: Feature) -> Evidence:
        """What L1 answered to all its questions, which are asked once."""
        if feature.name not in self._answers:
            level = self._trusted_level()
            with doing(self._levels.directory, f"questions of {feature.name}", None):
                self._answers[feature.name] = ask(
                    level, feature, lambda error: self._diagnosed(error.question, error.ended, error.signal)
                )
        answers = self._answers[feature.name]
        return Evidence(
            self.placement, probe_of(self.up("L1")), answers.asked, self.kernel.expected[feature.name],
            self._texts, answers.page_bytes,
        )  # fmt: skip

    @contextlib.contextmanager
    def asking(self, what: str) -> Iterator[QuerySession]:
        """A conversation with ask.py in L1, a fresh one if that there is cannot be trusted. what: for whoever
        watches the run."""
        level = self._trusted_level()
        with doing(self._levels.directory, what, None), level.asking() as session:
            yield session

    def _trusted_level(self) -> Level:
        """L1, to be asked. InfrastructureError if a fresh one is needed and does not come up."""
        seen = self._trusted()
        if not seen.up:
            raise InfrastructureError(_not_up(seen))
        return self._levels.innermost

    def _diagnosed(self, question: str, ended: str = "", ended_by: int = 0) -> Verdict:
        """Why a question was not answered."""
        level = self._levels.level("L0") if self._about.level == "L0" else self._levels.innermost
        loss = level.diagnose(question, ended, ended_by)
        self._levels.lost(level.name)
        verdict = judge_loss(level.name, question, loss)
        if question.startswith("ioctl "):
            repeat = f"kvmppc probe --call {shlex.quote(question)}"
            verdict = replace(verdict, proof=f"{verdict.proof}; again: {repeat}")
        return verdict

    # -- health --------------------------------------------------------------------------

    def health(self) -> Judged:
        """Of all levels of this placement, over all that went on in them."""
        self._levels.linger()
        at_the_end = self._losses_at_the_end()
        verdicts = [
            replace(judge_loss(each.level, "", each.loss), check=f"{each.level} lives {each.when}")
            for each in [*self._levels.between, *at_the_end]
        ]
        verdicts += judge_files(self._damage())
        for name in self._names:
            looks = [each for each in self._levels.looks if each.level == name]
            verdicts.append(judge_level(name, looks, self.oracle.allowed))
        titles = [title for each in verdicts for title in each.titles]
        return (Title(titles[0]) if titles else None), verdicts

    def _losses_at_the_end(self) -> list[Between]:
        """Of levels that do not answer the last look, unless another record has told how they were lost."""
        found, known, when = [], set(self._levels.reported), "at the end"
        for look in self._levels.look("L1", when):
            loss = None if look.answered else self._levels.level(look.level).loss(when)
            if loss is not None and look.level not in known:
                self._levels.lost(look.level)
                found.append(Between(look.level, when, loss, self._levels.boots))
        return found

    @property
    def _names(self) -> tuple[str, ...]:
        return ("L0", "L1") if self.placement.l0 else ("L1",)

    def _sequence(self, about: About) -> tuple[str, ...]:
        """The L2s that led to what a record tells, oldest first.

        Those of the L1 that ran the last one; for the health of all, of the first L1 that complained or was
        lost. The L2 before which that was seen is among them, though it then ran in another.
        """
        of_all = about.level == "all"
        if not about.l2 and not of_all:
            return ()
        boot = self._levels.boots
        if of_all:
            boot = min((*(each.boot for each in self._levels.between), *self._complained()), default=boot)
        return tuple(each.id for each in self._guests if boot == each.ran or (of_all and boot == each.before))

    def _complained(self) -> Iterator[int]:
        """The starts of levels in which there was something to complain of."""
        for name in self._names:
            looks = [each for each in self._levels.looks if each.level == name]
            for at, look in enumerate(looks):
                if judge_level(name, [look], self.oracle.allowed, looks[:at]).kind is Kind.FAIL:
                    yield look.boot

    def _health(self, name: str, upto: str, verdicts: Sequence[Verdict]) -> list[Verdict]:
        """Verdicts on the levels that took part in a record."""
        found = []
        known = set(self._levels.reported)  # losses that another record has told
        before = list(self._levels.looks)
        for look in self._levels.look(upto, f"during {name}"):
            loss = None
            if not look.answered:
                loss = self._levels.level(look.level).loss(f"the end of {name}")
            if loss is not None:
                self._levels.lost(look.level)
                if look.level not in known and not _told(verdicts, loss):
                    found.append(judge_loss(look.level, "", loss, after=name))
                if not look.splats:
                    continue
            earlier = [each for each in before if each.level == look.level]
            found.append(judge_level(look.level, [look], self.oracle.allowed, earlier))
        return found

    def _health_at_start(self, name: str) -> list[Verdict]:
        """Of the levels' start: looks that were made then. One that did not come up is told as that: nobody
        could ask it."""
        seen = self._levels.seen[name]
        verdict = judge_level(name, seen.looks, self.oracle.allowed)
        return [] if verdict.kind is Kind.UNKNOWN and not seen.up else [verdict]

    # -- a record ------------------------------------------------------------------------

    def record(
        self, about: About, body: Callable[[], Judged], so_far: Callable[[], Sequence[Verdict]] = tuple
    ) -> Record:
        """Of one test: what *body* gives, and how the levels are afterwards. It is not called where a level
        that it needs is not up: then the record is skipped, with the reason. so_far: verdicts of a body
        that was cut short, by a level that was lost."""
        began = time.monotonic()
        needs, directory = self._needs(about), self._directory_of(about)
        name = about.name
        self._about, self._notes, self._phases, self._boots = about, [], None, []
        if self._lacking:
            skip = Verdict("machine available", Kind.SKIP, Yes(), MachineLacks(self._lacking))
            missing: tuple[str, list[Verdict]] | None = (directory, [skip])
        else:
            self._levels.begin(name)
            note = self._levels.take_failure()
            self._notes += [note] if note else []
            missing = self._missing(needs)
        answer: Fact | None = None
        verdicts: list[Verdict]
        if missing is not None:
            directory, verdicts = missing
        else:
            try:
                answer, verdicts = body()
                verdicts = [*verdicts, *self._of_guests(about)]
            except NoAnswer as error:
                verdicts = [*so_far(), self._diagnosed(error.question, error.ended, error.signal)]
            except InfrastructureError as error:
                if not self._levels.exist:
                    raise  # there is nothing to diagnose
                verdicts = [*so_far(), self._diagnosed(name, str(error))]
            # Of a level that was lost while a feature was asked, whether or not the test wanted verdicts.
            for answers in self._answers.values():
                verdicts = [*verdicts, *(answers.with_loss([]) if answers.loss is not None else [])]
            if about.starts:
                verdicts = [*verdicts, *self._health_at_start(about.starts)]
            elif about.level != "all":
                verdicts = [*verdicts, *self._health(name, needs, verdicts)]
        if any(each.kind in (Kind.FAIL, Kind.DEFECT, Kind.UNKNOWN) for each in verdicts):
            verdicts = blame_files(verdicts, self._damage())
        phases = self._phases
        if phases is None:
            seen = self._levels.seen.get(about.starts)
            phases = dict(seen.boot.phases) if seen is not None else {}
        return Record(
            kernel=self.placement.kernel,
            topology=self.placement.topology.short,
            l1=self.placement.l1.id,
            l2=about.l2,
            topic=about.topic,
            answer=answer,
            verdicts=tuple(verdicts),
            directory=f"{self.placement.full_id}/{directory}",
            seconds=time.monotonic() - began,
            l0=self.placement.l0,
            phases=phases,
            notes=tuple(self._notes),
            sequence=self._sequence(about),
        )

    def _of_guests(self, about: About) -> list[Verdict]:
        """Of the guests of a test that does not judge them as a whole: which kernel they ran, how they were
        and how they left. How they should end is the test's to say."""
        if about.topic == GUEST:
            return []
        found = []
        for name, boot in self._boots:
            where = f" ({name})" if len(self._boots) > 1 else ""
            found += [replace(each, check=each.check + where) for each in self.oracle.guest(boot)]
        return found

    def _needs(self, about: About) -> str:
        """The level that must be up before the test begins; '' for none."""
        if about.level == "all":
            # Of levels that were replaced there is something to tell whatever became of the last.
            return "L1" if self._levels.boots < 2 else ""
        return "" if about.needs == "L0" and not self.placement.l0 else about.needs

    def _directory_of(self, about: About) -> str:
        """Name of the directory with the logs that a record is about."""
        if about.l2:
            return about.guest_directory(about.l2)
        return self._levels.directory_of_l1 if about.level == "all" else about.level.lower()

    def _missing(self, needs: str) -> tuple[str, list[Verdict]] | None:
        """(directory, verdicts) of the outermost of the levels up to *needs* that is not up; None if all are,
        or none is needed. The first record that meets it tells it, if that level has none of its own in this
        run."""
        if not needs:
            return None
        self._levels.up_to(needs)
        for name, seen in self._levels.seen.items():
            if name <= needs and not seen.up:
                if (name, self._levels.boots) in self._told or self._levels.renewed:
                    words = seen.lost.proof if seen.lost else seen.boot.proof
                    end = LostAtProbe(seen.lost.rule) if seen.lost else seen.boot.ended
                    skip = Verdict(f"{name} is up", Kind.SKIP, Yes(), NotUp(name, end), words)
                    return name.lower(), [skip]
                self._told.add((name, self._levels.boots))
                _, verdicts = self.oracle.l0(seen) if name == "L0" else self.oracle.l1(seen)
                return name.lower(), [*verdicts, *self._health_at_start(name)]
        return None


def _not_up(seen: LevelObservation) -> str:
    lost = seen.lost
    return f"a fresh {seen.name} did not come up: {lost.proof if lost else seen.boot.proof}"


def _how_lost(seen: LevelObservation) -> Outcome:
    """Of a level that did not come up, or not through its probe."""
    if seen.boot.outcome is not Outcome.BOOTED:
        return seen.boot.outcome
    if seen.lost is None or seen.lost.side is Side.UNKNOWN:
        return Outcome.UNKNOWN
    if seen.lost.side is Side.SURROUNDINGS:
        return Outcome.INFRASTRUCTURE
    return Outcome.HANG if seen.lost.rule.endswith(("hang", "stuck")) else Outcome.PANIC


def _told(verdicts: Sequence[Verdict], loss: Loss) -> bool:
    """Whether one of these tells of that loss, and is not fine."""
    return any(
        loss.proof in each.proof and each.kind in (Kind.FAIL, Kind.INFRASTRUCTURE, Kind.UNKNOWN)
        for each in verdicts
    )
