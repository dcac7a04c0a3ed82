# SPDX-License-Identifier: GPL-2.0-only
"""Whatever happens to a published tree is seen, and named; and what is as it was is not read again."""

import json
import os

import pytest

from harness.parts import manifest

BIG = "x" * 100


@pytest.fixture
def tree(tmp_path):
    tree = tmp_path / "tree"
    (tree / "usr/bin").mkdir(parents=True)
    (tree / "empty").mkdir()
    (tree / "usr/bin/qemu").write_text(BIG)
    (tree / "usr/bin/qemu").chmod(0o755)
    (tree / "about").write_text("text")
    (tree / "link").symlink_to("usr/bin/qemu")
    (tree / os.fsdecode(b"caf\xe9")).write_text("a name that is no UTF-8")
    os.mkfifo(tree / "pipe")
    return tree


@pytest.fixture
def seen(tree, tmp_path):
    path = tmp_path / "seen"
    manifest.make(tree, path)
    return path


@pytest.fixture
def read(monkeypatch):
    """Names of the files whose content is read."""
    names = []
    original = manifest._sha256
    monkeypatch.setattr(manifest, "_sha256", lambda path: (names.append(path.name), original(path))[1])
    return names


def test_what_is_as_published_is_not_read(tree, seen, read):
    assert manifest.unchanged(tree, seen)
    assert manifest.damage(tree, seen) == ""
    assert read == []


def test_a_tree_that_is_moved_is_the_same_tree(tree, seen, tmp_path):
    tree.rename(tmp_path / "elsewhere")
    assert manifest.unchanged(tmp_path / "elsewhere", seen)


def overwrite(path):
    """One byte in place, its times as before: what a tool that restores times does."""
    before = path.stat()
    with path.open("r+b") as file:
        file.write(b"Y")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


DAMAGE = {
    "content": (lambda tree: overwrite(tree / "usr/bin/qemu"), "usr/bin/qemu: has another content"),
    "size": (lambda tree: (tree / "about").write_text("tex"), "about: 3 bytes, not 4"),
    "truncated": (lambda tree: os.truncate(tree / "usr/bin/qemu", 0), "usr/bin/qemu: 0 bytes, not 100"),
    "mode": (lambda tree: (tree / "usr/bin/qemu").chmod(0o644), "usr/bin/qemu: is not executable any more"),
    "the other mode": (lambda tree: (tree / "about").chmod(0o755), "about: is executable"),
    "gone": (lambda tree: (tree / "about").unlink(), "about: is missing"),
    "link": (
        lambda tree: ((tree / "link").unlink(), (tree / "link").symlink_to("about")),
        "link: does not point to usr/bin/qemu any more",
    ),
    "no link": (
        lambda tree: ((tree / "link").unlink(), (tree / "link").write_text("")),
        "link: is no link any more",
    ),
    "no file": (
        lambda tree: ((tree / "about").unlink(), (tree / "about").mkdir()), "about: is no file any more"
    ),
    "no directory": (lambda tree: (tree / "empty").rmdir(), "empty: is missing"),
    "more": (
        lambda tree: (tree / "usr/bin/vmlinux").write_text(""),
        "usr/bin/vmlinux: was not there when it was published",
    ),
    "pipe": (lambda tree: (tree / "pipe").unlink(), "pipe: is missing"),
}  # fmt: skip


@pytest.mark.parametrize("what", DAMAGE)
def test_damage_is_named(tree, seen, what):
    do, words = DAMAGE[what]
    do(tree)
    assert not manifest.unchanged(tree, seen)
    assert manifest.damage(tree, seen) == words
    assert not manifest.unchanged(tree, seen)  # and it is not taken for good the next time


def test_only_files_whose_inode_says_something_else_are_read_and_only_once(tree, seen, read):
    os.utime(tree / "about", (0, 0))
    (tree / "usr/bin/qemu").chmod(0o711)
    assert not manifest.unchanged(tree, seen)
    assert manifest.damage(tree, seen) == ""
    assert sorted(read) == ["about", "qemu"]
    assert manifest.unchanged(tree, seen)


def test_a_new_inode_with_the_old_content_is_fine(tree, seen, read):
    (tree / "new").write_text("text")
    (tree / "new").replace(tree / "about")
    assert manifest.damage(tree, seen) == ""
    assert read == ["about"]


