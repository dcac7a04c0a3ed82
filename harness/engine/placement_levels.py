# SPDX-License-Identifier: GPL-2.0-only
"""The levels that the tests of one placement share: started when needed, watched, renewed if not trusted."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.engine.activity import doing
from harness.health.cause import Loss
from harness.health.oracle_health import Allowed, judge_level
from harness.levels.level import Level
from harness.model.errors import InfrastructureError
from harness.model.looks import Look
from harness.model.observation import LevelObservation, level_to_json
from harness.model.verdict import Kind

# So long, by the level's own clock, is waited at the end for what comes late: in seconds.
_LINGER = 2.0


@dataclass(frozen=True)
class Between:
    """A level that was lost while nothing was asked of it. when: ``after l2p10, before l2p9``; boot: which
    start of it."""

    level: str
    when: str
    loss: Loss
    boot: int


class PlacementLevels:
    """make: (directories for L0 and L1, which start of them) to the levels, not started;
    directory: of the placement, for logs; allowed: complaints that do not count."""

    def __init__(
        self, make: Callable[[Sequence[Path], int], tuple[Level, ...]], directory: Path, allowed: Allowed
    ):
        self.allowed = allowed
        self.directory = directory
        self.looks = _looks_so_far(directory)
        self.between: list[Between] = []
        self.seen: dict[str, LevelObservation] = {}
        # A worker that was killed may have started some; its files stay.
        self._before = max(len(list(directory.glob(f"{name}*"))) for name in ("l0", "l1"))
        self.boots = self._before
        self._make_levels = make
        self._levels: tuple[Level, ...] = ()
        self._last = ""  # what went on last
        self._spoilt = ""
        self._failed = ""  # why those before could not be started
        self.reported: set[str] = set()  # levels whose loss was told

    # -- start and stop ------------------------------------------------------------------

    def up_to(self, name: str) -> LevelObservation:
        """What L0 or L1 is and answered; boots it, and what it needs, if there is none yet. Of an L1
        whose L0 does not come up this is what was seen of L0."""
        if not self._levels:
            self._make()
        last = self.level(name)
        for level in self._levels:
            if level.name not in self.seen:
                try:
                    self._start(level)
                except BaseException as error:
                    self.stop()  # half of it may run: whoever needs one next gets a fresh one
                    self._failed = f"{type(error).__name__}: {error}"
                    if isinstance(error, OSError):
                        self._failed = f"cannot write {error.filename or self.directory}: {error.strerror}"
                        hint = "leave the run's directory alone"
                        raise InfrastructureError(self._failed, hint) from error
                    raise
            found = self.seen[level.name]
            if level is last or not found.up:
                break
        return found

    def _start(self, level: Level) -> None:
        with doing(self.directory, f"{level.name} starts", level.directory / "console.log"):
            found = level.start()
        self.seen[level.name] = found
        self._keep(found.looks)
        save(level.directory / "observation.json", level_to_json(found))

    def _make(self) -> None:
        self.boots += 1
        suffix = "" if self.boots == 1 else f"-{self.boots}"
        directories = [self.directory / f"{name}{suffix}" for name in ("l0", "l1")]
        self._levels = self._make_levels(directories, self.boots)
        self.seen = {}

    def stop(self) -> None:
        """From the inside out. Harmless when there is nothing."""
        for level in reversed(self._levels):
            level.stop()
        self._levels = ()
        self._spoilt = ""
        self.reported = set()

    @property
    def renewed(self) -> bool:
        """Whether the levels there are took the place of others of this process."""
        return self.boots > self._before + 1

    @property
    def _started(self) -> list[Level]:
        return [each for each in self._levels if each.name in self.seen]

    @property
    def _up(self) -> list[Level]:
        return [each for each in self._started if self.seen[each.name].up]

    @property
    def exist(self) -> bool:
        """Whether there are any, up or not. None are there before the first, and after one that could not be
        started at all."""
        return bool(self._levels)

    @property
    def innermost(self) -> Level:
        return self._levels[-1]

    @property
    def directory_of_l1(self) -> str:
        """Name of the directory with the logs of the L1 there is, or will be."""
        return "l1" if self.boots < 2 else f"l1-{self.boots}"

    # -- trust ---------------------------------------------------------------------------

    def distrust(self) -> str:
        """Why what runs is not to be used for another guest; '' if it is."""
        return next((why for why in map(self._distrust, self._started) if why), self._spoilt)

    def _distrust(self, level: Level) -> str:
        mine = [each for each in self.looks if each.level == level.name and each.boot == self.boots]
        for number in range(self._at_boot(mine), len(mine)):
            found = judge_level(level.name, mine[number : number + 1], self.allowed, mine[:number])
            if found.kind is Kind.FAIL:
                return f"{level.name} had complained ({found.titles[0]}, {mine[number].when})"
        return f"{level.name} was lost" if level.gone else ""

    def spoil(self, why: str) -> None:
        """Something was left in the levels that run, by which they are not to be used for another guest."""
        self._spoilt = why

    @staticmethod
    def _at_boot(looks: Sequence[Look]) -> int:
        """Of what a level complains of while it boots, a fresh one would complain again."""
        return next((at for at, each in enumerate(looks) if not each.when.startswith("boot")), len(looks))

    def take_failure(self) -> str:
        """For the first record after it: these levels are others than those that could not be started."""
        failed, self._failed = self._failed, ""
        return f"in a fresh L1: one before could not be started ({failed})" if failed else ""

    def renew(self) -> str:
        """Fresh levels if those there are cannot be trusted; why, for the record, '' if they can."""
        reason = self.distrust()
        if reason:
            self.stop()
            self.up_to("L1")
            return f"in a fresh L1: in the one before, {reason}"
        return ""

    # -- looks ---------------------------------------------------------------------------

    def begin(self, name: str) -> None:
        """Something new is about to be asked: what came since the last belongs to neither of the two."""
        if self._last:
            when = f"after {self._last}, before {name}"
            for level in self._started:
                look = level.glance(when)
                if look.splats:
                    self._keep([look])
            for level in self._up:
                if level.gone and level.name not in self.reported:
                    self.reported.add(level.name)
                    loss = level.loss(when)
                    if loss is not None:
                        self.between.append(Between(level.name, when, loss, self.boots))
        self._last = name

    def lost(self, name: str) -> None:
        """The loss of this level is told by the record that goes on."""
        self.reported.add(name)

    def look(self, upto: str, when: str) -> list[Look]:
        """One at each level up to that one, outermost first."""
        found = [level.look(when) for level in self._up if level.name <= upto]
        self._keep(found)
        return found

    def level(self, name: str) -> Level:
        return {each.name: each for each in self._levels}[name]

    def linger(self) -> None:
        """Give what comes late its time, by the level's own clock."""
        if self._levels and self.innermost in self._up and not self.innermost.gone:
            self.innermost.pause(_LINGER)

    def _keep(self, looks: Sequence[Look]) -> None:
        self.looks += looks
        if looks:
            save(self.directory / "looks.json", [each.to_json() for each in self.looks])


def _looks_so_far(directory: Path) -> list[Look]:
    """Of a worker that was killed."""
    try:
        return [Look.from_json(each) for each in json.loads((directory / "looks.json").read_text())]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def save(path: Path, data: object) -> None:
    """As a whole: whoever is killed while it is written leaves what was there before."""
    partial = path.with_name(f"{path.name}.part")
    partial.write_text(json.dumps(data, indent=1) + "\n")
    partial.replace(path)
