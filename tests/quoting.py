# SPDX-License-Identifier: GPL-2.0-only
"""Verdicts whose facts are quotes, and verdicts in words, for tests in which what was expected and observed
matters as text alone."""

from harness.model.facts import Quote
from harness.model.verdict import Verdict
from harness.reports.sentences import expected_of, observed_of


def quoted(check, kind, expected, observed, *rest, **more):
    """A Verdict. expected, observed: text, or facts."""
    facts = [Quote(each) if isinstance(each, str) else each for each in (expected, observed)]
    if isinstance(more.get("any_kernel"), str):
        more["any_kernel"] = Quote(more["any_kernel"]) if more["any_kernel"] else None
    return Verdict(check, kind, *facts, *rest, **more)


def answer(text):
    """A record's: text, or none for ''."""
    return Quote(text) if text else None


def wanted(verdict):
    """What a report says was expected."""
    return expected_of(verdict)


def said(verdict):
    """What a report says was observed."""
    return observed_of(verdict)
