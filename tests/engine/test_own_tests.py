# SPDX-License-Identifier: GPL-2.0-only
"""Tests of somebody's own: each is a record with a column of its own, and none is green without a check."""

import plans
import pytest

from harness.engine.about import About
from harness.engine.checks import Checks
from harness.engine.options import RunOptions
from harness.engine.rundir import RunDirectory
from harness.engine.wanted import wanted
from harness.model.cpu import Mode
from harness.model.errors import UsageError
from harness.model.verdict import Kind
from harness.testing import L2, P9, P10

OWN = """
import pytest

@pytest.mark.parametrize("number", [1, 2])
def test_with_a_parameter(l1, check, number):
    check("number", expected=1, observed=number, source="arithmetic")

def test_that_checks_nothing(l1):
    pass

def test_of_a_guest(l2, check):
    check("outcome", expected="booted", observed=l2.boot().outcome.value)

def test_that_asserts(l1, check):
    check("one", expected=1, observed=1)
    assert 1 == 2, "of its own"

def test_that_skips(l1):
    pytest.skip("not today")

def test_that_is_wrong(l1, check):
    raise RuntimeError("a mistake")

@pytest.mark.suite("abi")
def test_of_the_suite(l1, check):
    check("never", expected=1, observed=2)

def test_without_levels():
    pass
"""
L1 = "7.3-papr-p11@p10"


@pytest.mark.parametrize("jobs", ["0", "2"])
def test_they_are_records_beside_the_health_of_their_l1(run, tmp_path, jobs):
    own = tmp_path / "own"
    own.mkdir()
    (own / "test_own.py").write_text(OWN)
    words = ("--kvmppc-only", f"{L1}-l2p10", "--kvmppc-kernel", "debian:7.3")
    done, report = run({"levels": {}}, *words, "-n", jobs, str(own), "-k", "own or health")
    assert done.returncode == 1, done.stdout
    found = {
        (each["topic"], each["l2"]): {verdict["check"]: verdict["kind"] for verdict in each["verdicts"]}
        for each in report["records"]
    }
    well = {"L1 health": "as expected"}
    assert found == {
        ("with_a_parameter(1)", ""): {"number": "as expected", **well},
        ("with_a_parameter(2)", ""): {"number": "not as expected", **well},
        ("that_checks_nothing", ""): {"checks": "not proven", **well},
        ("of_a_guest", "l2p10"): {"outcome": "as expected", **well},
        ("that_asserts", ""): {"one": "as expected", "assertion": "not as expected", **well},
        ("that_skips", ""): {"test": "skipped", **well},
        ("health", ""): well,
    }
    assert report["missing"] == report["errors"] == [f"{L1} that_is_wrong"]
    assert "RuntimeError: a mistake" in (tmp_path / "run/errors.txt").read_text()
    for words in ("with a parameter(2)", "that checks nothing", "of its own"):
        assert words in done.stdout


def test_two_of_one_name_are_refused(tmp_path):
    """pytest itself gives one name to tests of two files outside of its root directory."""
    plan = plans.resolve(wanted(RunOptions(matrix="ci")), RunOptions(matrix="ci"))
    directory = RunDirectory(tmp_path, plan)
    words = r"have one topic: 7\.3-papr-p11@p10 same; give them different names"
    with pytest.raises(UsageError, match=words):
        directory.plan([(f"..::test_same[{L1}]", f"{L1} same"), (f"..::test_same[{L1}]", f"{L1} same")])


def test_what_they_may_import():
    assert (P9, P10) == (Mode.P9, Mode.P10)
    assert (L2().compat, L2("p10").compat) == (None, Mode.P10)


def test_a_check_that_is_not_met_is_the_kernels():
    checks = Checks(About("x"))
    checks("a", expected=P10, observed=P9, source="s", proof="p")
    _, (found,) = checks.of(lambda: None)
    assert (found.kind, found.right, found.source, found.proof) == (Kind.FAIL, False, "s", "p")


def test_a_check_may_be_left_out_with_its_reason():
    checks = Checks(About("x"))
    checks.skip("a", "no such machine")
    _, (found,) = checks.of(lambda: None)
    assert found.kind is Kind.SKIP
