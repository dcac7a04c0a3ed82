# SPDX-License-Identifier: GPL-2.0-only
"""One candidate of a bisect, run: a process of ours, its report, what it came to."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from harness.commands.probe import MATRIX as PROBE_MATRIX
from harness.engine import plan_file
from harness.engine.options import RunOptions
from harness.engine.resolve import resolve
from harness.engine.wanted import wanted
from harness.model.errors import BuildError, InfrastructureError, UsageError
from harness.model.matrix import parse_id
from harness.model.plan import Suite
from harness.model.signature import Seen, of_check, of_scenario, of_splat
from harness.parts.cache import Cache
from harness.parts.child import run_lines
from harness.reports import recordlog
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

    def of_one(self, options: RunOptions) -> RunOptions:
        """What one candidate's run is given."""
        if not self.check:
            return replace(options, only=self.scenarios)
        topology, l1, _ = parse_id(self.scenarios[0])
        return replace(
            options, matrix=PROBE_MATRIX, topologies=(topology,), l1=(l1.id,), suite=Suite.ABI.value
        )


def run(question: Question, kernel: str, qemu: str, directory: Path, progress: Callable[[str], None]) -> Seen:
    """Once. kernel, qemu: as for --kernel and --qemu, '' for those of the question. The run's directory is
    *directory*; all that was printed is in a log beside it."""
    options = replace(question.options, run_dir=str(directory))
    if kernel:
        options = replace(options, kernels=(kernel,))
    if qemu:
        options = replace(options, qemu=qemu)
    options = question.of_one(options)
    directory.parent.mkdir(parents=True, exist_ok=True)
    log = directory.with_suffix(".log")
    plan = directory.with_suffix(".plan.json")
    try:
        made = resolve(wanted(options), options, progress)
    except (UsageError, BuildError) as error:
        log.write_text(f"{error}\n")
        return Seen("", trouble=f"{error} (log: {log})")
    plan_file.write(made, plan, Cache.root_of_user())
    command = [sys.executable, "-m", "harness", "run", "--plan", str(plan)]
    command += ["--run-dir", str(directory), "--jobs", "1"]
    lines: list[str] = []
    status = run_lines(command, {**os.environ, "NO_COLOR": "1"}, lambda line: lines.append(line.rstrip("\n")))
    log.write_text("\n".join([f"$ {shlex.join(command)}", *lines, f"exit status {status}"]) + "\n")
    if not recordlog.has_run(directory):
        words = _words(lines, status, log)
        if status == InfrastructureError.exit_code:
            # The next candidate would fare no better; what is done so far is kept.
            raise InfrastructureError(words, "fix that and start the same command again")
        return Seen("", trouble=words)
    _, records, delivery = recordlog.of_run(directory)
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
