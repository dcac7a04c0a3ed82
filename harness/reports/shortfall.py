# SPDX-License-Identifier: GPL-2.0-only
"""Why a run is no success whatever its records say, in one line."""

from __future__ import annotations

from collections.abc import Sequence

from harness.model.record import Delivery, Lack, Record
from harness.reports.sentences import say


def trouble_of(delivery: Delivery, records: Sequence[Record]) -> str:
    """'' if nothing is wrong."""
    short = delivery.shortfall(records)
    if short is None:
        return ""
    start = "Interrupted: " if short.interrupted else ""
    if short.lack is Lack.RESULTS:
        are = "is" if len(short.names) == 1 else "are"
        count = f"{len(short.names)} of {short.planned} planned results"
        return f"{start}{count} {are} missing: {_first(short.names)}"
    if short.lack is Lack.WITHOUT_ERROR:
        words = f"{len(short.names)} of the tests ended with an error of the harness (see errors.txt)"
        return f"{start}{words}: {_first(short.names)}"
    if short.lack is Lack.END:
        return f"{start}partial results."
    if short.lack is Lack.TESTS:
        return "Nothing was judged: no test was selected."
    reason = f": {say(short.reason)}" if short.reason else ""
    return f"Nothing was judged{reason}."


def _first(names: Sequence[str]) -> str:
    return names[0] + (f" and {len(names) - 1} more" if len(names) > 1 else "")
