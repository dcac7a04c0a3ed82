# SPDX-License-Identifier: GPL-2.0-only
"""A line for each check that failed, by cause: workflow commands on GitHub, plain words elsewhere.

Source of the format: "Workflow commands for GitHub Actions", with its escapes.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from harness.model.record import Delivery, Record, RunInfo
from harness.model.verdict import Kind, Verdict
from harness.reports.failures import repeat_command
from harness.reports.sentences import expected_of, observed_of
from harness.reports.shortfall import trouble_of

# The infrastructure is nobody's kernel's fault; it must be seen all the same.
_WORD = {Kind.FAIL: "error", Kind.INFRASTRUCTURE: "error", Kind.UNKNOWN: "error", Kind.DEFECT: "notice"}
_CAUSE = {
    Kind.FAIL: "the kernel",
    Kind.INFRASTRUCTURE: "the infrastructure",
    Kind.UNKNOWN: "not proven",
    Kind.DEFECT: "a known defect",
}


def lines(
    info: RunInfo, records: Sequence[Record], delivery: Delivery,
    environment: Mapping[str, str] = os.environ,
) -> list[str]:  # fmt: skip
    github = environment.get("GITHUB_ACTIONS") == "true"
    found = []
    for kind, word in _WORD.items():
        for record in records:
            for verdict in record.verdicts:
                if verdict.kind is kind:
                    title = f"{_CAUSE[kind]}: {record.id} {record.topic}"
                    text = _text(verdict, repeat_command(record, info))
                    found.append(
                        f"::{word} title={_property(title)}::{_data(text)}" if github else f"{title}: {text}"
                    )
    trouble = trouble_of(delivery, records)
    if trouble:
        title = "the run is not complete"
        found.append(f"::error title={title}::{_data(trouble)}" if github else f"{title}: {trouble}")
    return found


def _text(verdict: Verdict, repeat: str) -> str:
    proof = f" ({verdict.proof})" if verdict.proof else ""
    return (
        f"{verdict.check}: expected {expected_of(verdict)}; observed {observed_of(verdict)}{proof}; "
        f"again: {repeat}"
    )


def _data(words: str) -> str:
    return words.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(words: str) -> str:
    return _data(words).replace(":", "%3A").replace(",", "%2C")
