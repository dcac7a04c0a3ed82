# SPDX-License-Identifier: GPL-2.0-only
"""How features are found, of this package and of others."""

import tomllib
from importlib import metadata
from pathlib import Path
from typing import ClassVar

import pytest

from harness import features
from harness.features.feature import Expectation, Feature, Topic
from harness.model.errors import UsageError

PYPROJECT = Path(features.__file__).parent.parent.parent / "pyproject.toml"


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

    yield register
    features.all_features.cache_clear()


def names():
    return [each.name for each in features.all_features()]


def test_ours_come_first_and_others_by_name(registered, monkeypatch):
    registered(zebra=feature("zebra"), alpha=feature("alpha"))
    assert names() == ["alpha", "zebra"]
    registered(alpha=feature("alpha"), zebra=feature("zebra"))
    monkeypatch.setattr(features, "_ours", lambda point: point.name == "zebra")
    assert names() == ["zebra", "alpha"]


def test_which_are_ours():
    assert features._ours(Point("dexcr", "harness.features.dexcr:FEATURE", features.GROUP))
    assert not features._ours(Point("x", "harnessx.features:FEATURE", features.GROUP))


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


def test_what_this_package_registers_can_be_loaded():
    """By what pyproject.toml says, whether it is installed or not."""
    points = tomllib.loads(PYPROJECT.read_text())["project"]["entry-points"][features.GROUP]
    for name, value in points.items():
        found = metadata.EntryPoint(name, value, features.GROUP).load()
        assert isinstance(found, Feature)
        assert found.name == name
        if found.program is not None:
            assert b"def main()" in found.program.read().content
    assert "dexcr" in points
