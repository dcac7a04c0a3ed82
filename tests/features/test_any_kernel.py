# SPDX-License-Identifier: GPL-2.0-only
"""Kernels of which nothing is known: what any kernel should do is judged, the rest is left alone. On answers
recorded from real L1s."""

import dataclasses
import json
from pathlib import Path

import pytest
from quoting import quoted, said, wanted

from harness.features.compat_caps import behaviour as b
from harness.features.compat_caps import (
    conformance,
    identify,
    oracle_again,
    oracle_arch_compat,
    oracle_caps,
    oracle_ioctl,
    oracle_lives,
    oracle_vcpu,
)
from harness.features.compat_caps.behaviour import made_of
from harness.features.compat_caps.oracle_ioctl import Subject
from harness.features.compat_caps.suite import Answers
from harness.features.compat_caps.suite_vcpus import life_question, several_question
from harness.features.compat_caps.vm_model import Host
from harness.model.cpu import PVR_INVALID, Mode
from harness.model.facts import KernelNotKnown, Quote
from harness.model.observation import Probe
from harness.model.topology import NestedApi
from harness.model.verdict import Kind, answered, by_any_kernel, worst

DATA = Path(__file__).parent.parent / "data"
P11_PVR, P9_PVR = 0x00821200, 0x004E1202
UNKNOWN = made_of(b.Refusal.NONE, None, (), "nothing is known")


# -- the rule --------------------------------------------------------------------------------


def verdict(kind, right=None, any_kernel=""):
    return quoted("check", kind, "expected", "observed", right=right, any_kernel=any_kernel)


@pytest.mark.parametrize("kind", [Kind.OK, Kind.FAIL, Kind.DEFECT])
@pytest.mark.parametrize(("right", "then"), [(True, Kind.OK), (False, Kind.FAIL), (None, Kind.SKIP)])
def test_right_decides_and_where_it_is_no_question_nothing_is_judged(kind, right, then):
    (found,) = by_any_kernel([verdict(kind, right)])
    assert (found.kind, said(found), found.right) == (then, "observed", right)
    assert found.expected == (KernelNotKnown() if right is None else Quote("expected"))
    assert found.answered


@pytest.mark.parametrize("kind", [Kind.SKIP, Kind.INFRASTRUCTURE, Kind.UNKNOWN])
@pytest.mark.parametrize("right", [True, False, None])
def test_what_was_not_answered_stays_as_it_is(kind, right):
    assert by_any_kernel([verdict(kind, right)]) == [verdict(kind, right)]
    assert not verdict(kind, right).answered


def test_expected_is_what_any_kernel_should_do():
    (found,) = by_any_kernel([verdict(Kind.DEFECT, False, "refused")])
    assert wanted(found) == "refused" and found.source.startswith("what any kernel should do")


def test_an_answer_beside_what_was_lost_is_none():
    assert answered([verdict(Kind.OK)])
    assert answered(by_any_kernel([verdict(Kind.OK)]))
    assert not answered([verdict(Kind.SKIP)])
    assert not answered([])
    for kind in (Kind.INFRASTRUCTURE, Kind.UNKNOWN):
        assert not answered([verdict(Kind.OK), verdict(kind)])
    assert answered([verdict(Kind.OK), verdict(Kind.SKIP), verdict(Kind.FAIL)])


# -- arch_compat -----------------------------------------------------------------------------


def probe(name):
    return Probe.from_json(json.loads((DATA / f"probe-{name}.json").read_text()))


def arch_compat(seen, mode=Mode.P10, api=NestedApi.V2):
    return {each.check: each for each in by_any_kernel(oracle_arch_compat.judge(UNKNOWN, api, mode, seen))}


def test_a_kernel_that_gives_what_it_may_and_refuses_the_rest_is_right():
    found = arch_compat(probe("7.3-papr-p11@p10"))
    assert {each.kind for each in found.values()} == {Kind.OK}


def test_a_kernel_that_gives_more_is_wrong_and_no_defect_is_known_of_it():
    found = arch_compat(probe("6.12-papr-p11@p10"))
    assert [name for name, each in found.items() if each.kind is not Kind.OK] == ["arch_compat P11"]
    assert found["arch_compat P11"].kind is Kind.FAIL
    assert wanted(found["arch_compat P11"]) == "EINVAL, nothing stored or 0xffffffff"


