# SPDX-License-Identifier: GPL-2.0-only
"""The grammar of --kernel: BASE or BASE+SERIES[@N][+SERIES...].

BASE is ``debian:7.3``, ``debian-source:7.2``, the path of a vmlinux, or that of a git tree or an
unpacked source, with ``@REV`` for a revision of the former. ``@N`` after a series means its first
N patches.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from harness.model.errors import UsageError
from harness.parts.packages import KERNEL_SUITES


class BaseKind(Enum):
    DEBIAN = "debian:VERSION"
    DEBIAN_SOURCE = "debian-source:VERSION"
    FILE = "the path of a vmlinux"
    TREE = "the path of a git tree or unpacked source, with or without @REV"
    RUNNING = "ssh:[USER@]HOST"  # what runs there; nothing to get

    @property
    def is_source(self) -> bool:
        return self in (BaseKind.DEBIAN_SOURCE, BaseKind.TREE)


@dataclass(frozen=True)
class SeriesRef:
    """text: a path or a name; first: so many patches of it, None for all."""

    text: str
    first: int | None = None

    def __str__(self) -> str:
        return self.text if self.first is None else f"{self.text}@{self.first}"


@dataclass(frozen=True)
class KernelSpec:
    """text: as typed; base: without series; path and revision: of a FILE or TREE ('' for the files
    as they are); version: of a Debian base."""

    text: str
    kind: BaseKind
    base: str
    series: tuple[SeriesRef, ...] = ()
    path: Path = Path()
    revision: str = ""
    version: str = ""

    @property
    def label(self) -> str:
        """Short and fit for ids and file names; equal specs have equal labels."""
        words = {
            BaseKind.DEBIAN: self.version,
            BaseKind.DEBIAN_SOURCE: f"source-{self.version}",
            BaseKind.FILE: self.path.name,
            BaseKind.RUNNING: self.base.partition(":")[2].rpartition("@")[2],
            BaseKind.TREE: self.path.name + (f"_{_short(self.revision)}" if self.revision else ""),
        }[self.kind]
        for each in self.series:
            name = Path(each.text).name
            words += f"+{name}" + ("" if each.first is None else f"_{each.first}")
        return re.sub(r"[^\w.+~]+", "_", words) or "kernel"

    def with_series(self, series: tuple[SeriesRef, ...]) -> KernelSpec:
        text = "+".join((self.base, *map(str, series)))
        return KernelSpec(text, self.kind, self.base, series, self.path, self.revision, self.version)


def _short(revision: str) -> str:
    """A whole commit id is more than anybody reads."""
    return revision[:12] if re.fullmatch(r"[0-9a-f]{40}", revision) else revision


def parse_spec(text: str) -> KernelSpec:
    """UsageError for what is neither a base nor a base with series. Looks at files, reads none."""
    pieces = text.split("+")
    # A path may have a + of its own: the longest beginning that is a base wins.
    for count in range(len(pieces), 0, -1):
        base, rest = "+".join(pieces[:count]), pieces[count:]
        found = _base(base)
        if found is None:
            continue
        if rest and not found.kind.is_source:
            hint = (
                f"give debian-source:{found.version}" if found.version else "give the tree it was built from"
            )
            raise UsageError(f"kernel {base!r} is built already; a series needs a source", hint)
        rest = _rejoined(rest)
        if not all(rest):
            raise UsageError(f"kernel {text!r} has a + without a series after it")
        return found.with_series(tuple(_series(each) for each in rest)) if rest else found
    known = ", ".join(f"debian:{version}" for version in KERNEL_SUITES)
    kinds = ", ".join(kind.value for kind in BaseKind if kind is not BaseKind.RUNNING)
    hint = f"give {kinds}; known are {known}"
    if re.search(r"[/.~]", text.partition(":")[0]):
        raise UsageError(f"kernel {text!r} does not exist", hint)
    raise UsageError(f"kernel {text!r} is neither a file nor a known kind", hint)


def _base(text: str) -> KernelSpec | None:
    if text.startswith("ssh:"):
        return KernelSpec(text, BaseKind.RUNNING, text)
    for kind in (BaseKind.DEBIAN, BaseKind.DEBIAN_SOURCE):
        word = kind.value.partition(":")[0]
        if text.startswith(f"{word}:"):
            version = text.partition(":")[2]
            if "+" in version:
                return None
            if not re.fullmatch(r"\d+\.\d+", version):
                raise UsageError(f"kernel {text!r} names no version", f"write it as {word}:7.3")
            return KernelSpec(text, kind, text, version=version)
    path = Path(text).expanduser()
    if path.is_dir():
        return KernelSpec(text, BaseKind.TREE, text, path=path.absolute())
    if path.exists():
        return KernelSpec(text, BaseKind.FILE, text, path=path.absolute())
    before, at, revision = text.rpartition("@")
    # A + begins a series there; a tag that has one of its own can be given by its commit.
    if at and revision and "+" not in revision and (tree := Path(before).expanduser()).is_dir():
        return KernelSpec(text, BaseKind.TREE, text, path=tree.absolute(), revision=revision)
    return None


def _rejoined(rest: list[str]) -> list[str]:
    """A series' path may have a + as well."""
    joined = "+".join(rest)
    return [joined] if len(rest) > 1 and Path(joined).expanduser().exists() else rest


def _series(text: str) -> SeriesRef:
    name, at, count = text.rpartition("@")
    if at and count.isdigit() and not Path(text).expanduser().exists():
        return SeriesRef(name, int(count))
    return SeriesRef(text)
