# SPDX-License-Identifier: GPL-2.0-only
"""The series of kernel-patches/: what their series.toml says."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness import features, shipped
from harness.model.errors import UsageError


@dataclass(frozen=True)
class PatchFacts:
    """file: below the base's folder; turns: what a feature says that it turns;
    adds: (file, text) that is in the tree from this patch on, None for nothing of the kind."""

    file: str
    turns: Mapping[str, Any]
    adds: tuple[str, str] | None


@dataclass(frozen=True)
class OwnSeries:
    """bases: by version such as ``6.12``: what the base does before, in a feature's words, and patches."""

    name: str
    title: str
    revision: str
    bases: dict[str, tuple[str, tuple[PatchFacts, ...]]]

    def words(self, base: str) -> dict[str, Any]:
        """What it says of that base, for a feature: ``before``, and ``turns`` for each patch."""
        before, patches = self.bases[base]
        return {"before": before, "turns": [dict(each.turns) for each in patches]}

    def adds(self, base: str, count: int | None) -> list[tuple[str, str]]:
        """What must be in the tree with the first *count* patches."""
        return [each.adds for each in self.bases[base][1][:count] if each.adds is not None]


def directory() -> Path:
    """kernel-patches/. InfrastructureError if this installation lacks it."""
    return shipped.kernel_patches()


def names() -> list[str]:
    return sorted(path.parent.name for path in directory().glob("*/series.toml"))


def find(text: str) -> OwnSeries | None:
    """By name, or by the path of a folder with a series.toml; None if it is no such thing."""
    for folder in (directory() / text, Path(text).expanduser()):
        if (folder / "series.toml").is_file():
            return _read(folder / "series.toml")
    return None


def _read(path: Path) -> OwnSeries:
    try:
        document = tomllib.loads(path.read_text())
        return OwnSeries(
            path.absolute().parent.name,
            document["title"],
            document["revision"],
            {version: _base(each) for version, each in document["base"].items()},
        )
    except (OSError, tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as error:
        raise UsageError(f"{path} is wrong: {error!r}", "see kernel-patches/ for how it is written") from None


def _base(document: Mapping[str, Any]) -> tuple[str, tuple[PatchFacts, ...]]:
    patches = []
    for each in document["patch"]:
        adds = each.get("adds")
        patches.append(
            PatchFacts(each["file"], each["turns"], (adds["file"], adds["text"]) if adds else None)
        )
    before: str = document["before"]
    # A wrong word is told here.
    for feature in features.all_features():
        if feature.check_series_words is not None:
            feature.check_series_words({"before": before, "turns": [each.turns for each in patches]})
    return before, tuple(patches)
