# SPDX-License-Identifier: GPL-2.0-only
"""The pytest plugin: scenarios become tests, a test's claims become its record and its outcome, a run leaves
a directory.

A failed verdict fails its test, a known defect that is shown xfails it (neither a success
nor a failure), a broken infrastructure is an error of its own, and all of them travel to
the controlling process as records, with or without pytest-xdist.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from harness.engine import planned
from harness.engine.checks import Checks
from harness.engine.controller import BROKEN, RECORD, Controller
from harness.engine.endings import Endings
from harness.engine.fixtures import *  # noqa: F403 - what a plugin file has, pytest finds
from harness.engine.items import about_of, identity_of, is_asked, is_health, is_of_levels, placement_of
from harness.engine.options import OPTIONS
from harness.engine.rundir import RunDirectory
from harness.engine.running_l1 import RunningL1
from harness.engine.scheduling import PlacementScheduling
from harness.engine.state import KEY, PLAN_OF_WORKER, State, of_config
from harness.engine.wanted import Wanted
from harness.features import all_features
from harness.features.feature import Feature
from harness.model.errors import HarnessError, InfrastructureError
from harness.model.plan import Plan
from harness.model.record import Record
from harness.model.scenario import Placement, Scenario
from harness.model.verdict import Kind
from harness.processes.single import die_with_parent
from harness.reports.sentences import expected_of, observed_of


def run_directory(config: pytest.Config) -> RunDirectory | None:
    """Of the run that *config* is of, None if nothing of it was started."""
    return of_config(config).directory


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addini("kvmppc_summary", "end with the grid and the failures", type="bool", default=True)
    group = parser.getgroup("kvmppc", "nested KVM scenarios (testcases/)")
    group.addoption(
        "--kvmppc-plan",
        metavar="FILE",
        help="run this plan; results go into its directory. All other options of ours are in it",
    )
    for option in OPTIONS:
        settings: dict[str, Any] = {"dest": f"kvmppc_{option.field}", "default": None, "help": option.help}
        if option.switch:
            settings["action"] = "store_true"
        else:
            settings["metavar"] = option.metavar
            if option.many:
                settings["action"] = "append"
        group.addoption(option.pytest_flag, **settings)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "scenario(full_id): the scenario or L1 a test belongs to")
    config.addinivalue_line(
        "markers",
        "topic(name, level=..., starts=...): the column of its record, by default the test's name; starts: "
        "the level of which it tells how it started",
    )
    config.addinivalue_line("markers", "suite(name): the test runs where --suite asks for it")
    if hasattr(config, "workerinput"):
        # A worker holds QEMUs; it must not outlive the controller, however that ends.
        die_with_parent(os.getppid())
    Endings().install()
    # pytest's -k has no '@' in its grammar; ids of ours have. Its '.' is as good here: see
    # pytest_collection_modifyitems, which gives each test its id in that spelling too.
    config.option.keyword = config.option.keyword.replace("@", ".")
    config.stash[KEY] = State(config)


# -- scenarios become tests ------------------------------------------------------------------


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "levels" not in metafunc.fixturenames:
        return
    scope = of_config(metafunc.config).scope
    with_l0 = "l0" in metafunc.fixturenames
    if "l2_setting" in metafunc.fixturenames:
        cases = [
            pytest.param(each.placement, each.l2, id=each.full_id, marks=_mark(each))
            for each in scope.scenarios
            if each.placement.topology.has_l0 or not with_l0
        ]
        metafunc.parametrize(("levels", "l2_setting"), cases, indirect=True, scope="session")
    elif "feature_topic" in metafunc.fixturenames:
        metafunc.parametrize(("levels", "feature_topic"), _feature_cases(scope), indirect=True,
                             scope="session")  # fmt: skip
    else:
        placements = [each for each in scope.placements if each.topology.has_l0 or not with_l0]
        params = [pytest.param(each, id=each.full_id, marks=_mark(each)) for each in placements]
        metafunc.parametrize("levels", params, indirect=True, scope="session")


def _asked_features(scope: Plan | Wanted) -> list[Feature]:
    """All but the first, which has tests of its own; of a plan those that it expects something of."""
    found = list(all_features()[1:])
    if isinstance(scope, Plan):
        found = [each for each in found if all(each.name in one.expected for one in scope.kernels.values())]
    return found


def _feature_cases(scope: Plan | Wanted) -> list[Any]:
    """Those of the first feature have tests of their own, in testcases/."""
    return [
        pytest.param(
            place, topic, id=f"{place.full_id}-{topic.name}",
            marks=(_mark(place), pytest.mark.topic(topic.name), pytest.mark.suite(topic.suite)),
        )
        for place in scope.placements
        for feature in _asked_features(scope)
        for topic in feature.topics
    ]  # fmt: skip


def _mark(what: Scenario | Placement) -> pytest.MarkDecorator:
    return pytest.mark.scenario(what.full_id)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    return PlacementScheduling(config, log)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> Iterator[None]:
    state = of_config(config)
    state.has_scenarios |= any(placement_of(item) is not None for item in items)
    if state.has_scenarios:
        scope = state.scope
        settings = {"fuzz": bool(scope.fuzz_seconds), "calls": bool(scope.calls)}
        asked = [is_asked(item, scope.suite, **settings) for item in items]
        dropped = [item for item, wanted in zip(items, asked, strict=True) if not wanted]
        if dropped and not state.has_plan:  # somebody at pytest's own command line counts them
            config.hook.pytest_deselected(items=dropped)
        items[:] = [item for item, wanted in zip(items, asked, strict=True) if wanted]
    for item in items:
        mark = item.get_closest_marker("scenario")
        if mark is not None:
            item.extra_keyword_matches.add(mark.args[0].replace("@", "."))
    collected = {item: number for number, item in enumerate(items)}
    health = {placement_of(item): item for item in items if is_health(item)}
    yield
    if not any(is_of_levels(item) for item in items):
        return
    # Whatever is selected of an L1: how it is afterwards is part of it.
    selected = dict.fromkeys(placement_of(item) for item in items)
    added = [item for place, item in health.items() if place in selected and item not in items]
    items += added
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None:  # they were counted as deselected
        counted = reporter.stats.get("deselected", [])
        counted[:] = [item for item in counted if item not in added]
    order = {each: number for number, each in enumerate(state.scope.placements)}

    def rank(item: pytest.Item) -> tuple[int, bool, int]:
        """pytest sorts by fixture, in an order of its own. Ours: all of one L1 together, L1's own tests
        before its L2s, as the files are named, and its health last."""
        place = placement_of(item)
        return (-1 if place is None else order[place], is_health(item), collected[item])

    items.sort(key=rank)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Parts are fetched only when a test needs them, and before the first one starts. A worker says of which
    records its tests will be; xdist tells the controller their names only."""
    config = session.config
    state = of_config(config)
    ours = [item for item in session.items if is_of_levels(item)]
    # Names of tests outside of the root directory may be equal.
    identities = [(item.nodeid, identity_of(item)) for item in ours]
    identities += [(each, f"tests of {each}") for each in _without_tests(state, ours)]
    if state.is_worker:
        if state.has_plan:
            planned.write(state.run_path, identities)
        return
    if config.option.collectonly:
        return
    # A run for which nothing is selected says so in its files, as one with workers does.
    if ours or (state.has_scenarios and not session.items):
        _start(state)
        if state.directory is not None:
            _plan(state.directory, identities)


