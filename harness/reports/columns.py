# SPDX-License-Identifier: GPL-2.0-only
"""Rows and columns of every grid: what they are called, and in which order they come."""

from __future__ import annotations

from collections.abc import Iterable

from harness.model.comparison import l1_words
from harness.model.record import Record
from harness.model.verdict import SEVERITY

# (topic, L2 setting); the setting is '' where the topic is not an L2.
Column = tuple[str, str]

_HEADINGS = {
    "l0": "L0",
    "l0_caps": "L0 caps",
    "l1": "L1",
    "caps": "compat caps",
    "arch_compat": "arch_compat",
    "revision": "revision",
    "ioctl": "ioctl",
    "vcpu": "vcpu",
    "inforce": "in force",
    "clock": "L2's clock",
    "userspace": "userspace",
    "docs": "api.rst",
    "calls": "calls",
    "fuzz": "fuzz",
    "health": "health",
}

_L2_ORDER = ("l2host", "l2p11", "l2p10", "l2p9")


def column(topic: str, l2: str) -> Column:
    return (topic, l2 if topic == "l2" else "")


def ordered(columns: Iterable[Column]) -> list[Column]:
    """Each once: outer levels first, then L2 with the newest mode first."""
    return sorted(dict.fromkeys(columns), key=_rank)


def _rank(each: Column) -> tuple[int, int]:
    topic, l2 = each
    if topic != "l2":
        return (list(_HEADINGS).index(topic), 0)
    return (len(_HEADINGS), _L2_ORDER.index(l2) if l2 in _L2_ORDER else len(_L2_ORDER))


def heading(each: Column) -> str:
    topic, l2 = each
    if topic != "l2":
        return _HEADINGS[topic]
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
