# SPDX-License-Identifier: GPL-2.0-only
"""The directory a run leaves behind, kept current while it runs."""

from __future__ import annotations

import contextlib
import io
import shlex
import shutil
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from rich.console import Console

from harness.model.errors import InfrastructureError, UsageError
from harness.model.record import KernelInfo, Record, RunInfo, exit_code
from harness.reports import failures, grid, jsonfile, junit
from harness.runs.options import RunOptions
from harness.runs.plan import Plan
from harness.runs.prepare import Prepared


# The grid with all its columns; a narrower terminal wraps, which beats losing verdicts.
_WIDTH = 120


class RunDirectory:
    """path: runs/DATE/; report.json in it is rewritten after every record."""

    def __init__(self, path: Path, info: RunInfo, plan: Plan):
        self.path = path
        self.info = info
        self.records: list[Record] = []
        self.finished = False
        self.skipped: dict[str, list[str]] = {}  # reason -> tests
        placements = dict.fromkeys(each.placement for each in plan.scenarios)
        self._expected = 3 * len(placements) + len(plan.scenarios)
        self._place = {each.full_id: number for number, each in enumerate(placements)}
        self._write(complete=False)

    @classmethod
    def create(cls, options: RunOptions, plan: Plan, prepared: Prepared) -> RunDirectory:
        """InfrastructureError if the directory cannot be made."""
        started = datetime.now().astimezone()
        path = claim(options.run_dir)
        notes = list(prepared.notes)
        notes += [f"workaround {name} is switched off" for name in options.no_workaround]
        info = RunInfo(
            started=started.isoformat(timespec="seconds"),
            command=shlex.join(["kvmppc", "run", *replace(options, run_dir="").arguments()]),
            options=shlex.join(options.needed_to_repeat().arguments()),
            kernels=tuple(
                KernelInfo(
                    label=name,
                    spec=spec,
                    release=prepared.kernels[name].release,
                    banner=prepared.kernels[name].banner,
                    expect=prepared.behaviours[name].name,
                    identity=prepared.kernels[name].identity,
                )
                for name, spec in plan.kernels.items()
            ),
            qemu=prepared.qemu.version_text,
            l1_qemu=prepared.userland.qemu_version,
            notes=tuple(notes),
        )
        return cls(path.resolve(), info, plan)

    def add(self, record: Record) -> None:
        self.records.append(record)
        self._write(complete=False)

    def _write(self, complete: bool) -> None:
        try:
            jsonfile.write(self.path / "report.json", self.info, self._ordered(), complete)
            if complete or self.finished:
                junit.write(self.path / "junit.xml", self.info, self._ordered())
                (self.path / "summary.txt").write_text("\n".join(self.summary(colour=False)) + "\n")
        except OSError as error:
            raise InfrastructureError(
                f"cannot write results to {self.path}: {error.strerror}", "free some space, or use --run-dir"
            ) from None

    def _ordered(self) -> list[Record]:
        """Two workers mix their records; a report has them in the plan's order."""
        return sorted(self.records, key=lambda each: self._place[f"{each.kernel}-{each.topology}-{each.l1}"])

    def add_error(self, test: str, text: str) -> Path:
        """A test that ended without a verdict: a defect of ours. Returns the file that tells more."""
        path = self.path / "errors.txt"
        with contextlib.suppress(OSError), path.open("a") as file:
            file.write(f"{test}\n{text}\n\n")
        return path

    def progress_line(self, record: Record) -> str:
        topic = "" if record.topic == "l2" else f" {record.topic}"
        words = f"{record.summary} {record.kind.mark}".strip()
        count = f"[{len(self.records):3}/{self._expected}]"
        return f"{count} {record.id + topic:<38} {words:<28} {record.seconds:5.1f} s"

    def finish(self, *, complete: bool) -> None:
        """The last report. InfrastructureError if it cannot be written."""
        self.finished = True
        self._write(complete)

    def summary(self, colour: bool) -> list[str]:
        """The grid, what was skipped, each failure, where everything is."""
        target = io.StringIO()
        width = max(_WIDTH, shutil.get_terminal_size((_WIDTH, 24)).columns)
        console = Console(
            file=target, width=width, force_terminal=colour, no_color=not colour, highlight=False, emoji=False
        )
        grid.render(self.info, self._ordered(), console)
        for reason, tests in self.skipped.items():
            console.print(f"skipped {len(tests)} tests: {reason}", markup=False)
        failures.render(self.info, self._ordered(), self.path, console)
        console.print(f"results: {self.path}", markup=False, soft_wrap=True)
        return target.getvalue().splitlines()

    def exit_code(self, other_failures: int) -> int:
        return exit_code(self.records, other_failures)


def claim(wanted: str) -> Path:
    """Make the directory *wanted*, or a fresh one if that is ''. InfrastructureError if it cannot be."""
    if not wanted:
        return _fresh()
    path = Path(wanted)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InfrastructureError(
            f"cannot make {path}: {error.strerror}", "give another place with --run-dir"
        ) from None
    if (path / "report.json").exists():
        raise UsageError(f"{path} holds the results of an earlier run", "give another place with --run-dir")
    return path


def _fresh() -> Path:
    """runs/DATE below the current directory; a suffix if another run took that second."""
    name = datetime.now().strftime("%Y-%m-%d_%H%M%S")
    for suffix in ("", *(f".{number}" for number in range(2, 100))):
        path = Path("runs") / f"{name}{suffix}"
        try:
            path.mkdir(parents=True)
        except FileExistsError:
            continue
        except OSError as error:
            raise InfrastructureError(
                f"cannot make {path}: {error.strerror}", "give another place with --run-dir"
            ) from None
        return path
    raise InfrastructureError(f"cannot make a fresh directory runs/{name}")


