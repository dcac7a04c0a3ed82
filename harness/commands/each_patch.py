# SPDX-License-Identifier: GPL-2.0-only
"""Build and run a series at each of its patch boundaries."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace

from harness.engine import drive
from harness.engine.options import RunOptions
from harness.engine.resolve import choices_of
from harness.engine.rundir import claim
from harness.engine.wanted import wanted
from harness.model.boundaries import Boundary, broken_at, control_at, histories, kind_at
from harness.model.errors import BuildError, UsageError
from harness.model.plan import Suite
from harness.model.record import Delivery, Record, not_proven
from harness.model.verdict import Kind
from harness.parts.cache import Cache
from harness.parts.kernelbuild import patches_of
from harness.parts.kernels import resolve_kernel
from harness.parts.kernelspec import KernelSpec, SeriesRef, parse_spec
from harness.reports import patch_table as report
from harness.reports import recordlog
from harness.reports.shortfall import trouble_of

MATRIX = "patches"


def run(
    options: RunOptions, jobs: int, progress: Callable[[str], None], show: Callable[[str], None], colour: bool
) -> int:
    """Exit code: 1 if a patch does not build, does not boot, does not boot an L2 in L1's own mode (which is
    always asked), or does not turn what it should; of a series of which nothing is known, 1 if it breaks what
    any kernel should do; 3 where the L2 in L1's own mode was not proven; otherwise as of a run. UsageError
    unless there is one kernel, with a series, and guests to boot."""
    if len(options.kernels) != 1:
        raise UsageError("--each-patch takes one kernel", "write it as --each-patch KERNEL+SERIES")
    spec = parse_spec(options.kernels[0])
    if not spec.series:
        raise UsageError(f"kernel {spec.text!r} has no series", "write it as --each-patch KERNEL+SERIES")
    if options.suite == Suite.ABI.value:
        raise UsageError("--each-patch boots guests, and --suite abi boots none", "give --suite all")
    options = replace(options, control=True)
    if options.matrix == RunOptions().matrix:
        options = replace(options, matrix=MATRIX)
    wanted(options)  # bad words are told before anything is built
    found, built = _build(spec, options, progress)
    if not built:
        for each in found:
            progress(f"FAIL patch {each.number}: {each.trouble}")
        return 1
    directory = claim(options.run_dir)
    options = replace(options, kernels=tuple(built), run_dir=str(directory))
    labels = {text: label for label, text in wanted(options).kernels.items()}
    found = [replace(each, kernel=labels.get(each.kernel, "")) for each in found]
    status = drive.run(options, jobs, (), progress, summary=False)
    if status not in (0, 1, 3) or not recordlog.has_run(directory):
        return status
    info, records, delivery = recordlog.of_run(directory)
    judged = all(kernel.sure for kernel in info.kernels)
    turned = histories(found, records)
    width = shutil.get_terminal_size((120, 24)).columns
    lines = report.text(found, turned, records, judged, width, False)
    (directory / "each-patch.txt").write_text("\n".join(lines) + "\n")
    show("\n".join(report.text(found, turned, records, judged, width, colour)))
    trouble = trouble_of(delivery, records)
    if trouble:
        progress(trouble)
    progress(f"results: {directory.resolve()}")
    return exit_code(found, records, judged, delivery)


def _build(
    spec: KernelSpec, options: RunOptions, progress: Callable[[str], None]
) -> tuple[list[Boundary], list[str]]:
    """All boundaries, those that build with their spec as kernel, and these specs."""
    cache, choices = Cache.default(), choices_of(options)
    patches = patches_of(spec, choices, cache, locked_only=options.locked, progress=progress)
    last = spec.series[-1]
    titles = [spec.with_series(spec.series[:-1]).text, *(patch.subject for patch in patches)]
    found, built = [], []
    for number, title in enumerate(titles[: len(titles) if last.first is None else last.first + 1]):
        text = spec.with_series((*spec.series[:-1], SeriesRef(last.text, number))).text
        try:
            kernel = resolve_kernel(text, cache, choices, locked_only=options.locked, progress=progress)
        except BuildError as error:
            found.append(Boundary(number, title, "", str(error)))
            continue
        built.append(text)
        found.append(Boundary(number, title, text, "; ".join(kernel.lacks)))
    return found, built


def exit_code(found: list[Boundary], records: list[Record], judged: bool, delivery: Delivery) -> int:
    """judged: whether it is known what each patch must turn."""
    controls = [control_at(each, records) for each in found]
    if any(each.trouble for each in found) or Kind.FAIL in controls:
        return 1
    if judged and any(kind_at(each, records) is Kind.FAIL for each in found):
        return 1
    if not judged and any(broken_at(each, found, records) for each in found):
        return 1
    if any(record.kind is Kind.FAIL and record.topic == "l1" for record in records):
        return 1
    lost = not_proven(records, delivery) or any(each is not Kind.OK for each in controls)
    return 3 if lost else 0
