# SPDX-License-Identifier: GPL-2.0-only
"""A kernel tree in small: what the code looks at, and a Makefile that builds in no time."""

import subprocess
from pathlib import Path

import pytest

from harness.parts.cache import Cache

MAKEFILE = """\
VERSION = 7
PATCHLEVEL = 2
allnoconfig:
\tcp $(KCONFIG_ALLCONFIG) $(O)/.config
olddefconfig:
\ttrue
vmlinux:
\t@echo "  CC      kernel/one.o"
\t@sh $(CURDIR)/kernel/build $(O)
\tcp kernel/one.c $(O)/vmlinux
\ttouch $(O)/System.map
modules modules_install:
\ttrue
"""

ONE = "".join(f"line {number}\n" for number in range(1, 31))


def git(tree, *words):
    settings = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false")
    command = ["git", *settings, "-C", str(tree), *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def tree(tmp_path):
    """A git tree with one commit, tagged v1."""
    root = tmp_path / "linux"
    for name, text in {
        "Makefile": MAKEFILE,
        "arch/powerpc/kvm/Makefile": "",
        "kernel/one.c": ONE,
        "kernel/build": "true\n",
        ".gitignore": "*.o\n",
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    git(tmp_path, "init", "-q", str(root))
    git(root, "add", "-A")
    git(root, "commit", "-qm", "first")
    git(root, "tag", "v1")
    return root


@pytest.fixture
def cache(tmp_path):
    return Cache(tmp_path / "cache")


@pytest.fixture
def compiler(tmp_path, monkeypatch):
    """A cross compiler that is asked for its name only: kernel/build does the work."""
    directory = tmp_path / "bin"
    directory.mkdir()
    for name, text in {
        "powerpc64le-linux-gnu-gcc": 'test "$1" = -dumpmachine && echo powerpc64le-linux-gnu || echo gcc 1',
        "powerpc64le-linux-gnu-strip": 'cp "$4" "$3"',
        "bison": "true",
        "flex": "true",
        "bc": "true",
    }.items():
        (directory / name).write_text(f"#!/bin/sh\n{text}\n")
        (directory / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{directory}:/usr/bin:/bin")
    return directory


def diff(tree, change, *, name="kernel/one.c"):
    """The difference that *change*, a function of a file's text, makes; the tree stays as it is."""
    path = Path(tree) / name
    before = path.read_text()
    path.write_text(change(before))
    try:
        return git(tree, "diff") + "\n"
    finally:
        path.write_text(before)