def _without_tests(state: State, ours: Sequence[pytest.Item]) -> list[str]:
    """Those of the plan's folders of tests of which no test is asked: something is due of each."""
    folders = state.plan.tests if state.has_plan else ()
    return [each for each in folders if not any(item.path.is_relative_to(each) for item in ours)]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_node_collection_finished(node: Any) -> None:
    """All workers have the same tests."""
    directory = of_config(node.config).directory
    if directory is None:
        return
    found = planned.read(directory.path)
    if found is None:
        directory.add_error(planned.NAME, "no worker has written which records are due")
    _plan(directory, found or [])


def _plan(directory: RunDirectory, identities: Sequence[tuple[str, str]]) -> None:
    try:
        directory.plan(identities)
    except HarnessError as error:
        pytest.exit(f"kvmppc: {error}", returncode=error.exit_code)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """With xdist the controller collects nothing, so it prepares when it starts its workers."""
    state = of_config(node.config)
    if not _has_testcases(node.config):
        return
    _start(state)
    node.workerinput[PLAN_OF_WORKER] = state.plan_file


def _has_testcases(config: pytest.Config) -> bool:
    """Whether scenarios may be among what is asked for: ``pytest tests -n 2`` boots nothing."""
    if config.getoption("kvmppc_plan"):
        return True
    testcases = config.rootpath / "testcases"
    asked = [Path(config.invocation_params.dir, word.partition("::")[0]).resolve() for word in config.args]
    return not testcases.is_dir() or any(
        testcases == each or testcases in each.parents or each in testcases.parents for each in asked
    )


