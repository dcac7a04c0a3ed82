# SPDX-License-Identifier: GPL-2.0-only
"""The pytest plugin: scenarios become tests, verdicts become outcomes, a run leaves a directory.

A failed verdict fails its test, a known defect that is shown xfails it (neither a success
nor a failure), a broken infrastructure is an error of its own, and all of them travel to
the controlling process as records, with or without pytest-xdist.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.engine.activity import activities
from harness.engine.endings import Endings, end_workers, shorten
from harness.engine.environment import Ready
from harness.engine.options import OPTIONS, RunOptions
from harness.engine.plan import Plan, make
from harness.engine.resolve_environment import ready
from harness.engine.rundir import RunDirectory
from harness.engine.running_l1 import RunningL1
from harness.engine.scheduling import PlacementScheduling
from harness.features.compat_caps.calls import Call
from harness.levels.ssh import new_key
from harness.model.errors import HarnessError, InfrastructureError
from harness.model.record import Record
from harness.model.scenario import L2Setting, Placement, Scenario
from harness.model.verdict import Kind
from harness.processes.single import die_with_parent
from harness.reports.live import LiveView, view_for
from harness.reports.sentences import expected_of, observed_of

_RECORD = "kvmppc-record"
# The last test of each L1.
_HEALTH_FILE = "test_9_health.py"
_STATE = pytest.StashKey["State"]()


def run_directory(config: pytest.Config) -> RunDirectory | None:
    """Of the run that *config* is of, None if nothing of it was started."""
    return config.stash[_STATE].directory


class State:
    """What one pytest process knows of the run. Workers get the directory from the controller."""

    def __init__(self, config: pytest.Config):
        values = {option.field: config.getoption(f"kvmppc_{option.field}") for option in OPTIONS}
        self.options = RunOptions.from_mapping(values)
        worker = getattr(config, "workerinput", {})
        self.worker_directory: str | None = worker.get("kvmppc_directory")
        self.worker_identities: dict[str, str] | None = worker.get("kvmppc_identities")
        self._plan: Plan | None = None
        self._prepared: Ready | None = None
        self.directory: RunDirectory | None = None
        self.l1: RunningL1 | None = None
        self.has_scenarios = False  # tests of ours were found, whether or not any is selected
        self.progress: Callable[[str], None] = lambda text: print(text, file=sys.stderr, flush=True)

    @property
    def plan(self) -> Plan:
        if self._plan is None:
            self._plan = make(self.options)
        return self._plan

    @property
    def prepared(self) -> Ready:
        if self._prepared is None:
            quiet: Callable[[str], None] = lambda _text: None  # noqa: E731
            progress = self.progress if self.worker_directory is None else quiet
            self._prepared = ready(self.plan, self.options, progress)
            self._check_identities()
        return self._prepared

    @property
    def identities(self) -> dict[str, str]:
        """Of all that is booted, by name: the report names these."""
        assert self._prepared is not None
        kernels = {**self._prepared.l0_kernels, **self._prepared.kernels}
        return {
            **{name: each.build.identity for name, each in kernels.items()},
            "QEMU": self._prepared.qemu_text,
            "QEMU in L1": self._prepared.l1_qemu_text,
        }

    def _check_identities(self) -> None:
        """A worker must boot what the controller resolved: a tree may have been edited in between."""
        if self.worker_identities is None:
            return
        for name, identity in self.identities.items():
            if self.worker_identities.get(name) != identity:
                raise InfrastructureError(
                    f"{name} is another one than when this run began ({identity} now)",
                    "do not change it while a run goes on",
                )

    def start(self) -> None:
        """Before the first test of the controller: parts, then the run's directory."""
        self.directory = RunDirectory.create(self.options, self.plan, self.prepared)

    def stop_l1(self) -> None:
        """That of the tests that ran last, if it still runs."""
        running, self.l1 = self.l1, None
        if running is not None:
            running.stop()

    @property
    def run_path(self) -> Path:
        if self.worker_directory is not None:
            return Path(self.worker_directory)
        assert self.directory is not None
        return self.directory.path


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addini("kvmppc_summary", "end with the grid and the failures", type="bool", default=True)
    group = parser.getgroup("kvmppc", "nested KVM scenarios (testcases/)")
    for option in OPTIONS:
        name = f"kvmppc_{option.field}"
        if option.switch:
            group.addoption(option.flag, dest=name, action="store_true", default=None, help=option.help)
        elif option.many:
            group.addoption(
                option.flag,
                dest=name,
                action="append",
                metavar=option.metavar,
                default=None,
                help=option.help,
            )
        else:
            group.addoption(option.flag, dest=name, metavar=option.metavar, default=None, help=option.help)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "scenario(full_id): the scenario or L1 a test belongs to")
    if hasattr(config, "workerinput"):
        # A worker holds QEMUs; it must not outlive the controller, however that ends.
        die_with_parent(os.getppid())
    Endings().install()
    # pytest's -k has no '@' in its grammar; ids of ours have. Its '.' is as good here: see
    # pytest_collection_modifyitems, which gives each test its id in that spelling too.
    config.option.keyword = config.option.keyword.replace("@", ".")
    config.stash[_STATE] = State(config)


