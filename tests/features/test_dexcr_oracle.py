# SPDX-License-Identifier: GPL-2.0-only
"""What is said of recorded answers about DEXCR, HASHKEYR and HASHPKEYR, and of answers with one thing wrong.

Recorded under QEMU 11.1.3, 2026-11-26.
"""

import copy
import errno
import json
from collections import Counter
from pathlib import Path

import pytest
from quoting import said

from harness.features.dexcr import FEATURE, suite
from harness.features.dexcr.oracle import IN_GUEST, ONE_REG
from harness.features.dexcr.registers import DEXCR, HASHKEYR, HASHPKEYR, NOT_LOADED, REGISTERS
from harness.features.feature import Evidence, Expectation
from harness.model.observation import Probe
from harness.model.scenario import L1Setting, Placement
from harness.model.topology import topology
from harness.model.verdict import Kind, Verdict
from harness.reports.sentences import expected_of, say

DATA = Path(__file__).parent.parent / "data"
PROBE = Probe.from_json(json.loads((DATA / "probe-7.3-papr-p11.json").read_text()))
NAMES = [each.name for each in REGISTERS]
HAS = Expectation("all", {"has": NAMES, "defects": [NOT_LOADED.name]})
NONE = Expectation("none", {"has": [], "defects": []})
UNKNOWN = Expectation("not known", {"has": [], "defects": []}, known=False)
WHEN = ("before a run", "after a run", "before a run, set anew", "after a run, set anew")
TOPICS = [each.name for each in FEATURE.topics]
PAPR, HV, OLD = "7.3-papr-p11", "7.3-hv-p11@p10", "7.3-papr-p9"
# A 7.2.12 that drops HASHPKEYR when it is set, sends no DEXCR to L0, and takes 32 bits of HASHKEYR from it.
PLANTED = "7.2+planted-papr-p11"
# One of which the registers were taken out of kvmppc_get_one_reg_hv and kvmppc_set_one_reg_hv.
WITHOUT = "7.2+without-papr-p11"
ALL_REGISTERS = pytest.mark.parametrize("register", REGISTERS, ids=NAMES)


def recorded(name):
    return json.loads((DATA / f"dexcr-{name}.json").read_text())


def evidence(name=PAPR, expected=HAS, changed=None):
    """changed: (question, what is done to its answer)."""
    document = recorded(name)
    answers = copy.deepcopy(document["answers"])
    if changed is not None:
        question, change = changed
        change(answers[question])
    place = Placement("k", topology(document["topology"]), L1Setting.parse(document["l1"]))
    return Evidence(place, PROBE, answers, expected)


def judged(*arguments, **more):
    given = evidence(*arguments, **more)
    found = {each.check: each for topic in TOPICS for each in FEATURE.judge(topic, given)}
    assert len(found) == sum(len(FEATURE.judge(topic, given)) for topic in TOPICS), "a name for each check"
    return found


def kinds(found):
    return Counter(each.kind for each in found.values())


def wrong(found):
    return {name for name, each in found.items() if each.kind is not Kind.OK}


# -- as recorded -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [PAPR, HV, OLD, PLANTED, WITHOUT])
def test_the_recorded_answers_are_to_the_questions(name):
    assert set(recorded(name)["answers"]) == set(FEATURE.questions(65536))


def test_with_nested_api_v2_all_is_well():
    found = judged(PAPR)
    assert kinds(found) == {Kind.OK: len(found)}
    assert all(each.proof in recorded(PAPR)["answers"] for each in found.values())
    assert all(each.source for each in found.values())
    assert all(each.right for each in found.values())


