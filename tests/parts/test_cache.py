# SPDX-License-Identifier: GPL-2.0-only
"""The cache: whole trees or none, whatever happens meanwhile."""

import errno
import os
import signal
import subprocess
import sys
import time

import pytest

from harness.model.errors import InfrastructureError
from harness.parts.cache import Cache

CHILD = """
import sys, time
from pathlib import Path
from harness.parts.cache import Cache
cache = Cache(Path(sys.argv[1]))
def build(directory):
    (directory / "first").write_text("x")
    print("building", flush=True)
    time.sleep(float(sys.argv[2]))
    (directory / "second").write_text(sys.argv[3])
print(cache.tree("kind", "key", build, "why"), flush=True)
"""


def child(root, seconds, text="y"):
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, str(root), str(seconds), text], stdout=subprocess.PIPE, text=True
    )


def test_a_tree_is_built_once(tmp_path):
    cache = Cache(tmp_path)
    calls = []

    def build(directory):
        calls.append(directory)
        (directory / "file").write_text("content")

    first = cache.tree("kind", "key", build, "why")
    assert cache.tree("kind", "key", build, "why") == first
    assert (first / "file").read_text() == "content"
    assert len(calls) == 1


def test_a_killed_builder_leaves_nothing_half_made(tmp_path):
    process = child(tmp_path, 60)
    assert process.stdout.readline() == "building\n"
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert len(list((tmp_path / "tmp").iterdir())) == 2
    cache = Cache(tmp_path)  # whoever comes next cleans up
    assert list((tmp_path / "tmp").iterdir()) == []
    assert cache.find("kind", "key") is None
    assert cache.tree("kind", "key", lambda directory: None, "why").is_dir()


def test_a_living_builder_is_left_alone_and_two_build_once(tmp_path):
    first = child(tmp_path, 0.5, "of the first")
    assert first.stdout.readline() == "building\n"
    second = child(tmp_path, 0, "of the second")
    # The second waits for the first and then finds its tree: it never says "building".
    assert second.stdout.readline().strip() == str(tmp_path / "trees/kind/key")
    assert first.wait() == second.wait() == 0
    assert (tmp_path / "trees/kind/key/second").read_text() == "of the first"


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_told_and_leaves_nothing(tmp_path, error):
    cache = Cache(tmp_path)

    def build(directory):
        (directory / "file").write_text("half")
        raise OSError(error, os.strerror(error))

    with pytest.raises(InfrastructureError, match=r"full.*prune"):
        cache.tree("kind", "key", build, "why")
    assert cache.find("kind", "key") is None
    assert list((tmp_path / "tmp").iterdir()) == []


def test_ctrl_c_leaves_nothing(tmp_path):
    cache = Cache(tmp_path)

    def build(directory):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cache.tree("kind", "key", build, "why")
    assert list((tmp_path / "tmp").iterdir()) == []


def test_a_cache_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InfrastructureError, match="KVMPPC_CACHE"):
        Cache(tmp_path / "file" / "cache")


def test_prune_takes_what_is_old_and_only_that(tmp_path):
    cache = Cache(tmp_path)
    for key in ("old", "new"):
        cache.tree("kind", key, lambda directory: (directory / "f").write_text("x" * 5000), f"the {key} one")
    month_ago = time.time() - 40 * 86400
    os.utime(tmp_path / "trees/kind/old.json", (month_ago, month_ago))
    assert [(entry.key, entry.why) for entry in cache.entries()] == [
        ("old", "the old one"),
        ("new", "the new one"),
    ]
    assert all(entry.bytes >= 5000 for entry in cache.entries())
    assert [entry.key for entry in cache.prune(30)] == ["old"]
    assert [entry.key for entry in cache.entries()] == ["new"]
    assert [entry.key for entry in cache.prune(0)] == ["new"]
    assert cache.entries() == []
