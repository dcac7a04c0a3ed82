# SPDX-License-Identifier: GPL-2.0-only
"""Pairwise covering, and what avocado is told of scenarios."""

import dataclasses
import itertools
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import living
import plans
import preloaded
import pytest
from avocado.core.exceptions import JobBaseException
from delivered import whole
from quoting import quoted

from harness.avocado import planning
from harness.avocado import resolver as avocado_resolver
from harness.avocado import runner as avocado_runner
from harness.avocado.resolver import KvmppcResolver
from harness.engine import plan_file
from harness.engine.options import RunOptions
from harness.engine.pairwise import covering, settings
from harness.engine.wanted import wanted
from harness.model.errors import UsageError
from harness.model.plan import Suite
from harness.model.record import KernelInfo, Record, RunInfo
from harness.model.verdict import Kind
from harness.reports import jsonfile

ROOT = Path(__file__).parent.parent.parent
CACHE = Path("/cache")


def all_pairs(scenarios):
    found = set()
    for each in scenarios:
        words = list(enumerate(settings(each)))
        found |= set(itertools.combinations(words, 2))
    return found


@pytest.mark.parametrize(
    "more",
    [{}, {"topologies": ("pseries-hv",)}, {"l0_kernels": ("debian-source:7.2", "debian-source:7.3", "same")},
     {"kernels": ("debian:7.3",)}],
)  # fmt: skip
def test_every_pair_that_the_full_matrix_has_is_in_the_pairwise_one(more):
    full = wanted(RunOptions(matrix="full", **more)).scenarios
    few = wanted(RunOptions(matrix="pairwise", **more)).scenarios
    assert all_pairs(few) == all_pairs(full)
    assert set(few) <= set(full)
    assert len(few) < len(full) / 2


def test_it_is_the_same_list_each_time_and_in_the_order_of_the_full_one():
    full = wanted(RunOptions(matrix="full")).scenarios
    few = covering(full)
    assert few == covering(full)
    assert list(few) == sorted(few, key=full.index)
    assert covering(full[:1]) == full[:1]


@pytest.fixture
def planned(monkeypatch):
    """(name of the task, its plan): of kernels that are not there. Resolved so many times are *resolved*."""

    def of(what):
        resolved = []

        def resolve(*words):
            resolved.append(words)
            return plans.resolve(*words)

        monkeypatch.setattr(planning, "resolve", resolve)
        runnables = KvmppcResolver({}).resolve(f"kvmppc:{what}").resolutions
        planning.give_plans(runnables)
        of.resolved = len(resolved)
        return [(each.uri, plan_file.from_json(json.loads(each.kwargs["plan"]), CACHE)) for each in runnables]

    return of


def test_a_task_is_one_l1_with_its_l2s(planned):
    found = dict(planned("ci"))
    assert list(found) == ["7.3-papr-p11@p10", "6.12-papr-p11@p10"]
    plan = found["6.12-papr-p11@p10"]
    assert [each.id for each in plan.scenarios] == ["papr-p11@p10-l2host", "papr-p11@p10-l2p10"]
    assert [each.info.spec for each in plan.kernels.values()] == ["debian:6.12"]


def test_a_task_is_whole_by_itself(planned):
    """Its plan has its own scenarios and what they need, and no more."""
    found = planned("mixed,qemu=host,suite=all")
    assert (len(found), planned.resolved) == (4, 1)
    for name, plan in found:
        assert (plan.qemu.label, plan.suite) == ("host", Suite.ALL)
        assert [each.full_id for each in plan.placements] == [name]
        assert len(plan.scenarios) == 3
        assert list(plan.kernels) == [plan.placements[0].kernel]
        assert list(plan.l0_kernels) == [plan.placements[0].l0]


def test_a_scenario_and_options_by_name(planned):
    (name, plan), = planned("hv-p9-l2host,kernel=debian:7.2,allow-splat=WARNING in x")  # fmt: skip
    assert name == "7.2-hv-p9"
    assert [each.full_id for each in plan.scenarios] == ["7.2-hv-p9-l2host"]
    assert plan.allow_splat == ("WARNING in x",)


def test_a_job_without_a_plan_does_not_start(monkeypatch):
    """What avocado is told, where a kernel cannot be had."""

    def resolve(*words):
        raise UsageError("there is no such kernel", "give another")

    monkeypatch.setattr(planning, "resolve", resolve)
    suite = SimpleNamespace(tests=KvmppcResolver({}).resolve("kvmppc:ci").resolutions)
    other = SimpleNamespace(tests=[SimpleNamespace(kind="exec-test")])
    with pytest.raises(JobBaseException, match="kvmppc: there is no such kernel; give another"):
        planning.PlanBeforeJob().pre(SimpleNamespace(test_suites=[other, suite]))
    planning.PlanBeforeJob().pre(SimpleNamespace(test_suites=[other]))


