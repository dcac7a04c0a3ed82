# SPDX-License-Identifier: GPL-2.0-only
"""What an L0 and an L1 must prove before its answers count."""

import pytest

from harness.model import oracle_level
from harness.model.cpu import GuestMode, Mode
from harness.model.observation import Boot, LevelObservation, level_from_json, level_to_json
from harness.model.outcome import Outcome
from harness.model.scenario import L1Setting, Placement
from harness.model.topology import TOPOLOGIES, topology
from harness.model.verdict import Kind

PLACEMENT = Placement("k", TOPOLOGIES[0], L1Setting.parse("p11@p10"))
BOOT = {"mode": GuestMode(Mode.P10), "release": "7.2.12", "build_id": "abc"}


def judge(image="abc", nested_api="v2", **differs):
    boot = Boot(Outcome.BOOTED, "marker", "ready", **{**BOOT, **differs})
    seen = LevelObservation("k-papr-p11@p10", boot, nested_api)
    assert level_from_json(level_to_json(seen)) == seen
    return {each.check: each.kind for each in oracle_level.judge_l1(PLACEMENT, "7.2.12", image, seen)}


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
