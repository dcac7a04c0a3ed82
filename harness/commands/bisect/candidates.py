# SPDX-License-Identifier: GPL-2.0-only
"""What a bisect goes through: commits of a tree, or a list of kernels or QEMUs that are there already."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from harness.commands.bisect.git_bisect import GitBisect
from harness.model.errors import UsageError
from harness.parts.cache import Cache
from harness.parts.git import Git, GitError, init
from harness.parts.kernelbuild import BuildChoices, kernel_identity
from harness.parts.kernels import resolve_kernel
from harness.parts.kernelspec import BaseKind, parse_spec
from harness.parts.progress import Progress
from harness.parts.qemu import resolve_qemu


@dataclass(frozen=True)
class Candidate:
    """kernel, qemu: as for --kernel and --qemu, '' for the run's own; title: for people; name: short."""

    name: str
    title: str
    kernel: str = ""
    qemu: str = ""


class Candidates(Protocol):
    """good, bad: commits of the repository that bisect() gives; what: names it in messages and in what is
    kept."""

    good: str
    bad: str
    what: str
    of_a_tree: bool

    def bisect(self, directory: Path) -> GitBisect:
        """In *directory*, which is made anew."""

    def at(self, commit: str) -> Candidate: ...

    def identity(self, candidate: Candidate) -> str:
        """Names what is run: equal for equal kernels. HarnessError if there is nothing to run."""

    def about(self, commit: str) -> str:
        """What a reader wants to see of the culprit."""


class TreeCandidates:
    """Commits of a git tree of the user's, which is only read. series: put on each of them, where it is
    not there already."""

    def __init__(
        self, tree: str, good: str, bad: str, series: Sequence[str], cache: Cache, choices: BuildChoices,
        progress: Progress,
    ):  # fmt: skip
        self._path = Path(tree).expanduser().absolute()
        self._tree = tree
        self._series = "".join(f"+{each}" for each in series)
        self._cache, self._choices, self._progress = cache, choices, progress
        self.of_a_tree = True
        self._git = Git(None, self._path)
        if not (self._path / ".git").exists():
            raise UsageError(f"{tree} is no git tree", "give the top of one with --tree")
        if self._asked("rev-parse", "--show-object-format") != "sha1":
            raise UsageError(f"{tree} has objects of another kind than sha1", "clone it into a tree of sha1")
        self.good, self.bad = self._commit(good, "--good"), self._commit(bad, "--bad")
        self.what = f"{self._path} {self.good[:12]}..{self.bad[:12]}{self._series}"

    def _commit(self, revision: str, flag: str) -> str:
        try:
            return self._git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
        except GitError:
            raise UsageError(
                f"{self._tree} has no revision {revision} ({flag})", "git fetch it first"
            ) from None

    def _asked(self, *words: str) -> str:
        """UsageError for what git does not find: a tree may be a partial clone."""
        try:
            return self._git(*words)
        except GitError as error:
            lines = str(error).splitlines() or ["no reason given"]
            raise UsageError(f"git in {self._tree} failed at {words[0]}: {lines[0]}") from None

    def bisect(self, directory: Path) -> GitBisect:
        words = ["--path-format=absolute", "--git-path", "objects", "--git-path", "shallow"]
        objects, shallow = map(Path, self._asked("rev-parse", *words).splitlines())
        return GitBisect(directory, [objects], shallow.read_text() if shallow.exists() else "")

    def at(self, commit: str) -> Candidate:
        subject = self._asked("log", "-1", "--format=%s", commit)
        return Candidate(commit[:12], subject, kernel=f"{self._tree}@{commit}{self._series}")

    def identity(self, candidate: Candidate) -> str:
        spec = parse_spec(candidate.kernel)
        return kernel_identity(spec, self._choices, self._cache, progress=self._progress)

    def about(self, commit: str) -> str:
        return self._asked(
            "show", "--stat", "--format=commit %H%nAuthor: %an <%ae>%nDate:   %ad%n%n    %s", commit
        )


@dataclass
class ListCandidates:
    """Kernels (as for --kernel) or QEMU binaries, oldest first; git bisects a line of empty commits, one
    each."""

    items: Sequence[str]
    qemus: bool
    cache: Cache
    choices: BuildChoices
    progress: Progress
    good: str = ""
    bad: str = ""
    what: str = ""
    of_a_tree: bool = False
    _commits: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        if len(self.items) < 2:
            raise UsageError("a list of one has nothing to bisect", "give at least two items, oldest first")
        if len(set(self.items)) < len(self.items):
            raise UsageError("the list has an item twice", "give each once, oldest first")
        kind = "QEMUs" if self.qemus else "kernels"
        self.what = f"{kind} {' '.join(self.items)}"
        for each in self.items:
            if self.qemus:
                resolve_qemu(each, self.cache)
            elif parse_spec(each).kind is BaseKind.RUNNING:
                raise UsageError(
                    f"{each} runs on a machine over SSH, and cannot be booted here", "leave it out"
                )

    def bisect(self, directory: Path) -> GitBisect:
        source = init(directory.with_name(f"{directory.name}-list"))
        empty = source("hash-object", "-t", "tree", "-w", "--stdin", stdin="")
        self._commits = []
        for item in self.items:
            parents = ["-p", self._commits[-1]] if self._commits else []
            self._commits.append(source("commit-tree", *parents, "-m", item, empty))
        self.good, self.bad = self._commits[0], self._commits[-1]
        assert source.directory is not None
        return GitBisect(directory, [source.directory / "objects"])

    def at(self, commit: str) -> Candidate:
        item = self.items[self._commits.index(commit)]
        if self.qemus:
            return Candidate(f"QEMU {self._commits.index(commit) + 1}", item, qemu=item)
        return Candidate(f"kernel {self._commits.index(commit) + 1}", item, kernel=item)

    def identity(self, candidate: Candidate) -> str:
        if not self.qemus:
            return resolve_kernel(candidate.kernel, self.cache, self.choices, progress=self.progress).identity
        path = Path(candidate.qemu)
        try:
            with path.open("rb") as file:
                return f"{path} {hashlib.file_digest(file, 'sha256').hexdigest()}"
        except OSError as error:
            raise UsageError(f"QEMU {candidate.qemu} cannot be read: {error.strerror}") from None

    def about(self, commit: str) -> str:
        number = self._commits.index(commit)
        return f"{self.items[number]} (after {self.items[number - 1]})"
