# SPDX-License-Identifier: GPL-2.0-only
"""``kvmppc mutants``: kernels with a defect each, of which every one must be caught, by the check named, and
harmless ones, which must not be reported."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from harness.engine import drive
from harness.engine.options import RunOptions
from harness.engine.rundir import claim
from harness.engine.wanted import wanted
from harness.model.errors import UsageError
from harness.model.matrix import parse_id
from harness.model.plan import SAME, Suite
from harness.model.record import Record
from harness.model.scenario import kernels_id
from harness.model.topology import TOPOLOGIES
from harness.model.verdict import Kind, Verdict
from harness.parts.mutant_catalogue import COMMANDS, Mutant, all_mutants
from harness.reports import mutant_table as report
from harness.reports import recordlog
from harness.reports.mutant_table import Catch, State

# Of command "probe": both nested APIs, in an L1 whose mode is not its machine's. What a defect is about
# differs there.
PROBE_TOPOLOGIES = ("pseries-papr", "pseries-hv")
L1 = "p11@p10"

# Topic of the records that a command is about: a mutant without them was not judged.
_TOPIC = {"probe": "ioctl", "run": "l2"}


@dataclass(frozen=True)
class Group:
    """The mutants of one command, and what came of running them. labels: kernel's spec -> label in
    records; whole: whether the run came to its end."""

    command: str
    mutants: tuple[Mutant, ...]
    directory: Path
    labels: dict[str, str]
    records: tuple[Record, ...]
    whole: bool

    @property
    def originals(self) -> tuple[str, ...]:
        return originals(self.mutants)

    def of(self, spec: str) -> list[Record]:
        return [record for record in self.records if record.kernel == self.labels[spec]]


def run(
    names: Sequence[str], options: RunOptions, jobs: int, progress: Callable[[str], None],
    show: Callable[[str], None], colour: bool,
) -> int:  # fmt: skip
    """Exit code 1 if a mutant is missed, a harmless one is reported, or a kernel without a defect is not as
    expected; 3 if one of them was not judged. names: of mutants, empty for all."""
    chosen = _chosen(names)
    directory = claim(options.run_dir)
    if (directory / "mutants.txt").exists():
        raise UsageError(
            f"{directory} holds the results of an earlier run", "give another place with --run-dir"
        )
    groups = []
    for command in COMMANDS:
        mutants = tuple(each for each in chosen if each.command == command)
        if not mutants:
            continue
        found = _run(command, mutants, replace(options, run_dir=str(directory / command)), jobs, progress)
        if isinstance(found, int):
            return found
        groups.append(found)
    catches = [catch(group, each) for group in groups for each in group.mutants]
    clean = {
        f"{spec} ({group.command})": report.names(failed(group.of(spec)))
        for group in groups
        for spec in group.originals
    }
    width = shutil.get_terminal_size((120, 24)).columns
    (directory / "mutants.txt").write_text("\n".join(report.text(catches, clean, 120, False)) + "\n")
    show("\n".join(report.text(catches, clean, width, colour)))
    if not all(group.whole for group in groups):
        progress("Interrupted: partial results.")
    progress(f"results: {directory.resolve()}")
    return exit_code(groups, catches)


def exit_code(groups: Sequence[Group], catches: Sequence[Catch]) -> int:
    """A kernel's fault wins over what was not judged: it was honestly obtained."""
    clean = [(group, group.of(spec)) for group in groups for spec in group.originals]
    if any(failed(records) for _, records in clean):
        return 1
    states = {each.state for each in catches}
    if states & {State.MISSED, State.REPORTED}:
        return 1
    complete = all(group.whole for group in groups)
    proven = all(judged(records, group.command) for group, records in clean)
    return 0 if complete and proven and State.UNKNOWN not in states else 3


def catch(group: Group, mutant: Mutant) -> Catch:
    records = group.of(mutant.kernel)
    places = {group.directory / Path(record.directory).parent for record in records}
    return Catch(
        mutant, failed(records), judged(records, group.command),
        not mutant.title or _on_a_console(places, mutant.title),
    )  # fmt: skip


def failed(records: Iterable[Record]) -> tuple[Verdict, ...]:
    return tuple(verdict for record in records for verdict in record.verdicts if verdict.kind is Kind.FAIL)


def judged(records: Sequence[Record], command: str) -> bool:
    """Whether all that was asked says something of the kernel; what the command is about must be in it."""
    kinds = {record.kind for record in records}
    asked = [record.kind for record in records if record.topic == _TOPIC[command]]
    return bool(asked) and Kind.SKIP not in asked and not kinds & {Kind.INFRASTRUCTURE, Kind.UNKNOWN}


def originals(mutants: Iterable[Mutant]) -> tuple[str, ...]:
    """Kernels without the defect, each once."""
    return tuple(dict.fromkeys(each.original for each in mutants))


def options_of(command: str, mutants: Sequence[Mutant], options: RunOptions) -> RunOptions:
    """What one run of them is given: their kernels, and those without the defect."""
    kernels = (*originals(mutants), *(each.kernel for each in mutants))
    options = replace(options, kernels=kernels)
    if command == "probe":
        return replace(options, topologies=PROBE_TOPOLOGIES, l1=(L1,), suite=Suite.ABI.value)
    # A defect in what bare metal does needs the mutant there.
    options = replace(options, l0_kernels=(SAME,))
    labels = {spec: label for label, spec in wanted(options).kernels.items()}
    scenarios = [
        (spec, each)
        for mutant in mutants
        for spec in (mutant.original, mutant.kernel)
        for each in mutant.scenario
    ]
    only = dict.fromkeys(_full_id(labels[spec], each) for spec, each in scenarios)
    return replace(options, only=tuple(only))


def _full_id(label: str, scenario: str) -> str:
    """As ``kvmppc run --list`` shows it."""
    short, _, _ = parse_id(scenario)
    has_l0 = any(each.short == short and each.has_l0 for each in TOPOLOGIES)
    return f"{kernels_id(label, SAME if has_l0 else '')}-{scenario}"


def _run(
    command: str, mutants: tuple[Mutant, ...], options: RunOptions, jobs: int, progress: Callable[[str], None]
) -> Group | int:
    """An exit code if there are no results."""
    options = options_of(command, mutants, options)
    directory = claim(options.run_dir)
    status = drive.run(options, jobs, (), progress, summary=False, quiet=True)
    if status not in (0, 1, 3):
        return status
    if not recordlog.has_run(directory):
        return 3
    _, records, delivery = recordlog.of_run(directory)
    labels = {spec: label for label, spec in wanted(options).kernels.items()}
    return Group(command, mutants, directory, labels, tuple(records), delivery.shortfall(records) is None)


def _on_a_console(places: Iterable[Path], words: str) -> bool:
    logs = (log for place in places for log in sorted(place.rglob("console.log")))
    return any(words in log.read_text(errors="replace") for log in logs)


def _chosen(names: Sequence[str]) -> list[Mutant]:
    known = {each.name: each for each in all_mutants()}
    for name in names:
        if name not in known:
            raise UsageError(f"there is no mutant {name!r}", f"known are {', '.join(known)}")
    return [known[name] for name in names] if names else list(known.values())
