# SPDX-License-Identifier: GPL-2.0-only
"""Who uses a cache: each process has a shared lock on one file as long as it lives; prune wants it alone."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from harness.model.errors import InfrastructureError
from harness.parts.progress import Progress
from harness.processes import sampling


class InUse:
    """One for each file and process: a run goes on with what it found in the cache after whoever looked for
    it is gone."""

    _held: dict[Path, InUse] = {}  # noqa: RUF012 - the process's

    def __init__(self, path: Path, progress: Progress):
        self._path = path
        self._progress = progress
        self._file: IO[str] = path.open("w")
        try:
            fcntl.flock(self._file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            progress(f"waiting for kvmppc parts prune in {path.parent}")
            fcntl.flock(self._file, fcntl.LOCK_SH)

    @classmethod
    def of(cls, path: Path, progress: Progress) -> InUse:
        """That of *path*, locked. OSError if it cannot be written."""
        held = cls._held.get(path)
        if held is None or not held._is_current():
            held = cls._held[path] = cls(path, progress)
        return held

    def _is_current(self) -> bool:
        """Somebody may have removed the whole cache under us."""
        try:
            return os.path.samestat(self._path.stat(), os.fstat(self._file.fileno()))
        except OSError:
            return False

    @contextlib.contextmanager
    def alone(self, wait: bool) -> Iterator[None]:
        """While no other process uses it. InfrastructureError instead of waiting for them unless *wait*."""
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            # The attempt has cost us the shared lock.
            if not wait:
                fcntl.flock(self._file, fcntl.LOCK_SH)
                raise InfrastructureError(
                    f"the cache {self._path.parent} is in use by {_words(self.runs())}",
                    "prune when that has ended, or wait for it: leave out --no-wait",
                ) from None
            self._progress(f"waiting for {_words(self.runs())} in the cache {self._path.parent}")
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX)
            except BaseException:  # Ctrl-C
                with contextlib.suppress(BlockingIOError):
                    fcntl.flock(self._file, fcntl.LOCK_SH | fcntl.LOCK_NB)
                raise
        try:
            yield
        finally:
            fcntl.flock(self._file, fcntl.LOCK_SH)

    def runs(self) -> list[int]:
        """Process ids of the others that use it: of each family the eldest, such as the one that has started
        pytest-xdist's workers. Processes of other users are not seen."""
        ours = os.fstat(self._file.fileno())
        holders = {
            int(each.name)
            for each in Path("/proc").glob("[0-9]*")
            if int(each.name) != os.getpid() and _has_open(each / "fd", ours)
        }
        parents = sampling.parents()

        def has_older(pid: int) -> bool:
            while pid := parents.get(pid, 0):
                if pid in holders:
                    return True
            return False

        return sorted(pid for pid in holders if not has_older(pid))


def _has_open(directory: Path, file: os.stat_result) -> bool:
    try:
        for each in directory.iterdir():
            with contextlib.suppress(OSError):
                if os.path.samestat(each.stat(), file):
                    return True
    except OSError:
        pass  # it has ended, or is another user's
    return False


def _words(runs: list[int]) -> str:
    if not runs:
        return "another run"
    many = "s" if len(runs) > 1 else ""
    return f"{len(runs)} run{many} (process{'es' if many else ''} {', '.join(map(str, runs))})"
