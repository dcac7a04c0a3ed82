# SPDX-License-Identifier: GPL-2.0-only
"""The outermost machine: a QEMU TCG process of ours."""

from __future__ import annotations

import contextlib
import math
import os
import re
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from pexpect.fdpexpect import fdspawn

from harness.levels import repro
from harness.levels.commands import Nonce
from harness.levels.console import Console
from harness.levels.hdsi import hdsi_recursion
from harness.levels.limits import LIMITS, Limits
from harness.levels.machine import MachineState
from harness.levels.process import TerminalProcess, start
from harness.levels.qmp import Monitor
from harness.levels.ssh import ClientKey, Connection
from harness.model.errors import InfrastructureError

_FORWARD = re.compile(r"TCP\[HOST_FORWARD\]\s+\d+\s+127\.0\.0\.1\s+(\d+)")

_LAG_SECONDS = 0.5
# Over so long it is seen whether this computer is too slow; and so far apart are the readings for that.
_WINDOW_SECONDS, _READING_SECONDS = 30.0, 5.0
# Less than this says nothing, in seconds.
_LEAST_WAIT = 5.0


def _share(readings: Sequence[tuple[float, float, float]]) -> float:
    """Of the time in which it wanted a CPU, in the last half minute of these: that in which it got none."""
    now, ran, missed = readings[-1]
    old = [each for each in readings if now - each[0] >= _WINDOW_SECONDS]
    _, ran_before, missed_before = (old or readings[:1])[-1]
    missed -= missed_before
    return missed / (max(0.0, ran - ran_before) + missed) if missed > _LEAST_WAIT else 0.0


