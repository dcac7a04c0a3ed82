# SPDX-License-Identifier: GPL-2.0-only
"""The suite's oracles on answers recorded from real L1s (tests/data/suite-*.json)."""

import copy
import json
from pathlib import Path

import pytest

from harness.features.compat_caps import behaviour as b
from harness.features.compat_caps import (
    identify,
    oracle_again,
    oracle_clock,
    oracle_inforce,
    oracle_ioctl,
    oracle_lives,
    oracle_vcpu,
)
from harness.features.compat_caps.behaviour import after_patches
from harness.features.compat_caps.in_force import SPINS
from harness.features.compat_caps.oracle_ioctl import Subject
from harness.features.compat_caps.suite import Answers, questions
from harness.features.compat_caps.vm_model import Host
from harness.model.cpu import Mode
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


# What judges the answers to a kind of question.
JUDGES = {
    "cap": lambda subject, _host, answers: oracle_ioctl.judge(subject, answers),
    "ioctl": lambda subject, _host, answers: oracle_ioctl.judge(subject, answers),
    "again": lambda subject, _host, answers: oracle_again.judge(subject, answers),
    "register": lambda subject, host, answers: oracle_vcpu.judge(subject, host.raw_pvr, answers),
    "vcpus": oracle_lives.judge,
    "life": oracle_lives.judge,
    "inforce": oracle_inforce.judge,
    "clock": oracle_clock.judge,
    "decrementer": oracle_clock.judge,
}


def verdicts(name, data, subject=None, kinds=tuple(JUDGES)):
    own, pvr, _ = RECORDED[name]
    answers, host = Answers.from_json(data), Host(pvr, qemu=True)
    found = [JUDGES[kind](subject or own, host, answers) for kind in kinds]
    return list(dict.fromkeys(each for several in found for each in several))


def red(name, data, subject=None, kinds=tuple(JUDGES)):
    return [each.check for each in verdicts(name, data, subject, kinds) if each.kind is Kind.FAIL]


def red_with(name, data, question, document):
    """With another answer to a question; None for none."""
    asked = {each: value for each, value in data["asked"].items() if each != question}
    if document is not None:
        asked[question] = document
    return red(name, data | {"asked": asked}, kinds=(question.split()[0],))


@pytest.mark.parametrize("name", RECORDED)
def test_recorded_kernels_answer_as_expected(name):
    assert red(name, recorded(name)) == []


@pytest.mark.parametrize("name", RECORDED)
def test_what_is_skipped_in_a_record_is_known(name):
    own, _, _ = RECORDED[name]
    skipped = {each.check for each in verdicts(name, recorded(name)) if each.kind is Kind.SKIP}
    wanted = {"KVM PR"}
    if own.api is NestedApi.V2:
        wanted.add("L2's decrementer does not interrupt too early")
    if own.behaviour.revision is None:
        wanted |= {"each mode that the ioctl names can be put in force", "no mode above them can"}
    assert skipped == wanted
    assert not [each for each in verdicts(name, recorded(name)) if each.kind is Kind.UNKNOWN]


@pytest.mark.parametrize("name", RECORDED)
def test_no_check_has_the_name_of_another(name):
    names = [each.check for each in verdicts(name, recorded(name))]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("name", RECORDED)
def test_all_questions_of_today_are_in_the_record(name):
    data = recorded(name)
    assert set(questions(data["page"])) | {each.question for each in SPINS} == set(data["asked"])


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
        assert red_with(name, data, question, other), (question, other)
        if number % 2:
            both = {"answers": [*data["asked"][question]["answers"], *other["answers"]]}
            assert red_with(name, data, question, both), question
        else:
            assert red_with(name, data, question, None), question


# -- answers about vcpus: every leaf of every document ----------------------------------------


def leaves(document, path=()):
    """(path, value) of all that a document is made of."""
    if isinstance(document, dict):
        for key, value in document.items():
            yield from leaves(value, (*path, key))
    elif isinstance(document, list):
        for key, value in enumerate(document):
            yield from leaves(value, (*path, key))
    else:
        yield path, document


def with_leaf(document, path, value):
    found = copy.deepcopy(document)
    at = found
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = value
    return found


def is_looked_at(document, path):
    """Not: what a fresh vcpu holds; where a run failed, anything but its errno; of registers, any but the PVR
    that the guest read; and bytes, which are a list of any length."""
    if path[0] == "initial" or "changed" in path:
        return False
    if not {"exit", "hcall", "gpr"} & set(path):
        return True
    end = next(at for at, key in enumerate(path) if key in ("exit", "hcall", "gpr"))
    run = document
    for key in path[:end]:
        run = run[key]
    if path[end] == "gpr" and (path[0], path[-1]) == ("run", 4) and "before" in document:
        return False  # "again" wants it to have run, wherever
    return run["errno"] == 0 and (path[end] != "gpr" or path[-1] == 4)