@pytest.mark.parametrize(
    ("value", "change", "right"),
    [
        (Mode.P11, {"errno": 22, "stored": PVR_INVALID}, True),
        (Mode.P11, {"errno": 22, "stored": 0x0F000006}, True),  # what was held before
        (Mode.P11, {"errno": 22, "stored": 0x0F000007}, False),
        (Mode.P11, {"errno": 1, "stored": PVR_INVALID}, False),
        (Mode.P11, {"errno": 0, "stored": 0x0F000006}, False),
        (Mode.P9, {"errno": 22, "stored": 0}, False),
        (Mode.P9, {"errno": 0, "stored": 0x0F000006}, False),
        (Mode.P9, {"errno": 0, "stored": None}, False),
    ],
)
def test_an_answer_is_right_in_both_its_halves(value, change, right):
    seen = probe("7.3-papr-p11@p10")
    answers = tuple(
        dataclasses.replace(each, **change) if each.value == value.logical_pvr else each
        for each in seen.arch_compat
    )
    found = arch_compat(dataclasses.replace(seen, arch_compat=answers))
    assert found[f"arch_compat {value.name}"].kind is (Kind.OK if right else Kind.FAIL)


def test_a_value_that_was_not_tried_is_not_right():
    found = arch_compat(dataclasses.replace(probe("7.3-papr-p11@p10"), arch_compat=()))
    assert {each.kind for each in found.values()} == {Kind.FAIL}


# -- capability and ioctl, as the probe asks --------------------------------------------------


def caps(seen, behaviour=UNKNOWN, api=NestedApi.V2, mode=Mode.P10):
    return {each.check: each for each in oracle_caps.judge(behaviour, api, mode, seen)}


@pytest.mark.parametrize("name", ["7.3-papr-p11@p10", "6.12-papr-p11@p10"])
def test_with_the_ioctl_and_without_it_a_kernel_is_right(name):
    assert {each.kind for each in by_any_kernel(caps(probe(name)).values())} == {Kind.OK}


def changed(seen, name, **changes):
    answers = tuple(
        dataclasses.replace(each, **changes) if each.name == name else each for each in seen.ioctls
    )
    return dataclasses.replace(seen, ioctls=answers)


@pytest.mark.parametrize(
    ("changes", "right"),
    [
        ({"errno": 25}, True),
        ({"errno": 22}, None),  # it has the ioctl, and no answer: that may be
        ({"errno": 25, "after": "00" * 64}, False),
    ],
)
def test_a_refusal(changes, right):
    seen = probe("6.12-papr-p11@p10")
    if "after" in changes:
        before = seen.ioctl("merged").before
        changes = {**changes, "after": ("00" if before[:2] != "00" else "11") + before[2:]}
    assert caps(changed(seen, "merged", **changes))["ioctl merged"].right is right


def test_a_wrong_answer_and_none_at_all():
    seen = probe("7.3-papr-p11@p10")
    after = seen.ioctl("merged").after
    assert caps(changed(seen, "merged", after=after[:46] + "70" + after[48:]))["ioctl merged"].right is False
    assert caps(dataclasses.replace(seen, ioctls=()))["ioctl merged"].right is False


@pytest.mark.parametrize(
    ("capability", "served", "right"),
    [(1, True, True), (0, True, False), (1, False, False), (0, False, True)],
)
def test_a_capability_says_that_there_is_an_answer(capability, served, right):
    seen = probe("7.3-papr-p11@p10" if served else "6.12-papr-p11@p10")
    seen = dataclasses.replace(seen, capability={**seen.capability, "250": capability})
    assert caps(seen)["capability 250"].right is right


def test_a_kernel_that_claims_the_ioctl_must_have_it():
    """Known by its source: a refusal is wrong there, though another kernel need not have it."""
    found = caps(probe("6.12-papr-p11@p10"), b.MERGED_SERIES)
    assert found["ioctl merged"].right is False and found["capability 250"].right is False


def test_an_l0_of_which_nothing_is_known():
    bare = probe("6.12-merged-bare-metal-p11")
    found = by_any_kernel(oracle_caps.judge_bare_metal(UNKNOWN, bare))
    assert {each.kind for each in found} == {Kind.OK}
    served = dataclasses.replace(bare, ioctls=probe("7.3-hv-p11@p10").ioctls)
    kinds = {each.check: each.kind for each in by_any_kernel(oracle_caps.judge_bare_metal(UNKNOWN, served))}
    assert kinds["L0 ioctl merged"] is Kind.FAIL and kinds["L0 capability 250"] is Kind.FAIL


