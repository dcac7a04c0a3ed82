# SPDX-License-Identifier: GPL-2.0-only
"""A program that ends with us, and all that it started with it.

The program leads a process group of its own. In that group there is also a guard, a shell that waits
for the other end of a socket, the lifeline, to be closed: by kill(), or by our death, however that
came. It then kills its whole group. mmdebstrap alone would leave apt and dpkg behind, and a script
that starts QEMU would leave QEMU.

The guard is no child of the program: mmdebstrap must not find a child that it never started. It has
none of the program's files: whoever reads the program's output sees it end when the program does.
"""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import socket
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from harness.processes.single import adopt_orphans, dying_with_us

# A stopped group that is continued, or a terminal that goes, must not end the guard before its time.
_GUARD = "trap '' HUP INT QUIT TERM; read -r nothing; kill -KILL 0"


class Group:
    """process: the program; its process id is the group's."""

    def __init__(self, process: subprocess.Popen[Any], lifeline: socket.socket):
        self.process = process
        self._lifeline: socket.socket | None = lifeline

    def kill(self) -> None:
        """SIGKILL to all of the group; all have ended when this returns. May be called again."""
        if self._lifeline is not None:
            # The number is still this group's: as long as the program is not reaped, or the guard lives.
            if self.process.returncode is None or self._guarded():
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self.process.pid, signal.SIGKILL)
            self._lifeline.close()
            self._lifeline = None
            self.process.wait()
            with contextlib.suppress(ChildProcessError):
                while True:  # what has no parent any more has become our child
                    os.waitpid(-self.process.pid, 0)
        self.process.wait()

    def _guarded(self) -> bool:
        """Whether the guard lives: its end of the lifeline is closed by nobody else."""
        assert self._lifeline is not None
        try:
            return self._lifeline.recv(1, socket.MSG_DONTWAIT) != b""
        except BlockingIOError:
            return True
        except OSError:
            return False


def start(command: Sequence[str], *, with_thread: bool = False, **settings: Any) -> Group:
    """Popen of *command* with *settings*, in a guarded group and session of its own. OSError if it cannot
    be started.

    with_thread: it also dies with the thread that calls this, even if somebody killed the guard.
    """
    adopt_orphans()
    ours, theirs = socket.socketpair()
    first = dying_with_us() if with_thread else None
    try:
        process = subprocess.Popen(
            list(command), start_new_session=True, preexec_fn=lambda: _between(first, theirs.fileno()),
            **settings,
        )  # fmt: skip
    except subprocess.SubprocessError as error:
        ours.close()
        raise OSError(errno.EAGAIN, f"no guard for it could be started ({error})") from None
    except BaseException:
        ours.close()
        raise
    finally:
        theirs.close()
    return Group(process, ours)


def run(command: Sequence[str], *, timeout: float) -> subprocess.CompletedProcess[str]:
    """Run *command*, which may start others, to its end; its output as text. TimeoutExpired after *timeout*
    seconds, OSError if it cannot be started; no process is left either way."""
    program = start(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        errors="replace",
    )  # fmt: skip
    try:
        out, err = program.process.communicate(timeout=timeout)
        return subprocess.CompletedProcess(list(command), program.process.returncode, out, err)
    finally:
        program.kill()
        for stream in (program.process.stdout, program.process.stderr):
            assert stream is not None
            stream.close()


def _between(first: Callable[[], None] | None, lifeline: int) -> None:
    """In the new process, before it becomes the program."""
    middle = os.fork()
    if middle == 0:
        # Whatever happens here, this copy of us must not go on as if it were the program.
        status = 1
        try:
            if os.fork() == 0:
                _become_guard(lifeline)
            status = 0
        finally:
            os._exit(status)
    if os.waitpid(middle, 0)[1] != 0:
        raise OSError
    if first is not None:
        first()


def _become_guard(lifeline: int) -> None:
    os.dup2(lifeline, 0)
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)
    os.dup2(nothing, 2)
    for each in list(Path("/proc/self/fd").iterdir()):
        if int(each.name) > 2:
            with contextlib.suppress(OSError):  # the one it was listed by
                os.close(int(each.name))
    os.execv("/bin/sh", ["sh", "-c", _GUARD])
