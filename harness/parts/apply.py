# SPDX-License-Identifier: GPL-2.0-only
"""Put a series on a tree, never with fuzz: git takes a hunk only where all its context stands."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.model.errors import UsageError
from harness.parts.git import Git, GitError
from harness.parts.series import Patch, Series


@dataclass(frozen=True)
class Applied:
    """tree: git's id of the result; notes: which patches were there already."""

    tree: str
    notes: tuple[str, ...]


def apply_series(repository: Git, tree: str, series: Series, base: str, work: Path) -> Applied:
    """Put *series* on *tree*; base: what that is, for messages; work: an empty directory.

    Patches that the tree has already are left out and noted: those from the first on that can be
    taken off again one after the other, and any later one that can. UsageError with patch, file and
    hunk if one does not apply.
    """
    assert repository.directory is not None
    shutil.rmtree(repository.directory / "rebase-apply", ignore_errors=True)  # of a run that was killed
    git = Git(repository.directory, work, {"GIT_INDEX_FILE": str(work.with_suffix(".index"))})
    git("read-tree", tree)
    _set_head(git, tree)
    patches, there = series.patches, 0
    if patches and not _fits(git, patches[0], work):
        there = _already_there(git, tree, patches, work)
        git("read-tree", tree)
    left_out = [patch.number for patch in patches[:there]]
    for patch in patches[there:]:
        if not _fits(git, patch, work) and _fits(git, patch, work, "--reverse"):
            left_out.append(patch.number)
            continue
        _apply(git, patch, series, base, work, left_out)
    notes = (*series.notes, *_words(series, base, left_out))
    return Applied(git("write-tree"), notes)


def _words(series: Series, base: str, there: Sequence[int]) -> tuple[str, ...]:
    if not there:
        return ()
    if len(there) == len(series.patches):
        return (f"series {series.name} is already in {base}",)
    numbers = ", ".join(map(str, there))
    return (f"of series {series.name}, patch {numbers} of {len(series.patches)} is already in {base}",)


def _set_head(git: Git, tree: str) -> None:
    commit = git("commit-tree", tree, "-m", "base")
    git("update-ref", "--no-deref", "HEAD", commit)


def _mail(patch: Patch, work: Path) -> Path:
    path = work.with_suffix(".mail")
    path.write_text(patch.mail, encoding="utf-8", errors="surrogateescape")
    return path


def _fits(git: Git, patch: Patch, work: Path, *options: str) -> bool:
    mail = str(_mail(patch, work))
    return git.succeeds("apply", "--cached", "--check", "--whitespace=nowarn", *options, mail)


def _already_there(git: Git, tree: str, patches: Sequence[Patch], work: Path) -> int:
    """How many of the patches, from the first on, the tree has: so many can be taken off it again."""
    for count in range(len(patches), 0, -1):
        git("read-tree", tree)
        if all(
            git.succeeds("apply", "--cached", "--reverse", "--whitespace=nowarn", str(_mail(patch, work)))
            for patch in reversed(patches[:count])
        ):
            return count
    return 0


def _apply(git: Git, patch: Patch, series: Series, base: str, work: Path, there: Sequence[int]) -> None:
    path = _mail(patch, work)
    try:
        # Files that are not in the directory are taken out of the index, one by one.
        git(
            "am",
            "--quiet",
            "--no-3way",
            "--no-gpg-sign",
            "--keep-non-patch",
            "--whitespace=nowarn",
            str(path),
        )
    except GitError as error:
        git.run("am", "--abort")
        assert git.directory is not None
        shutil.rmtree(git.directory / "rebase-apply", ignore_errors=True)
        what = f"patch {patch.number}/{len(series.patches)} of {series.name} ({patch.subject})"
        known = f" (patch {', '.join(map(str, there))} is already there)" if there else ""
        raise UsageError(
            f"{what} does not apply to {base}{known}: {_reason(str(error), patch)}",
            "rebase it, or name its base",
        ) from None


def _reason(words: str, patch: Patch) -> str:
    """File and hunk out of what git said."""
    if match := re.search(r"patch failed: (\S+):(\d+)", words):
        return f"{match[1]}, hunk {_hunk(patch, match[1], int(match[2]))}"
    if match := re.search(r"error: (\S+): (does not exist in index|already exists in \w+(?: \w+)?)", words):
        return f"{match[1]} {match[2].replace('does not exist in index', 'does not exist')}"
    if match := re.search(r"corrupt patch at (?:line \d+|\S+)", words):
        return f"{match[0]} (a mailer may have damaged it)"
    return next((line for line in words.splitlines() if line.startswith("error: ")), words.splitlines()[0])


def _hunk(patch: Patch, file: str, line: int) -> str:
    """The hunk's own header line, with its number in the file."""
    number, inside = 0, False
    for text in patch.mail.splitlines():
        if text.startswith("--- "):
            inside, number = text[4:].split("\t")[0] in (f"a/{file}", file), 0
        elif inside and (match := re.match(r"@@ -(\d+)", text)):
            number += 1
            if int(match[1]) == line:
                return f"{number}: {text}"
    return f"at line {line}"
