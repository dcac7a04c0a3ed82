# SPDX-License-Identifier: GPL-2.0-only
"""A damaged tree is not used: it is moved away, made anew, and the user is told which file it was."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from harness.model.errors import InfrastructureError
from harness.parts.cache import Cache


@pytest.fixture
def said():
    return []


@pytest.fixture
def cache(tmp_path, said):
    return Cache(tmp_path / "cache", said.append)


def build(directory):
    (directory / "boot").mkdir()
    (directory / "boot/vmlinux").write_text("an image")


def test_a_damaged_tree_is_made_anew_and_the_old_one_kept_for_whoever_wonders(cache, said):
    tree = cache.tree("kernel", "key", build, "why")
    (tree / "boot/vmlinux").write_text("an imagX")
    assert cache.find("kernel", "key") is None
    assert not tree.exists()
    away = cache.root / "areas/damaged/kernel-key"
    assert said == [
        "kernel/key in the cache is damaged, renamed and rebuilt: boot/vmlinux: has another content "
        f"(the old one: {away})"
    ]
    assert (away / "boot/vmlinux").read_text() == "an imagX"
    assert (cache.tree("kernel", "key", build, "why") / "boot/vmlinux").read_text() == "an image"
    assert len(said) == 1
    entries = {(each.kind, each.why) for each in cache.entries()}
    assert entries == {("kernel", "why"), ("damaged", "boot/vmlinux: has another content")}
    cache.prune(0)
    assert not away.exists()


def test_a_second_damage_replaces_what_is_kept_of_the_first(cache, said):
    for content in ("one thing", "another"):
        tree = cache.tree("kernel", "key", build, "why")
        (tree / "boot/vmlinux").write_text(content)
    cache.tree("kernel", "key", build, "why")
    assert (cache.root / "areas/damaged/kernel-key/boot/vmlinux").read_text() == "another"
    assert len(said) == 2


def test_damage_is_found_without_a_memory_of_the_inodes(cache):
    tree = cache.tree("kernel", "key", build, "why")
    (cache.root / "trees/kernel/key.seen").unlink()
    (tree / "boot/vmlinux").write_text("an imagX")
    assert cache.find("kernel", "key") is None


def test_a_tree_of_an_older_version_is_taken_as_it_is(cache, said):
    tree = cache.root / "trees/kernel/key"
    tree.mkdir(parents=True)
    build(tree)
    assert cache.find("kernel", "key") == tree
    (tree / "boot/vmlinux").write_text("an imagX")
    assert cache.find("kernel", "key") is None
    assert len(said) == 1


def test_what_cannot_be_moved_away_is_told_with_what_to_do(cache, monkeypatch):
    tree = cache.tree("kernel", "key", build, "why")
    (tree / "boot/vmlinux").unlink()

    def rename(self, target):
        raise OSError(30, "Read-only file system", str(self))

    monkeypatch.setattr(Path, "rename", rename)
    with pytest.raises(InfrastructureError) as raised:
        cache.find("kernel", "key")
    words = str(raised.value)
    assert "boot/vmlinux: is missing" in words
    assert "Read-only file system" in words
    assert f"remove {tree}" in words


def test_a_directory_that_cannot_be_read_is_damage(cache, said, monkeypatch):
    tree = cache.tree("kernel", "key", build, "why")
    scandir = os.scandir

    def refuse(path):
        if str(path).endswith("boot"):
            raise OSError(5, "Input/output error", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    assert cache.find("kernel", "key") is None
    assert f"{tree}/boot: cannot be read: Input/output error" in said[0]


def test_another_process_may_have_put_it_away_meanwhile(cache, said):
    tree = cache.tree("kernel", "key", build, "why")
    (tree / "boot/vmlinux").unlink()
    lock = cache.lock

    def slow_lock(name):
        tree.rename(cache.root / "taken") if tree.exists() else None
        return lock(name)

    cache.lock = slow_lock
    assert cache.find("kernel", "key") is None
    assert said == []


CHILD = """
import sys
from pathlib import Path
from harness.parts.cache import Cache
cache = Cache(Path(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
def build(directory):
    (directory / "boot").mkdir()
    (directory / "boot/vmlinux").write_text("an image")
print((cache.tree("kernel", "key", build, "why") / "boot/vmlinux").read_text(), flush=True)
"""


def test_several_processes_that_find_the_damage_make_it_anew_once(cache):
    tree = cache.tree("kernel", "key", build, "why")
    (tree / "boot/vmlinux").write_text("nonsense")
    others = [
        subprocess.Popen(
            [sys.executable, "-c", CHILD, cache.root], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True,
        )
        for _ in range(4)
    ]  # fmt: skip
    for each in others:
        each.stdout.readline()
    for each in others:
        each.stdin.write("go\n")
        each.stdin.flush()
    results = [each.communicate() for each in others]
    assert [out for out, _ in results] == ["an image\n"] * 4
    assert sum("is damaged" in err for _, err in results) == 1
    assert cache.find("kernel", "key") == tree


def test_an_equal_tree_that_is_there_keeps_its_own_manifest(cache, said):
    tree = cache.tree("kernel", "key", build, "why")
    with cache.building() as directory:
        build(directory)
        (directory / "log").write_text("what differs from time to time")
        assert cache.publish(directory, "kernel", "key", "why") == tree
    assert cache.find("kernel", "key") == tree
    assert said == []
    assert list((cache.root / "tmp").iterdir()) == []


def test_a_file_by_its_content(cache, tmp_path):
    tree = cache.tree("kernel", "key", build, "why")
    assert cache.damage_of(tree / "boot/vmlinux") == ""
    assert cache.damage_of(tmp_path / "vmlinux") == ""
    (tree / "boot/vmlinux").write_text("an imagX")
    assert cache.damage_of(tree / "boot/vmlinux") == "boot/vmlinux: has another content"


def test_what_has_become_of_files_that_are_in_use(cache, tmp_path, said):
    tree = cache.tree("kernel", "key", build, "why")
    files = [tmp_path / "vmlinux", tree / "boot/vmlinux", tree / "boot/vmlinux", Path("relative")]
    assert cache.damage_since(files) == ""
    (tree / "boot/vmlinux").write_text("an imagX")
    assert cache.damage_since(files) == "kernel/key in the cache: boot/vmlinux: has another content"
    assert cache.damage_since(files[:1]) == ""
    (tree / "boot/vmlinux").write_text("an image")
    assert cache.damage_since(files) == "", "as it was published"
    shutil.rmtree(tree)
    assert cache.damage_since(files).endswith("No such file or directory")
    assert said == []


def test_a_publication_that_fails_leaves_nothing(cache, monkeypatch):
    def fail(directory, seen):
        seen.write_text("half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("harness.parts.manifest.make", fail)
    with pytest.raises(InfrastructureError, match="full"):
        cache.tree("kernel", "key", build, "why")
    assert cache.find("kernel", "key") is None
    assert list((cache.root / "tmp").iterdir()) == []
