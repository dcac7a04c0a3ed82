# SPDX-License-Identifier: GPL-2.0-only
"""The same run many times, some of them on a busy machine: every one must give the same verdicts.

    .venv/bin/python bench/same_verdict.py --times 200 --loaded 50 --load 3 -- \\
        run --kernel debian-source:7.2+compat-caps-merged --only papr-p11@p10-l2p10 -j 1

What comes after -- are arguments of kvmppc. The last --loaded runs have --load busy processes beside them.
Compared are, for each record, each check with its kind and what was observed, and the titles of splats; not
proofs, which have times in them. Prints each way in which a run went, how often, and what it does not share
with the most frequent one. Exit code 0 if all went one way and that one is ok, 1 if not.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from harness.model.fact import Fact
from harness.processes import group
from harness.reports.sentences import load_features

# (record, check, kind, observed, titles)
Claim = tuple[str, str, str, str, str]


@contextlib.contextmanager
def busy(count: int) -> Iterator[None]:
    """That many processes that want a CPU all the time."""
    running = [group.start([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for each in running:
            each.kill()


def once(arguments: list[str], directory: Path) -> tuple[int, frozenset[Claim]]:
    """Exit code, and what the run's report claims; nothing where it left none."""
    words = [sys.executable, "-m", "harness", *arguments, "--run-dir", str(directory)]
    with directory.with_suffix(".log").open("w") as log:
        program = group.start(words, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        try:
            code = program.process.wait()
        finally:
            program.kill()
    load_features()
    report = directory / "report.json"
    data = json.loads(report.read_text()) if report.is_file() else {"records": []}
    claims: set[Claim] = set()
    for each in data["records"]:
        name = "-".join(each[key] for key in ("kernel", "topology", "l1", "l2", "topic") if each[key])
        for verdict in each["verdicts"]:
            titles = "; ".join(verdict["titles"])
            observed = Fact.from_json(verdict["observed"]).token
            claims.add((name, verdict["check"], verdict["kind"], observed, titles))
    return code, frozenset(claims)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--loaded", type=int, default=0, help="so many of them on a busy machine")
    parser.add_argument("--load", type=int, default=2, help="busy processes then")
    parser.add_argument("arguments", nargs="+")
    asked = parser.parse_args()
    ways: Counter[tuple[int, frozenset[Claim]]] = Counter()
    kept: dict[tuple[int, frozenset[Claim]], Path] = {}
    took: dict[bool, list[float]] = {False: [], True: []}
    where = Path(tempfile.mkdtemp(prefix="kvmppc-same-"))
    for number in range(asked.times):
        loaded = number >= asked.times - asked.loaded
        began = time.monotonic()
        with busy(asked.load if loaded else 0):
            way = once(asked.arguments, where / f"{number}")
        took[loaded].append(time.monotonic() - began)
        ways[way] += 1
        if way in kept:
            shutil.rmtree(where / f"{number}", ignore_errors=True)
        else:
            kept[way] = where / f"{number}"
            print(
                f"run {number}{' under load' if loaded else ''}: a new way, kept in {kept[way]}", flush=True
            )
    for loaded, seconds in took.items():
        if seconds:
            middle = sorted(seconds)[len(seconds) // 2]
            print(f"{len(seconds)} runs{' under load' if loaded else ''}: median {middle:.1f} s each")
    (usual, _count), *_others = ways.most_common()
    for way, count in ways.most_common():
        code, claims = way
        print(f"{count} times: exit code {code}, {len(claims)} claims, as in {kept[way]}")
        for words, some in (("only here", claims - usual[1]), ("not here", usual[1] - claims)):
            for claim in sorted(some):
                print(f"    {words}: {' | '.join(claim)}")
    return 0 if len(ways) == 1 and usual[0] == 0 and usual[1] else 1


if __name__ == "__main__":
    sys.exit(main())
