# SPDX-License-Identifier: GPL-2.0-only
"""One candidate of a bisect, run: a process of ours, its report, what it came to."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from harness.engine.options import RunOptions
from harness.model.errors import InfrastructureError
from harness.model.matrix import parse_id
from harness.model.signature import Seen, of_check, of_scenario, of_splat
from harness.parts.child import run_lines
from harness.reports import jsonfile
from harness.reports.shortfall import trouble_of


@dataclass(frozen=True)
class Question:
    """What is asked of each candidate. scenarios: ids without a kernel, of one L1, in the order they run;
    check: name of a check of the conformance suite, '' for how the L2s of the scenarios end;
    options: of every run; splat: title of the complaint that is looked for, '' for none."""

    scenarios: tuple[str, ...]
    check: str
    options: RunOptions
    splat: str = ""

    @property
    def words(self) -> str:
        """For people, and part of the name of what is kept."""
        splat = f"splat {self.splat!r}" if self.splat else ""
        return " ".join(filter(None, (*self.scenarios, self.check, splat)))

    def command(self, options: RunOptions) -> list[str]:
        """of kvmppc, without its name."""
        if not self.check:
            return ["run", *replace(options, only=self.scenarios).arguments()]
        topology, l1, _ = parse_id(self.scenarios[0])
        chosen = replace(options, topologies=(topology,), l1=(l1.id,), suite=RunOptions().suite)
        return ["probe", *chosen.arguments()]


def run(question: Question, kernel: str, qemu: str, directory: Path, progress: Callable[[str], None]) -> Seen:
    """Once. kernel, qemu: as for --kernel and --qemu, '' for those of the question. The run's directory is
    *directory*; all that was printed is in a log beside it."""
    options = replace(question.options, run_dir=str(directory))
    if kernel:
        options = replace(options, kernels=(kernel,))
    if qemu:
        options = replace(options, qemu=qemu)
    command = [sys.executable, "-m", "harness", *question.command(options), "--jobs", "1"]
    lines: list[str] = []

    def each(line: str) -> None:
        lines.append(line.rstrip("\n"))
        if line.startswith(("building ", "configuring ", "kernel ")):
            progress(line.rstrip("\n"))

    directory.parent.mkdir(parents=True, exist_ok=True)
    status = run_lines(command, {**os.environ, "NO_COLOR": "1"}, each)
    log = directory.with_suffix(".log")
    log.write_text("\n".join([f"$ {shlex.join(command)}", *lines, f"exit status {status}"]) + "\n")
    report = directory / "report.json"
    if not report.exists():
        words = _words(lines, status, log)
        if status == InfrastructureError.exit_code:
            # The next candidate would fare no better; what is done so far is kept.
            raise InfrastructureError(words, "fix that and start the same command again")
        return Seen("", trouble=words)
    _, records, delivery = jsonfile.read(report)
    trouble = trouble_of(delivery, records)
    if trouble:
        return Seen("", trouble=f"{trouble.rstrip('.')} (log: {log})")
    if question.splat:
        return of_splat(records, question.splat)
    return of_check(records, question.check) if question.check else of_scenario(records)


def _words(lines: Sequence[str], status: int, log: Path) -> str:
    """The one line that a command of ours ends with."""
    own = [line for line in lines if line.startswith("kvmppc: ")]
    last = (own or [line for line in lines if line.strip()] or [f"exit status {status}"])[-1]
    return last.removeprefix("kvmppc: ") + ("" if "(log: " in last else f" (log: {log})")
