# SPDX-License-Identifier: GPL-2.0-only
"""A kernel as features know it: what can be said of it before it runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class SeriesOn:
    """Patches that were put on a source. name: as the user wrote it; patches: the first so many of it are on,
    None for all; ours: whether it is one of kernel-patches/; mutant: whether it is a defect that was planted
    there on purpose, which nobody is to expect."""

    name: str
    patches: int | None = None
    ours: bool = False
    mutant: bool = False


@dataclass(frozen=True)
class Kernel:
    """label: as in ids; release: what ``uname -r`` answers; banner: of its image; version: (7, 3, 1), of what
    it calls itself; texts: file -> content of those files of its source that features read, empty for a
    prebuilt one; symbols: name -> whether its symbol table has it, of those that features ask for, None where
    no table would show it."""

    label: str
    release: str
    banner: str
    version: tuple[int, ...]
    series: tuple[SeriesOn, ...] = ()
    texts: Mapping[str, str] = field(default_factory=dict)
    symbols: Mapping[str, bool | None] = field(default_factory=dict)
