# SPDX-License-Identifier: GPL-2.0-only
"""The directory a run leaves behind, kept current while it runs."""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from harness.engine.environment import Ready, ReadyKernel
from harness.engine.options import RunOptions
from harness.engine.plan import Plan
from harness.engine.unused_allowances import unused_allowances
from harness.model.errors import InfrastructureError, UsageError
from harness.model.record import Delivery, KernelInfo, Record, RunInfo, exit_code
from harness.model.scenario import kernels_id
from harness.reports import files, text
from harness.reports.short import cell


class RunDirectory:
    """path: runs/DATE/; report.json in it is rewritten after every record."""

    def __init__(self, path: Path, info: RunInfo, plan: Plan):
        self.path = path
        self.info = info
        self.records: list[Record] = []
        self._planned: dict[str, None] = {}  # names of tests, in their order
        self._delivered: set[str] = set()
        self._errors: dict[str, None] = {}  # names of tests
        self._complete = False
        placements = plan.placements
        # Ids differ much in length, with an L0 and with series; " arch_compat" is the longest topic.
        self._width = max((len(each.full_id) for each in plan.scenarios), default=0)
        self._width = max(self._width, max((len(each.full_id) + 12 for each in placements), default=0))
        self._place = {each.full_id: number for number, each in enumerate(placements)}
        self._write(lambda: files.write_while_running(self.path, self.info, [], self._delivery(False)))

    @classmethod
    def create(cls, options: RunOptions, plan: Plan, prepared: Ready) -> RunDirectory:
        """InfrastructureError if the directory cannot be made."""
        started = datetime.now().astimezone()
        path = claim(options.run_dir)
        notes = list(prepared.notes)
        notes += [f"workaround {name} is switched off" for name in options.no_workaround]
        notes += [f"splat {title!r} is allowed" for title in options.allow_splat]
        info = RunInfo(
            started=started.isoformat(timespec="seconds"),
            command=shlex.join(["kvmppc", "run", *replace(options, run_dir="").arguments()]),
            options=shlex.join(options.needed_to_repeat().arguments()),
            kernels=_infos(plan.kernels, prepared.kernels),
            qemu=prepared.qemu_text,
            l1_qemu=prepared.l1_qemu_text,
            notes=tuple(notes),
            l0_kernels=_infos(plan.l0_kernels, prepared.l0_kernels),
            allow_splat=tuple(options.allow_splat),
        )
        return cls(path.resolve(), info, plan)

    def plan(self, tests: Iterable[str]) -> None:
        """Names of the tests of which a record is due."""
        self._planned.update(dict.fromkeys(tests))

    def add(self, record: Record, test: str) -> None:
        """test: whose record it is, as planned."""
        self.records.append(record)
        self._delivered.add(test)
        delivery = self._delivery(False)
        self._write(lambda: files.write_while_running(self.path, self.info, self._ordered(), delivery))

    def _delivery(self, complete: bool) -> Delivery:
        missing = tuple(name for name in self._planned if name not in self._delivered)
        return Delivery(complete, len(self._planned), missing, tuple(self._errors))

    def _write(self, write: Callable[[], None]) -> None:
        try:
            write()
        except OSError as error:
            raise InfrastructureError(
                f"cannot write results to {self.path}: {error.strerror}", "free some space, or use --run-dir"
            ) from None

    def _ordered(self) -> list[Record]:
        """Two workers mix their records; a report has them in the plan's order."""
        return sorted(
            self.records,
            key=lambda each: self._place[f"{kernels_id(each.kernel, each.l0)}-{each.topology}-{each.l1}"],
        )

    def add_error(self, test: str, trace: str) -> Path:
        """A test that ended with an error of ours, before or after its record. Returns the file that tells
        more."""
        self._errors[test] = None
        path = self.path / "errors.txt"
        with contextlib.suppress(OSError), path.open("a") as file:
            file.write(f"{test}\n{trace}\n\n")
        return path

    def progress_line(self, record: Record) -> str:
        topic = "" if record.topic == "l2" else f" {record.topic}"
        words = f"{cell(record.answer)} {record.kind.mark}".strip()
        count = f"[{len(self.records):3}/{max(len(self._planned), len(self.records))}]"
        return f"{count} {record.id + topic:<{self._width}} {words:<28} {record.seconds:5.1f} s"

    def finish(self, *, complete: bool) -> None:
        """The last report. InfrastructureError if it cannot be written."""
        self._complete = complete
        unused = unused_allowances(self.info.allow_splat, self.records, self.path)
        notes = [f"--allow-splat {title!r} matched nothing" for title in unused]
        self.info = replace(self.info, notes=(*self.info.notes, *notes))
        delivery = self._delivery(complete)
        self._write(lambda: files.write_at_the_end(self.path, self.info, self._ordered(), delivery))

    def summary(self, colour: bool) -> list[str]:
        """What a person reads at the end."""
        return text.render(self.info, self._ordered(), self._delivery(self._complete), self.path, colour)

    def exit_code(self, complete: bool) -> int:
        return exit_code(self.records, self._delivery(complete))


def _infos(specs: Mapping[str, str], ready: Mapping[str, ReadyKernel]) -> tuple[KernelInfo, ...]:
    return tuple(
        KernelInfo(
            label=name,
            spec=specs[name],
            release=kernel.build.release,
            banner=kernel.build.banner,
            expect=kernel.expected.behaviour.name,
            identity=kernel.build.identity,
            sure=kernel.expected.sure,
            build_id=kernel.build.build_id,
            origin=kernel.build.origin,
            found_running=kernel.build.found_running,
        )
        for name, kernel in ready.items()
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