def test_options_are_read_as_they_are_said():
    options = RunOptions(
        matrix="full", kernels=("debian:7.2", "/x y/vmlinux"), locked=True, allow_splat=("WARNING in x",)
    )
    assert RunOptions.from_words(options.arguments()) == options
    for words in (["--nonsense"], ["--matrix"], ["full"]):
        with pytest.raises(UsageError):
            RunOptions.from_words(words)


@pytest.mark.parametrize("what", ["nonsense", "ci,colour=red", "ci,suite=none"])
def test_words_that_lead_nowhere(what):
    with pytest.raises(UsageError):
        avocado_resolver.tasks(what)
    resolution = KvmppcResolver({}).resolve(f"kvmppc:{what}")
    assert resolution.result.name == "ERROR" and resolution.info


def test_what_is_not_for_us_is_left_to_others():
    assert KvmppcResolver({}).resolve("/bin/true").result.name == "NOTFOUND"


def report(path, *kinds, **changes):
    records = [
        Record("7.3", "papr", "p9", "l2host", "l2", None, (quoted("c", kind, "a", "b"),), "d")
        for kind in kinds
    ]
    kernel = KernelInfo("7.3", "debian:7.3", "7.3", "", "merged", "x")
    path.mkdir(exist_ok=True)
    delivery = dataclasses.replace(whole(records), **changes)
    jsonfile.write(path / "report.json", RunInfo("", "", "", (kernel,), "", "", ()), records, delivery)


LOST = ("test_lost",)


@pytest.mark.parametrize(
    ("kinds", "changes", "status", "result", "reason"),
    [
        ([Kind.OK], {}, 0, "pass", ""),
        ([Kind.OK, Kind.SKIP], {}, 0, "pass", ""),
        ([Kind.OK, Kind.DEFECT], {}, 0, "warn", ""),
        ([Kind.SKIP], {}, 3, "skip", "Nothing was judged: b."),
        # Nothing was judged, and nothing says why.
        ([], {}, 3, "error", "Nothing was judged: no test was selected."),
        ([], {}, 0, "error", "Nothing was judged: no test was selected."),
        ([Kind.FAIL], {}, 1, "fail", "7.3-papr-p9-l2host l2: c: b, not a"),
        ([Kind.INFRASTRUCTURE], {}, 3, "error", "7.3-papr-p9-l2host l2: c: b, not a"),
        ([Kind.UNKNOWN], {}, 3, "error", "7.3-papr-p9-l2host l2: c: b, not a"),
        ([Kind.OK], {"complete": False}, 130, "interrupted", "Interrupted: partial results."),
        # A status that its report does not bear out.
        ([Kind.UNKNOWN], {}, 0, "error", "7.3-papr-p9-l2host l2: c: b, not a"),
        ([Kind.OK], {"complete": False}, 0, "error", "Interrupted: partial results."),
        ([Kind.OK], {"planned": 2, "missing": LOST}, 0, "error", "1 of 2 planned results is missing"),
        ([Kind.SKIP], {"planned": 2, "missing": LOST}, 3, "error", "1 of 2 planned results is missing"),
        ([Kind.SKIP], {"complete": False}, 3, "error", "Interrupted: partial results."),
        ([Kind.SKIP], {"errors": LOST}, 3, "error", "1 of the tests ended with an error of the harness"),
        ([Kind.OK], {}, 3, "error", "kvmppc run ended with 3"),
        ([Kind.OK], {}, -9, "error", "kvmppc run ended with -9"),
    ],
)
def test_avocados_word_for_a_run(tmp_path, kinds, changes, status, result, reason):
    report(tmp_path, *kinds, **changes)
    found = avocado_runner._finished(status, tmp_path)
    assert (found["result"], found["returncode"]) == (result, status)
    assert found.get("fail_reason", "").startswith(reason)
    assert ("fail_reason" in found) is bool(reason)


@pytest.mark.parametrize(("status", "result"), [(0, "error"), (2, "error"), (1, "fail"), (-9, "error")])
def test_a_run_without_a_report_is_no_success(tmp_path, status, result):
    found = avocado_runner._finished(status, tmp_path)
    assert found["result"] == result
    assert found["fail_reason"] == f"kvmppc run ended with {status} and left no report"


