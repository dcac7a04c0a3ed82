# SPDX-License-Identifier: GPL-2.0-only
"""Which modes are looked at while they are in force, and what was seen, as plain data.

Seen is the outermost emulated CPU while a guest spins in it: what KVM handed to its hypervisor, and not what
it says of itself. The machine's half is levels/mode_watch.py, the guest's images/guest/vcpus.py ("spin").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from harness.features.compat_caps.micro_run import Run
from harness.model.cpu import Mode

_P8, _P9, _P10, _P11 = (mode.logical_pvr for mode in (Mode.P8, Mode.P9, Mode.P10, Mode.P11))


@dataclass(frozen=True)
class Spin:
    """values: that are set one after the other, with a run after each; None is a run with nothing set; vcpu:
    number of the vcpu, the last one of its VM."""

    values: tuple[int | None, ...]
    vcpu: int = 0

    @property
    def question(self) -> str:
        """Under which its answer is kept."""
        words = ",".join("-" if each is None else f"{each:#x}" for each in self.values)
        return f"inforce {words} {self.vcpu}"


SINGLE = tuple(Spin((value,)) for value in (None, 0, _P8, _P9, _P10, _P11))
SPINS = (*SINGLE, Spin((_P9,), 1), Spin((_P10, _P9)), Spin((_P9, _P10)))


@dataclass(frozen=True)
class Step:
    """A value that was set, and a short run. set: errno, None where nothing was set; stored: read then."""

    set: int | None
    stored: int | None
    run: Run


@dataclass(frozen=True)
class Seen:
    """steps: one for each value; run: while it was looked at, None if the last step's run did not spin;
    after: what arch_compat holds then; samples: that were taken; counts: (LPIDR, PCR) -> in so many of those
    that show the guest; unseen: why there was nothing to look with; lost: how looking failed; else ""."""

    steps: tuple[Step, ...]
    run: Run | None
    after: int | None
    samples: int
    counts: dict[tuple[int, int], int]
    unseen: str = ""
    lost: str = ""

    @property
    def shown(self) -> int:
        """Samples that show the guest."""
        return sum(self.counts.values())

    def pcr(self) -> tuple[int, int] | None:
        """(PCR, LPIDR) of most samples; None if there are too few or they differ too much."""
        if not settled(list(self.counts.values())):
            return None
        (lpidr, pcr), _ = max(self.counts.items(), key=lambda each: each[1])
        return pcr, lpidr

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Seen:
        spun = data["spun"]
        steps = tuple(Step(each["set"], each["stored"], Run.from_json(each["run"])) for each in data["steps"])
        run = None if spun.get("run") is None else Run.from_json(spun["run"])
        counts = {(lpidr, pcr): count for lpidr, pcr, count in data["counts"]}
        return cls(
            steps, run, spun.get("after"), data["samples"], counts, data["unseen"],
            data["lost"] or str(spun.get("trouble", "")),
        )  # fmt: skip


_ENOUGH = 8  # samples
_MAJORITY = 0.9  # of several hundred on a loaded machine none was of two levels


def settled(counts: Sequence[int]) -> bool:
    """Whether samples so distributed say what was in force."""
    return sum(counts) >= _ENOUGH and max(counts) >= _MAJORITY * sum(counts)
