# SPDX-License-Identifier: GPL-2.0-only
# ruff: noqa: E501
"""A console's lines in, splats out. Reads a line at a time, and keeps no more than it says.

What begins a splat, and its title, are rows of splatrules.py; frames.py reads traces. Here is when a
report ends, which lines are of one and the same, and which function a title names.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from harness.health.consoleline import ConsoleLine, Writer, read_line
from harness.health.frames import Frame, function_in, only, read_frame
from harness.health.splatrules import CONSEQUENCES, RULES, WARNING_KINDS, End, Rule, Where
from harness.health.titles import plain
from harness.model.splat import Splat

# Functions of a trace that are kept.
LONGEST_TRACE = 60
# Between two take(): so many of one title, and so many in all. A WARNING in a loop must not push out another.
_SAME_TITLE, _PENDING = 8, 100
# Lines that are no part of a report, until it is taken to have ended: after its trace, and before it has one. Other
# CPUs print in between.
_AFTER_TRACE, _BEFORE_TRACE, _LONGEST = 6, 40, 600
# Lines of a WARNING's text, between "cut here" and its line.
_LONGEST_TEXT = 12

_CUT_HERE = re.compile(r"-+\[ cut here \]-+$")
_END_TRACE = re.compile(r"---\[ end (?:trace|Kernel panic)")
_BAR = re.compile(r"={20,}$")
_BOOT = re.compile(r"Linux version ")
# Other stacks than the one that complains.
_OTHER_STACK = re.compile(
    r"(?:Allocated|Freed|allocated|freed) (?:by|in) |kfence-#\d+|The buggy address|(?:Last|Second to last) potentially related"
)
# Registers, and what is printed between them and the trace (arch/powerpc/kernel/process.c, __show_regs;
# kernel/panic.c; lib/dump_stack.c; kernel/locking/lockdep.c, print_irqtrace_events).
_REGISTERS = re.compile(
    r"$|Modules linked in|CPU: |Tainted|Hardware name|Workqueue: |NIP:? |LR |REGS: |MSR: |CFAR: |DAR: |DSISR|IRQMASK"
    r"|GPR\d\d: |Call Trace:|Code: |Instruction dump|[0-9a-fX]{8} |-{3,4} interrupt|(?:LE|BE) PAGE_SIZE=|Faulting instruction"
    r"|irq event stamp|(?:hard|soft)irqs last |Oops: |Dumping ftrace|preempt_count|Preemption disabled|RCU nest depth"
    r"|INFO: lockdep is turned off|PACATMSCRATCH|Sending NMI|NMI backtrace|task:\S|MCE: CPU|\[link register"
)
_SLUB_CHECK = re.compile(r"__?slab_err|slab_err|object_err")


@dataclass
class _Report:
    """heads: the lines that announced it; text: of a WARNING; calls: whether a trace has begun."""

    heads: list[tuple[Rule, re.Match[str], ConsoleLine]]
    text: list[str]
    bare: bool
    final: bool
    frames: list[Frame] = field(default_factory=list)
    calls: bool = False
    trace_ended: bool = False
    foreign: int = 0
    lines: int = 0

    @property
    def rule(self) -> Rule:
        return self.heads[0][0]

    def joined_by(self, rule: Rule, match: re.Match[str]) -> bool:
        """Whether a line that begins a splat is one more line of this one."""
        if self.rule.group == "slub" and rule.group == "warning":
            # Since 6.15 slub ends its own report with a WARNING.
            return only(_SLUB_CHECK, function_in(match["at"]))
        if rule.group != self.rule.group:
            return False
        if rule.key == "xmon-prompt":
            return True
        seen = {each.key for each, _, _ in self.heads}
        # die() prints last of those who announce a fault, and xmon is entered from there.
        return rule.key not in seen and ("oops" not in seen or rule.key == "xmon")

    def splat(self) -> Splat:
        rule, match, line = max(self.heads, key=lambda head: head[0].rank)
        groups = match.groupdict()
        function = self._function(rule, groups.get("at") or "")
        what = groups.get("what") or groups.get("what2") or ""
        title = self._kind(rule, function_in(groups.get("at") or "")) or rule.title
        if not function:
            title = title.replace(" in {at}", "")
        title = title.format(
            what=what if rule.keep_numbers else _lower(plain(what), rule),
            more=plain(re.split(r"\. |\s?0x", groups.get("more") or "")[0]),
            at=function,
        )
        trace = tuple(frame.function for frame in self.frames[:LONGEST_TRACE])
        return Splat(title, line.raw, trace, self.final)

    def _kind(self, rule: Rule, named: str) -> str:
        """A title for the checks that many share, '' for another."""
        if rule.key not in ("warning", "kernel-bug"):
            return ""
        named = named or next((frame.function for frame in self.frames if frame.kind == "nip"), "")
        for functions, text, kind in WARNING_KINDS:
            if only(functions, named) or any(text.match(line) for line in self.text):
                return f"{'WARNING' if rule.key == 'warning' else 'kernel BUG'}: {kind} in {{at}}"
        return ""

    def _function(self, rule: Rule, named: str) -> str:
        def reports(function: str) -> bool:
            return any(only(names, function) for names in rule.skip)

        if rule.where is Where.NOWHERE:
            return ""
        function = function_in(named)
        if function and not reports(function):
            return function
        wanted = [each for each in _order(rule.where, self.frames) if not reports(each.function)]
        found = next((each for each in wanted if each.sure), wanted[0] if wanted else None)
        return found.function if found else function


def _order(where: Where, frames: list[Frame]) -> list[Frame]:
    """Frames in the order in which they are asked for the function of a title."""
    calls = [each for each in frames if each.kind in ("call", "interrupt")]
    if where is Where.CALLS:
        return calls
    first_call = next((i for i, each in enumerate(frames) if each.kind == "call"), len(frames))
    registers = [each for each in frames[:first_call] if each.kind in ("nip", "lr")]
    if where is Where.CALLER:
        return [*(each for each in registers if each.kind == "lr"), *calls]
    if where is Where.STUCK and not registers:
        # It was its own timer that showed the stack: what matters is what that interrupted.
        start = next((i for i, each in enumerate(calls) if each.kind == "interrupt"), 0)
        return calls[start:]
    return [*registers, *calls]


def _lower(text: str, rule: Rule) -> str:
    return text.lower() if rule.key in ("oops", "xmon", "slof", "unavailable") else text


class SplatReader:
    """final: the first splat after which the machine is of no more use (a panic, xmon, OPAL, SLOF), None
    so far; told from its first line on, so that its title may still become better."""

    def __init__(self) -> None:
        self._report: _Report | None = None
        self._cut: list[ConsoleLine] | None = None
        self._after_bar = False
        self._printk_times = False
        self._panicked = False
        self._pending: list[Splat] = []
        self._titles: Counter[str] = Counter()
        self._last: tuple[str, Splat] | None = None
        self._final: Splat | None = None
        self._final_report: _Report | None = None

    @property
    def final(self) -> Splat | None:
        return self._final_report.splat() if self._final_report else self._final

    @property
    def unfinished(self) -> Splat | None:
        """The one that is being read, as far as it has come; its title may still become better."""
        return self._report.splat() if self._report is not None else None

    @property
    def reading(self) -> bool:
        """Whether the last line was part of a report, as far as one can know."""
        return self._report is not None or self._cut is not None

    def feed(self, line: str) -> None:
        """One line of a console, without terminal escapes."""
        read = read_line(line)
        if read.writer is Writer.USER:
            return
        self._printk_times |= read.writer is Writer.KERNEL and read.time is not None
        if self._cut is not None:
            self._read_text(read)
        else:
            self._read(read, ())

    def take(self, flush: bool = False) -> list[Splat]:
        """Those that ended since the last call, in their order; with *flush* also what is still being read."""
        if flush:
            self._end_text()
            self._close()
        taken, self._pending = self._pending, []
        self._titles.clear()
        return taken

    # -- lines -----------------------------------------------------------------------------

    def _read_text(self, line: ConsoleLine) -> None:
        """After "cut here": a WARNING's text, which may look like anything, and its line."""
        assert self._cut is not None
        if not self._of_kernel(line):
            return
        text = [each.text for each in self._cut]
        begins = self._begins(line)
        if begins and begins[0].key in ("warning", "kernel-bug", "ubsan"):
            self._cut = None
            self._read(line, text)
        elif len(self._cut) >= _LONGEST_TEXT:
            self._end_text()
            self._read(line, ())
        else:
            self._cut.append(line)

    def _end_text(self) -> None:
        """It was no WARNING's after all."""
        cut, self._cut = self._cut or [], None
        for line in cut:
            self._read(line, ())

    def _read(self, line: ConsoleLine, text: Iterable[str]) -> None:
        after_bar, self._after_bar = self._after_bar, False
        begins = self._begins(line, after_bar)
        if begins:
            self._begin(*begins, line, list(text))
        elif self._of_kernel(line):
            if _CUT_HERE.match(line.text):
                self._cut = []
            self._panicked &= not _BOOT.match(line.text)
            self._after_bar = _BAR.match(line.text) is not None
            if self._report is not None:
                self._go_on(self._report, line.text)

    def _of_kernel(self, line: ConsoleLine) -> bool:
        """A kernel that was seen to print times prints them always; what has none is a program's."""
        if line.writer is Writer.KERNEL or (self._report is not None and self._report.bare):
            return True
        return line.writer is Writer.UNKNOWN and not self._printk_times

    def _begins(self, line: ConsoleLine, after_bar: bool = False) -> tuple[Rule, re.Match[str]] | None:
        kernel = self._of_kernel(line)
        for rule in RULES:
            if not (kernel or rule.bare) or (rule.after_bar and not after_bar):
                continue
            match = rule.pattern.match(line.text)
            if match:
                return rule, match
        return None

    # -- reports -----------------------------------------------------------------------------

    def _begin(self, rule: Rule, match: re.Match[str], line: ConsoleLine, text: list[str]) -> None:
        if rule.group == "panic" and self._is_consequence(match["whole"]):
            return
        if self._report is not None and self._report.joined_by(rule, match):
            report = self._report
            report.heads.append((rule, match, line))
            report.bare |= rule.bare
            report.final |= rule.final
        else:
            self._close()
            report = self._report = _Report([(rule, match, line)], text, rule.bare, rule.final)
        if report.final and self._final is None and self._final_report is None:
            self._final_report = report
        if rule.end is End.LINE:
            self._close()

    def _is_consequence(self, words: str) -> bool:
        """Whether a panic is told already: by what led to it, or by the panic itself."""
        if self._panicked:
            return True
        self._panicked = True
        for pattern, families in CONSEQUENCES:
            if not pattern.match(words):
                continue
            if self._report is not None and self._report.rule.group in families:
                self._report.final = True
                self._final_report = self._final_report or self._report
                return True
            if self._last is not None and self._last[0] in families:
                self._make_final(self._last[1])
                return True
        return False

    def _make_final(self, splat: Splat) -> None:
        final = replace(splat, final=True)
        if self._final is None and self._final_report is None:
            self._final = final
        self._pending = [final if each is splat else each for each in self._pending]

    def _go_on(self, report: _Report, text: str) -> None:
        report.lines += 1
        rule = report.rule
        if _END_TRACE.match(text) or (rule.end is End.BAR and report.calls and _BAR.match(text)):
            self._close()
            return
        if rule.marker and text.startswith(rule.marker):
            report.frames.clear()
            report.calls = report.trace_ended = False
            return
        if not report.calls and len(report.text) < _LONGEST_TEXT:
            report.text.append(text)
        frame = read_frame(text)
        if frame is not None:
            if not report.trace_ended and len(report.frames) < LONGEST_TRACE:
                report.frames.append(frame)
            report.calls |= frame.kind == "call"
            return
        if text.startswith("Call Trace:") or _OTHER_STACK.match(text):
            report.trace_ended |= report.calls
        if _REGISTERS.match(text):
            return
        report.trace_ended |= report.calls
        report.foreign += 1
        patience = _AFTER_TRACE if report.calls else _BEFORE_TRACE
        if report.foreign > patience or report.lines > _LONGEST:
            self._close()

    def _close(self) -> None:
        report, self._report = self._report, None
        if report is None:
            return
        splat = report.splat()
        if report is self._final_report:
            self._final, self._final_report = splat, None
        self._last = (report.rule.group, splat)
        self._titles[splat.title] += 1
        if self._titles[splat.title] <= _SAME_TITLE and (len(self._pending) < _PENDING or splat.final):
            self._pending.append(splat)


def is_part_of_a_report(text: str) -> bool:
    """Whether a line, without its prefix, is one of those that a report is made of, by its looks alone."""
    return bool(
        any(rule.pattern.match(text) for rule in RULES if not rule.after_bar)
        or _CUT_HERE.match(text)
        or _END_TRACE.match(text)
        or _BAR.match(text)
        or read_frame(text)
        or _REGISTERS.match(text)
    )


def read_splats(lines: Iterable[str]) -> list[Splat]:
    """All of a whole log."""
    reader = SplatReader()
    for line in lines:
        reader.feed(line)
    return reader.take(flush=True)