def test_a_runner_tells_avocado_all_and_leaves_nothing_running(tmp_path, monkeypatch):
    """The command is stood in for by one that writes a large report."""
    body = (
        "import sys, pathlib; place = pathlib.Path(sys.argv[sys.argv.index('--run-dir') + 1]);"
        "place.joinpath('report.html').write_text('x' * 100000); print('said')"
    )
    start = avocado_runner.subprocess.Popen

    def popen(command, **settings):
        return start([command[0], "-c", body, *command[3:]], **settings)

    monkeypatch.setattr(avocado_runner.subprocess, "Popen", popen)
    for expected in ("kvmppc", "kvmppc-"):
        runnable = SimpleNamespace(kwargs={"plan": "{}"}, output_dir=str(tmp_path))
        messages = list(avocado_runner.KvmppcRunner().run(runnable))
        assert [messages[0]["status"], messages[-1]["status"]] == ["started", "finished"]
        files = [each for each in messages if each.get("type") == "file"]
        assert b"".join(each["log"] for each in files) == b"x" * 100000
        assert max(len(each["log"]) for each in files) <= 16384
        assert any(each.get("log") == b"said\n" for each in messages)
        assert any(path.name.startswith(expected) for path in tmp_path.iterdir())


# The runner, as avocado starts it; kvmppc run is stood in for by one that takes its time and has a machine.
RUNNER = """
import sys
from harness.avocado import planning
from harness.avocado import resolver as avocado_resolver
from harness.avocado import runner as avocado_runner
start = avocado_runner.group.start
body = '''
import pathlib, signal, subprocess, sys, time
machine = subprocess.Popen(["sleep", "60"])
def end(*_):
    pathlib.Path("files").write_text("written")
    sys.exit(143)
signal.signal(signal.SIGTERM, end)
pathlib.Path("pids.part").write_text(f"{__import__('os').getpid()} {machine.pid}")
pathlib.Path("pids.part").rename("pids")
time.sleep(60)
'''
avocado_runner.group.start = lambda command, **settings: start([command[0], "-c", body], **settings)
sys.argv = ["avocado-runner-kvmppc", "runnable-run", "-k", "kvmppc", "-u", "x", "plan={}"]
avocado_runner.main()
"""


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL, "its parent's"])
def test_a_task_that_is_ended_leaves_nothing_running(tmp_path, how):
    """With its files written, where it is asked to end: avocado sends SIGTERM first."""
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    settings = {"cwd": tmp_path, "env": env, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    if how == "its parent's":
        command = ["sh", "-c", '"$@" & wait', "sh", sys.executable, "-c", RUNNER]
        runner = subprocess.Popen(command, **settings)
    else:
        runner = preloaded.Popen(["-c", RUNNER], imports=["harness.avocado.runner"], **settings)
    try:
        deadline = time.monotonic() + 60
        while not (tmp_path / "pids").exists():
            assert runner.poll() is None and time.monotonic() < deadline
            time.sleep(0.02)
    finally:
        runner.send_signal(signal.SIGKILL if how == "its parent's" else how)
        runner.wait(20)
    assert living.gone(map(int, (tmp_path / "pids").read_text().split()))
    assert (tmp_path / "files").exists() is (how != signal.SIGKILL)


def test_qemus_are_a_dimension_of_avocados_pairwise_matrix(planned):
    found = planned("pairwise,qemu=debian,qemu=host,topology=pseries-papr,topology=pseries-hv")
    pairs = set()
    for _, plan in found:
        for each in plan.scenarios:
            at = each.placement
            words = (plan.qemu.label, f"debian:{at.kernel}", at.topology.short, at.l1.id, each.l2.id)
            pairs |= set(itertools.combinations(enumerate(words), 2))
    full = wanted(RunOptions(matrix="full", topologies=("pseries-papr", "pseries-hv"))).scenarios
    due = set()
    for qemu in ("debian", "host"):
        for each in full:
            at = each.placement
            words = (qemu, f"debian:{at.kernel}", at.topology.short, at.l1.id, each.l2.id)
            due |= set(itertools.combinations(enumerate(words), 2))
    assert pairs == due
    assert sum(len(plan.scenarios) for _, plan in found) < len(full)
    assert len({name for name, _ in found}) == len(found)


def test_each_scenario_with_each_qemu_elsewhere(planned):
    found = planned("ci,qemu=debian,qemu=host")
    assert [name for name, _ in found][:2] == [
        "7.3-papr-p11@p10-qemu_debian", "6.12-papr-p11@p10-qemu_debian",
    ]  # fmt: skip
    assert len(found) == 4
