# SPDX-License-Identifier: GPL-2.0-only
"""The pytest plugin, run by pytest in a process of its own; only the machines are stood in for."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness.model.record import Record, exit_code
from harness.model.verdict import Kind, Verdict

ROOT = Path(__file__).parent.parent.parent

# Replaces what fetches and boots. What each scenario comes to is told by SCRIPT.
STAND_IN = """
import json, os, time
from pathlib import Path
from types import SimpleNamespace
from harness.model.behaviour import MERGED_SERIES
from harness.model.record import Record
from harness.levels.process import start
from harness.model.verdict import Kind, Verdict
from harness.runs import plugin
from harness.runs.expect import Expected

SCRIPT = json.loads(os.environ["SCRIPT"])

class Prepared:
    notes = ("a note",)
    qemu_text = "QEMU 11.1.3"
    l1_qemu_text = "11.1.3"
    def __init__(self, plan):
        build = SimpleNamespace(
            release="7.3", banner="", identity="x", build_id="b", origin="", found_running=False
        )
        kernel = SimpleNamespace(build=build, expected=Expected(MERGED_SERIES))
        self.kernels = {name: kernel for name in plan.kernels}
        self.l0_kernels = {name: kernel for name in plan.l0_kernels}
    def lacks(self, placement):
        return SCRIPT.get("lacks", {}).get(placement.full_id, "")

class L1:
    def __init__(self, placement, prepared, key, run, off):
        self.placement = placement
        run.joinpath(placement.full_id).mkdir()  # a second L1 of a placement would fail here
    machine = None
    def stop(self):
        if self.machine: self.machine.kill()
    def record(self, topic, l2=""):
        at = self.placement
        record = Record(at.kernel, at.topology.short, at.l1.id, l2, topic, "", (), at.full_id, l0=at.l0)
        kind = SCRIPT.get(record.id + ("" if l2 else " " + topic), "as expected")
        if kind == "bug":
            raise RuntimeError("a bug of ours")
        if kind == "wait":
            self.machine = start(["sleep", "60"])
            Path("waiting.part").write_text(str(self.machine.process.pid))
            Path("waiting.part").rename("waiting")
            time.sleep(60)
        verdict = Verdict("check", Kind(kind), "this", "that", "a line")
        return Record(**{**record.__dict__, "verdicts": (verdict,)})
    def record_of_l0(self): return self.record("l0")
    def record_of_l0_caps(self): return self.record("l0_caps")
    def record_of_l1(self): return self.record("l1")
    def record_of_caps(self): return self.record("caps")
    def record_of_arch_compat(self): return self.record("arch_compat")
    def record_of_l2(self, setting): return self.record("l2", setting.id)

plugin.ready = lambda plan, options, progress: Prepared(plan)
plugin.RunningL1 = L1
"""


@pytest.fixture
def begin(tmp_path):
    """Start a run in a process group of its own."""
    (tmp_path / "standin.py").write_text(STAND_IN)

    def start(script, *words):
        environment = {**os.environ, "SCRIPT": json.dumps(script), "PYTHONPATH": f"{tmp_path}:{ROOT}"}
        command = [sys.executable, "-m", "pytest", "-p", "standin", str(ROOT / "testcases"), "-q", "--tb=no"]
        command += ["-c", str(ROOT / "pyproject.toml"), "--rootdir", str(ROOT), "-p", "no:cacheprovider"]
        command += ["--run-dir", str(tmp_path / "run"), *words]
        return subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=tmp_path,
            env=environment, start_new_session=True,
        )  # fmt: skip

    return start


@pytest.fixture
def run(tmp_path, begin):
    """A run to its end: (process with its output in stdout, report or None)."""

    def start(script, *words):
        process = begin(script, *words)
        done = subprocess.CompletedProcess([], 0, process.communicate(timeout=60)[0], "")
        done.returncode = process.returncode
        report = tmp_path / "run/report.json"
        return done, json.loads(report.read_text()) if report.exists() else None

    return start


CI = ("--matrix", "ci")
DEFECT, FAIL, INFRA, SKIP = (kind.value for kind in (Kind.DEFECT, Kind.FAIL, Kind.INFRASTRUCTURE, Kind.SKIP))
HOST = "7.3-papr-p11@p10-l2host"


@pytest.mark.parametrize(
    ("jobs", "script", "status", "words"),
    [
        ("0", {}, 0, "10 passed"),
        ("0", {HOST: DEFECT}, 0, "1 xfailed"),
        ("2", {HOST: FAIL}, 1, "1 failed"),
        ("0", {HOST: INFRA}, 3, "1 failed"),
        ("2", {HOST: INFRA, "6.12-papr-p11@p10 caps": FAIL}, 1, "2 failed"),
        ("0", {HOST: SKIP}, 0, "1 skipped"),
        ("0", {HOST: "bug"}, 3, "1 failed"),
        ("0", {"lacks": {"7.3-papr-p11@p10": "QEMU 7.2 has no -cpu power11"}}, 0, "5 skipped"),
    ],
)
def test_verdicts_become_outcomes_and_exit_codes(run, jobs, script, status, words):
    done, report = run(script, *CI, "-n", jobs)
    assert done.returncode == status, done.stdout + done.stderr
    assert words in done.stdout.splitlines()[-1]
    assert report["complete"] is True
    if "lacks" in script:
        assert "skipped 5 tests: QEMU 7.2 has no -cpu power11" in done.stdout
        assert len(report["records"]) == 5
    elif script.get(HOST) != "bug":
        assert len(report["records"]) == 10
    else:
        assert "RuntimeError: a bug of ours" in done.stdout


def test_one_l1_is_one_workers(run):
    """The stand-in's L1 fails when it is made twice, so this shows the scheduling too."""
    done, report = run({}, "--matrix", "default", "-n", "2")
    assert done.returncode == 0, done.stdout
    assert len(report["records"]) == 88


