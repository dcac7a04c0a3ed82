# SPDX-License-Identifier: GPL-2.0-only
"""The cache: trees that are published whole or not at all.

Layout below the root:

- ``trees/KIND/KEY/``      a published tree, never changed again (but see debstore.py);
  KEY says what is in it; its manifest is in it (manifest.py)
- ``trees/KIND/KEY.json``  for people: why it is there; its mtime is when it was last used
- ``trees/KIND/KEY.seen``  what its inodes said when it was last found to be as published
- ``areas/damaged/``       trees that were not, until they are pruned
- ``areas/KIND/NAME/``     a directory that is changed in place by whoever holds its lock
- ``tmp/NAME/``            a tree being built, with a locked ``NAME.owner`` beside it
- ``locks/``               one lock file for each thing that is built once
- ``in-use``               locked shared by every process that uses the cache, as long as it lives

A process that is killed leaves at most a directory in ``tmp``; whoever comes next sees
that nobody holds its owner file any more and removes it.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import platformdirs
from filelock import FileLock

from harness.model.errors import HarnessError, InfrastructureError
from harness.parts import manifest
from harness.parts.inuse import InUse
from harness.parts.progress import Progress, to_stderr


@dataclass(frozen=True)
class Entry:
    """A published tree. bytes: on disk; last_used: seconds since the epoch."""

    kind: str
    key: str
    why: str
    bytes: int
    last_used: float
    path: Path


class Cache:
    def __init__(self, root: Path, progress: Progress = to_stderr):
        """InfrastructureError if *root* cannot be written. progress: for what nobody asked for: a damaged
        tree, a prune that must be waited for."""
        self.root = root
        self._progress = progress
        try:
            for name in ("trees", "tmp", "locks", "logs"):
                (root / name).mkdir(parents=True, exist_ok=True)
            self._in_use = InUse.of(root / "in-use", progress)
        except OSError as error:
            raise InfrastructureError(
                f"cannot use the cache {root}: {error.strerror}", "set KVMPPC_CACHE to a writable directory"
            ) from None
        self._sweep()

    @classmethod
    def default(cls) -> Cache:
        """At $KVMPPC_CACHE, else in the user's cache directory."""
        return cls(cls.root_of_user())

    @staticmethod
    def root_of_user() -> Path:
        """Where that is, or would be."""
        chosen = os.environ.get("KVMPPC_CACHE")
        return Path(chosen).absolute() if chosen else platformdirs.user_cache_path("kvmppc-harness")

    # -- trees ---------------------------------------------------------------------------

    def find(self, kind: str, key: str) -> Path | None:
        """The published tree, None if there is none. One that is damaged is moved away first, which the user
        is told: InfrastructureError if it cannot be."""
        path = self.root / "trees" / kind / key
        if not path.is_dir():
            return None
        if not _unchanged(path) and not self._is_whole(path):
            return None
        # Its last use; a cache on a read-only disk is still good to read.
        with contextlib.suppress(OSError):
            os.utime(path.with_name(f"{key}.json"))
        return path

    def _is_whole(self, path: Path) -> bool:
        """Reads what may have changed. False if there is no tree any more."""
        with self.lock(f"check-{path.parent.name}-{path.name}"):
            if not path.is_dir():
                return False  # another process was here first
            try:
                damage = manifest.damage(path, _seen(path))
            except OSError as error:
                damage = f"{error.filename or path}: cannot be read: {error.strerror or error}"
            if damage:
                self._put_away(path, damage)
            return not damage

    def _put_away(self, path: Path, damage: str) -> None:
        what = f"{path.parent.name}/{path.name}"
        try:
            away = self.root / "areas/damaged" / f"{path.parent.name}-{path.name}"
            away.parent.mkdir(parents=True, exist_ok=True)
            shutil.rmtree(away, ignore_errors=True)
            path.rename(away)
            away.with_name(f"{away.name}.json").write_text(json.dumps({"why": damage}) + "\n")
        except OSError as error:
            raise InfrastructureError(
                f"{what} in the cache {self.root} is damaged ({damage}), and cannot be moved away: "
                f"{error.strerror or error}",
                f"remove {path}, or set KVMPPC_CACHE to another directory",
            ) from None
        _seen(path).unlink(missing_ok=True)
        self._progress(f"{what} in the cache is damaged, renamed and rebuilt: {damage} (the old one: {away})")

    def damage_of(self, file: Path) -> str:
        """What of a file in a published tree is not as published, by its content; '' if it is, or if it is in
        none. For whoever looks for the cause of a failure: it reads the whole file."""
        try:
            kind, key, *below = file.relative_to(self.root / "trees").parts
        except ValueError:
            return ""
        return manifest.damage_of(self.root / "trees" / kind / key, str(Path(*below)))

    def tree_of(self, file: Path) -> Path | None:
        """The published tree that *file* is in, or was; None for one that is in none."""
        try:
            kind, key, _, *_ = file.relative_to(self.root / "trees").parts
        except ValueError:
            return None
        return self.root / "trees" / kind / key

    def damage_since(self, files: Iterable[Path]) -> str:
        """What has become of the published trees that these are in since they were found: what of them is
        not as published any more, '' if all is. For whoever has used them meanwhile. Files that are in none
        are passed over."""
        for tree in dict.fromkeys(map(self.tree_of, files)):
            if tree is None or _unchanged(tree):
                continue
            with self.lock(f"check-{tree.parent.name}-{tree.name}"):
                try:
                    damage = manifest.damage(tree, _seen(tree))
                except OSError as error:
                    damage = f"{tree}: {error.strerror or error}"
            if damage:
                return f"{tree.parent.name}/{tree.name[:12]} in the cache: {damage}"
        return ""

    def tree(self, kind: str, key: str, build: Callable[[Path], None], why: str = "") -> Path:
        """The tree KIND/KEY; *build* fills an empty directory with it if there is none yet.

        Two processes that want it at once build it once.
        """
        found = self.find(kind, key)
        if found is not None:
            return found
        with self.lock(f"{kind}-{key}"):
            found = self.find(kind, key)
            if found is not None:
                return found
            with self.building() as directory:
                build(directory)
                return self.publish(directory, kind, key, why)

    def lock(self, name: str) -> FileLock:
        """A lock between processes; its holder's death frees it."""
        return FileLock(self.root / "locks" / f"{name}.lock")

    @contextlib.contextmanager
    def building(self) -> Iterator[Path]:
        """An empty directory on the cache's file system, gone afterwards unless published.

        A full disk becomes an InfrastructureError that says so.
        """
        try:
            owner = self._claim()
            directory = Path(owner.name).with_suffix("")
            directory.mkdir()
        except OSError as error:
            raise self._explain(error) from None
        try:
            yield directory
        except OSError as error:
            raise self._explain(error) from error
        finally:
            shutil.rmtree(directory, ignore_errors=True)
            Path(owner.name).unlink(missing_ok=True)
            owner.close()

    @contextlib.contextmanager
    def area(self, kind: str, name: str, why: str) -> Iterator[Path]:
        """A directory that stays, for whoever holds a lock of his own on it. What is in it may be
        half done. A full disk becomes an InfrastructureError that says so."""
        path = self.root / "areas" / kind / name
        try:
            path.mkdir(parents=True, exist_ok=True)
            path.with_name(f"{name}.json").write_text(json.dumps({"why": why}) + "\n")
            yield path
        except OSError as error:
            raise self._explain(error) from error

    def publish(self, directory: Path, kind: str, key: str, why: str) -> Path:
        """Give a finished directory from building() its name. An equal tree that is there stays."""
        path = self.root / "trees" / kind / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.with_name(f"{key}.json").write_text(json.dumps({"why": why}) + "\n")
        seen = directory.with_name(f"{directory.name}.seen")
        try:
            manifest.make(directory, seen)
            directory.rename(path)
            seen.replace(_seen(path))
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
        finally:
            seen.unlink(missing_ok=True)
        return path

    def _claim(self) -> IO[str]:
        """A locked owner file under a new name."""
        while True:
            handle, name = tempfile.mkstemp(suffix=".owner", dir=self.root / "tmp")
            os.close(handle)
            with contextlib.suppress(FileNotFoundError):
                owner = Path(name).open("r+")  # noqa: SIM115 - held while we build
                fcntl.flock(owner, fcntl.LOCK_EX)
                # Before it was locked, another process may have taken it for a dead one's.
                if os.fstat(owner.fileno()).st_nlink:
                    return owner
                owner.close()

    def _explain(self, error: OSError) -> HarnessError:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            return InfrastructureError(
                f"the disk with the cache {self.root} is full",
                "free some space, for instance with kvmppc parts prune, or set KVMPPC_CACHE",
            )
        where = f" {error.filename}" if error.filename else ""
        return InfrastructureError(f"the cache {self.root}: {error.strerror or error}{where}")

    def _sweep(self) -> None:
        """Remove what killed processes left in tmp."""
        for owner in (self.root / "tmp").glob("*.owner"):
            try:
                with owner.open() as file:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    shutil.rmtree(owner.with_suffix(""), ignore_errors=True)
                    owner.unlink(missing_ok=True)
            except OSError:
                continue  # its owner is alive, or another process sweeps

    # -- for people ----------------------------------------------------------------------

    def entries(self) -> list[Entry]:
        """All published trees, the longest unused first."""
        found = []
        for path in (*(self.root / "trees").glob("*/*/"), *(self.root / "areas").glob("*/*/")):
            about = path.with_name(f"{path.name}.json")
            try:
                why, used = json.loads(about.read_text())["why"], about.stat().st_mtime
            except (OSError, ValueError, KeyError):
                why, used = "", path.stat().st_mtime
            found.append(Entry(path.parent.name, path.name, why, _bytes(path), used, path))
        return sorted(found, key=lambda entry: entry.last_used)

    def prune(self, unused_days: float, *, wait: bool = True) -> list[Entry]:
        """Remove what was not used for so many days; 0 removes all. Returns what went.

        While runs use the cache it waits for them, which the user is told; wait: False is an
        InfrastructureError instead.
        """
        with self._in_use.alone(wait):
            limit = time.time() - unused_days * 86400
            gone = [entry for entry in self.entries() if entry.last_used <= limit]
            for entry in gone:
                path = entry.path
                # Renamed first: a kill in the middle leaves no half tree under its name.
                with self.building() as directory:
                    path.rename(directory / "old")
                path.with_name(f"{entry.key}.json").unlink(missing_ok=True)
                _seen(path).unlink(missing_ok=True)
            return gone


def _seen(tree: Path) -> Path:
    return tree.with_name(f"{tree.name}.seen")


def _unchanged(tree: Path) -> bool:
    try:
        return manifest.unchanged(tree, _seen(tree))
    except OSError:
        return False


def _bytes(path: Path) -> int:
    return sum(each.lstat().st_blocks * 512 for each in path.rglob("*"))
