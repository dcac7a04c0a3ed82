#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""How much cheaper is our small configuration to build than the tree's own for guests?

Builds one tree twice, cold and without ccache: with ours, and with ppc64le_guest_defconfig and its
modules. Both in one run, in CPU seconds of all children, so that what else runs here matters little.
Takes half an hour. Run from the checkout: .venv/bin/python bench/kernel_build.py [SOURCE]
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from harness.parts.cache import Cache
from harness.parts.git import Git, init
from harness.parts.kernelconfig import small_config
from harness.parts.kernelspec import parse_spec
from harness.parts.source import obtain_source
from harness.parts.toolchain import find_toolchain
from harness.processes import group


def main() -> None:
    spec = parse_spec(sys.argv[1] if len(sys.argv) > 1 else "debian-source:7.2")
    toolchain = find_toolchain()
    words = [word.replace("CC=ccache ", "CC=") for word in toolchain.words]
    cache = Cache.default()
    with tempfile.TemporaryDirectory(prefix="kvmppc-bench-") as name:
        work = Path(name)
        repository = init(work / "git")
        source = obtain_source(spec, repository, cache, locked_only=False, progress=print)
        init(work / "git", source.objects)
        tree = work / "src"
        tree.mkdir()
        Git(work / "git", tree, {"GIT_INDEX_FILE": str(work / "index")})(
            "read-tree", "--reset", "-u", source.tree
        )
        fragment = work / "fragment"
        fragment.write_text(small_config().text)
        small = measure(tree, work / "small", words, ["allnoconfig"], ["vmlinux"], fragment)
        guest = measure(
            tree, work / "guest", words, ["ppc64le_guest_defconfig"], ["vmlinux", "modules"], None
        )
    print(f"{spec.text}, {toolchain.version}")
    for title, (seconds, objects) in (("small", small), ("ppc64le_guest_defconfig", guest)):
        print(f"{title:<26} {seconds:7.0f} CPU seconds  {objects:5} objects")
    print(f"ratio                      {guest[0] / small[0]:7.2f}")


def measure(
    tree: Path,
    objects: Path,
    words: list[str],
    configure: list[str],
    targets: list[str],
    fragment: Path | None,
) -> tuple[float, int]:
    """CPU seconds of the build alone, and object files."""
    objects.mkdir()
    environment = {**os.environ, "CCACHE_DISABLE": "1"}
    if fragment is not None:
        environment["KCONFIG_ALLCONFIG"] = str(fragment)
    command = ["make", "-s", "-C", str(tree), f"O={objects}", *words]
    _run([*command, *configure], environment)
    before = _children()
    jobs = f"-j{len(os.sched_getaffinity(0))}"
    _run([*command, jobs, *targets], environment)
    spent = _children() - before
    count = sum(
        1 for path in objects.rglob("*.o") if not path.name.startswith(".") and "scripts" not in path.parts
    )
    shutil.rmtree(objects)
    return spent, count


def _run(command: list[str], environment: dict[str, str]) -> None:
    make = group.start(command, env=environment, stdout=subprocess.DEVNULL)
    try:
        if make.process.wait() != 0:
            raise SystemExit(f"{' '.join(command)} failed")
    finally:
        make.kill()


def _children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()
