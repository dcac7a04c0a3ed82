# SPDX-License-Identifier: GPL-2.0-only
"""The lock file: which version and sha256 of each package was last known to work together."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from harness.model.errors import InfrastructureError, UsageError
from harness.parts.archive import Deb

FORMAT = 1


@dataclass(frozen=True)
class Locked:
    """suite: where it was taken from; debs: sorted."""

    suite: str
    debs: tuple[Deb, ...]


def path() -> Path:
    """$KVMPPC_LOCK, else the file that is part of this package."""
    chosen = os.environ.get("KVMPPC_LOCK")
    return Path(chosen) if chosen else Path(str(resources.files("harness.parts").joinpath("parts.lock")))


def read(*, may_be_new: bool = False) -> dict[str, Locked]:
    """Part name -> what is locked; empty without a file. UsageError for a file that is none, and
    for one that $KVMPPC_LOCK names but does not exist, unless it *may_be_new*."""
    file = path()
    try:
        document = json.loads(file.read_text())
        if document["format"] != FORMAT:
            raise ValueError(f"format {document['format']}")
        return {
            name: Locked(entry["suite"], tuple(sorted(Deb(*deb) for deb in entry["debs"])))
            for name, entry in document["parts"].items()
        }
    except FileNotFoundError:
        if os.environ.get("KVMPPC_LOCK") and not may_be_new:
            raise UsageError(
                f"the lock file {file} does not exist",
                "make it with kvmppc parts update, or unset KVMPPC_LOCK",
            ) from None
        return {}
    except OSError as error:
        raise UsageError(
            f"the lock file {file} cannot be read: {error.strerror}", "check KVMPPC_LOCK"
        ) from None
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(f"the lock file {file} cannot be read: {error}", "see kvmppc parts update") from None


def require_writable() -> None:
    """InfrastructureError if write() cannot work."""
    file = path()
    if not os.access(file.parent, os.W_OK):
        raise InfrastructureError(
            f"cannot write the lock file {file}", "set KVMPPC_LOCK to a file of your own"
        )


def write(parts: Mapping[str, Locked]) -> Path:
    """Replace the lock file as a whole; one line a package, so that a diff can be read."""
    blocks = []
    for name, locked in sorted(parts.items()):
        rows = ",\n".join(
            "    " + json.dumps([deb.package, deb.version, deb.architecture, deb.sha256])
            for deb in locked.debs
        )
        blocks.append(
            f'  {json.dumps(name)}: {{\n   "suite": {json.dumps(locked.suite)},\n   "debs": [\n{rows}\n   ]}}'
        )
    file = path()
    text = f'{{\n "format": {FORMAT},\n "parts": {{\n' + ",\n".join(blocks) + "\n }\n}\n"
    partial = file.with_suffix(".part")
    try:
        partial.write_text(text)
        partial.replace(file)
    except OSError as error:
        raise InfrastructureError(
            f"cannot write the lock file {file}: {error.strerror}", "set KVMPPC_LOCK to a file of your own"
        ) from None
    return file


def digest(debs: Iterable[Deb]) -> str:
    """32 hex digits that name exactly this set of package files."""
    state = hashlib.sha256()
    for deb in sorted(debs):
        state.update(f"{deb.package} {deb.version} {deb.architecture} {deb.sha256}\n".encode())
    return state.hexdigest()[:32]


def drift(locked: Iterable[Deb], actual: Iterable[Deb]) -> tuple[str, ...]:
    """How *actual* differs, a line for each package."""
    before = {(deb.package, deb.architecture): deb for deb in locked}
    after = {(deb.package, deb.architecture): deb for deb in actual}
    lines = []
    for key in sorted(before.keys() | after.keys()):
        old, new = before.get(key), after.get(key)
        if old == new:
            continue
        if old is not None and new is not None and old.version == new.version:
            lines.append(f"{key[0]} {old.version} has another content")
        else:
            lines.append(f"{key[0]} {old.version if old else '(none)'} -> {new.version if new else '(none)'}")
    return tuple(lines)
