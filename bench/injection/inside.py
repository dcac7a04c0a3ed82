# SPDX-License-Identifier: GPL-2.0-only
"""Into processes that run: their relations, their descriptors, their sockets, their terminals. Linux only."""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import socket
import struct
from collections.abc import Iterator
from pathlib import Path

_PIDFD_GETFD = 438  # the same number on every architecture (Linux scripts/syscall.tbl)
_libc = ctypes.CDLL(None, use_errno=True)
_PROC = Path("/proc")
_ESTABLISHED = "01"  # Linux include/net/tcp_states.h


def marked(word: str) -> list[int]:
    """Process ids of all that have *word* in the environment they were started with: whatever was started
    by one that had it. Zombies have none."""
    wanted, found = word.encode(), []
    for path in _PROC.glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            if wanted in path.read_bytes():
                found.append(int(path.parent.name))
    return sorted(found)


def command_of(pid: int) -> list[str]:
    """Its words, none once it is gone."""
    with contextlib.suppress(OSError):
        return (_PROC / str(pid) / "cmdline").read_bytes().decode(errors="replace").split("\0")[:-1]
    return []


@contextlib.contextmanager
def descriptor(pid: int, number: int) -> Iterator[int]:
    """A copy of a descriptor of another process. OSError if there is none, or it is not ours to look at."""
    handle = os.pidfd_open(pid)
    try:
        copy = _libc.syscall(_PIDFD_GETFD, handle, number, 0)
        if copy < 0:
            raise OSError(ctypes.get_errno(), f"no copy of descriptor {number} of process {pid}")
        try:
            yield copy
        finally:
            os.close(copy)
    finally:
        os.close(handle)


def descriptors(pid: int) -> dict[int, str]:
    """Number -> what it is, as /proc/PID/fd shows it."""
    found = {}
    with contextlib.suppress(OSError):
        for path in (_PROC / str(pid) / "fd").iterdir():
            with contextlib.suppress(OSError):
                found[int(path.name)] = str(path.readlink())
    return found


def tcp_connections(pid: int) -> list[int]:
    """Descriptors of a process that are established TCP connections over IPv4."""
    inodes = set()
    with contextlib.suppress(OSError):
        for line in (_PROC / str(pid) / "net/tcp").read_text().splitlines()[1:]:
            words = line.split()
            if words[3] == _ESTABLISHED:
                inodes.add(f"socket:[{words[9]}]")
    return sorted(number for number, what in descriptors(pid).items() if what in inodes)


def reset(pid: int, number: int) -> None:
    """Reset a TCP connection of another process: both ends see it. A connect() to no family disconnects
    (Linux net/ipv4/tcp.c, tcp_disconnect), and with no time to linger by a RST."""
    with descriptor(pid, number) as copy, socket.socket(fileno=os.dup(copy)) as ours:
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        no_family = struct.pack("H14x", socket.AF_UNSPEC)
        if _libc.connect(ours.fileno(), no_family, len(no_family)) < 0:
            raise OSError(ctypes.get_errno(), f"connection {number} of process {pid} is not reset")


def type_on_terminal(pid: int, text: str) -> None:
    """Type on the terminal of which *pid* holds the other side: QEMU's console, for the process that reads
    it. The newest is taken. OSError if it has none."""
    masters = [number for number, what in descriptors(pid).items() if re.search(r"/ptmx$", what)]
    if not masters:
        raise OSError(f"process {pid} holds no terminal")
    with descriptor(pid, max(masters)) as copy:
        os.write(copy, text.encode())
