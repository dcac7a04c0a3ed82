# SPDX-License-Identifier: GPL-2.0-only
"""Start a program on a terminal of its own that cannot outlive us."""

from __future__ import annotations

import ctypes
import os
import pty
import signal
import subprocess
import tty
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


def die_with_parent(parent: int) -> None:
    """Have the kernel SIGKILL this process when the thread that started it ends.

    parent: its process id, taken before the fork: it may be gone by now.
    """
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)


@dataclass
class TerminalProcess:
    """process, and the master side of the pseudo terminal that is its stdin, stdout and stderr."""

    process: subprocess.Popen[bytes]
    terminal: int

    def kill(self) -> None:
        """SIGKILL, and reap. Harmless when it has ended."""
        self.process.kill()
        self.process.wait()

    def cpu_seconds(self) -> float:
        """User and system time it has used so far; 0.0 once it is gone."""
        try:
            stat = Path(f"/proc/{self.process.pid}/stat").read_text()
        except OSError:
            return 0.0
        values = stat.rpartition(")")[2].split()
        return (int(values[11]) + int(values[12])) / os.sysconf("SC_CLK_TCK")


def start(argv: Sequence[str], *, pass_fds: Sequence[int] = ()) -> TerminalProcess:
    """Start *argv*; it dies with the thread that calls this. OSError if it cannot be started."""
    parent = os.getpid()
    master, slave = pty.openpty()
    tty.setraw(slave)
    try:
        process = subprocess.Popen(
            list(argv),
            stdin=slave,
            stdout=slave,
            stderr=slave,
            pass_fds=tuple(pass_fds),
            start_new_session=True,
            # Runs between fork and exec; one system call that Python itself has no name for.
            preexec_fn=lambda: die_with_parent(parent),
        )
    except BaseException:
        os.close(master)
        raise
    finally:
        os.close(slave)
    return TerminalProcess(process, master)