class TcgMachine:
    """make: from the boot's nonce to the command; extra: further words, such as a gdb stub's."""

    def __init__(
        self, make: Callable[[Nonce], list[str]], extra: Sequence[str] = (), limits: Limits = LIMITS
    ):
        self._make = make
        self._extra = extra
        self._limits = limits
        self.command: list[str] = []
        self.enclosing_commands: list[list[str]] = []
        self._directory: Path  # since it was started
        self._process: TerminalProcess | None = None
        self._monitor: Monitor | None = None
        self._lag, self._waited = 0.0, 0.0
        self._stopped = 0.0  # seconds, as far as anybody looked
        self._lag_at: float  # since it was started
        self._readings: list[tuple[float, float, float]]  # when, CPU seconds used, and not got
        self._hdsi = ""  # QEMU itself is caught; it would not hear a "quit" either

    def start(self, nonce: Nonce, directory: Path, about: str) -> Console:
        self._directory = directory
        self.command = self._make(nonce)
        repro.write(directory, self.command, about)
        self._monitor = Monitor()
        command = [*self.command, *self._extra, *self._monitor.arguments]
        self._lag_at = time.monotonic()
        self._readings = [(self._lag_at, 0.0, 0.0)]
        try:
            self._process = start(command, pass_fds=[self._monitor.theirs.fileno()])
        except OSError as error:
            raise InfrastructureError(f"cannot start {command[0]}: {error.strerror}") from None
        spawn = fdspawn(
            self._process.terminal, encoding="utf-8", codec_errors="replace", maxread=65536, use_poll=True
        )
        console = Console(spawn, directory / "console.log", nonce.joined, lag=self.lag)
        # A kernel's time starts when its QEMU runs. One that ends at once says why on its console.
        with contextlib.suppress(InfrastructureError):
            self._monitor.connect(self._limits.qemu_start)
        return console

    def connect(self, host_key: str, key: ClientKey, timeout: float) -> Connection:
        return Connection.to_port(self.ssh_port, host_key, key, timeout)

    @property
    def ssh_port(self) -> int:
        """Of this machine of ours. InfrastructureError if QEMU does not tell."""
        match = _FORWARD.search(self.monitor_command("info usernet"))
        if match is None:
            raise InfrastructureError("QEMU shows no forwarded SSH port (info usernet)")
        return int(match[1])

    def monitor_command(self, line: str) -> str:
        return self._qmp().human(line, self._limits.monitor)

    def _qmp(self) -> Monitor:
        """The monitor, connected. InfrastructureError if QEMU does not answer it."""
        if self._monitor is None:
            raise InfrastructureError("QEMU was not started")
        if not self._monitor.connected:
            raise InfrastructureError(
                f"QEMU did not answer its monitor within {self._limits.qemu_start:g} s of its start"
            )
        return self._monitor

    @property
    def exit_status(self) -> int | None:
        if self._process is None:
            return -1
        return self._process.process.poll()

    def wait(self, timeout: float) -> int | None:
        """Exit status within *timeout* seconds, None if it runs on."""
        assert self._process is not None
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self._process.process.wait(timeout)
        return None

    def lag(self) -> float:
        """Asked after each line of a console: looked up now and then only. Several threads may wait at once;
        more than time passed none of them can have lost."""
        now = time.monotonic()
        if self._process is not None and now - self._lag_at > _LAG_SECONDS:
            waited = self._process.wait_seconds()
            if self._process.state() in ("T", "t"):
                self._stopped += now - self._lag_at
            self._lag += max(0.0, min(waited - self._waited, now - self._lag_at))
            self._lag_at, self._waited = now, waited
            if now - self._readings[-1][0] >= _READING_SECONDS:
                self._readings.append(self._reading(now))
        return self._lag

    def _reading(self, now: float) -> tuple[float, float, float]:
        assert self._process is not None
        return now, self._process.cpu_seconds(), self._lag + self._stopped

    def starved(self) -> float:
        return self.starved_since(math.inf)

    def starved_since(self, moment: float) -> float:
        if self._process is None:
            return 0.0
        self.lag()
        readings = [*self._readings, self._reading(time.monotonic())]
        ends = [number for number, each in enumerate(readings) if each[0] >= moment] or [len(readings) - 1]
        return max(_share(readings[: number + 1]) for number in ends)

    def state(self) -> MachineState:
        if self._process is None:
            return MachineState()
        if self.exit_status is not None:
            return self._ended()
        letter = self._process.state()
        if letter in ("T", "t"):
            return MachineState(process_state=letter)
        if not self._hdsi:
            with contextlib.suppress(InfrastructureError):
                self._hdsi = hdsi_recursion(self._qmp(), self._directory)
        monitor = self._status()
        # A QEMU that was killed closes its files first and has gigabytes to free: it is known to have ended
        # only a moment later.
        if monitor == "silent" and self.wait(self._limits.quit) is not None:
            return self._ended()
        return MachineState(process_state=letter, monitor=monitor, hdsi=self._hdsi, starved=self.starved())

    def _ended(self) -> MachineState:
        reason = self._monitor.shutdown_reason() if self._monitor else ""
        return MachineState(self.exit_status, shutdown=reason)

    def _status(self) -> str:
        try:
            answer = self._qmp().execute("query-status", timeout=self._limits.monitor)
            return str(answer["status"])
        except InfrastructureError:
            return "silent"

    def type_on_console(self, text: str) -> bool:
        if self._process is None:
            return False
        try:
            os.write(self._process.terminal, text.encode())
        except OSError:
            return False
        return True

    def _quit(self) -> None:
        """Ask QEMU to end; one that is stuck or was never spoken to is left to SIGKILL."""
        if self._monitor is None or not self._monitor.connected or self._hdsi:
            return
        with contextlib.suppress(InfrastructureError):
            self._monitor.execute("quit", timeout=self._limits.quit)
            self.wait(self._limits.quit)

    def stop(self) -> None:
        if self._process is not None:
            if self._process.state() not in ("T", "t"):
                self._quit()
            self._process.kill()
        if self._monitor is not None:
            self._monitor.close()
            self._monitor = None

    def close(self) -> None:
        """After the console has read the rest."""
        if self._process is not None:
            os.close(self._process.terminal)
            self._process = None
