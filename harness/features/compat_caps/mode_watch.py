# SPDX-License-Identifier: GPL-2.0-only
"""Look at the outermost emulated CPU while a guest of L1's spins in it: which PCR is in force then.

Of a QEMU that emulates all levels on one CPU, through its monitor. That it is the guest's time is known by
a number of ours in r31, which nobody else has there.
"""

from __future__ import annotations

import contextlib
import secrets
import time
from collections import Counter
from typing import Any

from harness.features.compat_caps.in_force import Spin, settled
from harness.features.feature import Monitor, Session
from harness.model.errors import InfrastructureError

NO_MONITOR = "no QEMU of ours emulates this machine, so there is no CPU to look at"

_EINTR = 4
# A guest spins for so long if nobody asks what became of it.
_SPIN_SECONDS = 12
# Samples settle in 0.1 s; on a computer that is busy with other things it may take longer.
_LOOK_SECONDS = 10.0
# LPIDR has 12 bits or fewer. Of PCR's bits those from 6 to 59 are reserved: all 0 or all 1.
_LARGEST_LPID, _PCR_LOW, _PCR_RESERVED = (1 << 16) - 1, 6, (1 << 54) - 1


def observe(session: Session, monitor: Monitor | None, spin: Spin) -> dict[str, Any]:
    """One document, as in_force.Seen reads it. monitor: a human monitor command -> its output; None where
    there is none. Raises what *session* raises."""
    mark = secrets.randbits(60) | 1 << 60
    values = ",".join("-" if each is None else f"{each:#x}" for each in spin.values)
    (started,) = session.ask([f"spin {values} {spin.vcpu} {_SPIN_SECONDS} {mark:#x}"])
    if "trouble" in started:
        return started
    found: dict[str, Any] = {
        "steps": started["steps"], "samples": 0, "counts": [], "unseen": "", "lost": "", "spun": {}
    }  # fmt: skip
    if monitor is None:
        found["unseen"] = NO_MONITOR
    elif started["steps"][-1]["run"]["errno"] == _EINTR:
        found |= look(monitor, mark)
    (found["spun"],) = session.ask(["spun"])
    return found


def look(monitor: Monitor, mark: int, seconds: float = _LOOK_SECONDS) -> dict[str, Any]:
    """Samples until they tell which PCR the guest with *mark* in r31 has, or for so many seconds.
    samples: that were taken; counts: [LPIDR, PCR, so many] of those that show the guest; lost: why no more
    could be taken, or ''."""
    counts: Counter[tuple[int, int]] = Counter()
    samples, lost, end = 0, "", time.monotonic() + seconds
    try:
        while time.monotonic() < end:
            samples += 1
            lpidr, pcr = (_of_guest(monitor, name, mark) for name in ("lpidr", "pcr"))
            if 0 < lpidr <= _LARGEST_LPID and pcr >> _PCR_LOW & _PCR_RESERVED in (0, _PCR_RESERVED):
                counts[lpidr, pcr] += 1
            if settled(list(counts.values())):
                break
    except InfrastructureError as error:
        lost = str(error)
    return {"samples": samples, "counts": [[*pair, count] for pair, count in counts.items()], "lost": lost}


def _of_guest(monitor: Monitor, name: str, mark: int) -> int:
    """A register, if *mark* is in r31; else nothing that could be one. Both are read in one command: between
    two of them the CPU goes to L1 and back.

    QEMU's monitor knows special registers by name (target/ppc/ppc-qmp-cmds.c, target_get_monitor_def).
    While a little-endian level runs, 11.1 shows their bytes in reverse; our guests are big-endian."""
    text = monitor(f"p/x ${name}^$r31").strip()
    with contextlib.suppress(ValueError):
        return int(text, 16) ^ mark
    raise InfrastructureError(f"QEMU's monitor does not tell ${name}: {text.splitlines()[:1]}")
