# SPDX-License-Identifier: GPL-2.0-only
"""KTAP version 1, as kselftest and its consumers read it: a test for each L1 and L2 record, a subtest for
each check. Source of the format: Linux Documentation/dev-tools/ktap.rst.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from harness.model.facts import KernelNotKnown
from harness.model.record import Delivery, Record
from harness.model.verdict import Kind, Verdict
from harness.reports.sentences import expected_of, observed_of
from harness.reports.shortfall import trouble_of


def lines(records: Sequence[Record], delivery: Delivery) -> list[str]:
    """A known defect is ``not ok ... # TODO``, which consumers count as expected. A run that is not whole has
    fewer tests than its plan, and a line that says why."""
    trouble = trouble_of(delivery, records)
    planned = max(len(records), delivery.planned) + (1 if trouble and not delivery.missing else 0)
    found = ["KTAP version 1", f"1..{planned}"]
    for number, record in enumerate(records, 1):
        found += ["    KTAP version 1", f"    1..{len(record.verdicts)}"]
        for position, verdict in enumerate(record.verdicts, 1):
            found += [f"    {line}" for line in _verdict(position, verdict)]
        name = record.id + ("" if record.topic == "l2" else f" {record.topic}")
        found.append(_line(number, name, record.kind, ""))
    if trouble:
        found += [f"# {_plain(trouble)}", f"Bail out! {_plain(trouble)}"]
    return found


def _verdict(number: int, verdict: Verdict) -> list[str]:
    told = verdict.kind in (Kind.SKIP, Kind.INFRASTRUCTURE, Kind.UNKNOWN)
    reason = observed_of(verdict) if told else ""
    if isinstance(verdict.expected, KernelNotKnown):
        reason = f"{reason}: {expected_of(verdict)}"
    found = []
    if verdict.kind in (Kind.FAIL, Kind.DEFECT):
        found = [f"# expected: {_plain(expected_of(verdict))}"]
        found += [f"# observed: {_plain(observed_of(verdict))}"]
        found += [f"# proof: {_plain(verdict.proof)}"] if verdict.proof else []
    return [*found, _line(number, verdict.check, verdict.kind, reason)]


def _line(number: int, name: str, kind: Kind, reason: str) -> str:
    word = "not ok" if kind in (Kind.FAIL, Kind.INFRASTRUCTURE, Kind.UNKNOWN, Kind.DEFECT) else "ok"
    text = f"{word} {number} {_plain(name).replace('#', '')}"
    if kind is Kind.SKIP:
        return f"{text} # SKIP {_plain(reason)}".rstrip()
    if kind is Kind.DEFECT:
        return f"{text} # TODO known defect"
    if kind is Kind.INFRASTRUCTURE:
        return f"{text} # ERROR {_plain(reason)}".rstrip()
    if kind is Kind.UNKNOWN:
        return f"{text} # ERROR not proven {_plain(reason)}".rstrip()
    return text


def _plain(words: str) -> str:
    """One line, without what would start a directive."""
    return re.sub(r"\s+", " ", words).replace("# ", "")
