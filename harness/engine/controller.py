# SPDX-License-Identifier: GPL-2.0-only
"""The controlling pytest process: collects records and shows them as they come."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any

import pytest

from harness.engine.activity import activities
from harness.engine.endings import end_workers, shorten
from harness.engine.rundir import RunDirectory
from harness.engine.state import State, of_config
from harness.model.errors import HarnessError, InfrastructureError
from harness.model.record import Record
from harness.model.verdict import TROUBLE
from harness.reports.live import LiveView, view_for

# Name of the property of a test's report that holds its record.
RECORD = "kvmppc-record"
# And of one that says that the test itself ended with an error, beside its record.
BROKEN = "kvmppc-broken"

_FOREIGN = InfrastructureError.exit_code


class Controller:
    def __init__(self, session: pytest.Session):
        self._session = session
        self._config = session.config
        self._state: State = of_config(session.config)
        self._live: LiveView | None = None
        self._uncollected: list[tuple[str, str]] = []  # name and trace of files of tests

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logstart(self) -> None:
        self._watch()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        directory = self._state.directory
        if directory is None:
            return
        text = next((value for name, value in report.user_properties if name == RECORD), None)
        if report.when == "call" and text is not None:
            record = Record.from_json(json.loads(str(text)))
            self._keep(lambda: directory.add(record))
            self._print(directory.progress_line(record))
            broken = any(name == BROKEN for name, _ in report.user_properties)
            if broken or (report.failed and record.kind not in TROUBLE):
                self._error(directory, f"call of {report.nodeid}", report.nodeid, report.longreprtext)
        elif report.failed:
            self._error(directory, f"{report.when} of {report.nodeid}", report.nodeid, report.longreprtext)

    @pytest.hookimpl(tryfirst=True)
    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A file of tests that cannot be imported: with workers xdist goes on without it."""
        if report.failed:
            self._uncollected.append((report.nodeid, report.longreprtext))
            self._tell_uncollected()

    def _tell_uncollected(self) -> None:
        """Once there is a directory."""
        directory = self._state.directory
        while directory is not None and self._uncollected:
            nodeid, trace = self._uncollected.pop()
            self._error(directory, f"collection of {nodeid}", nodeid, trace)

    def _error(self, directory: RunDirectory, what: str, test: str, trace: str) -> None:
        path = directory.add_error(test, trace)
        last = (trace.strip().splitlines() or ["no reason given"])[-1]
        self._print(f"error in {what}: {last} (see {path})")

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
        self._tell_uncollected()
        cut_off = exitstatus in (pytest.ExitCode.INTERRUPTED, pytest.ExitCode.INTERNAL_ERROR)
        stopped = bool(session.shouldstop)
        complete = not cut_off and not stopped
        written = self._keep(lambda: directory.finish(complete=complete))
        if not cut_off or stopped:
            code = directory.exit_code(complete and written)
            # Whatever pytest counts as failed, and no record tells of, is no success.
            session.exitstatus = _FOREIGN if code == 0 and session.testsfailed else code

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        if self._state.directory is not None and self._config.getini("kvmppc_summary"):
            terminalreporter.ensure_newline()
            terminalreporter.write_line("")
            for line in self._state.directory.summary(terminalreporter.hasmarkup):
                terminalreporter.write_line(line)