# -- the suite -------------------------------------------------------------------------------

RECORDED = {
    "7.3-papr-p11@p10": (NestedApi.V2, Mode.P10, P11_PVR, "merged"),
    "7.3-hv-p9": (NestedApi.V1, Mode.P9, P9_PVR, "merged"),
    "6.12+v1-hv-p11@p10": (NestedApi.V1, Mode.P10, P11_PVR, "v1"),
    "6.12-papr-p11@p10": (NestedApi.V2, Mode.P10, P11_PVR, ""),
}
TOPICS = ("revision", "ioctl", "vcpu", "userspace")


def asked(name, data=None, behaviour=UNKNOWN, known=False):
    api, mode, pvr, _ = RECORDED[name]
    answers = Answers.from_json(data or recorded(name))
    seen = dataclasses.replace(probe("7.3-papr-p11"), raw_pvr=pvr)
    return conformance.SuiteEvidence(Subject(behaviour, api, mode), seen, answers, {}, known)


def recorded(name):
    return json.loads((DATA / f"suite-{name}.json").read_text())


def judged(name, data=None, behaviour=UNKNOWN):
    question = asked(name, data, behaviour)
    return [each for topic in TOPICS for each in conformance.judged(question, conformance.TOPICS[topic])]


@pytest.mark.parametrize("name", RECORDED)
def test_the_revision_that_answers_is_the_one_it_is_judged_by(name):
    found = conformance.as_it_answers(asked(name)).subject.behaviour
    revision = RECORDED[name][3]
    assert (found.revision.name if found.revision else "") == revision
    assert found.served == ((RECORDED[name][0],) if revision else ())


@pytest.mark.parametrize("name", RECORDED)
def test_of_a_kernel_that_is_known_the_revision_is_not_looked_for(name):
    question = asked(name, known=True)
    assert conformance.as_it_answers(question) is question
    claims = asked(name, behaviour=b.MERGED_SERIES)
    assert conformance.as_it_answers(claims) is claims


def test_an_ioctl_that_refuses_here_serves_the_other_api():
    name = "7.3-papr-p11@p10"
    data = recorded(name)
    refused = {"answers": [{"result": -1, "errno": 22, "changed": []}]}
    for line in data["asked"]:
        if "0x2000aeb8" in line and "answers" in data["asked"][line]:
            data["asked"][line] = refused
    found = conformance.as_it_answers(asked(name, data)).subject.behaviour
    assert (found.revision.name, found.served) == ("merged", (NestedApi.V1,))


@pytest.mark.parametrize("name", ["7.3-papr-p11@p10", "7.3-hv-p9", "6.12+v1-hv-p11@p10"])
def test_recorded_kernels_are_right_or_not_judged(name):
    found = judged(name)
    assert worst(found) is Kind.OK, [each for each in found if each.kind is Kind.FAIL]
    # That a kernel is what it is taken for is no proof: it was found so.
    itself = [each for each in found if each.check == identify.check_name(conformance.JUDGED_AS)]
    assert [each.kind for each in itself] == [Kind.SKIP]
    assert sum(each.kind is Kind.OK for each in found) > 50


def test_a_recorded_kernel_that_gives_too_much_is_wrong():
    found = judged("6.12-papr-p11@p10")
    assert [each.check for each in found if each.kind is Kind.FAIL] == [
        "arch_compat P11: set",
        "arch_compat P11: stored",
        "arch_compat P11 before PAPR: set",
        "arch_compat P11 before PAPR: stored",
        "userspace that trusts the PVR is refused",
    ]


def test_a_source_that_claims_an_abi_is_held_to_it():
    found = judged("6.12-papr-p11@p10", behaviour=b.MERGED_SERIES)
    failed = {each.check for each in found if each.kind is Kind.FAIL}
    assert {"right call: result", "capability 250 on a VM", "size 16: result"} <= failed


@pytest.mark.parametrize("name", ["7.3-papr-p11@p10", "6.12+v1-hv-p11@p10"])
def test_an_answer_against_the_rules_is_wrong_whatever_the_kernel(name):
    """Every call of the revision that answers: but one whose other answer makes it another revision."""
    data = recorded(name)
    revision = RECORDED[name][3]
    subject = conformance.as_it_answers(asked(name)).subject
    count = 0
    for check in oracle_ioctl.checks(subject.behaviour.revision, data["page"]):
        line = check.call.line
        if "answers" not in data["asked"].get(line, {}) or check.name == "right call":
            continue
        wrong = {"answers": [{"result": -1, "errno": 5, "changed": []}]}
        found = judged(name, data | {"asked": data["asked"] | {line: wrong}})
        failed = [each.check for each in found if each.kind is Kind.FAIL]
        assert any(each.startswith(f"{check.name}: ") for each in failed), (revision, check.name)
        count += 1
    assert count > 10


