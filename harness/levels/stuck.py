# SPDX-License-Identifier: GPL-2.0-only
"""Where a process in a level is caught in the kernel, read from /proc twice, a moment apart; and whether it
was stopped by a signal."""

from __future__ import annotations

import re
from collections.abc import Callable

from harness.levels.ssh import Completed
from harness.model.errors import InfrastructureError

# %s: words that print process ids. For each thread: two lines of stat, then what the kernel tells of it.
_SCRIPT = """
for pid in $(%s); do for task in /proc/$pid/task/*; do echo "T $(cat $task/stat)"; done; done
busybox usleep 400000
for pid in $(%s); do for task in /proc/$pid/task/*; do
  echo "U $(cat $task/stat)"; echo "W $(cat $task/wchan 2>/dev/null)"
  echo "S $(cat $task/syscall 2>/dev/null)"
  while read -r line; do echo "K $line"; done <$task/stack
done; done 2>/dev/null
"""

_STAT = re.compile(r"^[TU] (\d+) \((.*)\) (\S)((?: -?\d+)+)$")
# Linux arch/powerpc/kernel/syscalls/syscall.tbl.
_IOCTL = "54"
# A thread that computes in the kernel gets about 40 ticks of the 400 ms at HZ=100; half would do.
_BUSY_TICKS = 15
# State, and user and system time in ticks, a moment ago.
_Was = tuple[str, tuple[int, int]]
_FRAME = re.compile(r"^K \[<0>\] (\S+?)\+0x")


def stuck(run: Callable[[str, float], Completed], pids: str, timeout: float) -> str:
    """``thread qemu-system-ppc in state D in kvmppc_core_destroy_vm``; '' if no thread is caught in the
    kernel or nobody can tell. pids: a command that prints process ids in the level."""
    try:
        done = run(_SCRIPT % (pids, pids), timeout)
    except InfrastructureError:
        return ""
    return read(done.stdout)


def stopped(run: Callable[[str, float], Completed], pids: str, timeout: float) -> bool:
    """Whether one of these processes is stopped (SIGSTOP, a debugger): then it is not the kernel's fault that
    it does not go on. False if nobody can tell. pids: as of stuck()."""
    try:
        done = run(f'for pid in $({pids}); do echo "U $(cat /proc/$pid/stat)"; done 2>/dev/null', timeout)
    except InfrastructureError:
        return False
    found = map(_STAT.match, done.stdout.splitlines())
    return any(match is not None and match[3] in "Tt" for match in found)


def read(text: str) -> str:
    """Of the script's output. States as in Linux Documentation/filesystems/proc.rst."""
    before: dict[str, _Was] = {}
    threads: list[tuple[str, str, str, tuple[int, int]]] = []
    more: dict[str, dict[str, list[str]]] = {}
    last = ""
    for line in text.splitlines():
        match = _STAT.match(line)
        if match:
            pid, name, state, rest = match.groups()
            values = rest.split()
            times = int(values[10]), int(values[11])  # utime, stime
            if line.startswith("T "):
                before[pid] = state, times
            else:
                last = pid
                threads.append((pid, name, state, times))
                more[pid] = {"W": [], "S": [], "K": []}
        elif last and line[:2] in ("W ", "S "):
            more[last][line[0]].append(line[2:].strip())
        elif last:
            frame = _FRAME.match(line)
            if frame:
                more[last]["K"].append(frame[1])
    for wanted in (_uninterruptible, _computes, _in_ioctl):
        for pid, name, state, times in threads:
            words = wanted(state, before[pid], times, more[pid]) if pid in before else ""
            if words:
                return f"thread {name} {words}"
    return ""


def _place(facts: dict[str, list[str]]) -> str:
    frames = facts["K"][:6]
    if frames:
        return " in " + " < ".join(frames)
    names = [each for each in facts["W"] if each and each != "0"]
    return f" in {names[0]}" if names else ""


def _uninterruptible(state: str, before: _Was, now: tuple[int, int], facts: dict[str, list[str]]) -> str:
    """Both times, and it got nowhere in between: who waits for a disk gets on."""
    return f"in state D{_place(facts)}" if state == "D" and before == (state, now) else ""


def _computes(state: str, before: _Was, now: tuple[int, int], facts: dict[str, list[str]]) -> str:
    user, system = now[0] - before[1][0], now[1] - before[1][1]
    if state == "R" and system >= _BUSY_TICKS and user * 4 < system:
        return f"runs in the kernel and does not come back{_place(facts)}"
    return ""


def _in_ioctl(state: str, before: _Was, now: tuple[int, int], facts: dict[str, list[str]]) -> str:
    inside = any(each.split()[:1] == [_IOCTL] for each in facts["S"])
    return f"sleeps in an ioctl{_place(facts)}" if state == "S" and before == (state, now) and inside else ""