def test_with_nested_api_v1_a_guest_has_none_of_what_was_set():
    found = judged(HV)
    defects = {name for name, each in found.items() if each.kind is Kind.DEFECT}
    assert kinds(found) == {Kind.OK: len(found) - 9, Kind.DEFECT: 9}
    assert {
        "dexcr in a guest: sees what was set",
        "dexcr in a guest: its write is read from its vcpu",
        "dexcr in a guest: L1's own afterwards",
        "hashkeyr hashes: differ as the keys do",
        "hashpkeyr hashes: differ as the keys do",
    } < defects
    assert all(found[name].defect == NOT_LOADED.words for name in defects)
    assert not any(each.defect for name, each in found.items() if name not in defects)
    assert all(found[name].right is False for name in defects)
    assert not any("in a guest" in name or "hashes" in name for name in set(found) - defects - {
        "dexcr in a guest: reads what it wrote", "hashkeyr in a guest: reads what it wrote",
    })  # fmt: skip


def test_where_the_defect_is_not_known_it_fails():
    expected = Expectation("all", {"has": NAMES, "defects": []})
    assert kinds(judged(HV, expected))[Kind.FAIL] == 9


def test_it_is_no_excuse_with_nested_api_v2():
    """The same answers, of a guest that KVM tells L0 of."""
    found = evidence(HV)
    placement = Placement("k", topology("papr"), found.placement.l1)
    again = Evidence(placement, PROBE, found.answers, HAS)
    assert Counter(each.kind for each in FEATURE.judge(IN_GUEST, again)) == {Kind.FAIL: 9, Kind.OK: 2}


def test_power9_keeps_what_its_guests_have_not():
    found = judged(OLD)
    assert kinds(found) == {Kind.OK: len(found) - 4, Kind.SKIP: 4}
    assert all("guest" in name or "hashes" in name for name in wrong(found))


def test_three_defects_that_were_planted_in_a_kernel():
    found = judged(PLANTED)
    failed = {name for name, each in found.items() if each.kind is Kind.FAIL}
    assert failed == wrong(found)
    pairs = ("all ones", "patterns")
    dropped = {f"hashpkeyr {pair}: read {when}" for pair in pairs for when in WHEN}
    cut = {f"hashkeyr {pair}: read {when}" for pair in pairs for when in WHEN if "after" in when}
    hashes = {
        f"{name} hashes: {what}"
        for name in NAMES[1:]
        for what in ("differ as the keys do", "those of the other key do not")
    }
    assert failed == dropped | cut | hashes | {
        "dexcr in a guest: sees what was set", "dexcr in a guest: its write is read from its vcpu",
        "hashkeyr in a guest: its write is read from its vcpu",
    }  # fmt: skip


# -- one thing wrong -------------------------------------------------------------------------------


def broken(register, step, value, pair=0):
    question = suite.onereg(register, suite.PAIRS[register][pair][1])
    return question, lambda answer: answer.__setitem__(step, value(answer[step]))


def first(new):
    """The first vcpu's is another one."""
    return lambda found: [new, *found[1:]]


@ALL_REGISTERS
@pytest.mark.parametrize("pair", [0, 1])
@pytest.mark.parametrize(
    ("step", "value", "check"),
    [
        ("initial", first([0, 5]), "holds at first"),
        ("initial", first([errno.EINVAL, None]), "holds at first"),
        ("set", first(errno.EINVAL), "set"),
        ("stored", first([0, 0x77]), "read before a run"),
        ("stored", first([errno.EIO, None]), "read before a run"),
        ("stored", lambda found: found[::-1], "read before a run"),  # one's value is the other's
        ("after", first([0, 0x77]), "read after a run"),
        ("after", lambda found: [found[0], found[0]], "read after a run"),
        ("again", first(errno.EPERM), "set, set anew"),
        ("again_stored", lambda found: found[::-1], "read before a run, set anew"),
        ("again_after", first([0, 0x77]), "read after a run, set anew"),
    ],
)
def test_one_answer_of_one_reg_is_wrong(register, pair, step, value, check):
    found = judged(changed=broken(register, step, value, pair))
    name = f"{register.name} {suite.PAIRS[register][pair][0]}: {check}"
    assert wrong(found) == {name}
    assert found[name].kind is Kind.FAIL
    assert found[name].expected != found[name].observed