@pytest.mark.parametrize("text", [None, "", "nonsense", "nonsense\n{}", "x\n[[1]]\n", "x\n[1]", "\n\0"])
def test_without_a_memory_of_it_everything_is_read(tree, seen, read, text):
    if text is None:
        seen.unlink()
    else:
        seen.write_text(text)
    assert not manifest.unchanged(tree, seen)
    assert manifest.damage(tree, seen) == ""
    assert len(read) == 3
    assert manifest.unchanged(tree, seen)


def test_a_memory_that_was_changed_by_hand_is_none(tree, seen, read):
    digest, rest = seen.read_text().splitlines()
    rows = [row if row[0] != "about" else [*row[:2], 999, *row[3:]] for row in json.loads(rest)]
    seen.write_text(f"{digest}\n{json.dumps(rows)}\n")
    (tree / "about").write_text("TEXT")
    assert manifest.damage(tree, seen) == "about: has another content"


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "{}", '{"format": 2, "paths": {}}', '{"format": 1, "paths": {"a": [1, 2, 3, 4, 5, 6]}}'],
)
def test_a_manifest_that_cannot_be_read_is_damage(tree, seen, text):
    """A disk that lost its power may have the tree, and of the file only the name."""
    (tree / manifest.NAME).write_text(text)
    seen.unlink()
    assert manifest.damage(tree, seen).startswith(f"{manifest.NAME}: cannot be read: ")


def test_an_old_tree_without_a_manifest_gets_one(tree, tmp_path):
    seen = tmp_path / "seen"
    assert not manifest.unchanged(tree, seen)
    assert manifest.damage(tree, seen) == ""
    assert manifest.unchanged(tree, seen)
    (tree / "about").write_text("TEXT")
    assert manifest.damage(tree, seen) == "about: has another content"


def test_a_disk_that_takes_nothing_costs_time_and_nothing_else(tree, seen, monkeypatch, read):
    def refuse(*_):
        raise OSError(30, "Read-only file system")

    (tree / manifest.NAME).unlink()
    seen.unlink()
    monkeypatch.setattr(manifest, "_write", refuse)
    monkeypatch.setattr(manifest, "_remember", refuse)
    assert manifest.damage(tree, seen) == ""
    assert manifest.damage(tree, seen) == ""
    assert not seen.exists()


def test_what_cannot_be_read_is_damage(tree, seen, monkeypatch):
    overwrite(tree / "about")

    def fail(path):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(manifest, "_sha256", fail)
    assert manifest.damage(tree, seen) == "about: cannot be read: Input/output error"


def test_what_could_not_be_read_when_published_is_known_by_its_size(tree, tmp_path, monkeypatch):
    original = manifest._sha256

    def refuse(path):
        if path.name == "about":
            raise PermissionError(13, "Permission denied")
        return original(path)

    monkeypatch.setattr(manifest, "_sha256", refuse)
    seen = tmp_path / "seen"
    manifest.make(tree, seen)
    seen.unlink()
    assert manifest.damage(tree, seen) == ""
    os.truncate(tree / "about", 1)
    assert manifest.damage(tree, seen) == "about: 1 bytes, not 4"


def test_no_tree_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        manifest.damage(tmp_path / "none", tmp_path / "seen")
    with pytest.raises(FileNotFoundError):
        manifest.unchanged(tmp_path / "none", tmp_path / "seen")


def test_one_file_by_its_content(tree, seen):
    """Also what no inode tells: here the memory is of the damaged one."""
    assert manifest.damage_of(tree, "usr/bin/qemu") == ""
    overwrite(tree / "usr/bin/qemu")
    manifest._remember(seen, manifest._inodes(tree))
    assert manifest.damage(tree, seen) == ""
    assert manifest.damage_of(tree, "usr/bin/qemu") == "usr/bin/qemu: has another content"
    (tree / "usr/bin/qemu").unlink()
    assert manifest.damage_of(tree, "usr/bin/qemu") == "usr/bin/qemu: is missing"
    assert manifest.damage_of(tree, "no/such/path") == ""
    (tree / manifest.NAME).unlink()
    assert manifest.damage_of(tree, "usr/bin/qemu") == ""
