# SPDX-License-Identifier: GPL-2.0-only
"""git, as it behaves without anybody's personal settings."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness.model.errors import InfrastructureError
from harness.processes import single

# A user's own settings would change what a patch does (apply.whitespace, am.threeWay) or ask
# for a passphrase (commit.gpgSign); a tree may belong to somebody else; a monitor is a program
# that the tree names.
_SETTINGS = (
    "safe.directory=*", "core.fsmonitor=false", "core.hooksPath=/dev/null", "core.autocrlf=false",
    "core.compression=1", "gc.auto=0", "advice.detachedHead=false",
)  # fmt: skip


# These only read, and end soon by themselves. To have a program die with us takes a fork of this process,
# which costs ten times what such a command does.
_READERS = frozenset(
    ("cat-file", "describe", "diff", "diff-tree", "log", "ls-files", "ls-tree", "merge-base", "rev-list",
     "rev-parse", "show")
)  # fmt: skip

# git checkout names the files alone.
_FULL = "No space left on device|Disk quota exceeded|unable to write file"


class GitError(Exception):
    """git said no. Its words, stderr first."""


@dataclass(frozen=True)
class Git:
    """A repository. directory: its git directory, or None for the one that holds *worktree*;
    environment: on top of ours."""

    directory: Path | None
    worktree: Path | None = None
    environment: Mapping[str, str] = field(default_factory=dict)

    def __call__(self, *words: str, stdin: str | None = None) -> str:
        """Its stdout without the last line end. GitError if it fails, InfrastructureError on a full disk."""
        process = self.run(*words, stdin=stdin)
        if process.returncode != 0:
            if re.search(_FULL, process.stderr):
                raise InfrastructureError(
                    f"the disk with {self.directory or self.worktree} is full",
                    "free some space, for instance with kvmppc parts prune, or set KVMPPC_CACHE",
                )
            raise GitError((process.stderr + process.stdout).strip() or f"git {words[0]} failed")
        return process.stdout.rstrip("\n")

    def succeeds(self, *words: str) -> bool:
        return self.run(*words).returncode == 0

    def run(self, *words: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        """InfrastructureError if there is no git."""
        command = ["git"]
        for setting in _SETTINGS:
            command += ["-c", setting]
        if self.worktree is not None:
            command += ["-C", str(self.worktree)]
        run = subprocess.run if words[0] in _READERS else single.run
        try:
            return run(
                [*command, *words], input=stdin, stdin=subprocess.DEVNULL if stdin is None else None,
                capture_output=True, encoding="utf-8", errors="surrogateescape", env=self._environment(),
                check=False,
            )  # fmt: skip
        except FileNotFoundError:
            raise InfrastructureError("git is not installed", "type: sudo apt-get install git") from None

    def with_environment(self, **more: str) -> Git:
        return Git(self.directory, self.worktree, {**self.environment, **more})

    def _environment(self) -> dict[str, str]:
        ours = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        ours |= {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null", "LC_ALL": "C"}
        if self.directory is not None:
            ours["GIT_DIR"] = str(self.directory)
            if self.worktree is not None:
                ours["GIT_WORK_TREE"] = str(self.worktree)
        for role in ("AUTHOR", "COMMITTER"):
            ours |= {
                f"GIT_{role}_NAME": "kvmppc-harness",
                f"GIT_{role}_EMAIL": "kvmppc-harness@localhost",
                f"GIT_{role}_DATE": "@0 +0000",
            }
        return {**ours, **self.environment}


def init(directory: Path, alternates: Sequence[Path] = ()) -> Git:
    """A git directory that also sees the objects in *alternates*; one that is there already stays."""
    if not (directory / "HEAD").exists():
        directory.mkdir(parents=True, exist_ok=True)
        Git(None)("init", "--quiet", "--bare", "--template=", str(directory))
        config = directory / "config"
        config.write_text(config.read_text().replace("bare = true", "bare = false"))
    lines = "".join(f"{path}\n" for path in alternates)
    info = directory / "objects/info"
    info.mkdir(exist_ok=True)
    (info / "alternates").write_text(lines)
    return Git(directory)
