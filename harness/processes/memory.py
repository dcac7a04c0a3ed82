# SPDX-License-Identifier: GPL-2.0-only
"""Memory that new processes may take on this machine."""

from __future__ import annotations

from pathlib import Path

_PROC = Path("/proc")
_CGROUP = Path("/sys/fs/cgroup")


def available(proc: Path = _PROC, cgroup: Path = _CGROUP) -> int:
    """Bytes that can be had without swapping: the kernel's MemAvailable, or what is left to our cgroup.

    MemAvailable (Linux Documentation/filesystems/proc.rst) counts page cache that can be dropped. MemFree,
    which sysconf's SC_AVPHYS_PAGES gives, does not: after a download of some GB it is near 0 on an idle
    machine. In a container the limit of cgroup v2 counts, and the limits of the groups around it; a group
    gives up its inactive file cache before it refuses memory.
    """
    left = [_mem_available((proc / "meminfo").read_text())]
    for line in _text(proc / "self" / "cgroup").splitlines():
        number, _, path = line.split(":", 2)
        if number == "0":
            inner = cgroup / path.lstrip("/")
            left += [_left(each) for each in (inner, *inner.parents) if each.is_relative_to(cgroup)]
    return max(0, min(left))


def _mem_available(meminfo: str) -> int:
    words = {line.split()[0]: int(line.split()[1]) << 10 for line in meminfo.splitlines() if line}
    return words["MemAvailable:"]


def _left(group: Path) -> int:
    """A huge number for a group without a limit, and for the root, which has none."""
    limit = _text(group / "memory.max").strip()
    if not limit or limit == "max":
        return 1 << 62
    stat = dict(line.split() for line in _text(group / "memory.stat").splitlines())
    return int(limit) - int(_text(group / "memory.current") or 0) + int(stat.get("inactive_file", 0))


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
