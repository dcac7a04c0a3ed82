# SPDX-License-Identifier: GPL-2.0-only
"""What went wrong, each with all that is needed to look into it."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from harness.model.record import KernelInfo, Record, RunInfo
from harness.model.verdict import TROUBLE, Kind
from harness.reports.sentences import expected_of, observed_of


def render(info: RunInfo, records: Sequence[Record], directory: Path, console: Console) -> None:
    """Print each failed verdict: expected, observed, proof, log, the command that repeats it."""
    for record in records:
        if record.kind not in TROUBLE:
            continue
        console.rule(f"{record.kind.mark} {record.id} ({record.topic})", align="left", characters="-")
        for verdict in record.verdicts:
            if verdict.kind not in TROUBLE:
                continue
            console.print(f"  {verdict.check}", markup=False)
            console.print(f"    expected: {expected_of(verdict)}", markup=False, soft_wrap=True)
            console.print(f"    observed: {observed_of(verdict)}", markup=False, soft_wrap=True)
            console.print(f"    proof:    {verdict.proof}", markup=False, soft_wrap=True)
            if verdict.kind is Kind.FAIL:
                basis = "measured only; " if verdict.measured else ""
                console.print(f"    because:  {basis}{verdict.source}", markup=False, soft_wrap=True)
        for note in record.notes:
            console.print(f"    note:     {note}", markup=False, soft_wrap=True)
        console.print(f"    logs:     {directory / record.directory}", markup=False, soft_wrap=True)
        console.print(
            f"    repeat:   {repeat_command(record, info)}",
            markup=False,
            soft_wrap=True,
        )


def repeat_command(record: Record, info: RunInfo) -> str:
    """The command that runs this again: an L2 after those that ran before it in the same L1. What concerns
    no L2 needs one to be named; any will do."""
    words = ["kvmppc run --kernel", shlex.quote(_spec(record.kernel, info.kernels))]
    if record.l0:
        words += ["--l0-kernel", shlex.quote(_spec(record.l0, info.l0_kernels))]
    place = f"{record.topology}-{record.l1}"
    guests = record.sequence or (record.l2 or "l2host",)
    if record.kind not in (Kind.FAIL, Kind.UNKNOWN) or not _about_the_sequence(record):
        guests = (record.l2,) if record.l2 else guests
    words += [word for guest in dict.fromkeys(guests) for word in ("--only", f"{place}-{guest}")]
    words.append(info.options)
    return " ".join(filter(None, words))


def _about_the_sequence(record: Record) -> bool:
    """Whether what went on before may have to do with it: a level's health or life, and not only how the
    guest itself ended."""
    wrong = [each for each in record.verdicts if each.kind in TROUBLE]
    return any(not each.check.startswith("L2 ") for each in wrong) or record.topic == "health"


def _spec(label: str, kernels: Sequence[KernelInfo]) -> str:
    """A label without an entry is a word of its own, ``same``."""
    return next((kernel.spec for kernel in kernels if kernel.label == label), label)
