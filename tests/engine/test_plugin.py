# SPDX-License-Identifier: GPL-2.0-only
"""The pytest plugin, run by pytest in a process of its own; only the machines are stood in for."""

import dataclasses
import json
import os
import signal
import time
from pathlib import Path

import living
import pytest
from delivered import whole
from quoting import quoted

from harness.model.record import Record, exit_code
from harness.model.verdict import Kind
from harness.reports import recordlog
from harness.reports.shortfall import trouble_of

ROOT = Path(__file__).parent.parent.parent

CI = ("--kvmppc-matrix", "ci")
DEFECT, FAIL, SKIP, UNKNOWN = (each.value for each in (Kind.DEFECT, Kind.FAIL, Kind.SKIP, Kind.UNKNOWN))
INFRA = Kind.INFRASTRUCTURE.value
HOST = "7.3-papr-p11@p10-l2host"


@pytest.mark.parametrize(
    ("jobs", "script", "status", "words"),
    [
        ("0", {}, 0, "12 passed"),
        ("0", {HOST: DEFECT}, 0, "1 xfailed"),
        ("2", {HOST: FAIL}, 1, "1 failed"),
        ("0", {HOST: INFRA}, 3, "1 failed"),
        ("2", {HOST: INFRA, "6.12-papr-p11@p10 caps": FAIL}, 1, "2 failed"),
        ("0", {HOST: SKIP}, 0, "1 skipped"),
        ("0", {HOST: "bug"}, 3, "1 failed"),
        ("0", {"lacks": {"7.3-papr-p11@p10": "QEMU 7.2 has no -cpu power11"}}, 0, "6 skipped"),
        ("0", {HOST: UNKNOWN}, 3, "1 failed"),
        ("2", {"6.12-papr-p11@p10 health": FAIL}, 1, "1 failed"),
    ],
)
def test_verdicts_become_outcomes_and_exit_codes(run, jobs, script, status, words):
    done, report = run(script, *CI, "-n", jobs)
    assert done.returncode == status, done.stdout + done.stderr
    assert words in done.stdout.splitlines()[-1]
    assert report["complete"] is True
    if "lacks" in script:
        assert "skipped 6 tests: QEMU 7.2 has no -cpu power11" in done.stdout
    assert report["planned"] == 12
    if script.get(HOST) != "bug":
        assert len(report["records"]) == 12
        assert report["missing"] == report["errors"] == []
    else:
        assert "RuntimeError: a bug of ours" in done.stdout
        assert len(report["records"]) == 11
        assert report["missing"] == report["errors"] and HOST in report["missing"][0]


def test_one_l1_is_one_workers(run):
    """The stand-in's L1 fails when it is made twice, so this shows the scheduling too."""
    done, report = run({}, "--kvmppc-matrix", "default", "-n", "2")
    assert done.returncode == 0, done.stdout
    assert len(report["records"]) == 104


def test_records_are_in_the_plans_order_whoever_ran_them(run):
    _, report = run({}, "--kvmppc-matrix", "default", "-n", "2")
    rows = [(each["kernel"], each["topology"], each["l1"]) for each in report["records"]]
    kernels = list(dict.fromkeys(row[0] for row in rows))
    assert kernels == ["7.3", "6.12"]
    assert list(dict.fromkeys(row[1:] for row in rows if row[0] == "7.3"))[:3] == [
        ("papr", "p11@p10"), ("papr", "p11"), ("papr", "p10"),
    ]  # fmt: skip


def test_ids_can_be_typed_after_k(run):
    done, report = run({}, "--kvmppc-matrix", "default", "-k", "papr-p11@p10-l2host")
    assert done.returncode == 0, done.stdout
    ids = ["-".join((each["kernel"], each["topology"], each["l1"], each["l2"])) for each in report["records"]]
    # How an L1 is afterwards belongs to whatever is selected of it.
    assert ids == [
        "7.3-papr-p11@p10-l2host", "7.3-papr-p11@p10-", "6.12-papr-p11@p10-l2host", "6.12-papr-p11@p10-",
    ]  # fmt: skip
    assert [each["topic"] for each in report["records"]] == ["l2", "health", "l2", "health"]


def test_a_failure_comes_with_all_that_is_needed(run):
    done, _ = run({HOST: FAIL}, *CI)
    for words in ("expected: this", "observed: that", "proof:    a line", "logs:", "repeat:   kvmppc run"):
        assert words in done.stdout


def test_bad_words_are_one_line(run):
    done, _ = run({}, "--kvmppc-matrix", "nonsense")
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
    _, _, delivery = recordlog.of_run(tmp_path / "run")
    assert delivery.complete is False


@pytest.mark.parametrize("jobs", ["0", "2"])
def test_ctrl_c_leaves_a_partial_report_and_no_machine(begin, tmp_path, jobs):
    process = begin({HOST: "wait"}, *CI, "-n", jobs)
    machine = wait_for(tmp_path / "waiting", process)
    report = tmp_path / "run/report.json"
    deadline = time.monotonic() + 20
    while living.records_so_far(tmp_path / "run") < 3 and time.monotonic() < deadline:
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
    return Record("7.3", "papr", "p11", "", "l1", None, (quoted("c", kind, "", "why"),), "d")


LOST = ("test_lost",)


@pytest.mark.parametrize(
    ("kinds", "settings", "code", "trouble"),
    [
        ([Kind.OK, Kind.DEFECT, Kind.SKIP], {}, 0, ""),
        ([Kind.OK, Kind.INFRASTRUCTURE], {}, 3, ""),
        ([Kind.OK, Kind.UNKNOWN], {}, 3, ""),
        ([Kind.OK, Kind.FAIL, Kind.INFRASTRUCTURE], {"errors": LOST}, 1, "1 of the tests ended"),
        ([Kind.FAIL], {"complete": False}, 1, "Interrupted: partial results."),
        ([Kind.OK], {"errors": LOST}, 3,
         "1 of the tests ended with an error of the harness (see errors.txt): test_lost"),
        ([Kind.OK], {"planned": 2, "missing": LOST}, 3, "1 of 2 planned results is missing: test_lost"),
        ([Kind.OK], {"planned": 3, "missing": (*LOST, "test_x"), "complete": False}, 3,
         "Interrupted: 2 of 3 planned results are missing: test_lost and 1 more"),
        ([Kind.OK], {"complete": False}, 3, "Interrupted: partial results."),
        ([], {}, 3, "Nothing was judged: no test was selected."),
        ([Kind.SKIP, Kind.SKIP], {}, 3, "Nothing was judged: why."),
    ],
)  # fmt: skip
def test_exit_codes(kinds, settings, code, trouble):
    records = [verdict(kind) for kind in kinds]
    delivery = dataclasses.replace(whole(records), **settings)
    assert exit_code(records, delivery) == code
    assert trouble_of(delivery, records).startswith(trouble)
    assert bool(trouble_of(delivery, records)) is bool(trouble)
