# SPDX-License-Identifier: GPL-2.0-only
"""The suite's questions about vcpus that run, and their answers as plain data. The guest's half, which
explains the words, is images/guest/vcpus.py."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from harness.features.compat_caps.micro_run import Run
from harness.features.compat_caps.oracle_arch_compat import JUNK
from harness.model.cpu import Mode

VCPUS = 3
ALL = "all"
ONE = "1"  # not vcpu 0, which is asked often enough

_P9, _P10, _P11 = (mode.logical_pvr for mode in (Mode.P9, Mode.P10, Mode.P11))

# (which vcpus, value)
SEVERAL = tuple((which, value) for value in (_P9, _P10, _P11) for which in (ALL, ONE))

# Modes of a vcpu's life, first and later: to a newer one and to an older one, from and to L1's own, from one
# that may be refused, to one that may be and to one that always is.
LIVES = ((_P9, _P10), (_P10, _P9), (0, _P9), (_P9, 0), (_P11, _P9), (_P9, _P11), (_P9, JUNK))

CLOCK_MILLISECONDS, DECREMENTER_MILLISECONDS = 50, 20
CLOCK_QUESTION = f"clock {CLOCK_MILLISECONDS} 10"
DECREMENTER_QUESTION = f"decrementer {DECREMENTER_MILLISECONDS} 4"


def several_question(which: str, value: int) -> str:
    return f"vcpus {which} {value:#x}"


def life_question(first: int, later: int) -> str:
    return f"life {first:#x} {later:#x}"


def questions() -> list[str]:
    return [
        *(several_question(*each) for each in SEVERAL),
        *(life_question(*each) for each in LIVES),
        CLOCK_QUESTION,
        DECREMENTER_QUESTION,
    ]


@dataclass(frozen=True)
class Several:
    """By vcpu. set: errno, None where it was not set; stored, after: what is read, before and after the
    runs, None where that failed."""

    set: tuple[int | None, ...]
    stored: tuple[int | None, ...]
    run: tuple[Run, ...]
    after: tuple[int | None, ...]

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Several:
        runs = tuple(Run.from_json(each) for each in data["run"])
        return cls(tuple(data["set"]), tuple(data["stored"]), runs, tuple(data["after"]))


@dataclass(frozen=True)
class Life:
    """In the order of time. set, set_later: errno; sregs: errno of KVM_GET_SREGS and KVM_SET_SREGS; stored*,
    after*: what is read."""

    set: int
    stored: int | None
    run: Run
    after_run: int | None
    sregs: tuple[int, int]
    after_sregs: int | None
    second_run: Run
    after_second_run: int | None
    set_later: int
    stored_later: int | None
    later_run: Run
    after_later_run: int | None

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Life:
        runs = {name: Run.from_json(data[name]) for name in ("run", "second_run", "later_run")}
        first, second = data["sregs"]
        return cls(**{**data, **runs, "sregs": (first, second)})


@dataclass(frozen=True)
class TimedRun:
    """exit: KVM_EXIT_*; hcall: that ended it; vector: of its interrupt, 0 without one; before, after: its
    timebase, in ticks; began, ended: L1's CLOCK_MONOTONIC around KVM_RUN, in ns."""

    errno: int
    exit: int
    hcall: int | None
    vector: int
    before: int
    after: int
    began: int
    ended: int


@dataclass(frozen=True)
class Timed:
    """hertz: of the timebase, as L1's /proc/cpuinfo says; ticks: that were to pass in a run."""

    hertz: int
    ticks: int
    runs: tuple[TimedRun, ...]

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Timed:
        return cls(data["hertz"], data["ticks"], tuple(TimedRun(*each) for each in data["runs"]))