def vcpu(data, name="7.3-papr-p11@p10"):
    api, mode, pvr, _ = RECORDED[name]
    verdicts = oracle_vcpu.judge(Subject(UNKNOWN, api, mode), pvr, Answers.from_json(data))
    return {each.check: each for each in by_any_kernel(verdicts)}


P10, P11 = "register 1 0xf000006", "register 1 0xf000007"
P10_BARE, P11_BARE = "register 0 0xf000006", "register 0 0xf000007"


@pytest.mark.parametrize(
    ("question", "change", "what", "kind"),
    [
        # A mode that L1 may give.
        (P10, {"set": 22}, "set", Kind.FAIL),
        (P10, {"stored": 0xF000005}, "stored", Kind.FAIL),
        (P10, {"run": {"errno": 22}}, "KVM_RUN", Kind.FAIL),
        (P10, {"again": 22}, "usable afterwards", Kind.FAIL),
        (P10, {"again_run": {"errno": 22}}, "KVM_RUN afterwards", Kind.FAIL),
        # One that it may not: refused, nothing stored or the invalid one.
        (P11, {"set": 0}, "set", Kind.FAIL),
        (P11, {"set": 1}, "set", Kind.FAIL),
        (P11, {"stored": 0}, "stored", Kind.OK),
        (P11, {"stored": 0xF000007}, "stored", Kind.FAIL),
        (P11, {"stored": None}, "stored", Kind.FAIL),
        # With the invalid one stored it must not run; with nothing stored it must; in a mode that is not
        # L1's to give there is no right way to.
        (P11, {"run": {"errno": 0}}, "KVM_RUN", Kind.FAIL),
        (P11, {"stored": 0}, "KVM_RUN", Kind.FAIL),
        (P11, {"stored": 0xF000007}, "KVM_RUN", Kind.SKIP),
        # Before KVM_ENABLE_CAP(PAPR) both is done: taken, or refused.
        (P10_BARE, {"set": 0}, "set", Kind.OK),
        (P10_BARE, {"set": 22}, "set", Kind.OK),
        (P10_BARE, {"set": 1}, "set", Kind.FAIL),
        (P10_BARE, {"set": 22, "stored": 0}, "stored", Kind.OK),
        (P10_BARE, {"set": 0, "stored": 0}, "stored", Kind.FAIL),
        (P10_BARE, {"again": 0, "again_stored": 0}, "usable afterwards", Kind.OK),
        (P10_BARE, {"again": 22, "again_stored": 7}, "usable afterwards", Kind.OK),
        (P10_BARE, {"again": 0, "again_stored": 7}, "usable afterwards", Kind.FAIL),
        (P10_BARE, {"run": {"errno": 0}}, "KVM_RUN", Kind.FAIL),
        (P11_BARE, {"set": 0}, "set", Kind.FAIL),
    ],
)
def test_what_any_vcpu_should_do(question, change, what, kind):
    data = recorded("7.3-papr-p11@p10")
    document = data["asked"][question]
    for name, value in change.items():
        document[name] = {**document[name], **value} if isinstance(value, dict) else value
    name = f"arch_compat {'P10' if question in (P10, P10_BARE) else 'P11'}"
    when = " before PAPR" if question in (P10_BARE, P11_BARE) else ""
    assert vcpu(data)[f"{name}{when}: {what}"].kind is kind


def test_a_register_that_was_not_asked_is_not_right():
    data = recorded("7.3-papr-p11@p10")
    del data["asked"]["register 1 0xf000006"]
    assert vcpu(data)["arch_compat P10: set"].kind is Kind.FAIL


@pytest.mark.parametrize(
    ("register", "change", "check"),
    [
        ("register 1 0xf000006", {"set": 22}, "userspace that asks the ioctl gets a working guest"),
        ("register 1 0xf000007", {"set": 0}, "userspace that trusts the PVR is refused"),
    ],
)
def test_userspace_gets_what_it_should_from_any_kernel(register, change, check):
    name = "7.3-papr-p11@p10"
    fine = {each.check: each.kind for each in judged(name)}
    assert fine[check] is Kind.OK
    data = recorded(name)
    data["asked"][register].update(change)
    assert {each.check: each.kind for each in judged(name, data)}[check] is Kind.FAIL


