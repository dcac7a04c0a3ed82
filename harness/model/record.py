# SPDX-License-Identifier: GPL-2.0-only
"""What one test of one scenario came to: the unit that runs hand to reports."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from harness.model.scenario import kernels_id
from harness.model.verdict import Kind, Verdict, worst


@dataclass(frozen=True)
class Record:
    """kernel, l0, topology, l1, l2: as in scenario ids, l2 is '' for what concerns no L2, l0 is the
    label of L0's kernel, '' where L0 is QEMU;
    topic: which column of the grid, "l0", "l0_caps", "l1", "caps", "arch_compat" or "l2";
    summary: the cell's words, e.g. ``P10``, ``early``, ``0x6000000000000000``;
    directory: logs, relative to the run's directory; seconds: how long it took;
    phases: seconds by phase of the level that was booted for it, empty if none was.
    """

    kernel: str
    topology: str
    l1: str
    l2: str
    topic: str
    summary: str
    verdicts: tuple[Verdict, ...]
    directory: str
    seconds: float = 0.0
    l0: str = ""
    phases: dict[str, float] = field(default_factory=dict)

    @property
    def kind(self) -> Kind:
        return worst(self.verdicts)

    @property
    def id(self) -> str:
        """What ``--only`` takes; for topics of L0 and L1 any of its scenarios would do."""
        kernels = kernels_id(self.kernel, self.l0)
        return "-".join(part for part in (kernels, self.topology, self.l1, self.l2) if part)

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "verdicts": [each.to_json() for each in self.verdicts]}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Record:
        return cls(**{**data, "verdicts": tuple(Verdict.from_json(each) for each in data["verdicts"])})


@dataclass(frozen=True)
class KernelInfo:
    """label: as in ids; expect: name of the behaviour it is judged by; sure: False if too little is known
    of it: it is then judged by what any kernel should do (verdict.by_any_kernel); build_id: of the image, or
    that was said to run there, '' for none; origin: what it was built from, with what of it is not
    committed, '' for a prebuilt one; found_running: whether it has no image here, so that release is its own
    word, except if an image of it was given (--expect-build-id)."""

    label: str
    spec: str
    release: str
    banner: str
    expect: str
    identity: str
    sure: bool = True
    build_id: str = ""
    origin: str = ""
    found_running: bool = False

    @property
    def claimed_release(self) -> str:
        """What ``uname -r`` must say; '' where only the running kernel says so."""
        return "" if self.found_running else self.release

    @property
    def expect_or_any(self) -> str:
        """``merged``"""
        return self.expect if self.sure else "any kernel"

    @property
    def judged(self) -> str:
        """``judged as 'merged'``"""
        return f"judged as {self.expect!r}" if self.sure else "judged by what any kernel should do"


@dataclass(frozen=True)
class RunInfo:
    """What is true of a whole run. command: as it was typed; options: those of its words that a
    repetition of one scenario needs too; notes: drift of parts, archives past their date,
    switched-off workarounds: whatever makes this run different from another;
    l0_kernels: those of L0s, by labels of their own."""

    started: str
    command: str
    options: str
    kernels: tuple[KernelInfo, ...]
    qemu: str
    l1_qemu: str
    notes: tuple[str, ...]
    l0_kernels: tuple[KernelInfo, ...] = ()


def exit_code(records: Iterable[Record], other_failures: int) -> int:
    """0 all as expected, 1 a verdict failed, 3 the infrastructure did.

    other_failures: tests that ended without a verdict, whatever the reason. A failed verdict
    was honestly obtained, so it wins over a failed infrastructure elsewhere.
    """
    kinds = {record.kind for record in records}
    if Kind.FAIL in kinds:
        return 1
    return 3 if Kind.INFRASTRUCTURE in kinds or other_failures else 0
