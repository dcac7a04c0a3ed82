# SPDX-License-Identifier: GPL-2.0-only
"""A look at a level's health: what is new on its console, its taint flags, its kernel log."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import count

from harness.health.messages import complaint, parse_messages
from harness.health.splats import read_splats
from harness.levels.ssh import Completed
from harness.model.errors import InfrastructureError
from harness.model.looks import Look
from harness.model.splat import Splat

# One program and one round trip: the lines of warning level and worse, of which a splat has all, and those
# that only begin as one does.
_ASK = (
    # Not by "read": a sysctl that is read byte by byte gives its first digit only.
    "taint=$(cat /proc/sys/kernel/tainted); read -r up _ </proc/uptime; log=/run/kvmppc-log; "
    'dmesg -r >$log && [ -s $log ] && echo "kvmppc-health $taint $up" && '
    "grep -e '^<[0-4]>' -e '^<[5-7]>.*BUG: ' $log; true"
)
# Of notice, info or debug level (include/linux/kern_levels.h).
_QUIET = re.compile(r"<[5-7]>")
_HEAD = re.compile(r"^kvmppc-health (\d+) ([\d.]+)$")


class HealthWatch:
    """Remembers what was told of one start of one level. name: ``L1``; boot: which start, from 1."""

    def __init__(self, name: str, boot: int):
        self.name = name
        self.boot = boot
        # Title -> so often.
        self._told: Counter[str] = Counter()
        self._in_console: Counter[str] = Counter()
        self._in_log: Counter[str] = Counter()
        self._console_seen = 0
        self._lines: list[str] = []  # of the kernel log, so far
        self._asked = False
        self._in_passing: set[str] = set()

    def glance(self, console: Sequence[Splat], when: str) -> Look:
        """What is new on the console alone; the level is not asked."""
        return Look(self.name, when, False, splats=self._new(console, [], when), boot=self.boot)

    def look(
        self, console: Callable[[], Sequence[Splat]], run: Callable[[str, float], Completed], when: str,
        timeout: float,
    ) -> Look:  # fmt: skip
        """Ask the level as well. Never raises: a level that does not answer is told as that."""
        try:
            done = run(_ASK, timeout)
        except InfrastructureError as error:
            seen = self._new(console(), [], when)
            return Look(self.name, when, False, splats=seen, boot=self.boot, reason=str(error))
        head, *lines = done.stdout.splitlines() or [""]
        match = _HEAD.match(head)
        if match is None:
            words = f"it said {head[:80]!r}, {done.stderr.strip()[-80:]!r} (status {done.status})"
            seen = self._new(console(), [], when)
            return Look(self.name, when, False, splats=seen, boot=self.boot, reason=words)
        fresh = self._fresh(lines)
        booting, self._asked = not self._asked, True
        loud = [each for each in fresh if not _QUIET.match(each)]
        from_log = read_splats(loud)
        self._pass_over([each for each in fresh if _QUIET.match(each)], from_log)
        messages = parse_messages("\n".join(loud))
        for each in messages:
            title = complaint(each, booting)
            if title is not None:
                from_log.append(Splat(title, each.text))
        seen = self._new(console(), from_log, when)
        shown = tuple(each.text for each in messages)[:50]
        return Look(
            self.name, when, True, int(match[1]), seen, shown, float(match[2]), self.boot
        )  # fmt: skip

    def _pass_over(self, quiet: Sequence[str], loud: Sequence[Splat]) -> None:
        """A console does not show levels. What the log has at notice or below only, in one line and without a
        trace, is what somebody prints who speaks of bugs: a kernel that has one says so at warning or worse
        (lib/bug.c, mm/, kernel/sched, kernel/locking)."""
        said = {each.title for each in read_splats(quiet) if not each.trace}
        self._in_passing = (self._in_passing | said) - {each.title for each in loud}

    def _fresh(self, lines: list[str]) -> list[str]:
        """Those that were not there last time, also if the log has lost its beginning meanwhile: what the old
        one ended with is old; where nothing of that is left, all is new."""
        old, self._lines = self._lines, lines
        lost = next(number for number in count() if lines[: len(old) - number] == old[number:])
        return lines[len(old) - lost :]

    def _new(self, console: Sequence[Splat], log: Sequence[Splat], when: str) -> tuple[Splat, ...]:
        """Each complaint once, though both the console and the log have it, in whatever order."""
        fresh = [
            each for each in console[self._console_seen :]
            if each.trace or each.final or each.title not in self._in_passing
        ]  # fmt: skip
        self._console_seen = len(console)
        self._in_console.update(each.title for each in fresh)
        self._in_log.update(each.title for each in log)
        found = []
        for each in (*fresh, *log):
            if self._told[each.title] < max(self._in_console[each.title], self._in_log[each.title]):
                self._told[each.title] += 1
                found.append(replace(each, level=self.name, when=when))
        return tuple(found)