def test_a_set_that_is_dropped():
    """What a kernel does that takes the value and forgets it."""

    def dropped(answer):
        for step in ("stored", "after", "again_stored", "again_after"):
            answer[step] = [[0, 0], [0, 0]]

    question = suite.onereg(HASHPKEYR, suite.PAIRS[HASHPKEYR][1][1])
    assert {each.partition(": ")[2] for each in wrong(judged(changed=(question, dropped)))} == {
        "read before a run", "read after a run", "read before a run, set anew", "read after a run, set anew",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("run", "words"),
    [
        ({"errno": errno.EINVAL}, "EINVAL"),
        ({"exit": 0}, "exit 0"),
        ({"hcall": 0xF004, "gpr": [0] * 8 + [0x2014, 0x700, 0, 0]}, "interrupt 0x700 at 0x2014"),
        ({"hcall": 0x1234}, "hypercall 0x1234"),
    ],
)
def test_a_guest_that_does_not_run(run, words):
    def changed(answer):
        answer["run"][1].update(run)

    question = suite.onereg(DEXCR, suite.PAIRS[DEXCR][0][1])
    found = judged(changed=(question, changed))
    assert wrong(found) == {"dexcr all aspects: KVM_RUN"}
    assert words in said(found["dexcr all aspects: KVM_RUN"])
    found = judged(changed=(suite.guest(DEXCR), changed))
    assert wrong(found) == {"dexcr in a guest: runs"}
    found = judged(changed=(suite.hashes(HASHKEYR), changed))
    assert wrong(found) == {"hashkeyr hashes: runs"}


def test_a_guest_that_sees_no_such_machine_has_shown_nothing():
    def changed(answer):
        answer["run"][0]["gpr"][7] = 0

    assert wrong(judged(changed=(suite.guest(DEXCR), changed))) == {"dexcr in a guest: runs"}
    assert wrong(judged(changed=(suite.hashes(HASHPKEYR), changed))) == {"hashpkeyr hashes: runs"}


@pytest.mark.parametrize("step", ["set", "dexcr"])
def test_what_was_not_set_has_no_hash(step):
    found = judged(changed=(suite.hashes(HASHKEYR), lambda answer: answer[step].__setitem__(0, 22)))
    assert wrong(found) == {"hashkeyr hashes: runs"}


@pytest.mark.parametrize("register", [DEXCR, HASHKEYR], ids=["dexcr", "hashkeyr"])
@pytest.mark.parametrize(("gpr", "check"), [(5, "sees what was set"), (6, "reads what it wrote")])
def test_a_guest_that_has_another_value(register, gpr, check):
    def changed(answer):
        answer["run"][1]["gpr"][gpr] ^= 1

    for name in (PAPR, HV):
        found = judged(name, changed=(suite.guest(register), changed))
        assert found[f"{register.name} in a guest: {check}"].kind is Kind.FAIL


def test_a_vcpu_that_sees_its_neighbours_value():
    def changed(answer):
        answer["run"][1]["gpr"][5] = answer["run"][0]["gpr"][5]

    assert wrong(judged(changed=(suite.guest(DEXCR), changed))) == {"dexcr in a guest: sees what was set"}


def test_a_write_that_gets_lost_or_goes_to_the_neighbour():
    check = "dexcr in a guest: its write is read from its vcpu"
    unread = [errno.EIO, None]
    for after in (lambda a: [a[0], [0, 0x0400000080000000]], lambda a: [a[1]] * 2, lambda a: [a[0], unread]):
        found = judged(changed=(suite.guest(DEXCR), lambda a, after=after: a.update(after=after(a["after"]))))
        assert wrong(found) == {check}
        assert found[check].kind is Kind.FAIL


def test_l1s_own_dexcr():
    check = "dexcr in a guest: L1's own afterwards"
    for own in ([1, 1, 2], [1, 2, 1], [1, 2, suite.WRITTEN & 0xFFFFFFFF]):
        for name in (PAPR, HV):
            found = judged(name, changed=(suite.guest(DEXCR), lambda a, own=own: a.update(own=own)))
            assert found[check].kind is Kind.FAIL
    lost = [1, 1, suite.WRITTEN & 0xFFFFFFFF]
    for name, kind in ((PAPR, Kind.FAIL), (HV, Kind.DEFECT)):
        found = judged(name, changed=(suite.guest(DEXCR), lambda a: a.update(own=lost)))
        assert found[check].kind is kind
    found = judged(changed=(suite.guest(DEXCR), lambda a: a.update(own=[None] * 3)))
    assert wrong(found) == {check}
    assert found[check].kind is Kind.SKIP  # and it is named


