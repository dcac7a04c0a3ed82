# SPDX-License-Identifier: GPL-2.0-only
"""Tests of somebody's own: each is a record with a column of its own, and none is green without a check."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import plans
import pytest
from fakelevels import well

from harness.engine import environment, plan_file
from harness.engine.about import About
from harness.engine.checks import Checks
from harness.engine.options import RunOptions
from harness.engine.rundir import RunDirectory
from harness.engine.wanted import wanted
from harness.model.cpu import GuestMode, Mode
from harness.model.errors import UsageError
from harness.model.record import Record
from harness.model.verdict import Kind, Verdict
from harness.testing import L2, P9, P10, booted

OWN = """
import pytest

@pytest.mark.parametrize("number", [1, 2])
def test_with_a_parameter(l1, check, number):
    check("number", expected=1, observed=number, source="arithmetic")

def test_that_checks_nothing(l1):
    pass

def test_of_a_guest(l2, check):
    check("outcome", expected="booted", observed=l2.boot().outcome.value)

def test_of_two_guests(l1, check):
    for mode in ("p10", "p10"):
        check("outcome of " + mode, expected="booted", observed=l1.boot_guest(mode).outcome.value)

def test_caps(l1, check):
    check("a name of ours", expected=1, observed=1)

def test_that_asserts(l1, check):
    check("one", expected=1, observed=1)
    assert 1 == 2, "of its own"

def test_that_skips(l1):
    pytest.skip("not today")

def test_that_is_wrong(l1, check):
    check("before", expected=1, observed=2)
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

    def guest(name):
        checks = ("L2 kernel", "L2 build id", "L2 ends", "L2 health")
        return dict.fromkeys((f"{each}{name}" for each in checks), "as expected")

    assert found == {
        ("with_a_parameter(1)", ""): {"number": "as expected", **well},
        ("with_a_parameter(2)", ""): {"number": "not as expected", **well},
        ("that_checks_nothing", ""): {"checks": "not proven", **well},
        ("of_a_guest", "l2p10"): {"outcome": "as expected", **guest(""), **well},
        ("of_two_guests", ""): {
            "outcome of p10": "as expected",
            "outcome of p10 (2)": "as expected",
            **guest(" (of_two_guests-l2p10)"),
            **guest(" (of_two_guests-l2p10-2)"),
            **well,
        },
        ("caps (own)", ""): {"a name of ours": "as expected", **well},
        ("that_asserts", ""): {"one": "as expected", "assertion": "not as expected", **well},
        ("that_skips", ""): {"test": "skipped", **well},
        ("that_is_wrong", ""): {"before": "not as expected", "test ends": "not proven", **well},
        ("health", ""): well,
    }
    assert report["missing"] == [] and report["errors"] == [f"{L1} that_is_wrong"]
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


def test_values_of_two_kinds_are_a_mistake_of_the_tests():
    checks = Checks(About("x"))
    with pytest.raises(TypeError, match="check 'a' compares int with str"):
        checks("a", expected=7, observed="7")
    checks("b", expected=P10, observed=None)
    _, (found,) = checks.of(lambda: None)
    assert found.kind is Kind.FAIL, "a guest that did not boot has no mode"


def test_a_mode_is_a_mode_wherever_it_comes_from():
    checks = Checks(About("x"))
    checks("a", expected=P10, observed=GuestMode(Mode.P10))
    checks("b", expected=booted(P10), observed=well(Mode.P10).ended)
    checks("c", expected=booted(P10), observed=well(Mode.P9).ended)
    _, found = checks.of(lambda: None)
    assert [each.kind for each in found] == [Kind.OK, Kind.OK, Kind.FAIL]


WELL = ("--kvmppc-only", f"{L1}-l2p10", "--kvmppc-kernel", "debian:7.3")
GOOD = "def test_good(l1, check):\n    check('x', expected=1, observed=1)\n"


@pytest.mark.parametrize("jobs", ["0", "2"])
@pytest.mark.parametrize(
    "more",
    [
        # A file that cannot be imported; with workers pytest goes on without it.
        {"test_broken.py": "import nothing_of_this_name\n" + GOOD},
        # A failure that no record tells of.
        {
            "test_xpass.py": "import pytest\n@pytest.mark.xfail(strict=True)\n"
            + GOOD.replace("good", "passes")
        },
        {
            "test_late.py": """
import pytest
@pytest.fixture
def late(check):
    yield
    check("late", expected=1, observed=2)
def test_with_it(l1, late, check):
    check("x", expected=1, observed=1)
"""
        },
        {"test_no_level.py": "def test_without(check):\n    check('x', expected=1, observed=2)\n"},
        {"test_exit.py": "import pytest\ndef test_exit(l1):\n    pytest.exit('x', returncode=0)\n"},
    ],
    ids=lambda files: next(iter(files)),
)
def test_what_no_record_tells_of_is_no_success(run, tmp_path, more, jobs):
    own = tmp_path / "own"
    own.mkdir()
    for name, text in {"test_a.py": GOOD, **more}.items():
        (own / name).write_text(text)
    done, _ = run({"levels": {}}, *WELL, "-n", jobs, str(own), "-k", "own or health")
    assert done.returncode not in (0, 1), done.stdout


def test_a_folder_of_which_no_test_is_asked_is_missed(run, tmp_path):
    """Its only test takes an L0, and there is none on pseries."""
    own = tmp_path / "own"
    own.mkdir()
    (own / "test_l0_only.py").write_text(
        "def test_of_l0(l0, check):\n    check('x', expected=1, observed=1)\n"
    )
    plan = plans.resolve(wanted(RunOptions(matrix="ci")), RunOptions(matrix="ci"))
    (tmp_path / "planned").mkdir()
    plan_file.write(replace(plan, tests=(str(own),)), tmp_path / "planned/plan.json", Path("/cache"))
    done, _ = run({"levels": {}}, "--kvmppc-plan", str(tmp_path / "planned/plan.json"), str(own))
    assert done.returncode == 3, done.stdout
    assert f"tests of {own}" in done.stdout


def test_an_assertion_of_the_harness_is_no_kernels():
    checks = Checks(About("x"))
    _, (found,) = checks.of(lambda: environment.boots_of(SimpleNamespace(boots=None)))
    assert found.kind is Kind.UNKNOWN and isinstance(checks.broken, AssertionError)
    with pytest.raises(RuntimeError, match="after the test had ended"):
        checks("late", expected=1, observed=2)


def test_a_name_that_is_used_again_gets_a_number():
    checks = Checks(About("x"))
    for observed in (1, 2):
        checks("a", expected=1, observed=observed)
    _, found = checks.of(lambda: None)
    assert [(each.check, each.kind) for each in found] == [("a", Kind.OK), ("a (2)", Kind.FAIL)]


def test_what_is_skipped_is_not_ok_though_its_levels_are_well():
    skip, health = Verdict("a", Kind.SKIP, None, None), Verdict("L1 health", Kind.OK, None, None)
    record = Record("7.3", "papr", "p11", "", "x", None, (skip, health), "d")
    assert record.kind is Kind.SKIP
    bad = Verdict("L1 health", Kind.FAIL, None, None)
    assert replace(record, verdicts=(skip, bad)).kind is Kind.FAIL
    assert replace(record, verdicts=(health,)).kind is Kind.OK
