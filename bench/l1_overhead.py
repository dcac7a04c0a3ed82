# SPDX-License-Identifier: GPL-2.0-only
"""What the harness adds to an L1: time to a working SSH login, against the bare command's time to "ready".

Runs in pairs, one after the other and in turn, so that a drift of the machine hits both:
A is the harness (start of QEMU to SSH logged in), B is the repro.sh that the harness left,
read until the same marker. Prints each pair and the ratio A/B.

    .venv/bin/python bench/l1_overhead.py [--pairs 5] [--kernel debian:7.3] [--only papr-p11-l2host]
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from pathlib import Path

from harness.engine.environment import LocalEnvironment
from harness.engine.options import RunOptions
from harness.engine.resolve import resolve
from harness.engine.wanted import wanted
from harness.levels.choose import levels_for
from harness.levels.linux import LinuxLevel
from harness.levels.process import start
from harness.levels.ssh import new_key
from harness.model.outcome import Outcome


def with_harness(level: LinuxLevel) -> float:
    """Seconds to the SSH login; SystemExit if L1 does not come up."""
    seen = level.start()
    if seen.boot.outcome is not Outcome.BOOTED:
        raise SystemExit(f"L1 did not boot: {seen.boot.proof}")
    return seen.boot.phases["boot"] + seen.boot.phases["ssh"]


def bare(script: Path) -> float:
    """Seconds until the script's machine prints its ready marker."""
    began = time.monotonic()
    qemu = start([str(script)])
    try:
        seen = b""
        while b":ready:{" not in seen:
            seen = seen[-100:] + os.read(qemu.terminal, 65536)
        return time.monotonic() - began
    finally:
        qemu.kill()
        os.close(qemu.terminal)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--kernel", default="debian:7.3")
    parser.add_argument("--only", default="papr-p11-l2host")
    words = parser.parse_args()
    options = RunOptions(kernels=(words.kernel,), only=(words.only,))
    plan = resolve(wanted(options), options, print)
    environment = LocalEnvironment(plan)
    placement = plan.scenarios[0].placement
    ratios = []
    with tempfile.TemporaryDirectory() as scratch:
        for number in range(words.pairs + 1):
            directory = Path(scratch) / str(number)
            setup = environment.setup(placement, new_key(), ())
            (level,) = levels_for(setup, [directory])
            try:
                ours = with_harness(level)
            finally:
                level.stop()
            theirs = bare(directory / "repro.sh")
            if number == 0:
                continue  # fills the page cache for both
            ratios.append(ours / theirs)
            print(
                f"pair {number}: harness {ours:6.2f} s, bare {theirs:6.2f} s, ratio {ours / theirs:.3f}",
                flush=True,
            )
    print(f"ratio: min {min(ratios):.3f}, median {statistics.median(ratios):.3f}, max {max(ratios):.3f}")


if __name__ == "__main__":
    main()