@pytest.mark.parametrize(
    ("register", "mine", "other"), [(HASHKEYR, 5, 6), (HASHPKEYR, 6, 5)], ids=["hashkeyr", "hashpkeyr"]
)
def test_hashes(register, mine, other):
    question, name = suite.hashes(register), f"{register.name} hashes"

    def hashes(gpr, *values):
        def changed(answer):
            for run, value in zip(answer["run"], values, strict=True):
                run["gpr"][gpr] = value

        return judged(changed=(question, changed))

    for values in ((1, 1, 1), (1, 2, 3), (0, 0, 0), (1, 2, 0), (1, 1, 2)):
        assert wrong(hashes(mine, *values)) == {f"{name}: differ as the keys do"}
    assert not wrong(hashes(mine, 7, 8, 7))
    for values in ((1, 2, 1), (0, 0, 0), (1, 0, 1)):
        assert wrong(hashes(other, *values)) == {f"{name}: those of the other key do not"}


@ALL_REGISTERS
@pytest.mark.parametrize(
    ("change", "check"),
    [
        (lambda a: a["sizes"][0].__setitem__(1, 0), "other sizes"),
        (lambda a: a["sizes"][4].__setitem__(3, 0), "other sizes"),
        (lambda a: a["sizes"][2].__setitem__(2, 1), "other sizes"),
        (lambda a: a["unmapped"].__setitem__(0, 0), "an address that is not mapped"),
        (lambda a: a["unmapped"].__setitem__(1, errno.EINVAL), "an address that is not mapped"),
        (lambda a: a.__setitem__("after", [0, 0x99]), "read after these calls"),
    ],
)
def test_odd_calls(register, change, check):
    found = judged(changed=(suite.odd(register), change))
    assert wrong(found) == {f"{register.name} odd calls: {check}"}
    assert found[f"{register.name} odd calls: {check}"].kind is Kind.FAIL


# -- what was not answered -------------------------------------------------------------------------


def test_what_was_not_asked_proves_nothing():
    given = evidence()
    nothing = Evidence(given.placement, PROBE, {}, HAS)
    found = [each for topic in TOPICS for each in FEATURE.judge(topic, nothing)]
    assert len(found) == len(FEATURE.questions(65536))
    assert {each.kind for each in found} == {Kind.UNKNOWN}
    # Also of a kernel of which nothing is known, and of one that is to have none of them.
    for expected in (UNKNOWN, NONE):
        nothing = Evidence(given.placement, PROBE, {}, expected)
        assert {each.kind for each in FEATURE.judge(ONE_REG, nothing)} == {Kind.UNKNOWN}


@pytest.mark.parametrize("question", FEATURE.questions(65536))
def test_each_question_is_missed(question):
    given = evidence()
    answers = {each: answer for each, answer in given.answers.items() if each != question}
    partly = Evidence(given.placement, PROBE, answers, HAS)
    found = [each for topic in TOPICS for each in FEATURE.judge(topic, partly)]
    (missed,) = (each for each in found if each.kind is not Kind.OK)
    assert (missed.kind, missed.proof) == (Kind.UNKNOWN, question)


@pytest.mark.parametrize("expected", [HAS, NONE, UNKNOWN])
def test_trouble_is_no_success(expected):
    given = evidence()
    trouble = {"trouble": "KVM_CREATE_VM: errno 22"}
    troubled = Evidence(given.placement, PROBE, dict.fromkeys(given.answers, trouble), expected)
    found = [each for topic in TOPICS for each in FEATURE.judge(topic, troubled)]
    assert {each.kind for each in found} == {Kind.FAIL}
    assert all("KVM_CREATE_VM" in said(each) for each in found)


