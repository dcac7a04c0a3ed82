# SPDX-License-Identifier: GPL-2.0-only
"""What went wrong, each with all that is needed to look into it."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from harness.model.record import KernelInfo, Record, RunInfo
from harness.model.verdict import Kind


def render(info: RunInfo, records: Sequence[Record], directory: Path, console: Console) -> None:
    """Print each failed verdict: expected, observed, proof, log, the command that repeats it."""
    for record in records:
        if record.kind not in (Kind.FAIL, Kind.INFRASTRUCTURE):
            continue
        console.rule(f"{record.kind.mark} {record.id} ({record.topic})", align="left", characters="-")
        for verdict in record.verdicts:
            if verdict.kind not in (Kind.FAIL, Kind.INFRASTRUCTURE):
                continue
            console.print(f"  {verdict.check}", markup=False)
            console.print(f"    expected: {verdict.expected}", markup=False, soft_wrap=True)
            console.print(f"    observed: {verdict.observed}", markup=False, soft_wrap=True)
            console.print(f"    proof:    {verdict.proof}", markup=False, soft_wrap=True)
            if verdict.kind is Kind.FAIL:
                basis = "measured only; " if verdict.measured else ""
                console.print(f"    because:  {basis}{verdict.source}", markup=False, soft_wrap=True)
        console.print(f"    logs:     {directory / record.directory}", markup=False, soft_wrap=True)
        console.print(
            f"    repeat:   {repeat_command(record, info)}",
            markup=False,
            soft_wrap=True,
        )


def repeat_command(record: Record, info: RunInfo) -> str:
    """The command that runs this one alone. What concerns no L2 needs one to be named; any will do."""
    words = ["kvmppc run --kernel", shlex.quote(_spec(record.kernel, info.kernels))]
    if record.l0:
        words += ["--l0-kernel", shlex.quote(_spec(record.l0, info.l0_kernels))]
    words += ["--only", f"{record.topology}-{record.l1}-{record.l2 or 'l2host'}", info.options]
    return " ".join(filter(None, words))


def _spec(label: str, kernels: Sequence[KernelInfo]) -> str:
    """A label without an entry is a word of its own, ``same``."""
    return next((kernel.spec for kernel in kernels if kernel.label == label), label)
