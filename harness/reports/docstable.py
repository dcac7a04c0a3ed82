# SPDX-License-Identifier: GPL-2.0-only
"""The suite's results as a Markdown page that is the same whenever they are the same: checks × kernels."""

from __future__ import annotations

from collections.abc import Sequence

from harness.model.record import Record, RunInfo
from harness.model.verdict import TROUBLE, Kind, Verdict
from harness.reports import check_table as checks
from harness.reports import columns
from harness.reports.sentences import expected_of, observed_of


def lines(info: RunInfo, records: Sequence[Record]) -> list[str]:
    """No dates, times or build ids: only what a kernel answered, and the versions it is about."""
    asked = checks.by_check(records)
    kernels = [kernel.label for kernel in info.kernels]
    l1s = list(dict.fromkeys(checks.place(record)[1] for record in records))
    found = [
        "# What each kernel answers",
        "",
        "Written by `kvmppc probe --matrix abi --table docs/abi-results.md`; do not edit. A cell is what",
        "was answered in all L1s, or `ok` if that differs by L1 as it should; any other verdict has its L1s.",
        "",
        f"L1s: {', '.join(l1s)}.",
        "",
        "| kernel | judged as |",
        "|---|---|",
        *(f"| {kernel.label} | {kernel.expect_or_any} |" for kernel in info.kernels),
        "",
    ]
    topic = ""
    for (now, check), row in asked.items():
        if now != topic:
            topic = now
            found += ["", f"## {columns.heading(columns.column(topic, ''))}", ""]
            found += [f"| check | {' | '.join(kernels)} |", "|---" * (len(kernels) + 1) + "|"]
        if check in _IDENTITY:
            continue
        cells = [
            _cell({l1: row[label, l1] for l1 in l1s if (label, l1) in row}, len(l1s)) for label in kernels
        ]
        found.append(f"| {_escaped(check)} | {' | '.join(cells)} |")
    findings = _findings(records)
    found += ["", "## Not as expected", "", *(findings or ["Nothing."])]
    return found


# They name a build, and are another on every machine.
_IDENTITY = ("L1 build id", "L1 kernel", "L1 boots", "L0 build id", "L0 kernel", "L0 boots")


# Of an answer that is shown.
_LONGEST = 52


def _cell(verdicts: dict[str, Verdict], count: int) -> str:
    """Empty where no L1 was asked."""
    kinds: dict[Kind, list[str]] = {}
    for l1, verdict in verdicts.items():
        kinds.setdefault(verdict.kind, []).append(l1)
    if set(kinds) == {Kind.OK} and len(verdicts) == count:
        answers = {verdict.observed.token: observed_of(verdict) for verdict in verdicts.values()}
        answer = _escaped(answers.popitem()[1])
        return answer if not answers and len(answer) <= _LONGEST else Kind.OK.mark
    if len(kinds) == 1 and len(verdicts) == count:
        return next(iter(kinds)).mark
    return "; ".join(f"{kind.mark}: {', '.join(l1s)}" for kind, l1s in kinds.items())


def _findings(records: Sequence[Record]) -> list[str]:
    """Each difference once, with the L1s that show it."""
    found: dict[str, list[str]] = {}
    for record in records:
        for verdict in record.verdicts:
            if verdict.kind in (*TROUBLE, Kind.DEFECT):
                kernel, l1 = checks.place(record)
                words = (
                    f"{verdict.kind.mark}, {kernel}: {verdict.check}: expected {expected_of(verdict)}; "
                    f"observed {observed_of(verdict)}"
                )
                found.setdefault(words, []).append(l1)
    return [f"- {_escaped(words)} ({', '.join(l1s)})" for words, l1s in found.items()]


def _escaped(words: str) -> str:
    return words.replace("|", "\\|")