def test_userspace_has_nothing_to_ask_without_the_ioctl():
    found = {each.check: each for each in judged("6.12-papr-p11@p10")}
    asks = found["userspace that asks the ioctl gets a working guest"]
    assert (asks.kind, asks.answered) == (Kind.SKIP, False)


def test_an_ioctl_without_a_mode_is_wrong():
    name = "7.3-papr-p11@p10"
    data = recorded(name)
    line = next(each for each in data["asked"] if "0x2000aeb8" in each and " plain " in each)
    subject = Subject(b.MERGED_SERIES, NestedApi.V2, Mode.P10)
    data["asked"][line] = {"answers": [{"result": 0, "errno": 0, "changed": []}]}
    for each in data["asked"]:
        if "0x2000aeb8" in each:
            data["asked"][each] = {
                "answers": [{"result": 0, "errno": 0, "changed": [[16, "0000000000000000"]]}]
            }
    found = oracle_vcpu.judge_userspace(subject, Mode.P11, Answers.from_json(data))
    assert (found[0].kind, found[0].right) == (Kind.FAIL, False)


# -- several vcpus, a vcpu's life, and what has run ------------------------------------------------


def lives(name, data):
    api, mode, pvr, _ = RECORDED[name]
    known = Subject(UNKNOWN, api, mode)
    found = oracle_lives.judge(known, Host(pvr, qemu=True), Answers.from_json(data))
    found += oracle_again.judge(conformance.as_it_answers(asked(name)).subject, Answers.from_json(data))
    return {each.check: each for each in by_any_kernel(found)}


@pytest.mark.parametrize("name", ["7.3-papr-p11@p10", "7.3-hv-p9", "6.12+v1-hv-p11@p10", "6.12-papr-p11@p10"])
def test_no_recorded_kernel_is_wrong_about_modes_that_l1_may_grant(name):
    found = lives(name, recorded(name))
    assert [each.check for each in found.values() if each.kind is Kind.FAIL] == []
    for what in ("3 vcpus, P9 on all: set", "3 vcpus, P9 on all: after KVM_RUN"):
        assert found[what].kind is Kind.OK
    # A mode above L1's, and what nobody set: kernels differ.
    assert found["3 vcpus, P11 on all: stored"].kind is Kind.SKIP
    assert found["3 vcpus, P9 on vcpu 1 only: after KVM_RUN"].kind is Kind.SKIP


@pytest.mark.parametrize(
    ("question", "change", "check"),
    [
        (several_question("all", 0xF000005), {"stored": [0xF000005, 0, 0]}, "3 vcpus, P9 on all: stored"),
        (several_question("all", 0xF000005), {"set": [0, 22, 0]}, "3 vcpus, P9 on all: set"),
        (several_question("all", 0xF000005), {"after": [0, 0, 0]}, "3 vcpus, P9 on all: after KVM_RUN"),
        (life_question(0xF000005, 0xF000006), {"set_later": 16}, "P9, then P10: set after a run"),
        (life_question(0xF000005, 0xF000006), {"after_run": 0}, "P9, then P10: after KVM_RUN"),
        (life_question(0xF000005, 0xF000006), {"after_sregs": 0}, "P9, then P10: after SET_SREGS"),
    ],
)
def test_a_mode_that_is_lost_is_wrong_whatever_the_kernel(question, change, check):
    """A series that is not ours made each of these a skip: nothing was known of it."""
    name = "7.3-papr-p11@p10"
    data = recorded(name)
    changed = data["asked"] | {question: data["asked"][question] | change}
    assert lives(name, data | {"asked": changed})[check].kind is Kind.FAIL


@pytest.mark.parametrize("place", ["before", "same", "new"])
def test_an_answer_that_depends_on_what_has_run_is_wrong_whatever_the_kernel(place):
    name = "7.3-papr-p11@p10"
    data = recorded(name)
    question = next(each for each in data["asked"] if each.startswith("again 0x2000aeb8"))
    document = data["asked"][question]
    for change in ({"answer": {"result": 0, "errno": 0, "changed": []}}, {"caps": [0, 0]}):
        other = document | {place: document[place] | change}
        found = lives(name, data | {"asked": data["asked"] | {question: other}})
        assert [each.check for each in found.values() if each.kind is Kind.FAIL], change
