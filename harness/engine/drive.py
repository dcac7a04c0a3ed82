# SPDX-License-Identifier: GPL-2.0-only
"""Drive pytest over the test cases: the one engine behind every command that boots something."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from harness import shipped
from harness.engine import plan_file
from harness.engine.options import RunOptions
from harness.engine.resolve import resolve
from harness.engine.rundir import claim
from harness.engine.wanted import Wanted, wanted
from harness.model.errors import InfrastructureError
from harness.model.plan import Plan
from harness.parts.cache import Cache
from harness.processes import memory

INTERRUPTED = 130

# What a worker needs at its peak: the outermost guest's memory, QEMU's own, Python's.
_WORKER_BYTES = 3 << 30
_L0_WORKER_BYTES = 5 << 30

_FOREIGN = InfrastructureError.exit_code


class SessionEnd:
    """Why pytest's session ended, which its exit code does not tell: its 1 is any failure, its 2 is Ctrl-C
    and much else, and ours have other meanings."""

    def __init__(self) -> None:
        self.interrupted = False
        self.broken = False  # a defect: pytest's, or of a hook of ours
        self.told: int | None = None  # by an error of ours that ended it: its exit code
        self.judged = False  # the exit code is that of the run's records
        self.stopped = False  # before all tests were run

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        if isinstance(excinfo.value, pytest.exit.Exception):
            # Of a test, or of a plugin of somebody's, its exit code says nothing.
            ours = str(excinfo.value.msg).startswith("kvmppc: ")
            self.told = excinfo.value.returncode if ours else _FOREIGN
        elif isinstance(excinfo.value, pytest.Session.Interrupted):
            self.stopped = True  # by itself: an error in a test's file, for instance
        else:
            self.interrupted = True

    def pytest_internalerror(self) -> None:
        self.broken = True

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        from harness.engine.plugin import run_directory  # there by now; it takes long to import

        self.judged = run_directory(session.config) is not None
        self.stopped = self.stopped or bool(session.shouldstop or session.shouldfail)

    def exit_code(self, status: int) -> int:
        """Ours for pytest's *status*."""
        if self.interrupted:
            return INTERRUPTED
        if self.broken:
            return _FOREIGN
        if self.told is not None:
            return self.told
        if status == pytest.ExitCode.USAGE_ERROR:
            return 2
        if status == pytest.ExitCode.NO_TESTS_COLLECTED:
            return _FOREIGN  # nothing was judged
        if status == 0:
            return _FOREIGN if self.stopped else 0
        # A failure that no record tells of says nothing about a kernel.
        return status if self.judged and status in (1, _FOREIGN) else _FOREIGN


def run(
    options: RunOptions,
    jobs: int,
    extra: Sequence[str],
    progress: Callable[[str], None],
    *,
    summary: bool = True,
    quiet: bool = False,
) -> int:
    """Resolve a plan, and run it; the exit code. HarnessError before the first test for bad input or parts.

    jobs: L1s side by side, 0 for as many as fit; extra: further arguments for pytest; summary: False for
    a command that shows the results in a way of its own. options.run_dir must then be one claimed;
    quiet: nothing on stdout at all, for a command whose stdout is a result.
    """
    # Here rather than in pytest, so that bad input is one line and not a test session.
    plan = resolve(wanted(options), options, progress)
    directory = claim(options.run_dir) if summary else Path(options.run_dir)
    return run_plan(plan, directory, jobs, extra, progress, summary=summary, quiet=quiet)


def run_plan(
    plan: Plan,
    directory: Path,
    jobs: int,
    extra: Sequence[str],
    progress: Callable[[str], None],
    *,
    summary: bool = True,
    quiet: bool = False,
) -> int:
    """As run. directory: of the run, claimed; the plan is written there."""
    file = directory.resolve() / plan_file.NAME
    try:
        plan_file.write(plan, file, Cache.root_of_user())
    except OSError as error:
        raise InfrastructureError(f"cannot write {file}: {error.strerror}", "free some space") from None
    ours = shipped.testcases()
    # How each L1 is afterwards belongs to any test of it.
    asked = [*plan.tests, str(ours / "test_9_health.py")] if plan.tests else [str(ours)]
    words = [*asked, *pytest_settings()]
    words += ["-p", "no:cacheprovider", "-q", "--no-header", "--tb=no", "-o", "console_output_style=classic"]
    # At the end of every session, in every worker, it imports all of hypothesis: seconds.
    words += ["-p", "no:hypothesispytest"]
    workers = jobs or default_jobs(plan)
    what = f"{len(plan.scenarios)} scenarios in " if plan.suite.boots_guests else ""
    progress(f"{what}{len(plan.placements)} L1s, {workers} side by side; results go to {directory}")
    if not summary:
        words += ["-o", "kvmppc_summary=no", "--no-summary"]
    with contextlib.ExitStack() as stack:
        if workers > 1:
            # xdist makes a directory for its workers, which pytest would leave in the common one.
            scratch = stack.enter_context(tempfile.TemporaryDirectory(prefix="kvmppc-pytest-"))
            words += ["-n", str(workers), "--basetemp", f"{scratch}/workers"]
        if quiet:
            stack.enter_context(contextlib.redirect_stdout(sys.stderr))
        stack.enter_context(_without_settings_around())
        end = SessionEnd()
        status = pytest.main([*words, "--kvmppc-plan", str(file), *extra], plugins=[end])
    return end.exit_code(int(status))


@contextlib.contextmanager
def _without_settings_around() -> Iterator[None]:
    """Arguments and plugins that somebody wants for their own runs of pytest: they would select among our
    tests, here and in workers."""
    names = ("PYTEST_ADDOPTS", "PYTEST_PLUGINS")
    before = {name: os.environ.pop(name) for name in names if name in os.environ}
    try:
        yield
    finally:
        os.environ.update(before)


def default_jobs(plan: Plan | Wanted) -> int:
    """As many as there are cores, L1s to boot, and memory for."""
    placements = plan.placements
    has_l0 = any(each.topology.has_l0 for each in placements)
    fit = memory.available() // (_L0_WORKER_BYTES if has_l0 else _WORKER_BYTES)
    return max(1, min(len(os.sched_getaffinity(0)), len(placements), fit))


def pytest_settings() -> list[str]:
    """Words for pytest: our plugin, and settings that are the same in a checkout, in an installed package,
    and in a directory that has a pytest.ini or conftest.py of its own."""
    testcases = shipped.testcases()
    return [
        "-c", os.devnull, "--rootdir", str(testcases.parent), "--confcutdir", str(testcases),
        "-p", "harness.engine.plugin", "--strict-markers", "-o", "xfail_strict=true",
    ]  # fmt: skip
