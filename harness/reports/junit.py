# SPDX-License-Identifier: GPL-2.0-only
"""JUnit XML from records, for CI systems.

A failed verdict is a <failure>, a failed infrastructure an <error>, a known defect and a
skip are <skipped> with the reason: JUnit has no word for "neither success nor failure".
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence

from junitparser import Error, Failure, JUnitXml, Skipped, TestCase, TestSuite

from harness.model.record import Delivery, Record, RunInfo
from harness.model.verdict import Kind, Verdict
from harness.reports.sentences import expected_of, observed_of
from harness.reports.shortfall import trouble_of


def render(info: RunInfo, records: Sequence[Record], delivery: Delivery) -> str:
    """One test suite for each kernel, one test case for each record; one more, with an error, if the run is
    no success whatever its records say."""
    xml = JUnitXml("kvmppc")
    for kernel in info.kernels:
        suite = TestSuite(f"kernel {kernel.label}")
        suite.add_property("release", kernel.release)
        suite.add_property("judged as", kernel.expect_or_any)
        suite.add_property("qemu", info.qemu)
        for record in records:
            if record.kernel == kernel.label:
                suite.add_testcase(_case(record))
        xml.add_testsuite(suite)
    trouble = trouble_of(delivery, records)
    if trouble:
        suite = TestSuite("the run")
        case = TestCase("the run is complete", "kvmppc.run")
        case.result = [Error(_xml(trouble), "the run is not complete")]
        suite.add_testcase(case)
        xml.add_testsuite(suite)
    xml.update_statistics()  # type: ignore[no-untyped-call]
    target = io.BytesIO()
    xml.write(target, pretty=True)
    return target.getvalue().decode()


def _case(record: Record) -> TestCase:
    case = TestCase(
        record.id + ("" if record.topic == "l2" else f" {record.topic}"), f"kvmppc.{record.topic}"
    )
    case.time = round(record.seconds, 3)
    case.system_out = f"logs: {record.directory}"
    text = _xml("\n".join(_words(verdict) for verdict in record.verdicts if verdict.kind is record.kind))
    match record.kind:
        case Kind.FAIL:
            case.result = [Failure(text, "not as expected")]
        case Kind.INFRASTRUCTURE:
            case.result = [Error(text, "infrastructure failed")]
        case Kind.UNKNOWN:
            case.result = [Error(text, "not proven")]
        case Kind.DEFECT:
            case.result = [Skipped(f"known defect reproduced: {text}", "known defect")]
        case Kind.SKIP:
            case.result = [Skipped(text, "skipped")]
    return case


def _xml(text: str) -> str:
    """Without what XML has no place for: a guest can print anything."""
    return re.sub(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "\ufffd", text)


def _words(verdict: Verdict) -> str:
    return (
        f"{verdict.check}: expected {expected_of(verdict)}; observed {observed_of(verdict)}; "
        f"proof: {verdict.proof}"
    )
