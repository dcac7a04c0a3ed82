# SPDX-License-Identifier: GPL-2.0-only
"""Features of KVM that are tested, one folder each, and how others are found."""

from __future__ import annotations

import functools
from importlib import metadata

from harness.features.feature import Feature, Topic
from harness.model.errors import UsageError

GROUP = "kvmppc.features"

# The feature that --expect is about, and whose expectation a report shows beside each kernel.
MAIN = "compat_caps"

# Those of this package, in the order of a report. Not by entry points: a checkout that is used without being
# installed has them as well.
OWN = (
    metadata.EntryPoint(MAIN, "harness.features.compat_caps.registration:FEATURE", GROUP),
    metadata.EntryPoint("dexcr", "harness.features.dexcr:FEATURE", GROUP),
)


@functools.cache
def all_features() -> tuple[Feature, ...]:
    """Those of this package first, then those that other packages register, by name. UsageError for one that
    cannot be loaded, or takes a name that another has."""
    found: dict[str, Feature] = {}
    topics: dict[str, str] = {}
    others = sorted(metadata.entry_points(group=GROUP), key=lambda each: each.name)
    for point in (*OWN, *others):
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


def feature_of(topic: str) -> Feature | None:
    """That has the topic; None if none has it."""
    return next((each for each in all_features() if any(one.name == topic for one in each.topics)), None)


def all_topics() -> tuple[Topic, ...]:
    """Of all features, in the order of a report."""
    return tuple(topic for each in all_features() for topic in each.topics)


def source_files() -> tuple[str, ...]:
    """Files of a kernel's source that some feature reads."""
    return tuple(dict.fromkeys(file for each in all_features() for file in each.source_files))


def symbols() -> tuple[str, ...]:
    """Names in a kernel's symbol table that some feature looks for."""
    return tuple(dict.fromkeys(name for each in all_features() for name in each.symbols))
