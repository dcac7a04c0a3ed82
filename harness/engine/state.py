# SPDX-License-Identifier: GPL-2.0-only
"""What one pytest process knows of the run: its plan, its directory, the L1 whose tests run."""

from __future__ import annotations

import sys
from functools import cached_property
from pathlib import Path

import pytest

from harness.engine import plan_file
from harness.engine.environment import Environment, LocalEnvironment
from harness.engine.options import OPTIONS, RunOptions
from harness.engine.resolve import resolve
from harness.engine.rundir import RunDirectory, claim
from harness.engine.running_l1 import RunningL1
from harness.engine.wanted import Wanted, wanted
from harness.model.errors import UsageError
from harness.model.plan import Plan
from harness.parts.cache import Cache
from harness.reports import recordlog

KEY = pytest.StashKey["State"]()

# What a controller tells its workers: where the plan is.
PLAN_OF_WORKER = "kvmppc_plan"


class State:
    """A worker, and a run that was given a plan, read it; only a controller without one resolves anything,
    before the first test that needs it."""

    def __init__(self, config: pytest.Config):
        values = {option.field: config.getoption(f"kvmppc_{option.field}") for option in OPTIONS}
        self.options = RunOptions.from_mapping(values)
        worker = getattr(config, "workerinput", {})
        self.is_worker = hasattr(config, "workerinput")
        self._file = str(worker.get(PLAN_OF_WORKER, "") or config.getoption("kvmppc_plan") or "")
        self._plan: Plan | None = None
        self.directory: RunDirectory | None = None
        self.l1: RunningL1 | None = None
        self.has_scenarios = False  # tests of ours were found, whether or not any is selected

    @property
    def scope(self) -> Plan | Wanted:
        """What scenarios there are. UsageError for options, or a plan, that make no sense."""
        if self._file:
            return self.plan
        return self._asked_for

    @cached_property
    def _asked_for(self) -> Wanted:
        return wanted(self.options)

    @property
    def plan(self) -> Plan:
        """There is one once the run has started."""
        if self._plan is None:
            assert self._file, "asked before the run started"
            self._plan = plan_file.read(Path(self._file), Cache.root_of_user())
        return self._plan

    @property
    def has_plan(self) -> bool:
        return bool(self._file)

    @property
    def plan_file(self) -> str:
        return self._file

    @property
    def run_path(self) -> Path:
        """The run's directory: where its plan is."""
        return Path(self._file).parent

    def start(self) -> None:
        """Before the first test of the controller: the plan, then the run's directory."""
        if not self._file:
            plan = resolve(self._asked_for, self.options, _say)
            path = claim(self.options.run_dir).resolve()
            plan_file.write(plan, path / plan_file.NAME, Cache.root_of_user())
            self._file = str(path / plan_file.NAME)
        if recordlog.has_run(self.run_path):
            raise UsageError(
                f"{self.run_path} holds the results of an earlier run", "copy the plan elsewhere"
            )
        self.directory = RunDirectory(self.run_path.resolve(), self.plan)

    def environment(self) -> Environment:
        return environment_of(self.plan)

    def stop_l1(self) -> None:
        """That of the tests that ran last, if it still runs."""
        running, self.l1 = self.l1, None
        if running is not None:
            running.stop()


def environment_of(plan: Plan) -> Environment:
    if any(kernel.machine is not None for kernel in plan.kernels.values()):
        from harness.engine.remote_environment import RemoteEnvironment

        return RemoteEnvironment(plan)
    return LocalEnvironment(plan, Cache.default())


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def of_config(config: pytest.Config) -> State:
    return config.stash[KEY]