# -- scenarios become tests ------------------------------------------------------------------


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "l1" not in metafunc.fixturenames:
        return
    scenarios = metafunc.config.stash[_STATE].plan.scenarios
    if "l2_setting" in metafunc.fixturenames:
        cases = [
            pytest.param(each.placement, each.l2, id=each.full_id, marks=_mark(each)) for each in scenarios
        ]
        metafunc.parametrize(("l1", "l2_setting"), cases, indirect=["l1"], scope="session")
    else:
        placements = dict.fromkeys(metafunc.config.stash[_STATE].plan.placements)
        if "l0" in metafunc.fixturenames:
            placements = {each: None for each in placements if each.topology.has_l0}
        params = [pytest.param(each, id=each.full_id, marks=_mark(each)) for each in placements]
        metafunc.parametrize("l1", params, indirect=True, scope="session")


def _mark(what: Scenario | Placement) -> pytest.MarkDecorator:
    return pytest.mark.scenario(what.full_id)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    return PlacementScheduling(config, log)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> Iterator[None]:
    state = config.stash[_STATE]
    state.has_scenarios |= any(isinstance(_placement(item), Placement) for item in items)
    items[:] = [item for item in items if _belongs(item, state)]
    for item in items:
        mark = item.get_closest_marker("scenario")
        if mark is not None:
            item.extra_keyword_matches.add(mark.args[0].replace("@", "."))
    collected = {item: number for number, item in enumerate(items)}
    health = {_placement(item): item for item in items if _is_health(item)}
    yield
    if not any(_placement(item) for item in items):
        return
    # Whatever is selected of an L1: how it is afterwards is part of it.
    selected = dict.fromkeys(_placement(item) for item in items)
    items += [item for place, item in health.items() if place in selected and item not in items]
    order = {each: number for number, each in enumerate(state.plan.placements)}
    # pytest sorts by fixture, in an order of its own. Ours: all of one L1 together, L1's own
    # tests before its L2s, as the files are named.
    items.sort(key=lambda item: (order.get(_placement(item), -1), collected[item]))


def _belongs(item: pytest.Item, state: State) -> bool:
    """Whether the run asks this. Only tests of ours are looked at."""
    fixtures = getattr(item, "fixturenames", ())
    if "l1" not in fixtures:
        return True
    if "l0" in fixtures and not isinstance(_placement(item), Placement):
        return False  # pytest makes a test to be skipped of one that has no parameters
    plan = state.plan
    if ("fuzz" in fixtures and not plan.fuzz_seconds) or ("calls" in fixtures and not plan.calls):
        return False
    suite = plan.suite
    return (suite.boots_guests or "l2_setting" not in fixtures) and (
        suite.asks_all or "suite" not in fixtures
    )


def _is_health(item: pytest.Item) -> bool:
    return item.nodeid.partition("::")[0].endswith(_HEALTH_FILE)


def _placement(item: pytest.Item) -> Any:
    callspec = getattr(item, "callspec", None)
    return callspec.params.get("l1") if callspec is not None else None


def pytest_collection_finish(session: pytest.Session) -> None:
    """Parts are fetched only when a test needs them, and before the first one starts."""
    config = session.config
    state = config.stash[_STATE]
    if hasattr(config, "workerinput") or config.option.collectonly:
        return
    ours = [item.nodeid for item in session.items if "l1" in getattr(item, "fixturenames", ())]
    # A run for which nothing is selected says so in its files, as one with workers does.
    if ours or (state.has_scenarios and not session.items):
        _start(state)
        if state.directory is not None:
            state.directory.plan(ours)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_node_collection_finished(node: Any, ids: list[str]) -> None:
    """With xdist only the workers know what is selected; all have the same. Ids of ours have an L1 in them;
    other tests may have parameters too."""
    state = node.config.stash[_STATE]
    if state.directory is not None:
        places = [each.full_id for each in state.plan.placements]
        state.directory.plan(each for each in ids if any(place in each.partition("[")[2] for place in places))


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """With xdist the controller collects nothing, so it prepares when it starts its workers."""
    state = node.config.stash[_STATE]
    if not _has_testcases(node.config):
        return
    _start(state)
    node.workerinput["kvmppc_directory"] = str(state.run_path)
    node.workerinput["kvmppc_identities"] = state.identities


def _has_testcases(config: pytest.Config) -> bool:
    """Whether scenarios may be among what is asked for: ``pytest tests -n 2`` boots nothing."""
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


# -- fixtures --------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def ssh_key() -> Any:
    return new_key()


@pytest.fixture(scope="session")
def l1(request: pytest.FixtureRequest, ssh_key: Any) -> Iterator[RunningL1]:
    """The L1 of a placement, shared by all tests of it; skipped where QEMU cannot be it."""
    state = request.config.stash[_STATE]
    placement: Placement = request.param
    running = RunningL1(
        placement, state.prepared, ssh_key, state.run_path, state.options.no_workaround,
        state.options.allow_splat,
    )  # fmt: skip
    state.l1 = running
    try:
        yield running
    finally:
        state.stop_l1()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
    """An L1 ends with the last test of it. pytest would end it when it sets up the next test, and have that
    fail if it cannot be ended."""
    yield
    if nextitem is None or _placement(nextitem) != _placement(item):
        item.config.stash[_STATE].stop_l1()


