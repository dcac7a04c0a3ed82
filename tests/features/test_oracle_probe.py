# SPDX-License-Identifier: GPL-2.0-only
"""The oracle on probe documents recorded from real L1s (tests/data/probe-*.json)."""

import dataclasses
import json
from pathlib import Path

import pytest
from quoting import wanted

from harness.features.compat_caps import behaviour as b
from harness.features.compat_caps import oracle_arch_compat, oracle_caps
from harness.model.cpu import GuestMode, Mode
from harness.model.observation import Probe
from harness.model.topology import NestedApi
from harness.model.verdict import Kind, worst

DATA = Path(__file__).parent.parent / "data"

RECORDED = {
    "7.3-papr-p11": (b.MERGED_SERIES, NestedApi.V2, Mode.P11),
    "7.3-papr-p11@p10": (b.MERGED_SERIES, NestedApi.V2, Mode.P10),
    "7.3-hv-p11@p10": (b.MERGED_SERIES, NestedApi.V1, Mode.P10),
    "7.3-hv-p9": (b.MERGED_SERIES, NestedApi.V1, Mode.P9),
    "6.12-papr-p11@p10": (b.NONE, NestedApi.V2, Mode.P10),
    "6.12-hv-p11": (b.NONE, NestedApi.V1, Mode.P11),
}


def recorded(name):
    return Probe.from_json(json.loads((DATA / f"probe-{name}.json").read_text()))


def judge(name, probe, behaviour=None):
    own, api, mode = RECORDED[name]
    key = (behaviour or own, api, mode)
    return [*oracle_caps.judge(*key, probe), *oracle_arch_compat.judge(*key, probe)]


@pytest.mark.parametrize("name", RECORDED)
def test_recorded_kernels_answer_as_expected(name):
    probe = recorded(name)
    verdicts = judge(name, probe)
    assert probe.mode == GuestMode(RECORDED[name][2])
    assert not [each for each in verdicts if each.kind is Kind.FAIL]
    # 6.12's arch_compat accepts POWER11 under POWER10: a defect that must be called one.
    defects = [each.check for each in verdicts if each.kind is Kind.DEFECT]
    assert defects == (["arch_compat P11"] if name == "6.12-papr-p11@p10" else [])


def test_one_flipped_bit_of_the_answer_turns_the_verdict_red():
    name = "7.3-papr-p11@p10"
    probe = recorded(name)
    merged = probe.ioctl("merged")
    for position in range(len(merged.after) * 4):
        raw = bytearray.fromhex(merged.after)
        raw[position // 8] ^= 1 << position % 8
        ioctls = [
            dataclasses.replace(each, after=bytes(raw).hex()) if each is merged else each
            for each in probe.ioctls
        ]
        flipped = dataclasses.replace(probe, ioctls=tuple(ioctls))
        assert worst(judge(name, flipped)) is Kind.FAIL, f"bit {position}"


@pytest.mark.parametrize("change", [{"errno": 1}, {"stored": 0x0F000001}, {"stored": None}])
def test_one_changed_register_answer_turns_the_verdict_red(change):
    name = "7.3-papr-p11"
    probe = recorded(name)
    for index in range(len(probe.arch_compat)):
        answers = list(probe.arch_compat)
        answers[index] = dataclasses.replace(answers[index], **change)
        verdicts = judge(name, dataclasses.replace(probe, arch_compat=tuple(answers)))
        assert worst(verdicts) is Kind.FAIL


def test_a_kernel_judged_by_another_revision_fails():
    assert worst(judge("6.12-papr-p11@p10", recorded("6.12-papr-p11@p10"), b.MERGED_SERIES)) is Kind.FAIL
    assert worst(judge("7.3-papr-p11@p10", recorded("7.3-papr-p11@p10"), b.NONE)) is Kind.FAIL
    # Without a compat mode, v1's bitmap on API v2 is the merged one; its request is not.
    assert worst(judge("7.3-papr-p11", recorded("7.3-papr-p11"), b.V1_SERIES)) is Kind.FAIL


def test_a_probe_that_asked_nothing_fails():
    empty = dataclasses.replace(recorded("7.3-papr-p11"), ioctls=(), arch_compat=(), capability={})
    assert {each.kind for each in judge("7.3-papr-p11", empty)} == {Kind.FAIL}


def test_v1s_bitmap_on_nested_api_v1_is_one_bit():
    assert oracle_caps.expected_bitmap(b.V1_SERIES.revision, NestedApi.V1, Mode.P10)[0] == 0x2000000000000000
    assert oracle_caps.expected_bitmap(b.V1_SERIES.revision, NestedApi.V2, Mode.P10)[0] == 0x6000000000000000


BARE_METAL = Probe.from_json(json.loads((DATA / "probe-6.12-merged-bare-metal-p11.json").read_text()))


def test_a_recorded_l0_has_no_modes_to_tell():
    verdicts = oracle_caps.judge_bare_metal(b.MERGED_SERIES, BARE_METAL)
    assert {each.kind for each in verdicts} == {Kind.OK}
    assert all(each.check.startswith("L0 ") for each in verdicts)
    assert {each.check: wanted(each) for each in verdicts}["L0 ioctl merged"] == "-1 EINVAL, 0 bytes changed"


@pytest.mark.parametrize("behaviour", [b.NONE, b.V1_SERIES])
def test_an_l0_judged_by_another_revision_fails(behaviour):
    assert worst(oracle_caps.judge_bare_metal(behaviour, BARE_METAL)) is Kind.FAIL


def test_an_l0_that_claims_the_capability_fails():
    claims = dataclasses.replace(BARE_METAL, capability={"249": 0, "250": 1})
    failed = [
        each for each in oracle_caps.judge_bare_metal(b.MERGED_SERIES, claims) if each.kind is Kind.FAIL
    ]
    assert [each.check for each in failed] == ["L0 capability 250"]


def test_an_l0_whose_ioctl_answers_fails():
    """As if the check for pseries were missing."""
    served = recorded("7.3-hv-p11@p10").ioctls
    answers = dataclasses.replace(BARE_METAL, ioctls=served)
    failed = [
        each for each in oracle_caps.judge_bare_metal(b.MERGED_SERIES, answers) if each.kind is Kind.FAIL
    ]
    assert [each.check for each in failed] == ["L0 ioctl merged"]
