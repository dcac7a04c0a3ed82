# SPDX-License-Identifier: GPL-2.0-only
"""What an L0 and an L1 must prove before its answers count."""

import pytest
from quoting import said, wanted

from harness.model import oracle_level
from harness.model.cpu import GuestMode, Mode
from harness.model.observation import Boot, LevelObservation, level_from_json, level_to_json
from harness.model.outcome import Outcome
from harness.model.scenario import L1Setting, Placement
from harness.model.topology import TOPOLOGIES, topology
from harness.model.verdict import Kind

PLACEMENT = Placement("k", TOPOLOGIES[0], L1Setting.parse("p11@p10"))
BOOT = {"mode": GuestMode(Mode.P10), "release": "7.2.12", "build_id": "abc"}


def verdicts(image="abc", nested_api="v2", release="7.2.12", **differs):
    boot = Boot(Outcome.BOOTED, "marker", "ready", **{**BOOT, **differs})
    seen = LevelObservation("k-papr-p11@p10", boot, nested_api)
    assert level_from_json(level_to_json(seen)) == seen
    return {each.check: each for each in oracle_level.judge_l1(PLACEMENT, release, image, seen)}


def judge(*args, **differs):
    return {name: each.kind for name, each in verdicts(*args, **differs).items()}


def test_an_l1_that_is_what_was_asked_for():
    assert set(judge().values()) == {Kind.OK}


@pytest.mark.parametrize(
    ("differs", "check"),
    [
        ({"release": "7.2.13"}, "L1 kernel"),
        ({"build_id": "abd"}, "L1 build id"),
        ({"build_id": ""}, "L1 build id"),
        ({"mode": GuestMode(Mode.P11)}, "L1 mode"),
        ({"nested_api": "v1"}, "nested API"),
    ],
)
def test_each_fact_that_differs_is_red(differs, check):
    assert [name for name, kind in judge(**differs).items() if kind is not Kind.OK] == [check]
    assert judge(**differs)[check] is Kind.FAIL


def test_an_image_without_a_build_id_proves_nothing_and_says_so():
    assert judge(image="")["L1 build id"] is Kind.SKIP


def test_what_any_kernel_must_be():
    """An L1 in the wrong mode is wrong whatever its kernel; which kernel it is is another question."""
    assert {name: each.right for name, each in verdicts().items()} == {
        "L1 boots": True, "L1 kernel": None, "L1 mode": True, "nested API": True, "L1 build id": None,
    }  # fmt: skip
    assert verdicts(mode=GuestMode(Mode.P11))["L1 mode"].right is False
    assert verdicts(mode=None)["L1 mode"].right is False
    assert verdicts(nested_api="v1")["nested API"].right is False


@pytest.mark.parametrize(("outcome", "right"), [(Outcome.PANIC, False), (Outcome.INFRASTRUCTURE, None)])
def test_an_l1_that_does_not_come_up_is_wrong_on_any_kernel(outcome, right):
    seen = LevelObservation("k", Boot(outcome, "x", "a line"))
    (verdict,) = oracle_level.judge_l1(PLACEMENT, "7.2.12", "abc", seen)
    assert verdict.right is right


def test_a_kernel_that_was_found_running_is_no_proof_of_itself():
    found = verdicts(release="", image="")
    for check in ("L1 kernel", "L1 build id"):
        assert found[check].kind is Kind.SKIP
        assert "--expect-build-id" in wanted(found[check])
    assert (said(found["L1 kernel"]), said(found["L1 build id"])) == ("7.2.12", "abc")
    assert found["L1 mode"].kind is Kind.OK


@pytest.mark.parametrize(("running", "kind"), [("abc", Kind.OK), ("abd", Kind.FAIL), ("", Kind.FAIL)])
def test_a_build_id_that_was_given_is_held_against_it(running, kind):
    found = verdicts(release="", image="abc", build_id=running)
    assert found["L1 build id"].kind is kind
    assert (found["L1 kernel"].kind, wanted(found["L1 kernel"])) == (
        Kind.SKIP,
        "nothing: only a build id was given",
    )


BARE = Placement("k", topology("powernv11"), L1Setting.parse("p11@p10"), "l0")


@pytest.mark.parametrize(
    ("mode", "kind"), [(GuestMode(Mode.P11, raw=True), Kind.OK), (GuestMode(Mode.P11), Kind.FAIL)]
)
def test_an_l0_runs_in_no_compat_mode_whatever_l1_is_given(mode, kind):
    boot = Boot(Outcome.BOOTED, "marker", "ready", mode, "7.2.12", build_id="abc")
    verdicts = oracle_level.judge_l0(BARE, "7.2.12", "abc", LevelObservation("", boot))
    assert {each.check: each.kind for each in verdicts} == {
        "L0 boots": Kind.OK, "L0 kernel": Kind.OK, "L0 mode": kind, "L0 build id": Kind.OK,
    }  # fmt: skip


def test_an_l0_that_qemu_caught_is_no_verdict_on_the_kernel():
    boot = Boot(Outcome.INFRASTRUCTURE, "qemu-hdsi-recursion", "QEMU is deaf")
    verdicts = oracle_level.judge_l0(BARE, "7.2.12", "abc", LevelObservation("", boot))
    assert [each.kind for each in verdicts] == [Kind.INFRASTRUCTURE]
