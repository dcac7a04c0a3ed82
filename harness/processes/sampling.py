# SPDX-License-Identifier: GPL-2.0-only
"""What the kernel says of a process group: its state, the time it got, the time it had to wait for a CPU.

Read from /proc (proc(5); schedstat: Documentation/scheduler/sched-stats.rst). What is gone meanwhile is
left out, so that none of these raises.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")


@dataclass(frozen=True)
class Stat:
    """Of /proc/PID/stat. state: its letter; cpu_ticks: user and system time of all its threads, and of its
    children that it has waited for, in ticks of SC_CLK_TCK."""

    pid: int
    parent: int
    group: int
    state: str
    cpu_ticks: int


def parse_stat(text: str) -> Stat:
    """The program's name, in parentheses, may have any letters in it. ValueError for what is no stat."""
    before, found, after = text.rpartition(")")
    words = after.split()
    if not found or len(words) < 15:
        raise ValueError(f"not a stat of a process: {text[:40]!r}")
    pid = int(before.partition(" (")[0])
    return Stat(pid, int(words[1]), int(words[2]), words[0], sum(map(int, words[11:15])))


def state(group: int) -> str:
    """The letter of the group's leader, ``R``, ``S``, ``Z``...; ``T`` if any process of the group is stopped,
    for then it does not go on; '' once the leader is gone."""
    members = list(_members(group))
    leader = next((each.state for each in members if each.pid == group), "")
    stopped = any(each.state in "Tt" for each in members)
    return "T" if leader and stopped else leader


def cpu_seconds(group: int) -> float:
    """User and system time that the group has used so far, with that of members that ended and were waited
    for; 0.0 once it is gone. In steps of a tick, mostly 10 ms."""
    return sum(each.cpu_ticks for each in _members(group)) / os.sysconf("SC_CLK_TCK")


def wait_seconds(group: int) -> float:
    """How long the group was kept from running: of its threads that live now the longest time that one was
    ready to run and had no CPU. 0.0 once it is gone, or if the kernel does not count it.

    Not the sum: a QEMU whose main loop and vCPU both wait, each half of the time, runs half of the time.
    """
    longest = 0
    for each in _members(group):
        for path in _PROC.glob(f"{each.pid}/task/*/schedstat"):
            try:
                longest = max(longest, int(path.read_text().split()[1]))
            except (OSError, ValueError, IndexError):
                continue
    return longest / 1e9


def children(pid: int) -> list[int]:
    """Process ids of those that *pid* has started and not waited for."""
    return [each.pid for each in _all() if each.parent == pid]


def parents() -> dict[int, int]:
    """Process id -> that of its parent, of all processes that are seen from here."""
    return {each.pid: each.parent for each in _all()}


def _members(group: int) -> Iterator[Stat]:
    return (each for each in _all() if each.group == group)


def _all() -> Iterator[Stat]:
    for path in _PROC.glob("[0-9]*/stat"):
        try:
            yield parse_stat(path.read_text(errors="replace"))
        except (OSError, ValueError):
            continue
