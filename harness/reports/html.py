# SPDX-License-Identifier: GPL-2.0-only
"""The run as one self-contained page: the grid first, each cell with all that is known of it below."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import jinja2

from harness.model.comparison import Change, compare, l2_words
from harness.model.record import Delivery, KernelInfo, Record, RunInfo
from harness.model.scenario import kernels_id
from harness.model.verdict import SEVERITY, Kind, Verdict
from harness.reports import columns, details, short
from harness.reports.failures import repeat_command
from harness.reports.sentences import expected_of, observed_of, say
from harness.reports.shortfall import trouble_of


@dataclass(frozen=True)
class Cell:
    """anchor: of its details; words: what was seen; kind: a CSS class; mark: the verdict in a word."""

    anchor: str
    words: str
    kind: str
    mark: str
    title: str


@dataclass(frozen=True)
class Grid:
    """Of one kernel. rows: name and a cell for each heading, None where there is none."""

    kernel: KernelInfo
    headings: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Cell | None, ...]], ...]


@dataclass(frozen=True)
class Changed:
    """One cell that differs between the two kernels of a run. before, after: words."""

    place: str
    what: str
    before: str
    after: str
    change: str


@dataclass(frozen=True)
class Section:
    """Below the grids, one for each record."""

    anchor: str
    title: str
    record: Record
    kind: str
    mark: str
    verdicts: tuple[Verdict, ...]  # the worst first
    details: details.Details
    repeat: str

    @property
    def level(self) -> str:
        return _LEVELS.get(self.record.topic, "L1")

    @property
    def wrong(self) -> tuple[Verdict, ...]:
        return tuple(each for each in self.verdicts if each.kind in _WRONG)


_WRONG = (Kind.FAIL, Kind.INFRASTRUCTURE, Kind.UNKNOWN)
_LEVELS = {"l0": "L0", "l0_caps": "L0", "l2": "L2"}


def render(info: RunInfo, records: Sequence[Record], delivery: Delivery, run: Path) -> str:
    """run: the run's directory, from which the details of a record are read."""
    anchors = {id(record): f"r{number}" for number, record in enumerate(records)}
    kinds = [record.kind for record in records]
    return _template().render(
        info=info,
        complete=delivery.complete,
        verdict=_verdict(records, delivery),
        counts=[(kind.mark, kinds.count(kind), _css(kind)) for kind in SEVERITY if kind in kinds],
        grids=[_grid(kernel, info, records, anchors) for kernel in info.kernels],
        changes=_changes(info, records),
        sections=[_section(record, info, run, anchors[id(record)]) for record in records],
    )


@functools.cache
def _template() -> jinja2.Template:
    """To compile it takes longer than to render most runs."""
    environment = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"expected": expected_of, "observed": observed_of, "cell": short.cell}
    return environment.from_string(_resource("report.html.jinja"))


def _resource(name: str) -> str:
    return resources.files("harness.reports").joinpath(name).read_text()


def _css(kind: Kind) -> str:
    return kind.name.lower()


def _verdict(records: Sequence[Record], delivery: Delivery) -> str:
    """The whole run in a sentence."""
    kinds = {record.kind for record in records}
    trouble = trouble_of(delivery, records)
    if Kind.FAIL in kinds:
        return f"Something is not as expected. {trouble}".rstrip()
    if trouble:
        return trouble
    if Kind.UNKNOWN in kinds:
        return "Something could not be proven; see what is marked UNKNOWN."
    if Kind.INFRASTRUCTURE in kinds:
        return "The machinery around the kernel failed in places; what was judged is as expected."
    if Kind.DEFECT in kinds:
        return "All is as expected, known defects included."
    return "All is as expected."


def _grid(kernel: KernelInfo, info: RunInfo, records: Sequence[Record], anchors: Mapping[int, str]) -> Grid:
    mine = [record for record in records if record.kernel == kernel.label]
    several_l0 = len({record.l0 for record in records if record.l0}) > 1 or len(info.l0_kernels) > 1
    shown, rows = columns.arranged(mine, several_l0)
    return Grid(
        kernel,
        tuple(columns.heading(each) for each in shown),
        tuple(
            (name, tuple(_cell(row.get(each), anchors) for each in shown)) for name, row in rows.items()
        ),
    )  # fmt: skip


def _cell(record: Record | None, anchors: Mapping[int, str]) -> Cell | None:
    if record is None:
        return None
    words = short.cell(record.answer, abbreviated=True)
    return Cell(
        anchors[id(record)], words if words != record.kind.mark else "", _css(record.kind), record.kind.mark,
        _title(record),
    )  # fmt: skip


def _title(record: Record) -> str:
    kernel = kernels_id(record.kernel, record.l0)
    what = f"L2 {l2_words(record.l2)}" if record.topic == "l2" else columns.heading((record.topic, ""))
    return f"{kernel}: {columns.row_name(record.topology, record.l1)}: {what}"


def _changes(info: RunInfo, records: Sequence[Record]) -> list[Changed]:
    """Before and after, where two kernels ran: the older one is before."""
    if len(info.kernels) != 2:
        return []
    base, new = sorted(info.kernels, key=lambda each: _version(each.release))
    if base.release == new.release:
        base, new = info.kernels
    found = []
    for cell in compare(records, base.label, new.label):
        if cell.change is Change.SAME:
            continue
        what = f"L2 {l2_words(cell.l2)}" if cell.topic == "l2" else columns.heading((cell.topic, ""))
        checks = [each for each in cell.checks if each.change is not Change.SAME]
        # What a cell says of itself tells enough only where it has one check.
        if cell.topic in ("l2", "caps", "l0_caps"):
            sides = [short.cell(each, abbreviated=True) for each in (cell.before, cell.after)]
        else:
            shown = checks[:3]
            before = "; ".join(f"{each.check}: {say(each.before)}" for each in shown)
            sides = [before, "; ".join(f"{each.check}: {say(each.after)}" for each in shown)]
        place = columns.row_name(cell.topology, cell.l1, cell.l0)
        found.append(Changed(place, what, sides[0], sides[1], cell.change.value))
    return found


def _version(release: str) -> list[int]:
    return [int(part) for part in release.split("-")[0].split("+")[0].split(".") if part.isdigit()]


def _section(record: Record, info: RunInfo, run: Path, anchor: str) -> Section:
    return Section(
        anchor, _title(record), record, _css(record.kind), record.kind.mark,
        tuple(sorted(record.verdicts, key=lambda each: SEVERITY.index(each.kind))),
        details.of(record, run), repeat_command(record, info),
    )  # fmt: skip
