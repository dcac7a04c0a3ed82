# SPDX-License-Identifier: GPL-2.0-only
"""Facts about levels: how a boot ended, in which mode, which kernel runs, how a level is lost, its health.

What each is in words is in reports/sentences.py."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from harness.model.cpu import GuestMode, Mode
from harness.model.fact import Fact
from harness.model.facts import NotKnown
from harness.model.outcome import Outcome
from harness.model.topology import NestedApi

# -- levels and how they end -----------------------------------------------------------------


@dataclass(frozen=True)
class InMode(Fact):
    """raw: no compat mode was negotiated."""

    kind = "in-mode"

    mode: Mode
    raw: bool = False

    @classmethod
    def of(cls, mode: GuestMode | None) -> InMode | NotKnown:
        return NotKnown() if mode is None else cls(mode.mode, mode.raw)


@dataclass(frozen=True)
class Ended(Fact):
    """How a boot ended. mode: of what booted, None where that is not the question; rule: the name of what
    decided, '' where it is not told."""

    kind = "ended"

    outcome: Outcome
    mode: InMode | NotKnown | None = None
    rule: str = ""

    @property
    def booted(self) -> bool:
        return self.outcome is Outcome.BOOTED


@dataclass(frozen=True)
class OfNestedApi(Fact):
    """Which nested API a level uses."""

    kind = "nested-api"

    api: NestedApi


@dataclass(frozen=True)
class Release(Fact):
    """text: as ``uname -r`` says it."""

    kind = "release"

    text: str


@dataclass(frozen=True)
class BuildId(Fact):
    """text: hexadecimal digits."""

    kind = "build-id"

    text: str


class Lacking(Enum):
    """Why a kernel that runs cannot be compared with an image. Values appear in JSON."""

    IMAGE = "image"  # it was found running
    RELEASE = "release"  # a build id alone was given
    BUILD_ID = "build id"  # the image's linker left none


@dataclass(frozen=True)
class NothingToCompare(Fact):
    """In place of an expectation."""

    kind = "nothing-to-compare"

    lacking: Lacking


@dataclass(frozen=True)
class Lost(Fact):
    """A level that was lost. rule: of health/cause.py; title: of its splat, '' without one; asked: the
    question that it was asked; after: what had just ended."""

    kind = "lost"

    outcome: Outcome
    rule: str
    title: str = ""
    asked: str = ""
    after: str = ""


@dataclass(frozen=True)
class LostAtProbe(Fact):
    """It came up, and did not live through the questions about its KVM. rule: of health/cause.py."""

    kind = "lost-at-probe"

    rule: str


@dataclass(frozen=True)
class LostAtQuestion(Fact):
    """The rest was not asked."""

    kind = "lost-at-question"

    level: str
    question: str


@dataclass(frozen=True)
class NotUp(Fact):
    """A level that something else needs."""

    kind = "not-up"

    level: str
    end: Ended | LostAtProbe


@dataclass(frozen=True)
class MachineLacks(Fact):
    """No machine can be had. reason: why, as whoever looked for one says it."""

    kind = "machine-lacks"

    reason: str


# -- health ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Complaints(Fact):
    """splats: (title, what went on), none if the level did not complain."""

    kind = "complaints"

    splats: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Title(Fact):
    """Of one splat, or of taint flags."""

    kind = "title"

    text: str


@dataclass(frozen=True)
class SplatWas(Fact):
    """seen: whether a kernel made a complaint; None where that is not proven."""

    kind = "splat-was"

    seen: bool | None


@dataclass(frozen=True)
class TaintAlone(Fact):
    """Taint flags that no splat has set. log: whether the kernel's log was looked at as well as its
    console."""

    kind = "taint-alone"

    title: str
    log: bool = False


@dataclass(frozen=True)
class SlowMachine(Fact):
    """A complaint that something took too long, of a level whose QEMU got no CPU."""

    kind = "slow-machine"

    title: str


@dataclass(frozen=True)
class HealthNotChecked(Fact):
    """reason: why the level did not answer, '' if that is not known."""

    kind = "health-not-checked"

    reason: str = ""


@dataclass(frozen=True)
class TaintNotTold(Fact):
    """A guest's report has no taint flags."""

    kind = "taint-not-told"


@dataclass(frozen=True)
class GuestLeft(Fact):
    """How a guest that was up went. rule: ``off`` for one that powers off by itself, else of
    health/ending.py, or ``l1-RULE`` if the level that runs it was lost."""

    kind = "guest-left"

    rule: str


@dataclass(frozen=True)
class ClockIs(Fact):
    """ahead: whether a guest's clock is ahead of ours."""

    kind = "clock-is"

    ahead: bool


@dataclass(frozen=True)
class FilesAre(Fact):
    """changed: whether files that levels boot from are not as they were."""

    kind = "files-are"

    changed: bool
