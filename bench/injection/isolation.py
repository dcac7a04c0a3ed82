# SPDX-License-Identifier: GPL-2.0-only
"""A network and mounts of our own: faults of the network and of disks harm nobody else, and end with us.

There is no way out of that network: so every run here also shows that one with all its parts in the cache
needs no mirror.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
import struct
import subprocess
import sys
from pathlib import Path

_THERE = "KVMPPC_FAULTS_ISOLATED"
# Linux include/uapi/linux/sockios.h and if.h.
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 1


def enter() -> None:
    """Start this program again in namespaces of its own, as far as this machine lets us; does not return if
    it does. Harmless when we are there already."""
    if os.environ.get(_THERE):
        return
    unshare = shutil.which("unshare")
    words = ["--mount", "--net", *(() if os.geteuid() == 0 else ("--user", "--map-root-user"))]
    if (
        unshare is None
        or subprocess.run([unshare, *words, "true"], capture_output=True, check=False).returncode
    ):
        return
    os.execve(unshare, ["unshare", *words, "--", sys.executable, *sys.argv], {**os.environ, _THERE: "1"})


def entered() -> bool:
    return bool(os.environ.get(_THERE))


def loopback(up: bool) -> None:
    """Switch ``lo`` on or off. OSError outside of namespaces of ours."""
    with socket.socket() as any_socket:
        asked = fcntl.ioctl(any_socket, _SIOCGIFFLAGS, struct.pack("16sh14x", b"lo", 0))
        flags = struct.unpack("16sh14x", asked)[1]
        flags = flags | _IFF_UP if up else flags & ~_IFF_UP
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags))


def drop_packets(drop: bool) -> None:
    """Drop every packet on ``lo``, as a firewall does, without a word to whoever sent it: a queue that has
    room for none."""
    words = ["add", "dev", "lo", "root", "pfifo", "limit", "0"] if drop else ["del", "dev", "lo", "root"]
    subprocess.run(["tc", "qdisc", *words], check=True, capture_output=True)


def mount_tmpfs(where: Path, kibibytes: int) -> None:
    """A small disk of its own."""
    where.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={kibibytes}k", "tmpfs", where], check=True)


def remount_read_only(where: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", where], check=True, capture_output=True)


def unmount(where: Path) -> None:
    """Also while somebody uses it."""
    subprocess.run(["umount", "-l", where], check=True)
