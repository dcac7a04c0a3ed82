# SPDX-License-Identifier: GPL-2.0-only
"""What a row about a splat says: the line it begins with, its title, and how it is read on from there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto

from harness.health.reporters import REPORTERS


class Where(Enum):
    """How the function of a title is found, where the line itself names none."""

    FAULT = auto()  # registers first, then the calls
    CALLER = auto()  # the address itself is bad (a call of NULL): who called
    STUCK = auto()  # a CPU that does not move on: where it was interrupted
    CALLS = auto()  # the call trace alone
    NOWHERE = auto()  # it has none


class End(Enum):
    """What the last line of a report is."""

    MARK = auto()  # ---[ end trace
    BAR = auto()  # a line of =
    TRACE = auto()  # none: whatever is no trace any more
    LINE = auto()  # the first line is all


@dataclass(frozen=True)
class Rule:
    """pattern: of the text from its beginning, with groups ``what``, which goes into the title, and
    ``at``, which has the function;
    title: with ``{what}``, and `` in {at}`` at its end, which is left out where no function is known;
    source: who prints it;
    family: what belongs together (an oops is announced by up to four lines) is one splat, and the line
    with the highest rank gives its title;
    final: the machine is of no more use afterwards;
    bare: it has no printk prefix even where the kernel prints one (firmware, xmon, QEMU);
    after_bar: it counts only after a line of =;
    marker: the trace that counts comes after this line;
    skip: functions that are never the one;
    verbatim: ``what`` is a name, as ``kmalloc-64``, and keeps its numbers; lower: it is made lower case;
    again: it may come many times in one report.
    """

    key: str
    pattern: re.Pattern[str]
    title: str
    source: str
    family: str
    rank: int = 0
    where: Where = Where.FAULT
    end: End = End.TRACE
    final: bool = False
    bare: bool = False
    after_bar: bool = False
    marker: str = ""
    skip: tuple[re.Pattern[str], ...] = (REPORTERS,)
    verbatim: bool = False
    lower: bool = False
    again: bool = False

    @property
    def ends_at_once(self) -> bool:
        return self.end is End.LINE


def rule(
    key: str, pattern: str, title: str, source: str, *, family: str = "", rank: int = 0,
    where: Where = Where.FAULT, end: End = End.TRACE, final: bool = False, bare: bool = False,
    after_bar: bool = False, marker: str = "", skip: tuple[re.Pattern[str], ...] = (REPORTERS,),
    verbatim: bool = False, lower: bool = False, again: bool = False,
) -> Rule:  # fmt: skip
    """A row; see Rule. family: its key, where none is given."""
    return Rule(
        key, re.compile(pattern), title, source, family or key, rank, where, end, final, bare, after_bar,
        marker, skip, verbatim, lower, again,
    )  # fmt: skip
