# SPDX-License-Identifier: GPL-2.0-only
"""A console's lines in, splats out: reads a line at a time, and keeps no more than it has to tell.

What begins a splat, and its title, are rows in splatrules/; report.py reads one report to its end. Here
is whose line it is, which report it belongs to, and what a panic comes from.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from harness.health.consoleline import ConsoleLine, Writer, read_line
from harness.health.frames import read_frame
from harness.health.splat_report import BAR, END_TRACE, LONGEST_TEXT, REGISTERS, Report
from harness.health.splatrules import CONSEQUENCES, RULES, Rule, any_rule
from harness.model.splat import Splat

# Between two take(): so many of one title, and so many in all. A WARNING in a loop must not push out
# another, nor fill the memory.
_SAME_TITLE, _PENDING = 8, 100

_CUT_HERE = re.compile(r"-+\[ cut here \]-+$")
_BOOT = re.compile(r"Linux version \d")
# Read late, so that the lines before it have times.
_NO_TIMES = re.compile(r"Kernel command line: .*\bprintk\.time=[0nN]")

# What stands after "cut here" and the text between.
_AFTER_CUT = ("warning", "kernel-bug", "ubsan")


class SplatReader:
    """feed lines, take splats. One reader for one console, from its beginning on."""

    def __init__(self) -> None:
        self._report: Report | None = None
        self._cut: list[ConsoleLine] | None = None
        self._after_bar = False
        self._printk_times: bool | None = False  # None: they are switched off on the command line
        self._panicked = False
        self._pending: list[Splat] = []
        self._titles: Counter[str] = Counter()
        self._last: tuple[str, Splat] | None = None
        self._final: Splat | Report | None = None

    @property
    def final(self) -> Splat | None:
        """The first splat after which the machine is of no more use (a panic, xmon, OPAL, SLOF), None so
        far. Told from its first line on, so its title and trace may still become better."""
        return self._final.splat() if isinstance(self._final, Report) else self._final

    @property
    def unfinished(self) -> Splat | None:
        """The one that is being read, as far as it has come; its title may still become better."""
        return self._report.splat() if self._report is not None else None

    @property
    def reading(self) -> bool:
        """Whether the last line may be part of a report."""
        return self._report is not None or self._cut is not None

    def feed(self, line: str) -> None:
        """One line of a console, without terminal escapes and without the time of our own logs."""
        read = read_line(line)
        if read.writer is Writer.USER:
            return
        self._watch_times(read)
        if self._cut is not None:
            self._read_text(read, self._cut)
        else:
            self._read(read, [])

    def take(self, flush: bool = False) -> list[Splat]:
        """Those that have ended since the last call, in their order; with *flush* also what is being read."""
        if flush:
            self._give_up_text()
            self._close()
        taken, self._pending = self._pending, []
        self._titles.clear()
        return taken

    # -- lines -----------------------------------------------------------------------------

    def _read_text(self, line: ConsoleLine, cut: list[ConsoleLine]) -> None:
        """After "cut here": a WARNING's own text, which may look like anything, and then its line."""
        found = self._begins(line)
        if found is not None and found[0].key in _AFTER_CUT:
            self._cut = None
            self._read(line, [each.text for each in cut])
        elif len(cut) >= LONGEST_TEXT or (found is not None and found[0].bare):
            self._give_up_text()
            self._read(line, [])
        elif self._of_kernel(line):
            cut.append(line)

    def _give_up_text(self) -> None:
        """It was no WARNING's after all."""
        cut, self._cut = self._cut or [], None
        for line in cut:
            self._read(line, [])

    def _read(self, line: ConsoleLine, text: list[str]) -> None:
        found = self._begins(line)
        self._after_bar = False
        if found is not None:
            self._begin(*found, line, text)
            return
        if self._of_kernel(line):
            if _CUT_HERE.match(line.text):
                self._cut = []
            self._panicked &= not _BOOT.match(line.text)
            self._after_bar = BAR.match(line.text) is not None
        elif self._report is None or not self._report.bare:
            return
        if self._report is not None and self._report.read(line.text):
            self._close()

    def _watch_times(self, line: ConsoleLine) -> None:
        if _NO_TIMES.match(line.text):
            self._printk_times = None
        elif line.writer is Writer.KERNEL and line.time is not None and self._printk_times is not None:
            self._printk_times = True
        elif line.writer is Writer.UNKNOWN and _BOOT.match(line.text):
            self._printk_times = False  # perhaps another kernel, without times

    def _of_kernel(self, line: ConsoleLine) -> bool:
        """A kernel that was seen to print times prints them always: what has none is a program's, unless the
        kernel is in its debugger."""
        if line.writer is Writer.UNKNOWN:
            in_debugger = self._report is not None and self._report.bare and self._report.final
            return in_debugger or not self._printk_times
        return line.writer is Writer.KERNEL

    def _begins(self, line: ConsoleLine) -> tuple[Rule, re.Match[str]] | None:
        if not any_rule().match(line.text):
            return None
        of_kernel = self._of_kernel(line)
        for rule in RULES:
            if (of_kernel or rule.bare) and (self._after_bar or not rule.after_bar):
                match = rule.pattern.match(line.text)
                if match:
                    return rule, match
        return None

    # -- reports -----------------------------------------------------------------------------

    def _begin(self, rule: Rule, match: re.Match[str], line: ConsoleLine, text: list[str]) -> None:
        if rule.family == "panic" and self._is_told(match["whole"]):
            return
        if self._report is not None and self._report.takes(rule, match):
            self._report.add(rule, match, line)
        else:
            self._close()
            self._report = Report([(rule, match, line)], text, rule.final)
        if self._report.final and self._final is None:
            self._final = self._report
        if rule.ends_at_once:
            self._close()

    def _is_told(self, words: str) -> bool:
        """Whether a panic is told already, by the splat that it comes from or by its own line."""
        if self._panicked:
            return True
        self._panicked = True
        families = {name for each in CONSEQUENCES if each.panic.match(words) for name in each.families}
        if self._report is not None and self._report.family in families:
            self._report.final = True
            self._final = self._final or self._report
            return True
        if self._last is not None and self._last[0] in families:
            splat = self._last[1]
            final = replace(splat, final=True)
            self._final = self._final or final
            self._pending = [final if each is splat else each for each in self._pending]
            return True
        return False

    def _close(self) -> None:
        report, self._report = self._report, None
        if report is None:
            return
        splat = report.splat()
        if report is self._final:
            self._final = splat
        self._last = (report.family, splat)
        self._titles[splat.title] += 1
        if splat.final or (self._titles[splat.title] <= _SAME_TITLE and len(self._pending) < _PENDING):
            self._pending.append(splat)


def is_part_of_a_report(text: str) -> bool:
    """Whether a line, without its prefix, is one of those that reports are made of, by its looks alone."""
    return bool(
        any(rule.pattern.match(text) for rule in RULES if not rule.after_bar)
        or any(pattern.match(text) for pattern in (_CUT_HERE, END_TRACE, BAR, REGISTERS))
        or read_frame(text)
    )


def read_splats(lines: Iterable[str]) -> list[Splat]:
    """All of a whole log."""
    reader = SplatReader()
    for line in lines:
        reader.feed(line)
    return reader.take(flush=True)
