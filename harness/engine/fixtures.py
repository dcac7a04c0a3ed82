# SPDX-License-Identifier: GPL-2.0-only
"""The fixtures that tests of levels take: the project's own, and everybody's (docs/reference.md)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from harness.engine import state
from harness.engine.checks import Checks
from harness.engine.handles import L1Handle, L2Handle, LevelHandle
from harness.engine.items import about_of, is_of_levels
from harness.engine.running_l1 import RunningL1
from harness.features.compat_caps.calls import Call
from harness.features.feature import Topic
from harness.levels.ssh import new_key
from harness.model.errors import InfrastructureError
from harness.model.scenario import L2Setting, Placement


@pytest.fixture(scope="session")
def ssh_key() -> Any:
    return new_key()


@pytest.fixture(scope="session")
def levels(request: pytest.FixtureRequest, ssh_key: Any) -> Iterator[RunningL1]:
    """The levels of a placement, shared by all tests of it, and started when they are needed."""
    here = state.of_config(request.config)
    placement: Placement = request.param
    running = RunningL1(placement, here.environment(), ssh_key, here.run_path)
    here.l1 = running
    try:
        yield running
    finally:
        here.stop_l1()


@pytest.fixture
def l0(levels: RunningL1) -> LevelHandle:
    """L0, for tests of topologies where that is a Linux."""
    return LevelHandle(levels, "L0")


@pytest.fixture
def l1(levels: RunningL1) -> L1Handle:
    """L1: up when the test begins."""
    return L1Handle(levels)


@pytest.fixture
def l2(levels: RunningL1, l2_setting: L2Setting) -> L2Handle:
    """The guest of a scenario, to be booted. The test runs once for each scenario."""
    return L2Handle(L1Handle(levels), l2_setting)


@pytest.fixture
def l2_setting(request: pytest.FixtureRequest) -> L2Setting:
    """Filled in by pytest_generate_tests."""
    setting: L2Setting = request.param
    return setting


@pytest.fixture
def feature_topic(request: pytest.FixtureRequest) -> Topic:
    """A topic of a feature; filled in by pytest_generate_tests."""
    topic: Topic = request.param
    return topic


@pytest.fixture
def check(request: pytest.FixtureRequest) -> Checks:
    """What the test claims: a verdict for each claim. InfrastructureError for a test that takes no level: no
    record would have them."""
    if not is_of_levels(request.node):
        raise InfrastructureError(f"{request.node.nodeid} takes check and no level", "let it take l1 as well")
    return Checks(about_of(request.node))


@pytest.fixture
def fuzz(request: pytest.FixtureRequest) -> tuple[float, int]:
    """(seconds, seed); tests with it run where ``--fuzz`` asks for it."""
    plan = state.of_config(request.config).plan
    return plan.fuzz_seconds, plan.seed


@pytest.fixture
def calls(request: pytest.FixtureRequest) -> tuple[Call, ...]:
    """Tests with it run where ``--call`` gives some."""
    return tuple(Call.parse(line) for line in state.of_config(request.config).plan.calls)
