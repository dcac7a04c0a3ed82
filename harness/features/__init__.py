# SPDX-License-Identifier: GPL-2.0-only
"""Features of KVM that are tested, one folder each, and how others are found."""

from __future__ import annotations

import functools
from importlib import metadata

from harness.features.feature import Feature
from harness.model.errors import UsageError

GROUP = "kvmppc.features"


@functools.cache
def all_features() -> tuple[Feature, ...]:
    """Those of this package first, then those that other packages register, by name. UsageError for one that
    cannot be loaded, or takes a name that another has."""
    found: dict[str, Feature] = {}
    topics: dict[str, str] = {}
    points = sorted(metadata.entry_points(group=GROUP), key=lambda each: (not _ours(each), each.name))
    for point in points:
        try:
            feature = point.load()
        except Exception as error:
            words = f"feature {point.name!r} ({point.value}) cannot be loaded: {error}"
            raise UsageError(words, "mend or uninstall the package that registers it") from error
        if not isinstance(feature, Feature):
            raise UsageError(f"entry point {point.value} is no Feature", "see docs/reference.md")
        for name in (feature.name, *(each.name for each in feature.topics)):
            if topics.setdefault(name, feature.name) != feature.name or feature.name in found:
                raise UsageError(f"two features have the name {name!r}", "uninstall one of them")
        found[feature.name] = feature
    return tuple(found.values())


def _ours(point: metadata.EntryPoint) -> bool:
    return point.value.startswith("harness.features.")
