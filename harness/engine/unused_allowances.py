# SPDX-License-Identifier: GPL-2.0-only
"""Which of a run's --allow-splat were of no use: a title that was typed wrongly allows nothing, silently."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from harness.model.record import Record


def unused_allowances(titles: Sequence[str], records: Iterable[Record], run: Path) -> list[str]:
    """Those of *titles* that no splat of the run has: neither one in its files nor one that was judged."""
    seen = {title for each in records for verdict in each.verdicts for title in verdict.titles}
    for path in (*run.glob("*/looks.json"), *run.glob("*/*/observation.json")):
        with contextlib.suppress(OSError, ValueError):
            seen |= set(_titles(json.loads(path.read_text())))
    # A flag that is allowed has no splat: nothing shows that it was used.
    return [each for each in titles if each not in seen and not each.startswith("taint ")]


def _titles(document: Any) -> Iterable[str]:
    """Of all splats in a document, wherever they are."""
    if isinstance(document, dict):
        for name, value in document.items():
            if name == "splats":
                yield from (each["title"] for each in value if isinstance(each, dict) and "title" in each)
            yield from _titles(value)
    elif isinstance(document, list):
        for each in document:
            yield from _titles(each)
