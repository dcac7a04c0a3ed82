# SPDX-License-Identifier: GPL-2.0-only
"""``kvmppc report``: any format from saved runs, as they were judged then or as they would be today."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from harness.commands.rejudge import rejudge
from harness.model.errors import InfrastructureError, UsageError
from harness.model.record import Delivery, KernelInfo, Record, RunInfo, exit_code
from harness.model.verdict import Verdict
from harness.reports import jsonfile, recordlog
from harness.reports.formats import Reported, format_of
from harness.reports.sentences import expected_of
from harness.reports.shortfall import trouble_of


@dataclass(frozen=True)
class Saved:
    """A run, or several as one. path: that records' directories are below."""

    path: Path
    info: RunInfo
    records: list[Record]
    delivery: Delivery


def report(
    runs: Sequence[str], form: str, output: str, again: bool, progress: Callable[[str], None],
    show: Callable[[str], None], colour: bool,
) -> int:  # fmt: skip
    """Exit code as of a run. output: file, '' for stdout; again: judge by today's oracle, and say what
    that changes."""
    saved = merged([read(Path(each)) for each in runs])
    if again:
        records, changes, kept = rejudge(saved.info, saved.records, saved.path)
        saved = replace(saved, records=records)
        for each in changes:
            words = f"{_verdict(each.before)} -> {_verdict(each.after)}"
            progress(f"changed: {each.record}: {each.check}: {words}")
        progress(
            f"judged again: {len(records) - kept} records, {len(changes)} verdicts changed"
            + (f"; {kept} kept as they were: not all that they need is saved" if kept else "")
        )
    trouble = trouble_of(saved.delivery, saved.records)
    if trouble and form != "text":
        progress(trouble)
    this = Reported(saved.info, saved.records, saved.delivery, saved.path, colour and not output)
    _write(format_of(form).render(this), output, show)
    if output:
        progress(f"wrote {output}")
    return exit_code(saved.records, saved.delivery)


def _verdict(verdict: Verdict | None) -> str:
    return "no such check" if verdict is None else f"{verdict.kind.mark}, expected {expected_of(verdict)}"


def read(path: Path) -> Saved:
    """A run's directory, or its report.json. UsageError if it is none."""
    file = path / "report.json" if path.is_dir() else path
    try:
        info, records, delivery = recordlog.of_run(path) if path.is_dir() else jsonfile.read(file)
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}", "give the directory of a run") from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        words = str(error).splitlines() or ["it cannot be read"]
        raise UsageError(
            f"{file} is not a report of kvmppc: {words[0]}", "give the directory of a run"
        ) from None
    return Saved(file.parent, info, records, delivery)


def merged(runs: Sequence[Saved]) -> Saved:
    """Several as one, in that order: the tasks of a job, the days of a nightly. UsageError if two kernels
    of one label differ."""
    first = runs[0]
    if len(runs) == 1:
        return first
    if len({run.path.resolve() for run in runs}) < len(runs):
        raise UsageError("a run is named twice", "give each once")
    for run in runs[1:]:
        for what in ("qemu", "l1_qemu", "options"):
            ours, theirs = getattr(first.info, what), getattr(run.info, what)
            if ours != theirs:
                words = f"{run.path} and {first.path} differ in {what}: {theirs!r}, {ours!r}"
                raise UsageError(words, "report them one by one")
    kernels: dict[str, KernelInfo] = {}
    l0_kernels: dict[str, KernelInfo] = {}
    records: list[Record] = []
    for run in runs:
        for into, more in ((kernels, run.info.kernels), (l0_kernels, run.info.l0_kernels)):
            for each in more:
                known = into.setdefault(each.label, each)
                if (known.identity, known.expect) != (each.identity, each.expect):
                    raise UsageError(
                        f"kernel {each.label} of {run.path} is not that of {first.path}",
                        "report them one by one",
                    )
        below = os.path.relpath(run.path, first.path)
        records += [
            replace(each, directory=os.path.normpath(f"{below}/{each.directory}")) for each in run.records
        ]
    notes = tuple(dict.fromkeys(note for run in runs for note in run.info.notes))
    info = replace(
        first.info, kernels=tuple(kernels.values()), l0_kernels=tuple(l0_kernels.values()), notes=notes,
        command="; ".join(dict.fromkeys(run.info.command for run in runs)),
    )  # fmt: skip
    delivery = Delivery(
        all(run.delivery.complete for run in runs),
        sum(run.delivery.planned for run in runs),
        tuple(f"{run.path}: {each}" for run in runs for each in run.delivery.missing),
        tuple(f"{run.path}: {each}" for run in runs for each in _errors_of(run)),
    )
    return Saved(first.path, info, records, delivery)


def _errors_of(run: Saved) -> tuple[str, ...]:
    """And why it is no success, where neither its records nor its errors say so: it judged nothing."""
    trouble = trouble_of(run.delivery, run.records)
    told = run.delivery.errors or run.delivery.missing or not run.delivery.complete
    return run.delivery.errors if told or not trouble else (trouble,)


def _write(words: str, output: str, show: Callable[[str], None]) -> None:
    if not output:
        show(words)
        return
    try:
        Path(output).write_text(words + "\n")
    except OSError as error:
        raise InfrastructureError(f"cannot write {output}: {error.strerror}", "give another file") from None