def test_records_are_in_the_plans_order_whoever_ran_them(run):
    _, report = run({}, "--matrix", "default", "-n", "2")
    rows = [(each["kernel"], each["topology"], each["l1"]) for each in report["records"]]
    kernels = list(dict.fromkeys(row[0] for row in rows))
    assert kernels == ["7.3", "6.12"]
    assert list(dict.fromkeys(row[1:] for row in rows if row[0] == "7.3"))[:3] == [
        ("papr", "p11@p10"), ("papr", "p11"), ("papr", "p10"),
    ]  # fmt: skip


def test_ids_can_be_typed_after_k(run):
    done, report = run({}, "--matrix", "default", "-k", "papr-p11@p10-l2host")
    assert done.returncode == 0, done.stdout
    ids = ["-".join((each["kernel"], each["topology"], each["l1"], each["l2"])) for each in report["records"]]
    assert ids == ["7.3-papr-p11@p10-l2host", "6.12-papr-p11@p10-l2host"]


def test_a_failure_comes_with_all_that_is_needed(run):
    done, _ = run({HOST: FAIL}, *CI)
    for words in ("expected: this", "observed: that", "proof:    a line", "logs:", "repeat:   kvmppc run"):
        assert words in done.stdout


def test_bad_words_are_one_line(run):
    done, _ = run({}, "--matrix", "nonsense")
    assert done.returncode == 2
    names = "default, full, powernv, mixed, patches, probe, abi, ci, pairwise"
    words = f"unknown matrix 'nonsense'; known are {names}"
    assert words in done.stdout + done.stderr


def wait_for(path, process):
    deadline = time.monotonic() + 30
    while not path.exists():
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.02)
    return int(path.read_text())


def running(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize("jobs", ["0", "2"])
def test_a_machine_does_not_outlive_a_run_that_is_killed(begin, tmp_path, jobs):
    process = begin({HOST: "wait"}, *CI, "-n", jobs)
    machine = wait_for(tmp_path / "waiting", process)
    process.kill()  # SIGKILL to the controller alone
    process.wait()
    deadline = time.monotonic() + 5
    while running(machine) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not running(machine)
    report = json.loads((tmp_path / "run/report.json").read_text())
    assert report["complete"] is False


@pytest.mark.parametrize("jobs", ["0", "2"])
def test_ctrl_c_leaves_a_partial_report_and_no_machine(begin, tmp_path, jobs):
    process = begin({HOST: "wait"}, *CI, "-n", jobs)
    machine = wait_for(tmp_path / "waiting", process)
    report = tmp_path / "run/report.json"
    deadline = time.monotonic() + 20
    while len(json.loads(report.read_text())["records"]) < 3 and time.monotonic() < deadline:
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGINT)
    output = process.communicate(timeout=20)[0]
    assert process.returncode == pytest.ExitCode.INTERRUPTED, output
    assert not running(machine)
    saved = json.loads(report.read_text())
    assert saved["complete"] is False
    assert len(saved["records"]) >= 3
    assert (tmp_path / "run/junit.xml").exists()
    assert "papr P11 as P10" in output


def verdict(kind):
    return Record("7.3", "papr", "p11", "", "l1", "", (Verdict("c", kind, "", ""),), "d")


@pytest.mark.parametrize(
    ("kinds", "others", "code"),
    [
        ([Kind.OK, Kind.DEFECT, Kind.SKIP], 0, 0),
        ([Kind.OK, Kind.FAIL, Kind.INFRASTRUCTURE], 1, 1),
        ([Kind.OK, Kind.INFRASTRUCTURE], 0, 3),
        ([Kind.OK], 1, 3),
        ([], 0, 0),
    ],
)
def test_exit_codes(kinds, others, code):
    assert exit_code([verdict(kind) for kind in kinds], others) == code
