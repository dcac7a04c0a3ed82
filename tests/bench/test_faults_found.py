# SPDX-License-Identifier: GPL-2.0-only
"""bench/faults.py tells a fault that was taken for a kernel's, or for nothing, from one that was told."""

import dataclasses

import pytest
from injection.found import LOST, UNHARMED, Expect, Found, classified, differences
from quoting import quoted

from harness.model.facts import Quote
from harness.model.record import Record
from harness.model.verdict import Kind

L2_NAME = "7.2-papr-p11@p10-l2p10 l2"
HEALTH = "7.2-papr-p11@p10 health"


def record(topic, kind, l2="", proof="a line"):
    verdict = quoted("check", kind, "expected", "observed", proof)
    return Record("7.2", "papr", "p11@p10", l2, topic, None, (verdict,), "somewhere")


L1 = record("l1", Kind.OK)
LOST_L2 = record("l2", Kind.INFRASTRUCTURE, "l2p10", "QEMU of L1 ended by signal 9 (SIGKILL)")
TOLD = Found(3, 10.0, [L1, LOST_L2], [L1])


def test_a_fault_that_is_told_as_what_it_is():
    assert differences(TOLD, Expect(says="SIGKILL")) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"exit_code": 0}, "exit code 0, not 3"),
        ({"exit_code": None}, "it did not end within 10 s"),
        ({"records": [L1, record("l2", Kind.FAIL, "l2p10")]}, f"FAIL: {L2_NAME}: observed: a line"),
        ({"records": [L1, LOST_L2, record("health", Kind.OK)]}, f"ok without proof: {HEALTH}"),
        ({"records": [L1, LOST_L2, record("health", Kind.DEFECT)]}, f"ok without proof: {HEALTH}"),
        ({"records": [LOST_L2]}, "lost, or changed: 7.2-papr-p11@p10 l1"),
        ({"records": None}, "no results that can be read"),
        ({"leftovers": ["process 7: qemu"]}, "left behind: process 7: qemu"),
        ({"output": "Traceback (most recent call last)\n"}, "a traceback"),
        ({"errors": "Traceback (most recent call last)\n"}, "a traceback"),
        ({"missing": "the run ended before: L2 boots"}, "not injected: the run ended before: L2 boots"),
        ({"notes": ["it was pruned"]}, "it was pruned"),
    ],
)  # fmt: skip
def test_each_way_to_be_wrong(change, words):
    assert differences(dataclasses.replace(TOLD, **change), LOST) == [words]


def test_the_reason_must_be_named():
    assert differences(TOLD, Expect(says="SIGTERM")) == ["nothing says 'SIGTERM'"]


def test_words_of_what_is_ok_are_no_reason():
    found = dataclasses.replace(TOLD, records=[record("l1", Kind.OK, proof="SIGTERM")], before=[])
    assert "nothing says 'SIGTERM'" in differences(found, Expect(says="SIGTERM", spared=("l1",)))


def test_what_a_fault_does_not_touch_may_be_ok_after_it():
    found = dataclasses.replace(TOLD, records=[*TOLD.records, record("health", Kind.OK)])
    assert differences(found, Expect(spared=("p10 health",))) == []


def test_what_was_asked_of_a_fresh_l1_has_proof():
    fresh = dataclasses.replace(
        record("ioctl", Kind.OK), notes=("in a fresh L1: in the one before, L1 was lost",)
    )
    later = record("health", Kind.OK)
    assert differences(dataclasses.replace(TOLD, records=[*TOLD.records, fresh, later]), LOST) == []
    early = [record("caps", Kind.OK), *TOLD.records, fresh, later]
    assert differences(dataclasses.replace(TOLD, records=early), LOST) == [
        "ok without proof: 7.2-papr-p11@p10 caps"
    ]


def test_a_delivered_record_that_has_changed_is_lost():
    found = dataclasses.replace(TOLD, records=[dataclasses.replace(L1, answer=Quote("another")), LOST_L2])
    assert differences(found, LOST) == ["lost, or changed: 7.2-papr-p11@p10 l1"]


def test_skipped_records_want_one_that_says_why():
    skipped = record("caps", Kind.SKIP)
    assert differences(Found(3, 1.0, [skipped]), LOST) == [
        "skipped, and nothing says why: 7.2-papr-p11@p10 caps"
    ]
    assert differences(Found(3, 1.0, [LOST_L2, skipped]), LOST) == []
    assert differences(Found(3, 1.0, [skipped]), Expect(skip=True)) == []


def test_a_run_that_must_not_be_harmed_has_records_and_all_are_ok():
    assert differences(Found(0, 1.0, [L1], [L1]), UNHARMED) == []
    assert differences(Found(0, 1.0, []), UNHARMED) == ["no record"]
    assert differences(Found(3, 1.0, [L1, LOST_L2]), UNHARMED) == [
        "exit code 3, not 0",
        "INFRA: 7.2-papr-p11@p10-l2p10 l2: observed: QEMU of L1 ended by signal 9 (SIGKILL)",
    ]


def test_healed_is_right_too_but_only_if_all_is_ok():
    expect = Expect(report=False, healed=True)
    assert differences(Found(0, 1.0, [L1]), expect) == []
    assert differences(Found(3, 1.0, None), expect) == []
    assert differences(Found(3, 1.0, [L1]), expect) == ["ok without proof: 7.2-papr-p11@p10 l1"]
    assert differences(Found(0, 1.0, [LOST_L2]), expect) != []


def test_how_a_fault_was_classified_in_words():
    assert classified(TOLD) == (
        "ok 1, INFRA 1", "l2p10: observed: QEMU of L1 ended by signal 9 (SIGKILL)"
    )  # fmt: skip
    assert classified(Found(3, 1.0, None, output="one\nkvmppc: no way\n")) == ("no report", "kvmppc: no way")
    assert classified(Found(0, 1.0, [L1], output="5 passed\n")) == ("ok 1", "")
