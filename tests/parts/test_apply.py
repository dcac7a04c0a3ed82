# SPDX-License-Identifier: GPL-2.0-only
"""Putting a series on a tree: where it fits, where it is already there, and never with fuzz."""

import pytest

from conftest import diff, git
from harness.model.errors import UsageError
from harness.parts.apply import apply_series
from harness.parts.git import init
from harness.parts.series import Patch, Series


@pytest.fixture
def put(tree, tmp_path):
    """Put diffs on a revision of the tree; the resulting text of kernel/one.c, and the notes."""

    def act(*diffs, revision="v1"):
        repository = init(tmp_path / "git", [tree / ".git/objects"])
        patches = tuple(
            Patch(number, f"change {number}", f"{number}.patch", mail(number, text))
            for number, text in enumerate(diffs, 1)
        )
        work = tmp_path / f"work{len(list(tmp_path.iterdir()))}"
        work.mkdir()
        base = git(tree, "rev-parse", f"{revision}^{{tree}}")
        applied = apply_series(repository, base, Series("s", tmp_path, patches), "the tree", work)
        return repository("show", f"{applied.tree}:kernel/one.c") + "\n", applied.notes

    return act


def mail(number, text):
    head = "From 0000000000000000000000000000000000000000 Mon Sep 17 00:00:00 2001\nFrom: A <a@b>\n"
    return f"{head}Date: Mon, 2 Nov 2026 10:00:00 +0000\nSubject: change {number}\n\nx\n---\n{text}"


def changed(tree, number, to="changed"):
    return diff(tree, lambda text: text.replace(f"line {number}\n", f"{to} {number}\n"))


def commit(tree, *numbers):
    path = tree / "kernel/one.c"
    for number in numbers:
        path.write_text(path.read_text().replace(f"line {number}\n", f"changed {number}\n"))
    git(tree, "commit", "-qam", "more")


def test_a_series_that_fits_is_applied_and_the_tree_is_not_touched(tree, put):
    before = git(tree, "status", "--porcelain", "--ignored"), git(tree, "rev-parse", "HEAD")
    text, notes = put(changed(tree, 5), changed(tree, 25))
    assert "changed 5\n" in text and "changed 25\n" in text
    assert notes == ()
    assert before == (git(tree, "status", "--porcelain", "--ignored"), git(tree, "rev-parse", "HEAD"))


def test_a_hunk_that_does_not_fit_is_named(tree, put):
    patch = changed(tree, 25)
    commit(tree, 26)
    with pytest.raises(UsageError, match=r"patch 2/2 of s \(change 2\).* kernel/one.c, hunk 1: @@ -22"):
        put(changed(tree, 5), patch, revision="HEAD")


def test_context_that_differs_in_one_line_is_no_fit(tree, put):
    """GNU patch would take it with fuzz, and so in the wrong place if need be."""
    patch = changed(tree, 15)
    commit(tree, 12)
    with pytest.raises(UsageError, match="hunk 1"):
        put(patch, revision="HEAD")


def test_a_series_that_is_there_is_said_to_be(tree, put):
    patches = changed(tree, 5), changed(tree, 25)
    commit(tree, 5, 25)
    text, notes = put(*patches, revision="HEAD")
    assert text == (tree / "kernel/one.c").read_text()
    assert notes == ("series s is already in the tree",)


@pytest.mark.parametrize("there", [5, 15, 25])
def test_of_a_series_that_is_there_in_part_the_rest_is_applied(tree, put, there):
    patches = changed(tree, 5), changed(tree, 15), changed(tree, 25)
    commit(tree, there)
    text, notes = put(*patches, revision="HEAD")
    assert all(f"changed {number}\n" in text for number in (5, 15, 25))
    number = (5, 15, 25).index(there) + 1
    assert notes == (f"of series s, patch {number} of 3 is already in the tree",)


def test_a_file_that_is_not_there_is_named(tree, put):
    patch = changed(tree, 5).replace("kernel/one.c", "kernel/two.c")
    with pytest.raises(UsageError, match=r"kernel/two\.c does not exist"):
        put(patch)


def test_a_damaged_patch_is_told_as_that(tree, put):
    with pytest.raises(UsageError, match="corrupt patch"):
        put(changed(tree, 5).replace("\n line 6\n", "\n"))


def test_a_refused_series_leaves_nothing_behind_for_the_next(tree, put):
    bad = changed(tree, 5).replace(" line 6\n", " line six\n")
    with pytest.raises(UsageError):
        put(bad)
    assert "changed 5\n" in put(changed(tree, 5))[0]
