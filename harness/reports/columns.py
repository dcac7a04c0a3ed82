# SPDX-License-Identifier: GPL-2.0-only
"""Rows and columns of every grid: what they are called, and in which order they come."""

from __future__ import annotations

import functools
from collections.abc import Iterable

from harness.features import all_topics
from harness.model.comparison import l1_words
from harness.model.record import Record
from harness.model.verdict import SEVERITY

# (topic, L2 setting); the setting is '' where the topic is not an L2.
Column = tuple[str, str]

# Of topics that belong to no feature.
_BEFORE = {"l0": "L0", "l1": "L1"}
_AFTER = {"health": "health"}


@functools.cache
def _headings() -> dict[str, str]:
    """Topic -> heading, in the order of a report. Tests of somebody's own come behind the features."""
    topics = {each.name: each.title for each in all_topics()}
    l0 = {name: topics.pop(name) for name in ("l0_caps",) if name in topics}
    return {"l0": _BEFORE["l0"], **l0, "l1": _BEFORE["l1"], **topics}


_L2_ORDER = ("l2host", "l2p11", "l2p10", "l2p9")


def column(topic: str, l2: str) -> Column:
    return (topic, l2 if topic == "l2" else "")


def ordered(columns: Iterable[Column]) -> list[Column]:
    """Each once: outer levels first, then L2 with the newest mode first."""
    return sorted(dict.fromkeys(columns), key=_rank)


def _rank(each: Column) -> tuple[int, int]:
    topic, l2 = each
    known = list(_headings())
    if topic in known:
        return (known.index(topic), 0)
    if topic in _AFTER:
        return (len(known) + 1, 0)
    if topic != "l2":
        return (len(known), 0)
    return (len(known) + 2, _L2_ORDER.index(l2) if l2 in _L2_ORDER else len(_L2_ORDER))


def heading(each: Column) -> str:
    topic, l2 = each
    if topic != "l2":
        # A test of somebody's own is called by its name.
        return {**_headings(), **_AFTER}.get(topic, topic.replace("_", " "))
    return "L2 host" if l2 == "l2host" else f"max={l2.removeprefix('l2').upper()}"


def arranged(
    records: Iterable[Record], with_l0: bool
) -> tuple[list[Column], dict[str, dict[Column, Record]]]:
    """(columns, row name -> column -> record) of one kernel's records, the worst of each place: several
    runs may have asked it. with_l0: whether rows name L0's kernel."""
    shown: dict[Column, None] = {}
    rows: dict[str, dict[Column, Record]] = {}
    for record in records:
        each = column(record.topic, record.l2)
        shown[each] = None
        name = row_name(record.topology, record.l1, record.l0 if with_l0 else "")
        row = rows.setdefault(name, {})
        if each not in row or SEVERITY.index(record.kind) < SEVERITY.index(row[each].kind):
            row[each] = record
    return ordered(shown), rows


def row_name(topology: str, l1: str, l0: str = "") -> str:
    """``pnv11 P11 as P10``; l0: to be given where the report has several."""
    return f"{topology} {l1_words(l1, l0)}"
