# SPDX-License-Identifier: GPL-2.0-only
"""git's own bisect, driven in a repository of ours that only borrows the user's objects."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.model.bisect_decision import Answer
from harness.model.errors import UsageError
from harness.parts.git import Git, GitError, init


@dataclass(frozen=True)
class State:
    """commit: to be tested next, or the first bad one if *found*; candidates: where git cannot tell one of
    several, as they were skipped; left, steps: git's own estimate; stuck: git's words if it gives up;
    merge_base: whether it first wants to see where two lines of history part; warning: git's."""

    commit: str = ""
    found: bool = False
    candidates: tuple[str, ...] = ()
    left: int = 0
    steps: int = 0
    stuck: str = ""
    merge_base: bool = False
    warning: str = ""  # of git: what it found may not be so


class GitBisect:
    """directory: made anew; objects: directories of objects that the commits are in."""

    def __init__(self, directory: Path, objects: Sequence[Path], shallow: str = ""):
        self._warning = ""
        shutil.rmtree(directory, ignore_errors=True)
        self.git: Git = init(directory, objects)
        if shallow:
            (directory / "shallow").write_text(shallow)

    def check_ends(self, good: str, bad: str) -> None:
        """UsageError for ends between which there is nothing to find."""
        if good == bad:
            raise UsageError(f"good and bad are the same commit {good[:12]}", "give two")
        if self.git.succeeds("merge-base", "--is-ancestor", bad, good):
            raise UsageError(
                f"bad {bad[:12]} is older than good {good[:12]}", "swap them: --good is the one that works"
            )
        if not self.git.succeeds("merge-base", good, bad):
            raise UsageError(
                f"good {good[:12]} and bad {bad[:12]} have no common history",
                "give two commits of one tree; a shallow clone lacks the rest: git fetch --unshallow",
            )

    def start(self, good: str, bad: str) -> State:
        self.git("update-ref", "--no-deref", "HEAD", bad)  # git wants to know where to go back to
        # Without a checkout: a commit is built from its objects, in a tree that is kept.
        return self._say("start", "--no-checkout", bad, good)

    def mark(self, answer: Answer) -> State:
        return self._say(answer.value)

    def _say(self, *words: str) -> State:
        done = self.git.run("bisect", *words)
        text = done.stdout + done.stderr
        # Said once, when a merge base was skipped, and true of all that follows.
        warned = re.search(
            r"^warning: (the merge base .*? skipped\..*?)We continue", text, re.M | re.S | re.I
        )
        self._warning = self._warning or (" ".join(warned[1].split()) if warned else "")
        found = re.search(r"^([0-9a-f]{40,64}) is the first '?bad'? commit", text, re.M)
        if found:
            return State(found[1], found=True, warning=self._warning)
        if "only 'skip'ped commits left" in text:
            return State(candidates=tuple(re.findall(r"^([0-9a-f]{40,64})$", text, re.M)))
        if done.returncode != 0:
            return State(stuck=" ".join(text.split()) or "git bisect gave up")
        try:
            commit = self.git("rev-parse", "--verify", "--quiet", "BISECT_HEAD")
        except GitError:
            return State(stuck=" ".join(text.split()) or "git bisect has nothing to test")
        counts = re.search(r"Bisecting: (\d+) revisions? left .*\(roughly (\d+) steps?\)", text)
        left, steps = (int(counts[1]), int(counts[2])) if counts else (0, 0)
        return State(commit, left=left, steps=steps, merge_base="a merge base must be tested" in text)


def log_of(bisect: GitBisect) -> str:
    """As ``git bisect replay`` takes it."""
    return bisect.git.run("bisect", "log").stdout
