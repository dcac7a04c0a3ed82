#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""A git history over a real Linux source, with one regression in it, to try kvmppc bisect on.

    .venv/bin/python bench/bisect_history.py DIR [--source debian-source:7.2] [--commits 44]

Makes DIR/.git without checking anything out: harmless commits to the KVM code, three that do not build, one
that panics L1, one that brings the regression (POWER10 mode is refused in a POWER10-mode L1, so that
papr-p11@p10-l2p10 ends "refused early"), and a merge of a side branch. Prints the culprit. Then:

    kvmppc bisect --tree DIR --good base --bad HEAD --only papr-p11@p10-l2p10
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from harness.parts.cache import Cache
from harness.parts.git import Git, init
from harness.parts.kernelspec import parse_spec
from harness.parts.source import obtain_source

HV = "arch/powerpc/kvm/book3s_hv.c"
HARMLESS = (
    HV,
    "arch/powerpc/kvm/powerpc.c",
    "arch/powerpc/kvm/book3s.c",
    "arch/powerpc/kvm/book3s_hv_nested.c",
)

_MODE = "\t\tcase PVR_ARCH_31:\n\t\t\tguest_pcr_bit = PCR_ARCH_31;\n"
_REGRESSION = (
    "\t\tcase PVR_ARCH_31:\n\t\t\tif (!cpu_has_feature(CPU_FTR_P11_PVR))\n\t\t\t\treturn -EINVAL;\n"
    "\t\t\tguest_pcr_bit = PCR_ARCH_31;\n"
)
_INIT = "static int kvmppc_book3s_init_hv(void)\n{\n\tint r;\n"
_PANIC = _INIT + '\n\tpanic("kvmppc-harness: a bug on purpose");\n'
_BROKEN = "\n#error this commit does not build\n"


def replaced(before: str, after: str) -> Callable[[str], str]:
    def change(text: str) -> str:
        if text.count(before) != 1:
            raise SystemExit(f"this source has {text.count(before)} places for {before!r}, not one")
        return text.replace(before, after)

    return change


def harmless(number: int) -> Callable[[str], str]:
    return lambda text: f"{text}\n/* {number} */\n"


class History:
    """Commits on commits, by git's objects alone."""

    def __init__(self, git: Git, tree: str):
        self._git = git
        self.tree = tree
        self.head = ""

    def commit(self, subject: str, changes: dict[str, Callable[[str], str]], *more_parents: str) -> str:
        index = {"GIT_INDEX_FILE": str(self._git.directory) + "/history.index"}
        git = self._git.with_environment(**index)
        git("read-tree", self.tree)
        for file, change in changes.items():
            text = change(git("show", f"{self.tree}:{file}") + "\n")
            blob = git("hash-object", "-w", "--stdin", stdin=text)
            git("update-index", "--cacheinfo", f"100644,{blob},{file}")
        self.tree = git("write-tree")
        parents = [word for each in (self.head, *more_parents) if each for word in ("-p", each)]
        self.head = git("commit-tree", self.tree, *parents, "-m", subject)
        return self.head


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("directory", type=Path)
    parser.add_argument("--source", default="debian-source:7.2")
    parser.add_argument("--commits", type=int, default=44)
    words = parser.parse_args()
    top = words.directory.absolute()
    git = init(top / ".git")
    source = obtain_source(parse_spec(words.source), git, Cache.default(), locked_only=False, progress=print)
    git = init(top / ".git", source.objects)
    print(f"the culprit is {make(History(git, source.tree), git, words.commits)}")


def make(history: History, git: Git, count: int) -> str:
    """The regression's commit. It comes at seven tenths, the commits that cannot be tested around the
    middle, where a bisect steps first."""
    middle, culprit, panic = count // 2, count * 7 // 10, count * 7 // 10 - 3
    found = ""
    git("tag", "base", history.commit("base", {}))
    for number in range(1, count + 1):
        if number == middle - 1:
            history.commit(f"{number}: does not build", {HV: lambda text: text + _BROKEN})
        elif number == middle + 2:
            history.commit(f"{number}: builds again", {HV: replaced(_BROKEN, "")})
        elif number == panic:
            history.commit(f"{number}: panics", {HV: replaced(_INIT, _PANIC)})
        elif number == panic + 1:
            history.commit(f"{number}: panics no more", {HV: replaced(_PANIC, _INIT)})
        elif number == culprit:
            found = history.commit(
                f"{number}: refuse a mode that is fine", {HV: replaced(_MODE, _REGRESSION)}
            )
        elif number == count - 4:
            side = History(git, history.tree)
            side.head = history.head
            other = side.commit("a side branch", {HARMLESS[2]: harmless(1000)})
            history.tree = side.tree
            history.commit(f"{number}: merge it", {}, other)
        else:
            file = HARMLESS[number % len(HARMLESS)]
            history.commit(f"{number}: a comment", {file: harmless(number)})
    git("update-ref", "refs/heads/main", history.head)
    git("symbolic-ref", "HEAD", "refs/heads/main")
    return found


if __name__ == "__main__":
    main()
