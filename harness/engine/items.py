# SPDX-License-Identifier: GPL-2.0-only
"""A test of levels, as pytest collected it: of which L1, and what its record is about."""

from __future__ import annotations

import pytest

from harness.engine.about import GUEST, About
from harness.features import all_topics
from harness.model.plan import Suite
from harness.model.scenario import L2Setting, Placement

# Parameters that the plugin gives.
_OURS = ("levels", "l2_setting", "feature_topic")

# The last test of each L1.
HEALTH = "health"


def is_of_levels(item: pytest.Item) -> bool:
    """Whether it takes a level, so that a record is due."""
    return "levels" in getattr(item, "fixturenames", ())


def placement_of(item: pytest.Item) -> Placement | None:
    found = _param(item, "levels")
    return found if isinstance(found, Placement) else None


def about_of(item: pytest.Item) -> About:
    """By its mark ``topic``; of a test without one the topic is its name."""
    mark = item.get_closest_marker("topic")
    fixtures = getattr(item, "fixturenames", ())
    # The innermost that it takes must be up.
    level = "L2" if "l2_setting" in fixtures else "L0" if "l0" in fixtures and "l1" not in fixtures else "L1"
    l2 = _param(item, "l2_setting")
    name = getattr(item, "originalname", None) or item.name
    if mark is None:
        # A test of somebody's may have parameters of its own: a record for each.
        more = _own_ids(item)
        name += f"({', '.join(more)})" if more else ""
    topic = mark.args[0] if mark is not None else _own(name.removeprefix("test_"))
    settings = {"level": level, **(mark.kwargs if mark is not None else {})}
    return About(topic, l2=l2.id if isinstance(l2, L2Setting) else "", **settings)


def _own(name: str) -> str:
    """A topic by the name of a test of somebody's, which is none of ours."""
    ours = {"l0", "l1", GUEST, HEALTH, *(each.name for each in all_topics())}
    return f"{name} (own)" if name in ours else name


def identity_of(item: pytest.Item) -> str:
    """Of the record that is due of it."""
    placement = placement_of(item)
    assert placement is not None, "asked of a test that takes no level"
    return about_of(item).identity(placement)


def is_health(item: pytest.Item) -> bool:
    return is_of_levels(item) and about_of(item).topic == HEALTH


def is_asked(item: pytest.Item, suite: Suite, *, fuzz: bool, calls: bool) -> bool:
    """Whether the run asks this. Only tests of levels are looked at."""
    if not is_of_levels(item):
        return True
    if placement_of(item) is None:
        return False  # pytest makes a test to be skipped of one that has no parameters
    fixtures = getattr(item, "fixturenames", ())
    if ("fuzz" in fixtures and not fuzz) or ("calls" in fixtures and not calls):
        return False
    mark = item.get_closest_marker("suite")
    if mark is not None and mark.args[0] == Suite.ABI.value and not suite.asks_all:
        return False
    return suite.boots_guests or "l2_setting" not in fixtures


def _own_ids(item: pytest.Item) -> list[str]:
    """pytest's ids of the parameters that are the test's own: the same in each worker, whatever they are."""
    mark = item.get_closest_marker("scenario")
    callspec = getattr(item, "callspec", None)
    if mark is None or callspec is None or not set(_params(item)) - set(_OURS):
        return []
    return [each for each in callspec.id.replace(mark.args[0], "", 1).split("-") if each]


def _params(item: pytest.Item) -> dict[str, object]:
    callspec = getattr(item, "callspec", None)
    return dict(callspec.params) if callspec is not None else {}


def _param(item: pytest.Item, name: str) -> object:
    return _params(item).get(name)