# -- kernels that have none, and kernels that are not known ------------------------------------------


def of_an_old_kernel(expected):
    return evidence(WITHOUT, expected)


def test_a_kernel_without_them():
    given = of_an_old_kernel(NONE)
    assert {each.kind for each in FEATURE.judge(ONE_REG, given)} == {Kind.OK}
    assert {each.kind for each in FEATURE.judge(IN_GUEST, given)} == {Kind.SKIP}


def test_a_kernel_that_should_have_them_and_has_not():
    given = of_an_old_kernel(HAS)
    found = {each.check: each for topic in TOPICS for each in FEATURE.judge(topic, given)}
    assert {name.partition(": ")[2] for name, each in found.items() if each.kind is Kind.OK} <= {
        "KVM_RUN", "KVM_RUN, set anew", "other sizes", "read after these calls",
    }  # fmt: skip
    assert {each.kind for each in FEATURE.judge(IN_GUEST, given)} == {Kind.FAIL}


def test_a_kernel_that_has_what_nobody_expected():
    found = judged(PAPR, NONE)
    failed = {name.partition(": ")[2] for name, each in found.items() if each.kind is Kind.FAIL}
    assert {"set", "read before a run", "read after a run", "an address that is not mapped"} < failed


@pytest.mark.parametrize(
    "given", [evidence(PAPR, UNKNOWN), of_an_old_kernel(UNKNOWN)], ids=["has", "has not"]
)
def test_of_an_unknown_kernel_either_is_right(given):
    assert {each.kind for each in FEATURE.judge(ONE_REG, given)} == {Kind.OK}
    assert {each.kind for each in FEATURE.judge(IN_GUEST, given)} <= {Kind.OK, Kind.SKIP}


@ALL_REGISTERS
@pytest.mark.parametrize(
    ("step", "value"),
    [
        ("stored", lambda found: found[::-1]),
        ("after", first([0, 0x77])),
        ("set", first(errno.EINVAL)),  # one vcpu's register is refused, the other's is not
        ("again_after", first([errno.EINVAL, None])),
        ("initial", first([errno.EIO, None])),
    ],
)
def test_of_an_unknown_kernel_what_is_taken_must_be_read_back(register, step, value):
    found = judged(PAPR, UNKNOWN, broken(register, step, value))
    assert Kind.FAIL in kinds(found)
    assert all(found[name].check.startswith(register.name) for name in wrong(found))


def test_of_an_unknown_kernel_a_guest_that_has_not_what_was_set_fails():
    assert kinds(judged(HV, UNKNOWN))[Kind.FAIL] == 9


# -- as they are saved and told ---------------------------------------------------------------------


@pytest.mark.parametrize("name", [PAPR, HV, OLD, PLANTED, WITHOUT])
@pytest.mark.parametrize("expected", [HAS, UNKNOWN], ids=["known", "unknown"])
def test_verdicts_are_saved_and_told(name, expected):
    for each in judged(name, expected).values():
        assert Verdict.from_json(json.loads(json.dumps(each.to_json()))) == each
        assert say(each.expected) and say(each.observed)


def test_what_is_told_of_a_defect():
    found = judged(HV)
    seen = found["dexcr in a guest: sees what was set"]
    assert expected_of(seen) == f"0x9e0000009e000000, 0x400000080000000 (known defect: {NOT_LOADED.words})"
    assert say(seen.observed) == "0x4000000 on each"
    assert say(found["hashkeyr in a guest: sees what was set"].observed) == "another value on each"
    assert say(found["hashkeyr hashes: differ as the keys do"].expected) == "A, B, A"
    assert say(found["hashkeyr hashes: differ as the keys do"].observed) == "none on each"


def test_what_is_there_by_chance_is_the_same_answer():
    """The key that L1 happens to have is another one in each run."""

    def other(answer):
        for run in answer["run"]:
            run["gpr"][5] ^= 0x1234

    check = "hashkeyr in a guest: sees what was set"
    found = judged(HV, changed=(suite.guest(HASHKEYR), other))
    assert found[check] == judged(HV)[check]
