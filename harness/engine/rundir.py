# SPDX-License-Identifier: GPL-2.0-only
"""The directory a run leaves behind: its plan, its records as they come, its reports at the end."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from harness.engine import plan_file
from harness.engine.unused_allowances import unused_allowances
from harness.model.errors import InfrastructureError, UsageError
from harness.model.plan import Plan
from harness.model.record import Delivery, Record, RunInfo, exit_code
from harness.reports import formats, recordlog, text
from harness.reports.short import cell

T = TypeVar("T")


class RunDirectory:
    """path: runs/DATE/, with the plan in it already. Each record is appended to records.jsonl; the reports
    are made at the end. InfrastructureError if it cannot be written."""

    def __init__(self, path: Path, plan: Plan):
        self.path = path
        self.info = info_of(plan)
        self.records: list[Record] = []
        self._planned: dict[str, None] = {}  # identities of records, in their order
        self._tests: dict[str, str] = {}  # by name of the test, identity of its record
        self._errors: dict[str, None] = {}  # identities, or names of tests that have none
        self._complete = False
        self._width = 0  # of the longest identity: they differ much, with an L0 and with series
        self._log = self._write(lambda: recordlog.RecordLog(path, self.info))

    def plan(self, identities: Sequence[tuple[str, str]]) -> None:
        """identities: of each test of which a record is due its name, and the identity of that record.
        UsageError if two have the same: a lost one would not be missed."""
        for identity, count in Counter(each for _, each in identities).items():
            if count > 1:
                tests = ", ".join(test for test, each in identities if each == identity)
                raise UsageError(f"{tests} have one topic: {identity}", "give them different names")
        new = [each for _, each in identities if each not in self._planned]
        self._width = max([self._width, *map(len, new)])
        self._tests.update(identities)
        self._planned.update(dict.fromkeys(new))
        if new:
            self._write(lambda: self._log.plan(new))

    def add(self, record: Record) -> None:
        self.records.append(record)
        self._write(lambda: self._log.add(record))

    def add_error(self, test: str, trace: str) -> Path:
        """A test that ended with an error of ours, before or after its record. Returns the file that tells
        more."""
        identity = self._tests.get(test, test)
        self._errors[identity] = None
        path = self.path / "errors.txt"
        with contextlib.suppress(OSError, InfrastructureError):
            self._write(lambda: self._log.add_error(identity))
            with path.open("a") as file:
                file.write(f"{identity} ({test})\n{trace}\n\n")
        return path

    def _delivery(self, complete: bool) -> Delivery:
        return recordlog.delivery(self.records, self._planned, self._errors, complete)

    def _write(self, write: Callable[[], T]) -> T:
        try:
            return write()
        except OSError as error:
            raise InfrastructureError(
                f"cannot write results to {self.path}: {error.strerror}", "free some space, or use --run-dir"
            ) from None

    def _ordered(self) -> list[Record]:
        return recordlog.in_order(self.records, self._planned)

    def progress_line(self, record: Record) -> str:
        topic = "" if record.topic == "l2" else f" {record.topic}"
        words = f"{cell(record.answer)} {record.kind.mark}".strip()
        count = f"[{len(self.records):3}/{max(len(self._planned), len(self.records))}]"
        return f"{count} {record.id + topic:<{self._width}} {words:<28} {record.seconds:5.1f} s"

    def finish(self, *, complete: bool) -> None:
        """The reports. InfrastructureError if they cannot be written."""
        self._complete = complete
        unused = unused_allowances(self.info.allow_splat, self.records, self.path)
        notes = [f"--allow-splat {title!r} matched nothing" for title in unused]
        self.info = replace(self.info, notes=(*self.info.notes, *notes))
        delivery = self._delivery(complete)
        self._write(lambda: self._log.end(complete, notes))
        self._write(lambda: formats.write_files(self.path, self.info, self._ordered(), delivery))

    def summary(self, colour: bool) -> list[str]:
        """What a person reads at the end."""
        return text.render(self.info, self._ordered(), self._delivery(self._complete), self.path, colour)

    def exit_code(self, complete: bool) -> int:
        return exit_code(self.records, self._delivery(complete))


def info_of(plan: Plan) -> RunInfo:
    """What a report says of the run."""
    return RunInfo(
        started=datetime.now().astimezone().isoformat(timespec="seconds"),
        command=plan.command,
        options=plan.options,
        kernels=tuple(each.info for each in plan.kernels.values()),
        qemu=plan.qemu_text,
        l1_qemu=plan.l1_qemu_text,
        notes=plan.notes,
        l0_kernels=tuple(each.info for each in plan.l0_kernels.values()),
        allow_splat=plan.allow_splat,
    )


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
    if recordlog.has_run(path) or (path / plan_file.NAME).exists():
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
