# SPDX-License-Identifier: GPL-2.0-only
"""Parts from Debian: as locked if the archive still has it, as current (and said so) if not."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.model.errors import InfrastructureError
from harness.parts import lock
from harness.parts.archive import Deb, Fetched, fetch
from harness.parts.cache import Cache
from harness.parts.debstore import DebStore
from harness.parts.lock import Locked
from harness.parts.packages import Part
from harness.parts.progress import Progress


@dataclass(frozen=True)
class Unpacked:
    """tree: the packages' files; identity: names exactly these packages; drift: from the lock file;
    notices: about the archive."""

    tree: Path
    identity: str
    locked: Locked
    drift: tuple[str, ...]
    notices: tuple[str, ...]

    def version_of(self, package: str) -> str:
        """Debian version; InfrastructureError if it is not among the packages."""
        for deb in self.locked.debs:
            if deb.package == package:
                return deb.version
        raise InfrastructureError(f"the package {package} is not where it was expected")


_KIND = "debian"


def obtain(part: Part, cache: Cache, *, locked_only: bool, progress: Progress) -> Unpacked:
    """The part, from the cache or the archive. InfrastructureError if neither has it, or if
    *locked_only* and it differs from the lock file."""
    wanted = lock.read().get(part.name, Locked("", ()))
    key = lock.digest(wanted.debs)
    record = _drift_record(part, wanted, cache)
    if locked_only and not wanted.debs:
        raise InfrastructureError(
            f"{part.name} is not in the lock file {lock.path()}",
            "lock it with kvmppc parts update, or leave out --locked",
        )

    def cached() -> Unpacked | None:
        tree = cache.find(_KIND, key) if wanted.debs else None
        if tree is not None:
            return _open(tree, wanted)
        tree = None if locked_only else _drifted(record, cache)
        return _open(tree, wanted) if tree is not None else None

    found = cached()
    if found is not None:
        return found
    with cache.lock(f"part-{part.name}"):
        found = cached()
        if found is not None:
            return found
        unpacked = _fetch(part, wanted, wanted.debs, cache, progress)
        if unpacked.drift:
            if locked_only:
                raise InfrastructureError(
                    f"{part.name} is not to be had as locked: {_short(unpacked.drift)}",
                    "refresh the lock with kvmppc parts update, or leave out --locked",
                )
            progress(f"{part.name} is not as locked: {_short(unpacked.drift)}")
            record.parent.mkdir(exist_ok=True)
            partial = record.with_suffix(".part")
            partial.write_text(json.dumps({"key": unpacked.identity}))
            partial.replace(record)
        return unpacked


def update(parts: Iterable[Part], cache: Cache, progress: Progress) -> Path:
    """Take the current version of each part and lock it; path of the lock file."""
    known = lock.read(may_be_new=True)
    lock.require_writable()  # before the downloads, not after
    for part in parts:
        with cache.lock(f"part-{part.name}"):
            nothing = Locked("", ())
            before = known.get(part.name, nothing)
            drifted = _drifted(_drift_record(part, before, cache), cache)
            newer = _open(drifted, nothing).locked.debs if drifted is not None else ()
            offered = dict.fromkeys((*before.debs, *newer))
            known[part.name] = _fetch(part, nothing, tuple(offered), cache, progress).locked
    return lock.write(known)


def _drift_record(part: Part, wanted: Locked, cache: Cache) -> Path:
    """Where is kept what the archive gave when it no longer had what is wanted."""
    return cache.root / "drift" / f"{part.name}-{lock.digest(wanted.debs)}.json"


def _drifted(record: Path, cache: Cache) -> Path | None:
    """The tree that a drift record names; None without either, and then the archive is asked again."""
    try:
        key = json.loads(record.read_text())["key"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return cache.find(_KIND, key) if isinstance(key, str) and re.fullmatch("[0-9a-f]+", key) else None


def _fetch(part: Part, wanted: Locked, offered: Sequence[Deb], cache: Cache, progress: Progress) -> Unpacked:
    """offered: packages that need not be downloaded if they are in the store."""
    log = cache.root / "logs" / f"{part.name}.log"
    with cache.building() as directory:
        work = directory / "work"
        work.mkdir()
        store = DebStore(cache)
        store.offer(offered, work / "offer")
        fetched = fetch(part, directory / "out" / "tree", wanted.debs, work, log, progress)
        store.keep(work / "debs")
        _write_about(directory / "out" / "about.json", fetched)
        key = lock.digest(fetched.debs)
        tree = cache.publish(directory / "out", _KIND, key, f"{part.name} from {fetched.suite}")
    return _open(tree, wanted)


def _write_about(path: Path, fetched: Fetched) -> None:
    rows = [[deb.package, deb.version, deb.architecture, deb.sha256] for deb in fetched.debs]
    path.write_text(json.dumps({"suite": fetched.suite, "debs": rows, "notices": fetched.notices}))


def _open(published: Path, wanted: Locked) -> Unpacked:
    about = json.loads((published / "about.json").read_text())
    debs = tuple(Deb(*row) for row in about["debs"])
    return Unpacked(
        tree=published / "tree",
        identity=lock.digest(debs),
        locked=Locked(about["suite"], debs),
        drift=lock.drift(wanted.debs, debs) if wanted.debs else ("it is not in the lock file",),
        notices=tuple(about["notices"]),
    )


def _short(drift: tuple[str, ...]) -> str:
    more = f" and {len(drift) - 1} more" if len(drift) > 1 else ""
    return drift[0] + more
