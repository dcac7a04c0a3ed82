# SPDX-License-Identifier: GPL-2.0-only
"""The suite's table, KTAP and page for docs/."""

import pytest
from delivered import whole
from quoting import quoted

from harness.model.record import KernelInfo, Record, RunInfo
from harness.model.verdict import Kind, by_any_kernel
from harness.reports import check_table as checks
from harness.reports import docstable, ktap
from harness.reports import mutant_table as mutants
from harness.reports.mutant_table import State


def record(topic, *verdicts, kernel="7.3", l1="p11@p10", topology="papr"):
    return Record(kernel, topology, l1, "", topic, None, verdicts, "d")


OK = quoted("size 16: result", Kind.OK, "EINVAL", "EINVAL")
RED = quoted("size 16: bytes", Kind.FAIL, "nothing written", "0: 18 # not", "ioctl vm 1")
DEFECT = quoted("arch_compat P11: set", Kind.DEFECT, "0", "0", "register 1 0xf000007")
SKIP = quoted("KVM PR", Kind.SKIP, "a VM", "there is none")


def info(*labels):
    kernels = tuple(KernelInfo(each, f"debian:{each}", each, "", "merged", "id") for each in labels)
    return RunInfo("2026", "kvmppc probe", "", kernels, "QEMU", "QEMU", ())


def test_ktap_has_a_plan_for_each_level_and_no_stray_directive():
    records = [record("ioctl", OK, RED, DEFECT, SKIP)]
    lines = ktap.lines(records, whole(records))
    assert lines == [
        "KTAP version 1",
        "1..1",
        "    KTAP version 1",
        "    1..4",
        "    ok 1 size 16: result",
        "    # expected: nothing written",
        "    # observed: 0: 18 not",
        "    # proof: ioctl vm 1",
        "    not ok 2 size 16: bytes",
        "    # expected: 0",
        "    # observed: 0",
        "    # proof: register 1 0xf000007",
        "    not ok 3 arch_compat P11: set # TODO known defect",
        "    ok 4 KVM PR # SKIP there is none",
        "not ok 1 7.3-papr-p11@p10 ioctl",
    ]


def test_ktap_says_why_an_answer_is_not_judged():
    (verdict,) = by_any_kernel([RED])
    records = [record("ioctl", verdict)]
    line = ktap.lines(records, whole(records))[4].strip()
    reason = "0: 18 not: nothing is known of this kernel; see --expect"
    assert line == f"ok 1 size 16: bytes # SKIP {reason}"


def test_one_l1_has_its_answers_in_the_table():
    text = "\n".join(checks.text(info("7.3"), [record("ioctl", OK, RED)], 120, False))
    assert "size 16: bytes  | FAIL   | 0: 18 # not | nothing written" in text
    assert text.endswith("2 checks in 1 L1: 1 ok, 1 FAIL")


def test_several_l1s_are_columns_and_say_only_what_is_wrong():
    records = [record("ioctl", OK, RED), record("ioctl", OK, OK, l1="p11")]
    lines = checks.text(info("7.3"), records, 120, False)
    row = next(line for line in lines if "size 16: bytes" in line)
    assert "FAIL: 0: 18 # not" in row
    assert "2 L1s" in lines[-1]


def test_the_page_is_the_same_when_answers_are_and_names_what_differs():
    records = [
        record("ioctl", OK, RED), record("ioctl", OK, OK, l1="p11"),
        record("ioctl", OK, kernel="6.12"), record("ioctl", OK, kernel="6.12", l1="p11"),
    ]  # fmt: skip
    first = docstable.lines(info("7.3", "6.12"), records)
    assert first == docstable.lines(info("7.3", "6.12"), records)
    assert "| size 16: result | EINVAL | EINVAL |" in first
    assert "| size 16: bytes | FAIL: papr P11 as P10 |  |" in first
    assert first[-1].startswith("- FAIL, 7.3: size 16: bytes: expected nothing written; observed 0: 18 # not")


def mutant(**fields):
    words = {"name": "m", "defect": "wrong", "caught_by": "size 16: result", "kind": "fail", "title": ""}
    return type("Mutant", (), {**words, **fields})()


def splat(check, *titles, observed="", proof=""):
    return quoted(check, Kind.FAIL, "no complaint", observed, proof, titles=titles)


def test_a_mutant_is_caught_by_the_named_check_alone():
    other = mutants.Catch(mutant(), (RED,), judged=True)
    right = mutants.Catch(mutant(), (splat("size 16: result"),), judged=True)
    assert (other.state, right.state) == (State.MISSED, State.CAUGHT)
    text = "\n".join(mutants.text([other, right], {"debian": ("x",)}, 120, False))
    assert "MISSED" in text and "1 of 2 mutants caught" in text and "debian: fails x" in text
    assert "m fails size 16: bytes" in text and "not judged" not in text


@pytest.mark.parametrize(
    ("verdict", "state"),
    [
        (splat("L1 health", "BUG in g", "WARNING in f"), State.CAUGHT),
        (splat("L1 health", observed="one: WARNING in f"), State.CAUGHT),
        (splat("L1 health", proof="WARNING in f"), State.CAUGHT),
        (splat("L1 health", "WARNING in g"), State.MISSED),
        (splat("L2 health", "WARNING in f"), State.MISSED),
    ],
)
def test_the_words_must_be_those_of_the_named_check(verdict, state):
    found = mutants.Catch(mutant(caught_by="L1 health", title="WARNING in f"), (verdict,), judged=False)
    assert found.state is state


def test_a_mutant_of_which_nothing_is_known_is_neither_caught_nor_missed():
    unknown = mutants.Catch(mutant(), (), judged=False)
    assert unknown.state is State.UNKNOWN
    assert mutants.Catch(mutant(), (), judged=True).state is State.MISSED
    text = "\n".join(mutants.text([unknown], {}, 120, False))
    assert "0 of 1 mutants caught, 1 not judged" in text


def test_a_harmless_one_must_run_and_fail_nothing():
    harmless = mutant(kind="ok", caught_by="")
    states = {
        (failed, judged, shown): mutants.Catch(harmless, (RED,) * failed, judged, shown).state
        for failed in (0, 1) for judged in (False, True) for shown in (False, True)
    }  # fmt: skip
    assert states.pop((0, True, True)) is State.SILENT
    assert {state for (failed, *_), state in states.items() if failed} == {State.REPORTED}
    assert {state for (failed, *_), state in states.items() if not failed} == {State.UNKNOWN}
    shown = [mutants.Catch(harmless, (), True, True), mutants.Catch(harmless, (RED,), True, True)]
    text = "\n".join(mutants.text(shown, {}, 120, False))
    assert "0 of 0 mutants caught, 1 of 2 harmless ones reported" in text and "(harmless)" in text
