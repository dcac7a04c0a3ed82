# SPDX-License-Identifier: GPL-2.0-only
"""A run is a success only if all it planned was delivered and something was judged: the real plugin, run by
pytest in a process of its own, and kvmppc report of what it left, in each format."""

import json

import plans
import pytest
from delivered import assert_failed_everywhere, assert_green_everywhere, assert_told_everywhere

from harness.engine.options import RunOptions
from harness.engine.rundir import RunDirectory
from harness.engine.wanted import wanted
from harness.model.errors import InfrastructureError
from harness.model.record import Record

HOST = "7.3-papr-p11@p10-l2host"


CI = ("--kvmppc-matrix", "ci")
L1S = ("7.3-papr-p11@p10", "6.12-papr-p11@p10")


@pytest.mark.parametrize("jobs", ["0", "2"])
def test_a_selection_that_selects_nothing_is_no_success(run, tmp_path, jobs):
    done, report = run({}, *CI, "-n", jobs, "-k", "typo")
    assert done.returncode == 3, done.stdout
    words = "Nothing was judged: no test was selected."
    assert words in done.stdout.splitlines()
    assert (report["complete"], report["planned"], report["records"]) == (True, 0, [])
    assert_told_everywhere(tmp_path / "run", words)


@pytest.mark.parametrize("jobs", ["0", "2"])
def test_a_run_for_which_there_is_no_machine_is_no_success(run, tmp_path, jobs):
    done, report = run({"lacks": dict.fromkeys(L1S, "QEMU 7.2 has no -cpu power11")}, *CI, "-n", jobs)
    assert done.returncode == 3, done.stdout
    words = "Nothing was judged: QEMU 7.2 has no -cpu power11."
    assert words in done.stdout.splitlines()
    assert "skipped 12 tests: QEMU 7.2 has no -cpu power11" in done.stdout
    assert {verdict["kind"] for each in report["records"] for verdict in each["verdicts"]} == {"skipped"}
    assert_told_everywhere(tmp_path / "run", words)


def test_one_l1_for_which_there_is_no_machine_leaves_the_others_verdict(run, tmp_path):
    done, report = run({"lacks": {L1S[0]: "QEMU 7.2 has no -cpu power11"}}, *CI)
    assert done.returncode == 0, done.stdout
    assert (len(report["records"]), report["missing"]) == (12, [])
    assert_green_everywhere(tmp_path / "run")


def test_what_a_killed_worker_had_is_missing(run, tmp_path):
    done, report = run({HOST: "die"}, *CI, "-n", "2")
    assert done.returncode == 3, done.stdout
    assert report["complete"] is True
    assert len(report["records"]) == 11  # another worker has gone on
    (lost,) = report["missing"]
    assert lost == f"{HOST} l2" and report["errors"] == [lost]
    assert "crashed while running" in (tmp_path / "run/errors.txt").read_text()
    words = f"1 of 12 planned results is missing: {lost}"
    assert words in done.stdout.splitlines()
    assert_told_everywhere(tmp_path / "run", words)


def test_what_a_killed_run_had_not_delivered_is_missing(run, tmp_path):
    done, report = run({HOST: "die"}, *CI, "-n", "0")
    assert done.returncode == -9
    assert report["complete"] is False and len(report["missing"]) == 12 - len(report["records"])
    words = f"{report['missing'][0]} and {len(report['missing']) - 1} more"
    count = f"{len(report['missing'])} of 12 planned results are missing"
    assert_told_everywhere(tmp_path / "run", f"Interrupted: {count}: {words}")


@pytest.mark.parametrize("jobs", ["0", "2"])
def test_an_error_beside_all_records_is_no_success(run, tmp_path, jobs):
    """An L1 that cannot be stopped: every test has its record by then."""
    done, report = run({"stop": [L1S[0]]}, *CI, "-n", jobs)
    assert done.returncode == 3, done.stdout
    assert (report["complete"], len(report["records"]), report["missing"]) == (True, 12, [])
    (failed,) = report["errors"]
    assert failed == f"{L1S[0]} health"
    assert_told_everywhere(
        tmp_path / "run", f"1 of the tests ended with an error of the harness (see errors.txt): {failed}"
    )


@pytest.mark.parametrize("jobs", ["0", "2"])
def test_other_tests_beside_ours_are_not_planned(run, tmp_path, jobs):
    """Somebody's own, with parameters, of which no record is due."""
    own = tmp_path / "test_own.py"
    own.write_text("import pytest\n@pytest.mark.parametrize('x', [1, 2])\ndef test_own(x): pass\n")
    done, report = run({}, *CI, "-n", jobs, str(own))
    assert done.returncode == 0, done.stdout
    assert "14 passed" in done.stdout.splitlines()[-1]
    assert (report["planned"], len(report["records"]), report["missing"]) == (12, 12, [])


