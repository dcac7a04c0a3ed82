# SPDX-License-Identifier: GPL-2.0-only
"""Reports of schema 1, in which what was expected and observed were sentences: they become quotes."""

from __future__ import annotations

import re
from typing import Any

from harness.model.facts import KernelNotKnown, Quote

SCHEMA = 1

# In place of an expectation.
_NOT_KNOWN = "nothing is known of this kernel; see --expect"
# At the end of what is expected.
_DEFECT = re.compile(r"(.*) \(known defect: (.*)\)", re.DOTALL)


def upgraded(document: dict[str, Any]) -> dict[str, Any]:
    """As schema 2 has it. KeyError, TypeError or AttributeError for what is no report."""
    return {**document, "schema": 2, "records": [_record(each) for each in document["records"]]}


def _record(old: dict[str, Any]) -> dict[str, Any]:
    found = {name: value for name, value in old.items() if name != "summary"}
    summary = old["summary"]
    return {
        **found,
        "answer": _quote(summary) if summary else None,
        "verdicts": [_verdict(each) for each in old["verdicts"]],
    }


def _verdict(old: dict[str, Any]) -> dict[str, Any]:
    expected, of_any = old["expected"], old.get("any_kernel", "")
    defect = _DEFECT.fullmatch(expected)
    if defect is not None:
        expected = defect[1]
    return {
        **old,
        "expected": KernelNotKnown().to_json() if expected == _NOT_KNOWN else _quote(expected),
        "observed": _quote(old["observed"]),
        "any_kernel": _quote(of_any) if of_any else None,
        "defect": defect[2] if defect is not None else "",
    }


def _quote(text: Any) -> dict[str, Any]:
    """A fact, in JSON: text that is none is for the schema to find."""
    return {**Quote("").to_json(), "text": text}
