# SPDX-License-Identifier: GPL-2.0-only
"""Checks × L1s: each named check a row, each L1 that was asked a column."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence

from rich.text import Text

from harness.model.comparison import l1_words
from harness.model.fact import same
from harness.model.record import Record, RunInfo
from harness.model.scenario import kernels_id
from harness.model.verdict import SEVERITY, Kind, Verdict
from harness.reports import columns, terminal
from harness.reports.sentences import expected_of, observed_of

# An observation that is longer than this in a cell is told below the table, or in its own run.
_CELL = 40


def place(record: Record) -> tuple[str, str]:
    """(kernel, L1): ``7.3``, ``papr P11 as P10``."""
    return kernels_id(record.kernel, record.l0), f"{record.topology} {l1_words(record.l1)}"


def by_check(records: Iterable[Record]) -> dict[tuple[str, str], dict[tuple[str, str], Verdict]]:
    """(topic, check) -> place -> verdict, topics and checks in the order of the first L1 that has them."""
    found: dict[tuple[str, str], dict[tuple[str, str], Verdict]] = {}
    topics: dict[str, None] = dict.fromkeys(column[0] for column in columns.ordered(
        columns.column(record.topic, record.l2) for record in records if record.topic != "l2"
    ))  # fmt: skip
    for topic in topics:
        for record in records:
            if record.topic == topic:
                for verdict in record.verdicts:
                    row = found.setdefault((topic, verdict.check), {})
                    known = row.get(place(record))
                    if known is None or SEVERITY.index(verdict.kind) < SEVERITY.index(known.kind):
                        row[place(record)] = verdict
    return found


def text(info: RunInfo, records: Sequence[Record], width: int, colour: bool) -> list[str]:
    """Of one L1: check, result, expected, observed; of several: a column each, with what was observed
    where that is not as expected."""
    target = io.StringIO()
    console = terminal.console(target, width, colour)
    asked = by_check([record for record in records if record.topic != "l2"])
    places = list(dict.fromkeys(each for row in asked.values() for each in row))
    for kernel in info.kernels:
        console.print(
            f"kernel {kernel.label}: {kernel.release} ({kernel.spec}), {kernel.judged}",
            markup=False, soft_wrap=True,
        )  # fmt: skip
    title = "" if len(places) != 1 else f"{places[0][1]}, kernel {places[0][0]}"
    table = terminal.table(title)
    for heading in ("", "check", *_headings(places)):
        table.add_column(heading, no_wrap=True)
    last = ""
    for (topic, check), row in asked.items():
        name = columns.heading(columns.column(topic, ""))
        cells = _one(row[places[0]]) if len(places) == 1 else [_cell(row.get(each)) for each in places]
        table.add_row(name if name != last else "", check, *cells)
        last = name
    terminal.whole(console, table)
    console.print()
    console.print(sentence(records), style="bold", soft_wrap=True)
    return [line.rstrip() for line in target.getvalue().splitlines()]


def _headings(places: Sequence[tuple[str, str]]) -> list[str]:
    if len(places) == 1:
        return ["result", "answer", "expected"]
    return [f"{kernel}\n{l1}" for kernel, l1 in places]


def _one(verdict: Verdict) -> list[Text]:
    style = terminal.STYLE[verdict.kind]
    as_expected = same(verdict.observed, verdict.expected) and not verdict.defect
    return [
        Text(verdict.kind.mark, style=style),
        Text(observed_of(verdict), style="" if verdict.kind is Kind.OK else style),
        Text("=" if as_expected else expected_of(verdict), style="dim"),
    ]


def _cell(verdict: Verdict | None) -> Text:
    if verdict is None:
        return Text("")
    words = verdict.kind.mark
    if verdict.kind in (Kind.FAIL, Kind.DEFECT):
        observed = observed_of(verdict)
        short = observed if len(observed) <= _CELL else f"{observed[:_CELL]}..."
        words += f": {short}"
    return Text(words, style=terminal.STYLE[verdict.kind])


def sentence(records: Iterable[Record]) -> str:
    """``147 checks in 1 L1: 146 ok, 1 FAIL``"""
    kinds = dict.fromkeys(Kind, 0)
    l1s = set()
    for record in records:
        l1s.add((*place(record),))
        for verdict in record.verdicts:
            kinds[verdict.kind] += 1
    counted = ", ".join(f"{count} {kind.mark}" for kind, count in kinds.items() if count)
    return f"{sum(kinds.values())} checks in {len(l1s)} L1{'s' if len(l1s) != 1 else ''}: {counted or 'none'}"
