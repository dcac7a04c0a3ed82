# SPDX-License-Identifier: GPL-2.0-only
"""The health of levels in a saved run, judged again from the looks that were saved."""

from __future__ import annotations

import json
import re
from pathlib import Path

from harness.health.oracle_health import Allowed, judge_level
from harness.model.looks import Look
from harness.model.observation import level_from_json
from harness.model.record import Record
from harness.model.verdict import Verdict

_HEALTH = re.compile(r"(L[01]) health")


def health_again(record: Record, verdict: Verdict, run: Path, allowed: Allowed) -> Verdict:
    """``L1 health`` of a record as it would be today; any other verdict, and one whose looks are gone, as it
    was. OSError, ValueError, KeyError or TypeError for files that are damaged."""
    match = _HEALTH.fullmatch(verdict.check)
    if match is None:
        return verdict
    level = match[1]
    looks, earlier = _looks(record, level, run)
    return judge_level(level, looks, allowed, earlier) if looks else verdict


def _looks(record: Record, level: str, run: Path) -> tuple[list[Look], list[Look]]:
    """Those that a record was judged by, and those before them."""
    if record.topic in ("l0", "l1"):
        seen = level_from_json(json.loads((run / record.directory / "observation.json").read_text()))
        return [each for each in seen.looks if each.level == level], []
    document = json.loads((run / record.directory).with_name("looks.json").read_text())
    every = [each for each in map(Look.from_json, document) if each.level == level]
    if record.topic == "health":
        return every, []
    when = f"during {record.l2 or record.topic}"
    at = next((number for number, each in enumerate(every) if each.when == when), len(every))
    return every[at : at + 1], every[:at]
