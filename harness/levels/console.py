# SPDX-License-Identifier: GPL-2.0-only
"""A machine's console: read all the time by a thread, watched by whoever waits.

The reading is pexpect's; on top of it lines are recognised as they complete: reports of
our guest programs (markers with the boot's nonce) and lines that decide how a boot ends.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import Any

import pexpect
from pexpect.spawnbase import SpawnBase

from harness.levels.timedlog import TimedLog
from harness.model.classify import BENIGN, Finding, classify

_ANSI = re.compile(r"\x1b(?:\[[0-9;?]*[ -/]*[@-~]|[@-Z\\-_])")
# What a developer wants to see of an otherwise fine boot.
_WARNING = re.compile(r"(?:WARNING: CPU|\bcall trace:|hcall failed|couldn't )", re.IGNORECASE)


class Ended(Enum):
    """Why a wait ended."""

    MET = "met"
    TIMEOUT = "timeout"
    SILENCE = "silence"
    EOF = "eof"
    OUTER = "outer"  # a level that this machine runs in has died


class Console:
    """Owns *spawn* (a pexpect object that reads text) and the log at *path*.

    nonce: joined nonce of this boot; only lines that carry it are reports; outer: the console of
    the level whose QEMU this is: if that level dies, nobody waits here any longer.
    """

    def __init__(self, spawn: SpawnBase[str], path: Path, nonce: str, outer: Console | None = None):
        self.started = time.monotonic()
        self.path = path
        self.lines: list[str] = []
        self.reports: dict[str, dict[str, Any]] = {}
        self.report_times: dict[str, float] = {}
        self.finding: Finding | None = None
        self.warnings: list[str] = []
        self._marker = re.compile(rf"kvmppc:{re.escape(nonce)}:(\w+):(\{{.*\}})")
        self._spawn = spawn
        self._log = TimedLog(path, self.started)
        spawn.logfile_read = self._log
        self._changed = threading.Condition()
        self._eof = False
        self._outer = outer
        self._inner: list[Console] = []
        if outer is not None:
            outer._inner.append(self)
        self._thread = threading.Thread(target=self._pump, name=f"console {path.parent.name}", daemon=True)
        self._thread.start()

    def _pump(self) -> None:
        while True:
            try:
                found = self._spawn.expect_exact(["\n", pexpect.EOF, pexpect.TIMEOUT], timeout=3600)
            except (OSError, ValueError):
                found = 1  # the descriptor was closed under us
            if found == 2:
                continue
            text = self._spawn.before if isinstance(self._spawn.before, str) else ""
            with self._changed:
                if text:
                    self._line(_ANSI.sub("", text).rstrip("\r"))
                if found == 1:
                    self._eof = True
                self._changed.notify_all()
            if self.over:
                self._tell_inner()
            if found == 1:
                return

    @property
    def over(self) -> bool:
        """Whether the machine is of no further use, by its own words or by what runs it."""
        final = self.finding is not None and self.finding.final
        return self._eof or final or (self._outer is not None and self._outer.over)

    def _tell_inner(self) -> None:
        for inner in self._inner:
            with inner._changed:
                inner._changed.notify_all()
            inner._tell_inner()

    def _line(self, line: str) -> None:
        self.lines.append(line)
        report = self._marker.search(line)
        if report:
            try:
                self.reports[report[1]] = json.loads(report[2])
            except ValueError:
                self.warnings.append(f"unreadable report: {line}")
            else:
                self.report_times[report[1]] = time.monotonic() - self.started
            return
        found = classify(line)
        if found is not None and (self.finding is None or (found.final and not self.finding.final)):
            self.finding = found
        if _WARNING.search(line) and not any(each.search(line) for each in BENIGN):
            self.warnings.append(line.strip())

    def wait(self, met: Callable[[Console], bool], timeout: float, silence: float) -> Ended:
        """Until *met*, the end of output, *timeout* seconds, or *silence* seconds without a byte.

        *met* is asked after each line; with what had arrived before, first.
        """
        deadline = time.monotonic() + timeout
        waiting_since = time.monotonic()
        with self._changed:
            while True:
                if met(self):
                    return Ended.MET
                if self._eof:
                    return Ended.EOF
                if self._outer is not None and self._outer.over:
                    return Ended.OUTER
                now = time.monotonic()
                quiet_at = max(self._log.last_output, waiting_since) + silence
                if now >= deadline:
                    return Ended.TIMEOUT
                if now >= quiet_at:
                    return Ended.SILENCE
                self._changed.wait(min(deadline, quiet_at) - now)

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
        self._thread.join(timeout=5)
        if self._thread.is_alive():
            self._spawn.close()  # type: ignore[attr-defined]
            self._thread.join(timeout=5)
        self._log.flush()
        self._log.close()