OTHER = 5  # errno, exit, hypercall, PVR or mode: none is this one


@pytest.mark.parametrize("name", ["7.3-papr-p11@p10", "7.3-hv-p9"])
@pytest.mark.parametrize("kind", ["register", "vcpus", "life", "again"])
def test_any_other_answer_about_a_vcpu_turns_something_red(name, kind):
    data = recorded(name)
    asked = [each for each in data["asked"] if each.split()[0] == kind]
    assert len(asked) >= 4
    changed = 0
    for question in asked:
        document = data["asked"][question]
        assert red_with(name, data, question, None), question
        assert red_with(name, data, question, {"trouble": "KVM_CREATE_VCPU: errno 12"}), question
        for path, _ in leaves(document):
            if is_looked_at(document, path):
                changed += 1
                assert red_with(name, data, question, with_leaf(document, path, OTHER)), (question, path)
    assert changed > 8 * len(asked)


@pytest.mark.parametrize("name", ["7.3-papr-p11@p10", "6.12+v1-hv-p11@p10"])
def test_other_bytes_after_a_run_turn_something_red(name):
    data = recorded(name)
    for question, document in data["asked"].items():
        if question.startswith("again"):
            for place in ("before", "same", "new"):
                other = copy.deepcopy(document)
                other[place]["answer"]["changed"] = [[0, "77"]]
                assert red_with(name, data, question, other), (question, place)


def with_mode_set(document, **other):
    """As runs of today have it; those that were recorded did not ask on a VM with a vcpu in P9 mode."""
    return {**document, "mode_set": 0, "set": copy.deepcopy(document["new"]), **other}


@pytest.mark.parametrize("name", ["7.3-papr-p11@p10", "7.3-hv-p9", "6.12+v1-hv-p11@p10"])
def test_an_answer_that_depends_on_a_mode_that_was_set_turns_red(name):
    """A kernel that answers by the mode that was set last was not noticed: only vcpus that nobody had set
    were in VMs that were asked."""
    data = recorded(name)
    for question, document in data["asked"].items():
        if question.startswith("again"):
            assert not red_with(name, data, question, with_mode_set(document)), question
            other = with_mode_set(document)
            other["set"]["answer"]["changed"] = [[0, "77"]]
            assert red_with(name, data, question, other), question
            other = with_mode_set(document)
            other["set"]["caps"] = [7, 7]
            assert red_with(name, data, question, other), question


def test_it_is_none_where_the_mode_was_not_set():
    name = "7.3-papr-p11@p10"
    data = recorded(name)
    question = next(each for each in data["asked"] if each.startswith("again 0x2000aeb8"))
    document = with_mode_set(data["asked"][question], mode_set=22)
    assert red_with(name, data, question, document) == ["right call on a VM with a vcpu in P9 mode"]


@pytest.mark.parametrize("name", ["7.3-papr-p11@p10", "7.3-hv-p9"])
def test_another_mode_in_force_turns_something_red(name):
    data, own = recorded(name), RECORDED[name][0]
    for spin in SPINS:
        question, document = spin.question, data["asked"][spin.question]

        def red_if(other, question=question):
            return red_with(name, data, question, other)

        assert red_if(None) and red_if({"trouble": "KVM_CREATE_VM: errno 12"}), spin
        if document["steps"][-1]["run"]["errno"] != 4:
            assert red_if(with_leaf(document, ("steps", -1, "run", "errno"), 4)), spin
            continue
        assert red_if(with_leaf(document, ("steps", -1, "run", "errno"), 5)), spin
        assert red_if(with_leaf(document, ("spun", "run", "errno"), 5)), spin
        assert red_if(with_leaf(document, ("spun", "after"), 5)), spin
        ((lpidr, pcr, _),) = document["counts"]
        # The bit of ISA 3.0 or, of a PCR that QEMU makes of a logical PVR, the next one.
        assert red_if({**document, "counts": [[lpidr, pcr ^ 0x10, 9]]}), spin
        if own.api is NestedApi.V2:
            assert red_if({**document, "counts": [[lpidr, pcr ^ 0x20, 9]]}), spin
        unseen = data | {"asked": data["asked"] | {question: {**document, "counts": []}}}
        assert [each for each in verdicts(name, unseen) if each.kind is Kind.UNKNOWN], spin


@pytest.mark.parametrize("name", RECORDED)
def test_any_other_end_of_a_timed_run_turns_something_red(name):
    data = recorded(name)
    timed = [each for each in data["asked"] if each.split()[0] in ("clock", "decrementer")]
    assert len(timed) == 2
    for question in timed:
        document = data["asked"][question]
        assert red_with(name, data, question, None), question
        for number in range(len(document["runs"])):
            for field in range(4):  # errno, exit, hypercall, vector
                other = with_leaf(document, ("runs", number, field), OTHER)
                assert red_with(name, data, question, other), (question, number, field)


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
