# SPDX-License-Identifier: GPL-2.0-only
"""A program that starts no others, and ends with us."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
from collections.abc import Callable, Sequence
from typing import Any

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_libc = ctypes.CDLL(None, use_errno=True)


def die_with_parent(parent: int, how: signal.Signals = signal.SIGKILL) -> None:
    """Have the kernel send *how* to this process when the thread that started it ends.

    parent: its process id, taken before the fork: it may be gone by now.
    """
    _libc.prctl(_PR_SET_PDEATHSIG, how)
    if os.getppid() != parent:
        os.kill(os.getpid(), how)


def adopt_orphans() -> None:
    """From now on whatever is left of a program of ours becomes our child, not that of process 1: we can
    wait for its end, and where process 1 waits for nobody, as in many containers, no zombie stays."""
    _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1)


def dying_with_us() -> Callable[[], None]:
    """For Popen's preexec_fn: runs between fork and exec, one system call that Python has no name for."""
    parent = os.getpid()
    return lambda: die_with_parent(parent)


def run(command: Sequence[str], **settings: Any) -> subprocess.CompletedProcess[Any]:
    """subprocess.run, of a program that is killed when the thread that called this ends, by SIGKILL too.

    For one that starts no others: what it started would be left. See group.py for the rest.
    """
    return subprocess.run(command, preexec_fn=dying_with_us(), **settings)
