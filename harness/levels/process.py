# SPDX-License-Identifier: GPL-2.0-only
"""Start a program on a terminal of its own that cannot outlive us, nor can what it starts."""

from __future__ import annotations

import os
import pty
import subprocess
import tty
from collections.abc import Sequence
from dataclasses import dataclass

from harness.processes import group, sampling


@dataclass
class TerminalProcess:
    """group: the program and all that it started, a QEMU behind a script of the user's for instance;
    terminal: the master side of the pseudo terminal that is its stdin, stdout and stderr."""

    group: group.Group
    terminal: int

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The program itself: exit status and process id are its own."""
        return self.group.process

    def kill(self) -> None:
        """SIGKILL to it and to all that it started, and reap. Harmless when it has ended."""
        self.group.kill()

    def state(self) -> str:
        """The letter of /proc/PID/stat: ``R``, ``S``, ``D``, ``Z``...; ``T`` if it, or anything that it
        started, is stopped; '' once it is gone."""
        return sampling.state(self.process.pid)

    def cpu_seconds(self) -> float:
        """User and system time of the whole group so far; 0.0 once it is gone."""
        return sampling.cpu_seconds(self.process.pid)

    def wait_seconds(self) -> float:
        """How long it was kept from running, see sampling.wait_seconds; 0.0 once it is gone."""
        return sampling.wait_seconds(self.process.pid)


def start(argv: Sequence[str], *, pass_fds: Sequence[int] = ()) -> TerminalProcess:
    """Start *argv*; it dies with the thread that calls this. OSError if it cannot be started."""
    master, slave = pty.openpty()
    tty.setraw(slave)
    try:
        started = group.start(
            argv, with_thread=True, stdin=slave, stdout=slave, stderr=slave, pass_fds=tuple(pass_fds)
        )
    except BaseException:
        os.close(master)
        raise
    finally:
        os.close(slave)
    return TerminalProcess(started, master)
