# SPDX-License-Identifier: GPL-2.0-only
"""How features are found, of this package and of others."""

from importlib import metadata
from pathlib import Path
from typing import ClassVar

import pytest

from harness import features
from harness.features.feature import Expectation, Feature, Topic
from harness.model.errors import UsageError


class Point(metadata.EntryPoint):
    """Loads what the test says."""

    found: ClassVar = {}

    def load(self):
        value = self.found[self.value]
        if isinstance(value, Exception):
            raise value
        return value


def feature(name, *topics):
    columns = tuple(Topic(each, each) for each in topics or (name,))
    return Feature(
        name, "title", columns, lambda _kernel: Expectation("x"), lambda _page: (), lambda _topic, _given: ()
    )


@pytest.fixture
def registered(monkeypatch):
    def register(**found):
        """By name, what its entry point ``name.module:F`` gives."""
        points = [Point(name, f"{name}.module:F", features.GROUP) for name in found]
        Point.found = {f"{name}.module:F": value for name, value in found.items()}
        monkeypatch.setattr(
            features.metadata, "entry_points", lambda group: points if group == features.GROUP else []
        )
        features.all_features.cache_clear()

    monkeypatch.setattr(features, "OWN", ())
    yield register
    features.all_features.cache_clear()


def names():
    return [each.name for each in features.all_features()]


def test_ours_come_first_and_others_by_name(registered, monkeypatch):
    registered(zebra=feature("zebra"), alpha=feature("alpha"))
    assert names() == ["alpha", "zebra"]
    monkeypatch.setattr(features, "OWN", (Point("zebra", "zebra.module:F", features.GROUP),))
    registered(zebra=feature("zebra"), alpha=feature("alpha"))
    monkeypatch.setattr(
        features.metadata, "entry_points", lambda group: [Point("alpha", "alpha.module:F", group)]
    )
    features.all_features.cache_clear()
    assert names() == ["zebra", "alpha"]


@pytest.mark.parametrize(
    "error", [ImportError("No module named 'gone'"), AttributeError("no F"), RuntimeError("x")]
)
def test_one_that_cannot_be_loaded_is_told_with_what_to_do(registered, error):
    registered(broken=error)
    with pytest.raises(UsageError, match=rf"feature 'broken' \(broken\.module:F\) cannot be loaded: {error}"):
        features.all_features()


def test_what_is_no_feature(registered):
    registered(odd=42)
    with pytest.raises(UsageError, match=r"odd\.module:F is no Feature"):
        features.all_features()


@pytest.mark.parametrize(
    ("first", "second", "name"),
    [
        (feature("same"), feature("same", "other"), "same"),
        (feature("one", "column"), feature("two", "column"), "column"),
        (feature("one", "a"), feature("two", "one"), "one"),  # a topic as another's feature
        (feature("one", "a"), feature("a", "b"), "a"),
    ],
)
def test_two_of_one_name(registered, first, second, name):
    registered(a=first, b=second)
    with pytest.raises(UsageError, match=f"two features have the name '{name}'"):
        features.all_features()


def test_what_this_package_has_can_be_loaded():
    features.all_features.cache_clear()
    found = features.all_features()
    assert [each.name for each in found][:2] == ["compat_caps", "dexcr"]
    for each in found:
        assert each.topics and (each.program is None or b"def main()" in each.program.read().content)
    for folder in (Path(features.__file__).parent).iterdir():
        if (folder / "__init__.py").exists():
            assert folder.name in {each.name for each in found}, "a folder that nobody registers"


def test_topics_and_what_is_read_of_kernels():
    assert features.feature_of("ioctl").name == "compat_caps"
    assert features.feature_of("none") is None
    assert len(features.source_files()) == len(set(features.source_files())) > 4
    assert "kvmppc_hash_v3_possible" in features.symbols()
