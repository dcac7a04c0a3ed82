# SPDX-License-Identifier: GPL-2.0-only
"""Tell a hanging guest from a QEMU that is caught in its HDSI recursion.

QEMU's prefix check (target/ppc/excp_helper.c, is_prefix_insn_excp) fetches the instruction
that faulted. When a fetch finds the Reference bit of an L2 page-table page clear,
mmu-radix64.c reports it as a data fault, so the check fetches again, and so on: the vCPU
never looks at an exit request again, while the main loop still answers the monitor.
``log int`` then shows one exception at one address, many times in a few milliseconds.
"""

from __future__ import annotations

import contextlib
import re
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from harness.levels.hmp import can_be_a_log, quoted
from harness.levels.qmp import Monitor
from harness.model.errors import InfrastructureError

_FAULT = re.compile(r"Raise exception at ([0-9a-f]+) => HDSI \(69\) error=00")
_SAMPLE_SECONDS = 0.05
# In the recursion a sample holds thousands; a busy guest takes few HDSIs at one address.
_ENOUGH = 200


def hdsi_recursion(monitor: Monitor, directory: Path) -> str:
    """The line that proves the recursion, with its count; '' if there is none, or QEMU cannot be asked.

    Leaves the sample as ``interrupts.log`` in *directory*.
    """
    log = directory / "interrupts.log"
    try:
        with _writable_by_qemu(log) as path:
            _say(monitor, f"logfile {quoted(str(path))}")
            _say(monitor, "log int")
            time.sleep(_SAMPLE_SECONDS)  # a sample has a length; there is no event to wait for
            _say(monitor, "log none")
        faults = Counter(match[0] for match in _FAULT.finditer(log.read_text(errors="replace")))
    except (InfrastructureError, OSError):
        return ""
    if not faults:
        return ""
    line, count = faults.most_common(1)[0]
    return f"{line} ({count} times in {_SAMPLE_SECONDS * 1000:.0f} ms)" if count >= _ENOUGH else ""


def _say(monitor: Monitor, command: str) -> None:
    """These commands say something only when they fail."""
    answer = monitor.human(command).strip()
    if answer:
        raise InfrastructureError(f"QEMU's monitor: {command}: {answer}")


@contextlib.contextmanager
def _writable_by_qemu(log: Path) -> Iterator[Path]:
    """*log*, or where its name has no words in QEMU, a file elsewhere that becomes *log*."""
    if can_be_a_log(log):
        yield log
        return
    with tempfile.TemporaryDirectory(prefix="kvmppc-") as scratch:
        path = Path(scratch) / log.name
        yield path
        shutil.copyfile(path, log)
