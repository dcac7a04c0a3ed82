#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Faults of the surroundings, injected into real runs: none may be called a kernel's, and none be ok.

    .venv/bin/python bench/faults.py [NAME...] [--ci] [--list] [--table FILE] [--keep DIR]

Each fault is injected into a run of its own, of real kernels on real QEMU, at a moment that is known from
what the run has written. Afterwards are compared: the exit code, every record's kind and words, what had been
delivered before, and what is left behind: processes, temporary files, locks. Exit code 0 if all is as it
should be, 1 if anything differs, 3 if nothing could be tried.

The faults are in bench/injection/of_*.py. NAME may have wildcards: 'ssh-*'. Those of the cache damage a copy
of it, beside the cache. Faults of networks and mounts happen in namespaces of our own;
where this machine allows none they are left out, and the table says so.
"""

from __future__ import annotations

import argparse
import fnmatch
import shutil
import signal
import sys
import tempfile
import textwrap
import time
from dataclasses import dataclass
from pathlib import Path

from injection import (
    isolation,
    of_cache,
    of_disk,
    of_harness,
    of_load,
    of_network,
    of_qemu,
    of_ssh,
    of_wrapper,
)
from injection.fault import Fault
from injection.found import Found, classified, differences
from injection.trial import Missed, Parts, Trial, default_cache

KERNEL = "debian-source:7.2+compat-caps-merged"
FAULTS: tuple[Fault, ...] = (
    *of_qemu.FAULTS, *of_wrapper.FAULTS, *of_network.FAULTS, *of_disk.FAULTS, *of_cache.FAULTS,
    *of_harness.FAULTS, *of_load.FAULTS, *of_ssh.FAULTS,
)  # fmt: skip


@dataclass(frozen=True)
class Result:
    """lacking: why it was not tried, '' if it was; differs: from what was expected."""

    fault: Fault
    found: Found | None
    differs: list[str]
    lacking: str = ""

    @property
    def word(self) -> str:
        return "not tried" if self.found is None else "DIFFERS" if self.differs else "right"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--ci", action="store_true", help="a few quick ones")
    parser.add_argument("--list", action="store_true", help="show them and stop")
    parser.add_argument("--kernel", default=KERNEL, help="a small one with the ioctl as it was merged")
    parser.add_argument("--table", type=Path, metavar="FILE", help="write Markdown to FILE")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="leave the runs that differ in DIR")
    words = parser.parse_args()
    chosen = choose(words.names, words.ci)
    if words.list:
        for fault in chosen:
            print(f"{fault.name:26} {fault.what}")
        return
    # In the background of a script it is ignored, which what is started here would inherit.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    isolation.enter()
    if isolation.entered():
        isolation.loopback(True)
    cache = default_cache()
    results = []
    with tempfile.TemporaryDirectory(prefix="kvmppc-faults-", dir=cache.parent) as scratch:
        parts = Parts(words.kernel, cache, Path(scratch))
        for fault in chosen:
            result = tried(fault, parts, words.keep)
            results.append(result)
            show(result)
    if words.table:
        words.table.write_text("\n".join(table(results, words.kernel)) + "\n")
    bad, done = [each for each in results if each.differs], [each for each in results if each.found]
    print(f"{len(done)} faults injected, {len(bad)} differ, {len(results) - len(done)} not tried", flush=True)
    sys.exit(1 if bad else 0 if done else 3)


def choose(names: list[str], ci: bool) -> list[Fault]:
    """SystemExit for a name that is none."""
    for name in names:
        if not any(fnmatch.fnmatchcase(each.name, name) for each in FAULTS):
            raise SystemExit(f"there is no fault {name}: see --list")
    return [
        each for each in FAULTS
        if (each.ci or not ci) and (not names or any(fnmatch.fnmatchcase(each.name, name) for name in names))
    ]  # fmt: skip


def tried(fault: Fault, parts: Parts, keep: Path | None) -> Result:
    lacking = fault.lacking()
    if lacking:
        return Result(fault, None, [], lacking)
    trial = Trial(parts, parts.scratch / fault.name, fault.seconds)
    missing = ""
    try:
        fault.inject(trial)
    except (Missed, OSError) as error:
        missing = str(error)
    finally:
        found = trial.finish(missing)
    differs = differences(found, fault.expect)
    if differs and keep is not None:
        kept = keep / fault.name
        shutil.rmtree(kept, ignore_errors=True)
        shutil.copytree(trial.directory, kept, symlinks=True, ignore=shutil.ignore_patterns("cache*", "disk"))
    trial.remove()
    return Result(fault, found, differs)


def show(result: Result) -> None:
    fault, found = result.fault, result.found
    if found is None:
        print(f"{fault.name:26} not tried: {result.lacking}", flush=True)
        return
    kinds, words = classified(found)
    print(
        f"{fault.name:26} {result.word:7} {found.seconds:4.0f} s  exit {found.exit_code}  {kinds}", flush=True
    )
    if words:
        print(textwrap.indent(textwrap.shorten(words, 300), "    "), flush=True)
    for each in result.differs:
        print(f"    >>> {each}", flush=True)


def table(results: list[Result], kernel: str) -> list[str]:
    lines = [
        "# Faults of the surroundings",
        "",
        f"Written by `bench/faults.py --table` on {time.strftime('%Y-%m-%d')} with `{kernel}`; do not edit.",
        "A fault is injected into a run of its own. Right: no record is FAIL by it, none is ok without",
        "proof, nothing delivered is lost, nothing outlives the run, and the reason is named.",
        "",
        "| fault | what | | exit | records | the reason it gives |",
        "|---|---|---|---|---|---|",
    ]
    for each in results:
        if each.found is None:
            cells = [each.fault.name, each.fault.what, "not tried", "", "", each.lacking]
        else:
            kinds, words = classified(each.found)
            words = "; ".join([*each.differs, textwrap.shorten(words, 160)])
            cells = [each.fault.name, each.fault.what, each.word, str(each.found.exit_code), kinds, words]
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return lines


if __name__ == "__main__":
    main()
