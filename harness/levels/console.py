# SPDX-License-Identifier: GPL-2.0-only
"""A machine's console: read all the time by a thread, watched by whoever waits.

The reading is pexpect's; on top of it lines are recognised as they complete: reports of our guest programs
(markers with the boot's nonce), splats, and lines that decide how a boot ends.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pexpect
from pexpect.spawnbase import SpawnBase

from harness.health.cause import deadly
from harness.health.ending import Ended
from harness.health.splats import SplatReader
from harness.levels.timedlog import TimedLog
from harness.model.classify import BENIGN, Finding, classify, disk_trouble
from harness.model.outcome import Outcome
from harness.model.splat import Splat

__all__ = ["Console", "Ended"]

_ANSI = re.compile(r"\x1b(?:\[[0-9;?]*[ -/]*[@-~]|[@-Z\\-_])")
# What a developer wants to see of an otherwise fine boot.
_WARNING = re.compile(r"(?:hcall failed|couldn't )", re.IGNORECASE)

# After its host has failed, a guest has so long to come to its own end, in seconds.
_AFTER_HOST_FAILED = 10.0

# A report is printed in one go: its end is known by a pause, in seconds, or by the next line.
_REPORT_PAUSE = 0.3
_REPORT_SECONDS = 5.0

_LOOK_UP_SECONDS = 1.0

# A console of any length takes so much memory and no more: the log has all of it.
_READ_SIZE = 1 << 14  # characters at a time
_LONGEST_LINE = 1 << 16  # characters
_LINES_KEPT = 2000  # the newest
_SAME_TITLE_KEPT = 8
_TITLES_KEPT = 2000
_WARNINGS_KEPT = 200

# What a machine that is gone has said is read within this time, in seconds.
_REST_SECONDS = 5.0


class Console:
    """Owns *spawn* (a pexpect object that reads text) and the log at *path*.

    nonce: joined nonce of this boot; only lines that carry it are reports; outer: the console of
    the level whose QEMU this is: if that level dies, nobody waits here any longer;
    lag: seconds so far in which the machine wanted to run and this computer did not let it: they do not
    count for any limit.
    """

    def __init__(
        self,
        spawn: SpawnBase[str],
        path: Path,
        nonce: str,
        outer: Console | None = None,
        lag: Callable[[], float] = lambda: 0.0,
    ):
        self.started = time.monotonic()
        self.path = path
        self.lines: list[str] = []
        self.reports: dict[str, dict[str, Any]] = {}
        self.report_times: dict[str, float] = {}
        self.finding: Finding | None = None
        self.qemu_line = ""  # the first error line of QEMU itself
        self.disk_line = ""  # the first that says that a disk or an image cannot be read
        self.warnings: list[str] = []
        self._splats: list[Splat] = []
        self._by_title: dict[str, list[Splat]] = {}
        self._reader = SplatReader()
        self._marker = re.compile(rf"kvmppc:{re.escape(nonce)}:(\w+):(\{{.*\}})")
        self._spawn = spawn
        self._lag = lag
        self._log = TimedLog(path, self.started)
        spawn.logfile_read = self._log
        self._changed = threading.Condition()
        self._eof = False
        self._failed_at: float | None = None  # time.monotonic() of the first deadly splat
        self._outer = outer
        self._inner: list[Console] = []
        if outer is not None:
            outer._inner.append(self)
        self._thread = threading.Thread(target=self._pump, name=f"console {path.parent.name}", daemon=True)
        self._thread.start()

    def _pump(self) -> None:
        for text in self._texts():
            with self._changed:
                if text:
                    self._line(_ANSI.sub("", text).rstrip("\r"))
                self._changed.notify_all()
            self._tell_inner()
        with self._changed:
            self._eof = True
            self._keep(self._reader.take(flush=True))
            self._changed.notify_all()
        self._tell_inner()

    def _texts(self) -> Iterator[str]:
        """Lines as they complete, and what is left at the end. One that does not end is cut: pexpect's expect
        would keep all of it."""
        partial = ""
        while True:
            try:
                partial += self._spawn.read_nonblocking(_READ_SIZE, None)
            except (pexpect.EOF, OSError, ValueError):  # OSError: the descriptor was closed under us
                if partial:
                    yield partial
                return
            *lines, partial = partial.split("\n")
            yield from lines
            if len(partial) > _LONGEST_LINE:
                yield partial
                partial = ""

    @property
    def over(self) -> bool:
        """Whether the machine is of no further use, by its own words or by what runs it."""
        return self._eof or self.panicked or (self._outer is not None and self._outer.over)

    @property
    def panicked(self) -> bool:
        """Whether its kernel said a line after which nothing is to be expected of it."""
        return bool(self.panic_line) or self._reader.final is not None

    @property
    def panic_line(self) -> str:
        """The kernel's or QEMU's line that says so; '' for none."""
        found = self.finding
        return found.line if found is not None and found.outcome is Outcome.PANIC else ""

    @property
    def final(self) -> bool:
        """The same, or QEMU's own word that there is no guest."""
        return self.panicked or (self.finding is not None and self.finding.final)

    @property
    def ended(self) -> bool:
        """Whether there is no more to read."""
        return self._eof

    def splats(self) -> tuple[Splat, ...]:
        """All so far, in order; one that is being printed may lack the end of its trace."""
        with self._changed:
            return (*self._splats, *self._unfinished())

    def settled_splats(self) -> tuple[Splat, ...]:
        """The same, once the one that is being printed, if there is one, is whole."""
        if self._reader.reading:
            self.wait(lambda seen: not seen._reader.reading, _REPORT_SECONDS, _REPORT_PAUSE)
        return self.splats()

    def _unfinished(self) -> tuple[Splat, ...]:
        found = self._reader.unfinished
        return (found,) if found is not None else ()

    def _tell_inner(self) -> None:
        for inner in self._inner:
            with inner._changed:
                inner._changed.notify_all()
            inner._tell_inner()

    def _keep(self, splats: list[Splat]) -> None:
        """Of a kernel that complains without an end so many of each title take memory: what comes then is the
        last of those again. Their number stays true, for others remember how many there were."""
        for each in splats:
            known = self._by_title.setdefault(each.title, [])
            room = len(known) < _SAME_TITLE_KEPT and (known or len(self._by_title) <= _TITLES_KEPT)
            if each.final or room:
                known.append(each)
            elif not known:
                known.append(self._splats[-1])
            self._splats.append(known[-1])

    def _line(self, line: str) -> None:
        self.lines.append(line)
        if len(self.lines) > 2 * _LINES_KEPT:
            del self.lines[:-_LINES_KEPT]
        report = self._marker.search(line)
        if report:
            try:
                self.reports[report[1]] = json.loads(report[2])
            except ValueError:
                self.warnings.append(f"unreadable report: {line}")
            else:
                self.report_times[report[1]] = time.monotonic() - self.started
            return
        self._reader.feed(line)
        self._keep(self._reader.take())
        if self._failed_at is None and any(deadly(each) for each in (*self._splats, *self._unfinished())):
            self._failed_at = time.monotonic()
        found = classify(line)
        if found is not None and (self.finding is None or (found.final and not self.finding.final)):
            self.finding = found
        if found is not None and found.key == "qemu" and not self.qemu_line:
            self.qemu_line = line.strip()
        if not self.disk_line and disk_trouble(line):
            self.disk_line = line.strip()
        of_interest = len(self.warnings) < _WARNINGS_KEPT and _WARNING.search(line)
        if of_interest and not any(each.search(line) for each in BENIGN):
            self.warnings.append(line.strip())

    def _host_failed_at(self) -> float | None:
        if self._outer is None:
            return None
        return self._outer._failed_at if self._outer._failed_at is not None else self._outer._host_failed_at()

    def wait(self, met: Callable[[Console], bool], timeout: float, silence: float) -> Ended:
        """Until *met*, the end of output, *timeout* seconds, or *silence* seconds without a byte.

        *met* is asked after each line; with what had arrived before, first. Time in which the machine was
        kept from running does not count (see lag). If the host of this machine fails meanwhile, what is
        left of the silence is short.
        """
        began, lag = time.monotonic(), self._lag()
        with self._changed:
            while True:
                if met(self):
                    return Ended.MET
                if self._eof:
                    return Ended.EOF
                if self._outer is not None and self._outer.over:
                    return Ended.OUTER
                now, kept = time.monotonic(), self._lag() - lag
                deadline = began + timeout + kept
                quiet_at = max(self._log.last_output, began) + silence + kept
                failed = self._host_failed_at()
                if failed is not None:
                    quiet_at = min(quiet_at, max(failed, self._log.last_output, began) + _AFTER_HOST_FAILED)
                if now >= deadline:
                    return Ended.TIMEOUT
                if now >= quiet_at:
                    return Ended.SILENCE
                # Not for longer at once: how the machine fares meanwhile is read now and then (see lag).
                self._changed.wait(min(deadline - now, quiet_at - now, _LOOK_UP_SECONDS))

    @property
    def last_heard(self) -> float:
        """time.monotonic() of the newest byte; of its start, if there was none."""
        return self._log.last_output

    @property
    def silent_for(self) -> float:
        """Seconds since the newest byte."""
        return time.monotonic() - max(self._log.last_output, self.started)

    @property
    def spoke(self) -> bool:
        """Whether a byte came at all."""
        return self._log.last_output > self._log.start

    @property
    def log_trouble(self) -> str:
        """Why the log is not whole; '' if it is."""
        self._log.flush()
        error = self._log.error
        return f"cannot write {self.path}: {error.strerror or error}" if error else ""

    @property
    def last_line(self) -> str:
        return next((line.strip() for line in reversed(self.lines) if line.strip()), "")

    def close(self) -> None:
        """Once the machine is gone: let the thread read the rest, then close the log."""
        self._thread.join(timeout=_REST_SECONDS)
        if self._thread.is_alive():
            self._spawn.close()  # type: ignore[attr-defined]
            self._thread.join(timeout=_REST_SECONDS)
        if self._outer is not None and self in self._outer._inner:
            self._outer._inner.remove(self)
        self._log.close()
