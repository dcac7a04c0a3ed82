# SPDX-License-Identifier: GPL-2.0-only
"""The outermost machine: a QEMU TCG process of ours."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from pexpect.fdpexpect import fdspawn

from harness.levels import repro
from harness.levels.commands import Nonce
from harness.levels.console import Console
from harness.levels.deaf import hdsi_recursion
from harness.levels.limits import LIMITS
from harness.levels.machine import Death
from harness.levels.process import TerminalProcess, start
from harness.levels.qmp import Monitor
from harness.levels.ssh import ClientKey, Connection
from harness.model.errors import InfrastructureError
from harness.model.outcome import Outcome

_FORWARD = re.compile(r"TCP\[HOST_FORWARD\]\s+\d+\s+127\.0\.0\.1\s+(\d+)")


class TcgMachine:
    """make: from the boot's nonce to the command; extra: further words, such as a gdb stub's."""

    def __init__(self, make: Callable[[Nonce], list[str]], extra: Sequence[str] = ()):
        self._make = make
        self._extra = extra
        self.command: list[str] = []
        self.around: list[list[str]] = []
        self._directory = Path()
        self._process: TerminalProcess | None = None
        self._monitor: Monitor | None = None
        self._deaf = False  # QEMU itself is caught; it would not hear a "quit" either

    def start(self, nonce: Nonce, directory: Path, about: str) -> Console:
        self._directory = directory
        self.command = self._make(nonce)
        repro.write(directory, self.command, about)
        self._monitor = Monitor()
        command = [*self.command, *self._extra, *self._monitor.arguments]
        try:
            self._process = start(command, pass_fds=[self._monitor.theirs.fileno()])
        except OSError as error:
            raise InfrastructureError(f"cannot start {command[0]}: {error.strerror}") from None
        spawn = fdspawn(
            self._process.terminal, encoding="utf-8", codec_errors="replace", maxread=65536, use_poll=True
        )
        return Console(spawn, directory / "console.log", nonce.joined)

    def connect(self, host_key: str, key: ClientKey, timeout: float) -> Connection:
        return Connection.to_port(self.ssh_port, host_key, key, timeout)

    @property
    def ssh_port(self) -> int:
        """Of this machine of ours. InfrastructureError if QEMU does not tell."""
        match = _FORWARD.search(self._qmp().human("info usernet"))
        if match is None:
            raise InfrastructureError("QEMU shows no forwarded SSH port (info usernet)")
        return int(match[1])

    def _qmp(self) -> Monitor:
        """The monitor, connected. InfrastructureError if QEMU does not answer it."""
        if self._monitor is None:
            raise InfrastructureError("QEMU was not started")
        if not self._monitor.connected:
            self._monitor.connect(LIMITS.stop)
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

    def condition(self) -> str:
        try:
            return str(self._qmp().execute("query-status", timeout=LIMITS.quit)["status"])
        except InfrastructureError as error:
            return f"nothing ({error})"

    def death(self) -> Death | None:
        if self.exit_status is not None:
            return None
        with contextlib.suppress(InfrastructureError):
            spinning = hdsi_recursion(self._qmp(), self._directory)
            if spinning:
                self._deaf = True
                return Outcome.INFRASTRUCTURE, "qemu-hdsi-recursion", f"QEMU is deaf: {spinning}"
        return None

    def _quit(self) -> None:
        """Ask QEMU to end; one that is deaf or was never spoken to is left to SIGKILL."""
        if self._monitor is None or not self._monitor.connected or self._deaf:
            return
        with contextlib.suppress(InfrastructureError):
            self._monitor.execute("quit", timeout=LIMITS.quit)
            self.wait(LIMITS.quit)

    def stop(self) -> None:
        if self._process is not None:
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
