# SPDX-License-Identifier: GPL-2.0-only
"""Faults of the disk that the run's results go to, and names of directories that nobody expects."""

from __future__ import annotations

import shutil

from injection import isolation
from injection.fault import Action, Fault, at, both, from_the_start, isolated
from injection.found import UNHARMED, Expect
from injection.trial import AT_THE_END, L1_BOOTS, L2_BOOTS, Trial

# A complete run of one scenario has some 200 KiB.
_KIBIBYTES = 16 * 1024

_NAMES = "a b,c=d;e'f\"g$h\u00e9\u20ac*#%s"


def on_small_disk(kibibytes: int = _KIBIBYTES) -> Action:
    def act(trial: Trial) -> None:
        disk = trial.directory / "disk"
        isolation.mount_tmpfs(disk, kibibytes)
        trial.undo.append(lambda: isolation.unmount(disk))
        trial.run_dir = disk / "run"

    return act


def fill(trial: Trial) -> None:
    """The run's disk, to the last byte."""
    with (trial.directory / "disk/filler").open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            pass


def read_only(trial: Trial) -> None:
    """Of a tmpfs with files that are open for writing nobody makes it: then its directories are."""
    disk = trial.directory / "disk"
    shutil.copytree(trial.run_dir, trial.directory / "as-it-was")
    isolation.remount_read_only(disk)


def remove_run(trial: Trial) -> None:
    shutil.rmtree(trial.run_dir, ignore_errors=True)


def odd_run_dir(trial: Trial) -> None:
    trial.run_dir = trial.directory / f"run {_NAMES}"


def odd_cache(trial: Trial) -> None:
    trial.own_cache(f"cache {_NAMES}")


FAULTS = (
    Fault(
        "disk-full-start", "the run's disk has 16 KiB", from_the_start(on_small_disk(16)),
        Expect(says="[Nn]o space left"), isolated,
    ),
    Fault(
        "disk-full-boot", "the run's disk is full when L1 boots", at(L1_BOOTS, fill, first=on_small_disk()),
        Expect(says="[Nn]o space left"), isolated,
    ),
    Fault(
        "disk-full-l2", "the run's disk is full when L2 boots", at(L2_BOOTS, fill, first=on_small_disk()),
        Expect(says="[Nn]o space left"), isolated,
    ),
    Fault(
        "disk-full-end", "the run's disk is full after L2 was off",
        at(AT_THE_END, fill, first=on_small_disk()),
        Expect(says="[Nn]o space left"), isolated,
    ),
    Fault(
        # A further L1 makes it anew: what that answered is kept, and the run is no success.
        "run-removed-boot", "the run's directory is removed while L1 boots", at(L1_BOOTS, remove_run),
        Expect(report=False, says="cannot write"),
    ),
    Fault(
        "run-removed-l2", "the run's directory is removed while L2 boots",
        at(L2_BOOTS, both(lambda trial: trial.before.clear(), remove_run)),
        Expect(report=False, says="cannot write"),
    ),
    Fault("run-odd-name", "the run's directory has an odd name", from_the_start(odd_run_dir), UNHARMED),
    Fault(
        # What is booted from it is found in it by its content, which takes the source: make must name that.
        "cache-odd-name", "the cache's directory has an odd name", from_the_start(odd_cache),
        Expect(says="make takes no path", report=False),
    ),
)  # fmt: skip