def _start(state: State) -> None:
    if state.directory is not None:
        return
    try:
        state.start()
    except HarnessError as error:
        pytest.exit(f"kvmppc: {error}", returncode=error.exit_code)


# -- a test becomes a record -----------------------------------------------------------------


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """A test of levels: its body runs as a part of its record."""
    if not is_of_levels(pyfuncitem):
        return None
    fixtures: dict[str, Any] = pyfuncitem.funcargs
    running: RunningL1 = fixtures["levels"]
    about = about_of(pyfuncitem)
    checks: Checks = fixtures.get("check") or Checks(about)
    arguments = {name: fixtures[name] for name in pyfuncitem._fixtureinfo.argnames}
    record = running.record(
        about, lambda: checks.of(lambda: pyfuncitem.obj(**arguments)), lambda: checks.so_far
    )
    pyfuncitem.user_properties.append((RECORD, json.dumps(record.to_json())))
    if checks.broken is not None:
        pyfuncitem.user_properties.append((BROKEN, "yes"))
        raise checks.broken
    _conclude(record)
    return True


def _conclude(record: Record) -> None:
    """End the test the way its verdicts say."""
    worst = record.kind
    lines = [
        f"{each.check}: expected {expected_of(each)}; observed {observed_of(each)}; proof: {each.proof}"
        for each in record.verdicts
        if each.kind is worst
    ]
    text = "\n".join(lines)
    if worst is Kind.FAIL:
        pytest.fail(text, pytrace=False)
    if worst in (Kind.INFRASTRUCTURE, Kind.UNKNOWN):
        raise InfrastructureError(text)
    if worst is Kind.DEFECT:
        pytest.xfail(f"{Kind.DEFECT.value}: {text}")
    if worst is Kind.SKIP:
        pytest.skip(text)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
    """An L1 ends with the last test of it. pytest would end it when it sets up the next test, and have that
    fail if it cannot be ended."""
    yield
    if nextitem is None or placement_of(nextitem) != placement_of(item):
        of_config(item.config).stop_l1()


# -- records reach the report ----------------------------------------------------------------


@pytest.hookimpl(trylast=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    try:
        _ = of_config(session.config).scope  # bad words end it here, in one line
    except HarnessError as error:
        pytest.exit(f"kvmppc: {error}", returncode=error.exit_code)
    if not of_config(session.config).is_worker:
        session.config.pluginmanager.register(Controller(session), "kvmppc-controller")


def pytest_report_teststatus(report: pytest.TestReport) -> tuple[str, str, str] | None:
    """Tests with a record have a line of their own; no letter beside it."""
    if report.when == "call" and any(name == RECORD for name, _ in report.user_properties):
        if hasattr(report, "wasxfail"):
            return ("xfailed" if report.skipped else "failed"), "", ""
        return report.outcome, "", ""
    return None