@pytest.mark.parametrize("jobs", ["0", "2"])
def test_a_run_that_its_readers_end_cut_short_is_not_complete(begin, tmp_path, jobs):
    """As in ``pytest testcases | head -1``. The exit code is pytest's own then, with a meaning of its own."""
    process = begin({HOST: "until"}, *CI, "-n", jobs)
    process.stdout.readline()
    process.stdout.close()
    (tmp_path / "go").touch()
    assert process.wait(60) != 0
    report = json.loads((tmp_path / "run/report.json").read_text())
    assert report["complete"] is False
    assert len(report["records"]) + len(report["missing"]) == report["planned"] == 12
    missing = report["missing"]
    words = "Interrupted: partial results."
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        are = "are" if len(missing) > 1 else "is"
        words = f"Interrupted: {len(missing)} of 12 planned results {are} missing: {missing[0]}{more}"
    assert_told_everywhere(tmp_path / "run", words)


def test_results_that_cannot_be_written_are_no_success(run, tmp_path):
    """At the end: a directory is in the place of the file that the report is made in."""
    (tmp_path / "run/report.part").mkdir(parents=True)
    done, report = run({}, *CI)
    assert done.returncode == 3, done.stdout
    assert not (tmp_path / "run/report.json").exists() and "cannot write results" in done.stdout
    assert len(report["records"]) == 12, "what came is there"


def test_a_record_that_cannot_be_written_is_told(tmp_path):
    plan = plans.resolve(wanted(RunOptions(matrix="ci")), RunOptions(matrix="ci"))
    directory = RunDirectory(tmp_path, plan)
    record = Record("7.3", "papr", "p11@p10", "", "l1", None, (), "d")
    directory.add(record)
    (tmp_path / "records.jsonl").unlink()
    (tmp_path / "records.jsonl").mkdir()
    with pytest.raises(InfrastructureError, match="cannot write results to"):
        directory.add(record)
    with pytest.raises(InfrastructureError, match="cannot write results to"):
        RunDirectory(tmp_path / "none", plan)


# -- with the real RunningL1 -----------------------------------------------------------------


@pytest.mark.parametrize("jobs", ["0", "2"])
def test_an_l1_that_does_not_come_up_fails_its_l2_if_nothing_else_is_selected(run, tmp_path, jobs):
    done, report = run({"levels": {L1S[0]: "panic"}}, *CI, "-n", jobs, "-k", HOST)
    assert done.returncode == 1, done.stdout
    l2, health = report["records"]
    assert (l2["topic"], health["topic"]) == ("l2", "health")
    failed = l2["verdicts"][0]
    assert (failed["check"], failed["kind"]) == ("L1 boots", "not as expected")
    assert failed["proof"] == "Kernel panic - not syncing: x"
    # It is told once.
    assert [each["kind"] for each in health["verdicts"]] == ["skipped"]
    assert_failed_everywhere(tmp_path / "run", HOST, "panic")


def test_an_l1_that_does_not_come_up_fails_once_if_all_is_selected(run):
    done, report = run({"levels": {L1S[0]: "panic"}}, *CI)
    assert done.returncode == 1, done.stdout
    mine = [each for each in report["records"] if each["kernel"] == "7.3"]
    kinds = [{verdict["kind"] for verdict in each["verdicts"]} for each in mine]
    assert mine[0]["topic"] == "l1" and "not as expected" in kinds[0]
    assert len(mine) == 6 and kinds[1:] == [{"skipped"}] * 5


@pytest.mark.parametrize("jobs", ["0", "2"])
def test_an_l2_alone_brings_the_health_of_its_l1(run, tmp_path, jobs):
    done, report = run({"levels": {}}, *CI, "-n", jobs, "-k", "7.3-papr-p11@p10-l2p10")
    assert done.returncode == 0, done.stdout
    l2, health = report["records"]
    assert (l2["l2"], health["topic"], report["planned"]) == ("l2p10", "health", 2)
    assert [(each["check"], each["kind"]) for each in health["verdicts"]] == [("L1 health", "as expected")]
    assert health["sequence"] == ["l2p10"]
    # A green L2 has all its proofs.
    checks = {each["check"]: each["kind"] for each in l2["verdicts"]}
    assert set(checks.values()) == {"as expected"}
    assert set(checks) == {"L2 outcome", "L2 kernel", "L2 build id", "L2 ends", "L2 health", "L1 health"}
    assert_green_everywhere(tmp_path / "run")


def test_a_worker_that_is_killed_while_its_l1_starts_costs_its_test_alone(run, tmp_path):
    """The next worker starts that L1 anew, and its files stay."""
    done, report = run({"levels": {L1S[0]: "die"}}, *CI, "-n", "2", "-k", "7.3-papr")
    assert done.returncode == 3, done.stdout
    (lost,) = report["missing"]
    assert lost == f"{L1S[0]} l1"
    kinds = {verdict["kind"] for each in report["records"] for verdict in each["verdicts"]}
    assert len(report["records"]) == 5 and "infrastructure failed" not in kinds
    assert sorted(path.name for path in (tmp_path / "run" / L1S[0]).glob("l1*")) == ["l1", "l1-2"]
    assert_told_everywhere(tmp_path / "run", f"1 of 6 planned results is missing: {lost}")
