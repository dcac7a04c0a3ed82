# SPDX-License-Identifier: GPL-2.0-only
"""Runs one of avocado's tasks, one L1 with its L2s, wherever avocado's spawner put it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from avocado.core.nrunner.app import BaseRunnerApp
from avocado.core.nrunner.runner import BaseRunner

from harness.engine.endings import Endings
from harness.model.record import Delivery, Record, not_proven
from harness.model.verdict import TROUBLE, Kind
from harness.processes import group
from harness.processes.single import die_with_parent
from harness.reports import recordlog
from harness.reports.formats import FORMATS
from harness.reports.sentences import expected_of, observed_of
from harness.reports.shortfall import trouble_of

_PIECE = 16 << 10

# For a run to stop its machines and write its files; avocado's own patience with us is 1 s by default.
_END_SECONDS = 20

# Exit codes of kvmppc run, in avocado's words.
_RESULTS = {0: "pass", 1: "fail", 2: "error", 3: "error", 129: "interrupted", 130: "interrupted",
            143: "interrupted"}  # fmt: skip
_GREEN = ("pass", "warn", "skip")

_ENDINGS = Endings()


class KvmppcRunner(BaseRunner):  # type: ignore[misc]
    """uri: the L1; plan: the text of a plan.json, see planning.py. Nothing is resolved
    here."""

    name = "kvmppc"
    description = "Runner for scenarios of kvmppc-harness"
    CONFIGURATION_USED: list[str] = []  # noqa: RUF012 - avocado adds lists

    def run(self, runnable: Any) -> Iterator[dict[str, Any]]:
        yield self.prepare_status("started")
        with tempfile.TemporaryDirectory(prefix="kvmppc-avocado-") as scratch:
            place = _place(Path(runnable.output_dir or scratch))
            plan = Path(scratch) / "plan.json"
            plan.write_text(runnable.kwargs.get("plan", ""))  # kvmppc run refuses none, in words
            with tempfile.TemporaryFile() as output:
                program = None
                try:
                    with _ENDINGS.held():
                        program = _start(plan, place, output)
                    yield from self.running_loop(lambda: program.process.poll() is not None)
                finally:
                    if program is not None:
                        _end(program)
                output.seek(0)
                for piece in _pieces(output.read()):
                    yield self.prepare_status("running", {"type": "stdout", "log": piece})
            yield from self._files(place)
            yield self.prepare_status("finished", _finished(program.process.returncode, place))

    def _files(self, place: Path) -> Iterator[dict[str, Any]]:
        """They reach the job's results also from another machine."""
        for name in ("report.json", *(each.file for each in FORMATS if each.file)):
            path = place / name
            if path.exists():
                for piece in _pieces(path.read_bytes()):
                    message = {"type": "file", "path": name, "log": piece}
                    yield self.prepare_status("running", message)


def _place(output: Path) -> Path:
    """A directory for one run: a remote spawner gives all its tasks the same one."""
    place = output / "kvmppc"
    with contextlib.suppress(FileExistsError):
        place.mkdir(parents=True)
        return place
    return Path(tempfile.mkdtemp(prefix="kvmppc-", dir=output))


def _pieces(data: bytes) -> Iterator[bytes]:
    """Avocado puts what belongs together together again; a message of more than 64 KiB it would not read."""
    for start in range(0, len(data), _PIECE):
        yield data[start : start + _PIECE]


def _start(plan: Path, place: Path, output: Any) -> group.Group:
    words = ["--plan", str(plan), "--run-dir", str(place), "--jobs", "1"]
    return group.start(
        [sys.executable, "-m", "harness", "run", *words], stdin=subprocess.DEVNULL, stdout=output,
        stderr=subprocess.STDOUT, env={**os.environ, "NO_COLOR": "1"},
    )  # fmt: skip


def _end(program: group.Group) -> None:
    """If it runs on: ask it, so that it leaves its files, then kill all of it."""
    if program.process.poll() is None:
        program.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            program.process.wait(_END_SECONDS)
    program.kill()


def _finished(status: int, place: Path) -> dict[str, Any]:
    try:
        _, records, delivery = recordlog.of_run(place)
    except (OSError, ValueError, KeyError, TypeError):
        words = f"kvmppc run ended with {status} and left no report"
        return {"result": _without_report(status), "returncode": status, "fail_reason": words}
    result = _result(status, records, delivery)
    reasons = [
        f"{record.id} {record.topic}: {verdict.check}: {observed_of(verdict)}, not {expected_of(verdict)}"
        for record in records
        for verdict in record.verdicts
        if verdict.kind in TROUBLE
    ]
    reasons += [trouble_of(delivery, records)] if trouble_of(delivery, records) else []
    reasons += [f"kvmppc run ended with {status}"] if result not in _GREEN else []
    return {"result": result, "returncode": status, **({"fail_reason": reasons[0]} if reasons else {})}


def _without_report(status: int) -> str:
    """A success without a report is none."""
    return "error" if status == 0 else _RESULTS.get(status, "error")


def _result(status: int, records: Sequence[Record], delivery: Delivery) -> str:
    """avocado's word for a run."""
    kinds = {record.kind for record in records}
    whole = delivery.complete and not delivery.missing and not delivery.errors
    if status in (0, 3) and whole and kinds == {Kind.SKIP}:
        return "skip"  # nothing was judged, and each record says why
    result = _RESULTS.get(status, "error")
    if result != "pass":
        return result
    if not_proven(records, delivery):
        return "error"
    return "warn" if Kind.DEFECT in kinds else "pass"  # a known defect that was shown is neither


class RunnerApp(BaseRunnerApp):  # type: ignore[misc]
    PROG_NAME = "avocado-runner-kvmppc"
    PROG_DESCRIPTION = "nrunner application for scenarios of kvmppc-harness"
    RUNNABLE_KINDS_CAPABLE = ["kvmppc"]  # noqa: RUF012 - as in avocado's own


def main() -> None:
    # avocado sends SIGTERM to a runner that takes too long, and dies itself without a word.
    _ENDINGS.install()
    die_with_parent(os.getppid(), signal.SIGTERM)
    RunnerApp(print).run()


if __name__ == "__main__":
    main()
