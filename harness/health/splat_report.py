# SPDX-License-Identifier: GPL-2.0-only
"""One report that a kernel is printing: the lines that announced it, its trace, and what it comes to."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from harness.health.consoleline import ConsoleLine
from harness.health.frames import Frame, function_in, read_frame
from harness.health.reporters import only
from harness.health.splatrules import SHARED_CHECKS, End, Rule, SharedCheck, Where
from harness.health.titles import plain
from harness.model.splat import Splat

# Functions of a trace, and lines of text before it, that are kept.
LONGEST_TRACE, LONGEST_TEXT = 60, 12

# Foreign lines (of other CPUs, of programs) until a report is taken to have ended: after its trace, before
# it has one, and before the marker of the one that counts (lockdep shows many others first).
_AFTER_TRACE, _BEFORE_TRACE, _BEFORE_MARKER = 6, 40, 1000

END_TRACE = re.compile(r"---\[ end (?:trace|Kernel panic)")
BAR = re.compile(r"={20,}$")

# Stacks of others than the one that complains: of who allocated, freed, or holds.
_OTHER_STACK = re.compile(
    r"(?:[Aa]llocated|[Ff]reed) (?:by|in) |kfence-#\d+|The buggy address"
    r"|(?:Second to l|L)ast potentially related"
)

# The same, for a whole task: until the one that matters is announced (kernel/rcu/tree_stall.h,
# rcu_check_gp_kthread_starvation shows its own thread before the CPU that keeps it from running).
_OTHER_TASK = re.compile(r"rcu: RCU grace-period kthread stack dump:")
_THIS_TASK = re.compile(r"rcu: Stack dump where RCU GP kthread last ran:|NMI backtrace for ")

# Registers, and what stands between them and the trace: arch/powerpc/kernel/process.c, __show_regs and
# show_stack; kernel/panic.c; lib/dump_stack.c; kernel/locking/lockdep.c, print_irqtrace_events.
REGISTERS = re.compile(
    "|".join(
        (
            r"$|Modules linked in|CPU: \d|Tainted: |Hardware name: |Workqueue: |Faulting instruction",
            r"(?:LE|BE) PAGE_SIZE=|NIP(?:: | \[)|LR \[|REGS: |MSR: |CFAR: |DAR: |DSISR: |IRQMASK: ",
            r"PACATMSCRATCH|GPR\d\d: |Code: ",
            r"Call Trace:|Instruction dump:|[0-9a-fX]{8} [0-9a-fX]{8}|-{3,4} interrupt|irq event stamp: ",
            r"(?:hard|soft)irqs last |preempt_count: |Preemption disabled at:|RCU nest depth: |MCE: CPU",
            r"task:\S| +LR = |(?:Redzone|Object|Padding|Bytes b4|Slab|FIX) ",
            r"INFO: lockdep is turned off|Sending NMI from|NMI backtrace for|note: \S+ exited with ",
        )
    )
)

_SLUB_CHECK = re.compile(r"(?:__)?slab_err|object_err")


@dataclass
class Report:
    """heads: the lines that announced it, with the rows that read them; text: of a WARNING, and what comes
    before the trace; calls: whether its trace has begun; of_another: what comes is another's stack,
    of_another_task: and more."""

    heads: list[tuple[Rule, re.Match[str], ConsoleLine]]
    text: list[str]
    final: bool
    frames: list[Frame] = field(default_factory=list)
    calls: bool = False
    trace_ended: bool = False
    foreign: int = 0
    marked: bool = False
    of_another: bool = False
    of_another_task: bool = False

    @property
    def family(self) -> str:
        return self._rule.family

    @property
    def bare(self) -> bool:
        """Whether it is printed by what has no printk prefix."""
        return any(rule.bare for rule, _, _ in self.heads)

    @property
    def _rule(self) -> Rule:
        return self.heads[0][0]

    # -- lines -----------------------------------------------------------------------------

    def takes(self, rule: Rule, match: re.Match[str]) -> bool:
        """Whether a line that can begin a splat is one more line of this one."""
        if self.family == "slub" and rule.family == "warning":
            # mm/slub.c, object_err and __slab_err end with a WARN_ON, from 6.15 on.
            return only(_SLUB_CHECK, function_in(match["at"]))
        if rule.family != self.family:
            return False
        seen = {head.key for head, _, _ in self.heads}
        if rule.again:
            return True
        if rule.family == "fault":
            # die() prints last of those who announce one; xmon is entered from there and says it again.
            return "xmon" in seen or rule.key == "xmon" or not seen & {"oops", rule.key}
        return rule.key not in seen

    def add(self, rule: Rule, match: re.Match[str], line: ConsoleLine) -> None:
        if all(head.key != rule.key for head, _, _ in self.heads):
            self.heads.append((rule, match, line))
        self.final |= rule.final

    def read(self, text: str) -> bool:
        """A line that begins nothing. Returns whether the report has ended with it."""
        rule = self._rule
        if END_TRACE.match(text) or (rule.end is End.BAR and self.calls and BAR.match(text)):
            return True
        if rule.marker and text.startswith(rule.marker):
            self.frames.clear()
            self.calls = self.trace_ended = False
            self.marked, self.foreign = True, 0
            return False
        if not self.calls and len(self.text) < LONGEST_TEXT:
            self.text.append(text)
        frame = read_frame(text)
        if frame is not None and (self.of_another or self.of_another_task):
            return False
        if frame is not None:
            if not self.trace_ended and len(self.frames) < LONGEST_TRACE:
                self.frames.append(frame)
            if frame.kind == "call" and not self.calls:
                self.calls, self.foreign = True, 0
            return False
        if text.startswith("Call Trace:"):
            self.trace_ended |= self.calls
            self.of_another = False
        self.of_another |= _OTHER_STACK.match(text) is not None
        self.of_another_task |= _OTHER_TASK.match(text) is not None
        self.of_another_task &= not _THIS_TASK.match(text)
        if not REGISTERS.match(text):
            self.trace_ended |= self.calls
            self.foreign += 1
        if rule.marker and not self.marked:
            return self.foreign > _BEFORE_MARKER
        return self.foreign > (_AFTER_TRACE if self.calls else _BEFORE_TRACE)

    # -- what it comes to --------------------------------------------------------------------

    def splat(self) -> Splat:
        rule, match, line = max(self.heads, key=lambda head: head[0].rank)
        groups = match.groupdict(default="")
        check = self._shared_check(rule, function_in(groups.get("at", "")))
        function = self._function(rule, groups.get("at", ""), check.skip if check else rule.skip)
        title = (
            f"{'WARNING' if rule.key == 'warning' else 'kernel BUG'}: {check.kind} in {{at}}"
            if check
            else rule.title
        )
        if not function:
            title = re.sub(r" (?:in|of|by) \{at\}$", "", title)
        what = groups.get("what", "")
        title = title.format(
            what=what if rule.verbatim else plain(what.lower() if rule.lower else what),
            # Of slub's sentences the first, up to the address in it.
            more=plain(re.split(r"\. | ?0x", groups.get("more", ""))[0]),
            at=function,
        )
        return Splat(title.rstrip(": "), line.raw, self._trace(), self.final)

    def _trace(self) -> tuple[str, ...]:
        """Registers, return addresses and unreliable frames often tell one and the same function."""
        sure = [frame.function for frame in self.frames if frame.sure]
        return tuple(each for number, each in enumerate(sure) if number == 0 or each != sure[number - 1])

    def _shared_check(self, rule: Rule, named: str) -> SharedCheck | None:
        """If this is a WARNING or BUG of a check that many share."""
        if rule.key not in ("warning", "kernel-bug"):
            return None
        named = named or next((frame.function for frame in self.frames if frame.kind == "nip"), "")
        for each in SHARED_CHECKS:
            if only(each.functions, named) or any(each.text.match(line) for line in self.text):
                return each
        return None

    def _function(self, rule: Rule, words: str, skip: tuple[re.Pattern[str], ...]) -> str:
        """That the title names: of its own line, else of the trace; one that only reports if there is no
        other."""
        if rule.where is Where.NOWHERE:
            return ""
        named = function_in(words)
        candidates = [Frame(named, "named")] if named else []
        candidates += _order(rule.where, self.frames)
        wanted = [each for each in candidates if not any(only(names, each.function) for names in skip)]
        for frames in (wanted, candidates):
            found = next((each for each in frames if each.sure), None)
            if found is not None:
                return found.function
        return ""


def _order(where: Where, frames: list[Frame]) -> list[Frame]:
    """Frames in the order in which they are asked for the function of a title."""
    calls = [each for each in frames if each.kind in ("call", "interrupt", "named")]
    first_call = next((number for number, each in enumerate(frames) if each.kind == "call"), len(frames))
    # Those that come later are of what was interrupted on the way.
    registers = [each for each in frames[:first_call] if each.kind in ("nip", "lr")]
    if where is Where.CALLS:
        return calls
    if where is Where.CALLER:
        return [*(each for each in registers if each.kind == "lr"), *calls]
    if where is Where.STUCK and not registers:
        # Its own timer shows the stack: what matters is what that interrupted.
        start = next((number for number, each in enumerate(calls) if each.kind == "interrupt"), 0)
        return calls[start:]
    return [*registers, *calls]
