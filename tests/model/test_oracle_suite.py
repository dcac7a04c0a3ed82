# SPDX-License-Identifier: GPL-2.0-only
"""The suite's oracles on answers recorded from real L1s (tests/data/suite-*.json)."""

import json
from pathlib import Path

import pytest

from harness.model import behaviour as b
from harness.model import identify, oracle_ioctl, oracle_vcpu
from harness.model.behaviour import after_patches
from harness.model.cpu import Mode
from harness.model.oracle_ioctl import Subject
from harness.model.suite import Answers, questions
from harness.model.topology import NestedApi
from harness.model.verdict import Kind

DATA = Path(__file__).parent.parent / "data"
V1_ON_612 = after_patches(b.NONE, "v1", [{"refusal": "clean"}, {"revision": "v1"}, {"serves": ["v1", "v2"]}])
P11_PVR = 0x00821200
P9_PVR = 0x004E1202

# name -> subject, PVR of the machine, revisions that it can be
RECORDED = {
    "7.3-papr-p11@p10": (Subject(b.MERGED_SERIES, NestedApi.V2, Mode.P10), P11_PVR, ("merged",)),
    "7.3-hv-p9": (Subject(b.MERGED_SERIES, NestedApi.V1, Mode.P9), P9_PVR, ("merged",)),
    "6.12+v1-hv-p11@p10": (Subject(V1_ON_612, NestedApi.V1, Mode.P10), P11_PVR, ("v1", "v2", "v3")),
    "6.12-papr-p11@p10": (Subject(b.NONE, NestedApi.V2, Mode.P10), P11_PVR, ()),
}


def recorded(name):
    return json.loads((DATA / f"suite-{name}.json").read_text())


def verdicts(name, data, subject=None):
    own, pvr, _ = RECORDED[name]
    answers = Answers.from_json(data)
    return [*oracle_ioctl.judge(subject or own, answers), *oracle_vcpu.judge(subject or own, pvr, answers)]


def red(name, data, subject=None):
    return [each.check for each in verdicts(name, data, subject) if each.kind is Kind.FAIL]


@pytest.mark.parametrize("name", RECORDED)
def test_recorded_kernels_answer_as_expected(name):
    assert red(name, recorded(name)) == []


@pytest.mark.parametrize("name", RECORDED)
def test_all_questions_of_today_are_in_the_record(name):
    data = recorded(name)
    assert set(questions(data["page"])) <= set(data["asked"])


@pytest.mark.parametrize("name", RECORDED)
def test_the_revision_is_found(name):
    assert identify.identify(Answers.from_json(recorded(name))) == RECORDED[name][2]


@pytest.mark.parametrize("name", RECORDED)
def test_a_kernel_is_not_taken_for_another(name):
    own = RECORDED[name][0]
    for other in (b.NONE, b.VALIDATION, b.MERGED_SERIES, V1_ON_612):
        if other.name != own.behaviour.name:
            assert red(name, recorded(name), Subject(other, own.api, own.l1_mode))
    for mode in (Mode.P9, Mode.P10, Mode.P11):
        # 6.12 cannot tell POWER11 from POWER10: that is its defect.
        if mode != own.l1_mode and (own.behaviour is not b.NONE or mode is Mode.P9):
            assert red(name, recorded(name), Subject(own.behaviour, own.api, mode))


# The one question whose every answer is as good as another: without an answer nobody is to be told anything.
ANYTHING = ("pr",)


@pytest.mark.parametrize("name", ["7.3-papr-p11@p10", "6.12+v1-hv-p11@p10"])
def test_any_other_result_of_any_call_turns_something_red(name):
    data = recorded(name)
    wrong = (
        {"result": -1, "errno": 5, "changed": []},
        {"result": 0, "errno": 0, "changed": [[0, "77"]]},
        {"result": 1, "errno": 0, "changed": []},
    )
    asked = [each for each in data["asked"] if "answers" in data["asked"][each]]
    for number, question in enumerate(each for each in asked if each.split()[1] not in ANYTHING):
        other = {"answers": [wrong[number % 3]]}
        assert red(name, data | {"asked": data["asked"] | {question: other}}), (question, other)
        if number % 2:
            both = {"answers": [*data["asked"][question]["answers"], *other["answers"]]}
            assert red(name, data | {"asked": data["asked"] | {question: both}}), question
        else:
            lost = {each: value for each, value in data["asked"].items() if each != question}
            assert red(name, data | {"asked": lost}), question


@pytest.mark.parametrize("name", ["7.3-papr-p11@p10"])
def test_any_other_answer_of_a_register_turns_something_red(name):
    data = recorded(name)
    for question, document in data["asked"].items():
        if not question.startswith("register"):
            continue
        for field in ("set", "again", "stored", "again_stored"):
            wrong = {**document, field: 5}
            assert red(name, data | {"asked": data["asked"] | {question: wrong}}), (question, field)
        for field in ("run", "again_run"):
            for change in (
                {"errno": 4},
                {"errno": 0, "exit": 17, "hcall": None},
                {"errno": 0, "hcall": 0xF008},
            ):
                wrong = {**document, field: {**document[field], **change}}
                assert red(name, data | {"asked": data["asked"] | {question: wrong}}), (question, field)


def test_a_userspace_that_asks_needs_a_guest_that_runs():
    name = "7.3-papr-p11@p10"
    data, (subject, _, _) = recorded(name), RECORDED[name]

    def kinds():
        return [each.kind for each in oracle_vcpu.judge_userspace(subject, Mode.P11, Answers.from_json(data))]

    assert kinds() == [Kind.OK, Kind.OK]
    data["asked"]["register 1 0xf000006"]["run"]["errno"] = 22
    assert kinds()[0] is Kind.FAIL
    data["asked"]["register 1 0xf000007"]["set"] = 0
    assert kinds()[1] is Kind.FAIL
