# SPDX-License-Identifier: GPL-2.0-only
"""Whether processes live, for tests of what must not outlive us."""

import time
from pathlib import Path


def alive(pid):
    """A zombie is not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def gone(pids, seconds=5.0):
    """Whether these end within so many seconds."""
    deadline = time.monotonic() + seconds
    while any(alive(pid) for pid in pids):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def group(pid):
    """Process ids of a process group, zombies included."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            if int(path.read_text().rpartition(")")[2].split()[2]) == pid:
                found.append(int(path.parent.name))
        except OSError:
            continue
    return found


def records_so_far(run):
    """Number of records that a run has written."""
    try:
        return (run / "records.jsonl").read_text().count('{"record":')
    except OSError:
        return 0
