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
from harness.engine.state import State, of_config
from harness.model.errors import HarnessError
from harness.model.record import Record
from harness.reports.live import LiveView, view_for

# Name of the property of a test's report that holds its record.
RECORD = "kvmppc-record"


class Controller:
    def __init__(self, session: pytest.Session):
        self._session = session
        self._config = session.config
        self._state: State = of_config(session.config)
        self._live: LiveView | None = None

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
