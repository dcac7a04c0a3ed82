# SPDX-License-Identifier: GPL-2.0-only
"""``kvmppc mutants``: kernels with a defect each; the suite must catch every one, by the check named."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace

from harness.model.errors import UsageError
from harness.model.record import Record, not_proven
from harness.model.verdict import Kind
from harness.parts.mutants import Mutant, all_mutants
from harness.reports import jsonfile
from harness.reports import mutants as report
from harness.runs import drive
from harness.runs.options import RunOptions
from harness.runs.plan import Suite, make
from harness.runs.rundir import claim

# Both nested APIs, in an L1 whose mode is not its machine's: what a defect is about differs there.
TOPOLOGIES = ("pseries-papr", "pseries-hv")
L1 = "p11@p10"


def run(
    names: Sequence[str], options: RunOptions, jobs: int, progress: Callable[[str], None],
    show: Callable[[str], None], colour: bool,
) -> int:  # fmt: skip
    """Exit code 1 if a mutant is not caught, or a kernel without a defect is not as expected. names: of
    mutants, empty for all."""
    chosen = _chosen(names)
    originals = list(dict.fromkeys(each.original for each in chosen))
    directory = claim(options.run_dir)
    options = replace(
        options, kernels=(*originals, *(each.kernel for each in chosen)), topologies=TOPOLOGIES, l1=(L1,),
        suite=Suite.ABI.value, run_dir=str(directory),
    )  # fmt: skip
    status = drive.run(options, jobs, (), progress, summary=False, quiet=True)
    path = directory / "report.json"
    if status not in (0, 1, 3) or not path.exists():
        return status
    _, records, delivery = jsonfile.read(path)
    labels = {spec: label for label, spec in make(options).kernels.items()}
    catches = [report.Catch(each, failed(records, labels[each.kernel])) for each in chosen]
    clean = {spec: failed(records, labels[spec]) for spec in originals}
    width = shutil.get_terminal_size((120, 24)).columns
    (directory / "mutants.txt").write_text("\n".join(report.text(catches, clean, 120, False)) + "\n")
    show("\n".join(report.text(catches, clean, width, colour)))
    trouble = delivery.trouble(records)
    if trouble:
        progress(trouble)
    progress(f"results: {directory.resolve()}")
    asked = {record.kernel for record in records if record.topic == "ioctl" and record.kind is not Kind.SKIP}
    lost = not_proven(records, delivery) or set(labels.values()) - asked
    if any(clean.values()) or any(not each.caught for each in catches if labels[each.mutant.kernel] in asked):
        return 1  # also where the infrastructure failed elsewhere
    return 3 if lost else 0


def failed(records: Sequence[Record], label: str) -> tuple[str, ...]:
    """Names of the checks that failed in some L1 of a kernel, each once."""
    names = (
        verdict.check
        for record in records
        if record.kernel == label
        for verdict in record.verdicts
        if verdict.kind is Kind.FAIL
    )
    return tuple(dict.fromkeys(names))


def _chosen(names: Sequence[str]) -> list[Mutant]:
    known = {each.name: each for each in all_mutants()}
    for name in names:
        if name not in known:
            raise UsageError(f"there is no mutant {name!r}", f"known are {', '.join(known)}")
    return [known[name] for name in names] if names else list(known.values())
