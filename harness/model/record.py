# SPDX-License-Identifier: GPL-2.0-only
"""What one test of one scenario came to: the unit that runs hand to reports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from enum import Enum
from typing import Any

from harness.model.fact import Fact
from harness.model.scenario import kernels_id
from harness.model.verdict import Kind, Verdict, is_health, worst


@dataclass(frozen=True)
class Record:
    """kernel, l0, topology, l1, l2: as in scenario ids, l2 is '' for what concerns no L2, l0 is the
    label of L0's kernel, '' where L0 is QEMU;
    topic: which column of the grid, "l0", "l0_caps", "l1", "caps", "arch_compat" or "l2";
    answer: what its cell of the grid shows, None for nothing beside the verdict;
    directory: logs, relative to the run's directory; seconds: how long it took;
    phases: seconds by phase of the level that was booted for it, empty if none was;
    notes: what was special, such as a fresh L1 after one that had complained; sequence: ids of the L2s
    that ran in this L1 up to here, in order.
    """

    kernel: str
    topology: str
    l1: str
    l2: str
    topic: str
    answer: Fact | None
    verdicts: tuple[Verdict, ...]
    directory: str
    seconds: float = 0.0
    l0: str = ""
    phases: dict[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    sequence: tuple[str, ...] = ()

    @property
    def kind(self) -> Kind:
        """The worst of its verdicts; skipped where all that it claims is, though its levels are well."""
        found = worst(self.verdicts)
        claims = [each for each in self.verdicts if not is_health(each)]
        return Kind.SKIP if found is Kind.OK and claims and worst(claims) is Kind.SKIP else found

    @property
    def id(self) -> str:
        """What ``--only`` takes; for topics of L0 and L1 any of its scenarios would do."""
        kernels = kernels_id(self.kernel, self.l0)
        return "-".join(part for part in (kernels, self.topology, self.l1, self.l2) if part)

    @property
    def identity(self) -> str:
        """Unique in a run: ``7.3-papr-p11@p10-l2p10 l2``."""
        return f"{self.id} {self.topic}"

    def to_json(self) -> dict[str, Any]:
        return {
            **{each.name: getattr(self, each.name) for each in fields(self)},
            "answer": self.answer.to_json() if self.answer else None,
            "verdicts": [each.to_json() for each in self.verdicts],
            "notes": list(self.notes),
            "sequence": list(self.sequence),
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Record:
        values = {
            **data,
            "answer": None if data["answer"] is None else Fact.from_json(data["answer"]),
            "verdicts": tuple(Verdict.from_json(each) for each in data["verdicts"]),
            "notes": tuple(data.get("notes", ())),
            "sequence": tuple(data.get("sequence", ())),
        }
        return cls(**values)


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
    l0_kernels: those of L0s, by labels of their own; allow_splat: titles that did not count."""

    started: str
    command: str
    options: str
    kernels: tuple[KernelInfo, ...]
    qemu: str
    l1_qemu: str
    notes: tuple[str, ...]
    l0_kernels: tuple[KernelInfo, ...] = ()
    allow_splat: tuple[str, ...] = ()


class Lack(Enum):
    """What a run that is no success lacks, whatever its records say."""

    RESULTS = "results"  # that were planned
    WITHOUT_ERROR = "without error"  # some tests ended with an error of ours
    END = "end"  # it was interrupted
    TESTS = "tests"  # none was selected
    ANSWERS = "answers"  # each record is skipped


@dataclass(frozen=True)
class Shortfall:
    """interrupted: before its end; names: of the tests that it is about; planned: number of records; reason:
    why the first record is skipped, None if that is not told, or not the question."""

    lack: Lack
    interrupted: bool = False
    names: tuple[str, ...] = ()
    planned: int = 0
    reason: Fact | None = None


@dataclass(frozen=True)
class Delivery:
    """What was planned against what came of it. complete: whether the run got to its end; planned: number of
    records; missing: names of the tests of which none came; errors: names of those that ended with an error
    of ours, whether a record had come of them or not."""

    complete: bool
    planned: int
    missing: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()

    def shortfall(self, records: Sequence[Record]) -> Shortfall | None:
        """Why the run is no success whatever its records say; None if nothing is wrong."""

        def of(lack: Lack, names: Sequence[str] = (), reason: Fact | None = None) -> Shortfall:
            return Shortfall(lack, not self.complete, tuple(names), self.planned, reason)

        if self.missing:
            return of(Lack.RESULTS, self.missing)
        if self.errors:
            return of(Lack.WITHOUT_ERROR, self.errors)
        if not self.complete:
            return of(Lack.END)
        if not records:
            return of(Lack.TESTS)
        if all(record.kind is Kind.SKIP for record in records):
            first = records[0].verdicts
            return of(Lack.ANSWERS, reason=first[0].observed if first else None)
        return None


def exit_code(records: Sequence[Record], delivery: Delivery) -> int:
    """The one rule for every command: 0 all as expected, 1 a verdict failed, 3 something was not proven, the
    infrastructure failed, or less was delivered than was planned.

    A failed verdict was honestly obtained, so it wins over a failed infrastructure elsewhere.
    """
    if any(record.kind is Kind.FAIL for record in records):
        return 1
    return 3 if not_proven(records, delivery) else 0


def not_proven(records: Sequence[Record], delivery: Delivery) -> bool:
    """Whether a run says less than it was made for."""
    lost = any(record.kind in (Kind.INFRASTRUCTURE, Kind.UNKNOWN) for record in records)
    return lost or delivery.shortfall(records) is not None
