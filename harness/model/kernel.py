# SPDX-License-Identifier: GPL-2.0-only
"""A kernel as features know it: what can be said of it before it runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class SeriesOn:
    """Patches that were put on a source. name: as the user wrote it, of one of kernel-patches/ its folder;
    patches: the first so many of it are on, None for all; words: what its series.toml says of this base, None
    for a series that is not ours; mutant: whether it is a defect that was planted there on purpose, which
    nobody is to expect."""

    name: str
    patches: int | None = None
    words: Mapping[str, Any] | None = None
    mutant: bool = False


@dataclass(frozen=True)
class Kernel:
    """label: as in ids; release: what ``uname -r`` answers; banner: of its image; version: (7, 3, 1), of what
    it calls itself; texts: file -> content of those files of its source that features read, empty for a
    prebuilt one; symbols: names that features look for, those of them that the symbol table of a
    prebuilt one has."""

    label: str
    release: str
    banner: str
    version: tuple[int, ...]
    series: tuple[SeriesOn, ...] = ()
    texts: Mapping[str, str] = field(default_factory=dict)
    symbols: frozenset[str] = frozenset()
