# SPDX-License-Identifier: GPL-2.0-only
"""A way to a machine that a program makes: ssh's ProxyCommand."""

from __future__ import annotations

import shlex
import socket
import subprocess

from harness.processes import group


class ProxySocket(socket.socket):
    """What is sent to it is the program's input, its output is what is received. The program, and all
    that it starts, ends when this is closed, and with us."""

    def __init__(self, command: str):
        """OSError if it cannot be started, ValueError for words that are no command."""
        words = shlex.split(command)
        ours, theirs = socket.socketpair()
        try:
            self._program = group.start(words, stdin=theirs, stdout=theirs, stderr=subprocess.DEVNULL)
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        super().__init__(fileno=ours.detach())

    def close(self) -> None:
        super().close()
        self._program.kill()