@pytest.fixture
def l0(l1: RunningL1) -> RunningL1:
    """The same levels, for what is asked of L0; tests with it exist where L0 is a Linux."""
    return l1


@pytest.fixture
def suite(l1: RunningL1) -> RunningL1:
    """The same L1, for the conformance suite; tests with it run where ``--suite`` asks for it."""
    return l1


@pytest.fixture
def fuzz(request: pytest.FixtureRequest) -> tuple[float, int]:
    """(seconds, seed); tests with it run where ``--fuzz`` asks for it."""
    plan = request.config.stash[_STATE].plan
    return plan.fuzz_seconds, plan.seed


@pytest.fixture
def calls(request: pytest.FixtureRequest) -> tuple[Call, ...]:
    """Tests with it run where ``--call`` gives some."""
    return request.config.stash[_STATE].plan.calls


@pytest.fixture
def l2_setting(request: pytest.FixtureRequest) -> L2Setting:
    """Filled in by pytest_generate_tests."""
    setting: L2Setting = request.param
    return setting


@pytest.fixture
def conclude(record_property: Callable[[str, object], None]) -> Callable[[Record], None]:
    """Give the record to the report, then end the test the way its verdicts say."""

    def end(record: Record) -> None:
        record_property(_RECORD, json.dumps(record.to_json()))
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

    return end


# -- records reach the report ----------------------------------------------------------------


@pytest.hookimpl(trylast=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    try:
        _ = session.config.stash[_STATE].plan  # bad words end it here, in one line
    except HarnessError as error:
        pytest.exit(f"kvmppc: {error}", returncode=error.exit_code)
    if not hasattr(session.config, "workerinput"):
        session.config.pluginmanager.register(_Controller(session), "kvmppc-controller")


class _Controller:
    """In the controlling process only: collects records, prints them as they come."""

    def __init__(self, session: pytest.Session):
        self._session = session
        self._config = session.config
        self._state: State = session.config.stash[_STATE]
        self._live: LiveView | None = None

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logstart(self) -> None:
        self._watch()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        directory = self._state.directory
        if directory is None:
            return
        text = next((value for name, value in report.user_properties if name == _RECORD), None)
        if report.when == "call" and text is not None:
            record = Record.from_json(json.loads(str(text)))
            self._keep(lambda: directory.add(record, report.nodeid))
            self._print(directory.progress_line(record))
        elif report.failed:
            path = directory.add_error(report.nodeid, report.longreprtext)
            last = (report.longreprtext.strip().splitlines() or ["no reason given"])[-1]
            self._print(f"error in {report.when} of {report.nodeid}: {last} (see {path})")

    def _keep(self, write: Callable[[], None]) -> bool:
        """Write results; if that fails, stop the run rather than lose them one by one. Whether they are
        written."""
        try:
            write()
        except HarnessError as error:
            if not self._session.shouldstop:
                self._session.shouldstop = f"kvmppc: {error}"
            return False
        return True

    def _watch(self) -> None:
        """Show what goes on, from when there is something, if somebody watches."""
        reporter = self._config.pluginmanager.get_plugin("terminalreporter")
        directory = self._state.directory
        if self._live is not None or directory is None or reporter is None or os.environ.get("NO_COLOR"):
            return
        self._live = view_for(reporter._tw._file, lambda: activities(directory.path))
        if self._live is not None:
            self._live.start()

    def _print(self, line: str) -> None:
        if self._live is not None:
            self._live.print(line)
            return
        reporter = self._config.pluginmanager.get_plugin("terminalreporter")
        if reporter is not None:
            reporter.ensure_newline()
            reporter.write_line(line)
            reporter.flush()  # whoever reads through a pipe wants it now as well

    @pytest.hookimpl(tryfirst=True)
    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        end_workers()
        shorten(excinfo)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None
        directory = self._state.directory
        if directory is None:
            return
        cut_off = exitstatus in (pytest.ExitCode.INTERRUPTED, pytest.ExitCode.INTERNAL_ERROR)
        stopped = bool(session.shouldstop)
        complete = not cut_off and not stopped
        written = self._keep(lambda: directory.finish(complete=complete))
        if not cut_off or stopped:
            session.exitstatus = directory.exit_code(complete and written)

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        if self._state.directory is not None and self._config.getini("kvmppc_summary"):
            terminalreporter.ensure_newline()
            terminalreporter.write_line("")
            for line in self._state.directory.summary(terminalreporter.hasmarkup):
                terminalreporter.write_line(line)


def pytest_report_teststatus(report: pytest.TestReport) -> tuple[str, str, str] | None:
    """Tests with a record have a line of their own; no letter beside it."""
    if report.when == "call" and any(name == _RECORD for name, _ in report.user_properties):
        if hasattr(report, "wasxfail"):
            return ("xfailed" if report.skipped else "failed"), "", ""
        return report.outcome, "", ""
    return None
