#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""What grows with a run: the cost of a record, the memory of a console, the time of a report of many runs.

    .venv/bin/python bench/growth.py [--records 3000] [--megabytes 1024] [--runs 100]

Prints ratios: a record of a long run to one of a run of 30; the memory that a long console takes, to that of
one of 16 MB; seconds of kvmppc report on so many runs. Boots nothing. Exit code 1 if a record costs twice as
much, a console takes more than 20 MB more, or a report takes more than 10 s.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from pexpect import fdpexpect

from harness.engine.rundir import RunDirectory, info_of
from harness.levels.console import Console
from harness.levels.process import start
from harness.model.facts import Quote
from harness.model.plan import Plan
from harness.model.record import Delivery, Record
from harness.model.verdict import Kind, Verdict
from harness.reports import jsonfile

_SMALL_RECORDS, _SMALL_MEGABYTES = 30, 16
_VERDICTS = 6

_PLAN = Plan(
    made="2026-11-26T12:00:00+00:00", version="0", command="kvmppc run", options="", scenarios=(), kernels={},
    l0_kernels={}, qemu=None, qemu_text="QEMU 11.1.3", l1_qemu_text="11.1.3",
)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--records", type=int, default=3000)
    parser.add_argument("--megabytes", type=int, default=1024)
    parser.add_argument("--runs", type=int, default=100)
    words = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="kvmppc-growth-") as scratch:
        good = [
            _records(Path(scratch), words.records),
            _console(Path(scratch), words.megabytes),
            _reports(Path(scratch), words.runs),
        ]
    sys.exit(0 if all(good) else 1)


def _record(number: int) -> Record:
    verdicts = tuple(
        Verdict(f"check {each}", Kind.OK, Quote("P10"), Quote("P10"), "a line", "a source")
        for each in range(_VERDICTS)
    )
    return Record(
        "7.3", "papr", f"p{number}", "l2p10", "l2", None, verdicts, f"7.3-papr-p{number}/l2p10", 1.0
    )


def _per_record(directory: Path, count: int) -> float:
    """Milliseconds, with its share of the reports at the end."""
    directory.mkdir()
    run = RunDirectory(directory, _PLAN)
    records = [_record(number) for number in range(count)]
    run.plan([(each.identity, each.identity) for each in records])
    began = time.process_time()
    for each in records:
        run.add(each)
        run.progress_line(each)
    run.finish(complete=True)
    return (time.process_time() - began) * 1000 / count


def _records(scratch: Path, count: int) -> bool:
    _per_record(scratch / "warm", 3)  # imports
    small = _per_record(scratch / "small", _SMALL_RECORDS)
    large = _per_record(scratch / "large", count)
    print(f"a record of {_SMALL_RECORDS}: {small:.2f} ms of CPU, one of {count}: {large:.2f} ms, "
          f"ratio {large / small:.2f}", flush=True)  # fmt: skip
    return large < 2 * small


def _resident() -> int:
    """Bytes of this process in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


_SAYS = """
import sys
line = "[    1.000000] " + "x" * 200 + "\\n"
for _ in range(int(sys.argv[1]) * (1 << 20) // len(line)):
    sys.stdout.write(line)
"""


def _taken(scratch: Path, megabytes: int) -> int:
    """Bytes that this process has grown by, when so much was said."""
    directory = scratch / f"console-{megabytes}"
    directory.mkdir()
    before = _resident()
    program = start([sys.executable, "-c", _SAYS, str(megabytes)])
    spawn = fdpexpect.fdspawn(program.terminal, encoding="utf-8", codec_errors="replace", maxread=65536)
    console = Console(spawn, directory / "console.log", "nonce")
    console.wait(lambda seen: seen.ended, 86400, 86400)
    grown = _resident() - before
    console.close()
    (directory / "console.log").unlink()
    return grown


def _console(scratch: Path, megabytes: int) -> bool:
    small, large = _taken(scratch, _SMALL_MEGABYTES), _taken(scratch, megabytes)
    print(f"a console of {_SMALL_MEGABYTES} MB: {small / 1e6:.1f} MB of memory, one of {megabytes} MB: "
          f"{large / 1e6:.1f} MB more", flush=True)  # fmt: skip
    return large < 20e6


def _reports(scratch: Path, count: int) -> bool:
    info = replace(info_of(_PLAN), kernels=())
    for number in range(count):
        directory = scratch / f"run-{number}"
        directory.mkdir()
        records = [replace(_record(each), kernel="7.3") for each in range(_SMALL_RECORDS)]
        jsonfile.write(directory / "report.json", info, records, Delivery(True, len(records)))
    runs = [str(scratch / f"run-{number}") for number in range(count)]
    began = time.monotonic()
    subprocess.run(
        [sys.executable, "-m", "harness", "report", "--html", "-o", str(scratch / "page.html"), *runs],
        check=True, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    took = time.monotonic() - began
    print(f"kvmppc report --html of {count} runs, {count * _SMALL_RECORDS} records: {took:.1f} s", flush=True)
    return took < 10


if __name__ == "__main__":
    main()
