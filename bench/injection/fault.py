# SPDX-License-Identifier: GPL-2.0-only
"""A fault: what it is, how it is done, what must come of it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass

from injection import isolation
from injection.found import LOST, Expect
from injection.trial import Moment, Trial

Action = Callable[[Trial], object]


@dataclass(frozen=True)
class Fault:
    """name: as typed; what: one line, for the table; inject: starts the run and does it. Missed if the moment
    does not come; lacking: why it cannot be done here, '' if it can; seconds: that the run may take;
    ci: quick, and of a kind of its own: for every change."""

    name: str
    what: str
    inject: Action
    expect: Expect = LOST
    lacking: Callable[[], str] = lambda: ""
    seconds: float = 240
    ci: bool = False


def at(moment: Moment, hit: Action, *, first: Action = lambda _trial: None) -> Action:
    """Start a run and do *hit* at that moment. first: before it starts."""

    def inject(trial: Trial) -> None:
        first(trial)
        trial.start()
        trial.until(moment)
        trial.remember()
        hit(trial)

    return inject


def from_the_start(first: Action) -> Action:
    """A run in surroundings that are wrong before it starts."""

    def inject(trial: Trial) -> None:
        first(trial)
        trial.start()

    return inject


def both(*actions: Action) -> Action:
    def act(trial: Trial) -> None:
        for each in actions:
            each(trial)

    return act


# -- settings of a run -----------------------------------------------------------------------


def with_hv(trial: Trial) -> None:
    trial.scenarios = ("hv-p11@p10-l2p10",)


def with_powernv(trial: Trial) -> None:
    """Three Linux kernels, all of them the one under test."""
    trial.scenarios = ("pnv11-p11@p10-l2p10",)
    trial.words += ["--l0-kernel", "same"]


def with_suite(trial: Trial) -> None:
    trial.command = "probe"
    trial.words += ["--topology", "pseries-papr", "--l1", "p11@p10"]


# -- what a fault may lack -------------------------------------------------------------------


def isolated() -> str:
    return "" if isolation.entered() else "this machine lets us have no namespaces of our own"


def isolated_with(program: str) -> Callable[[], str]:
    def lacking() -> str:
        return isolated() or ("" if shutil.which(program) else f"there is no {program}")

    return lacking


def several_cores() -> str:
    return "" if len(os.sched_getaffinity(0)) > 1 else "this machine has one core"
