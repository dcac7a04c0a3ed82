# SPDX-License-Identifier: GPL-2.0-only
"""Signatures of runs, and what they say of a commit."""

import pytest
from quoting import quoted

from harness.model.bisect_decision import Agreement, Answer, common, decide
from harness.model.cpu import Mode
from harness.model.facts import NotAsked, Register, Returned
from harness.model.level_facts import Complaints, Ended, GuestLeft, InMode, Lost, NotUp
from harness.model.outcome import Outcome
from harness.model.record import Record
from harness.model.signature import Seen, of_check, of_scenario, of_splat, without_noise
from harness.model.verdict import Kind, by_any_kernel

P10 = Ended(Outcome.BOOTED, InMode(Mode.P10))
UP, PANIC, HANG = Ended(Outcome.BOOTED), Ended(Outcome.PANIC), Ended(Outcome.HANG)
GOOD, BAD = "L2 ended(booted, in-mode(P10))", "L2 ended(refused early): x"


def record(topic, *verdicts, l2=""):
    return Record("k", "papr", "p11@p10", l2, topic, None, verdicts, "d")


def l1(kind=Kind.OK, observed=UP, proof=""):
    return record("l1", quoted("L1 boots", kind, UP, observed, proof))


def l2(kind, observed, proof, right=None):
    return record("l2", quoted("L2 outcome", kind, "x", observed, proof, right=right), l2="l2p10")


def test_a_boot_is_its_mode_and_not_its_release():
    seen = of_scenario([l1(), l2(Kind.OK, P10, "up: 7.2.12, POWER10", True)])
    assert (seen.signature, seen.right) == (GOOD, True)


def test_two_panics_are_told_apart_and_one_is_known_again():
    lines = (
        "[    1.234567] Kernel panic - not syncing: Fatal exception in interrupt 0xc000000000abcdef",
        "[   21.000001][    T1] Kernel panic - not syncing: Fatal exception in interrupt 0xc00000000fffffff",
        "[    1.234567] Kernel panic - not syncing: Attempted to kill init! exitcode=0x0000000b",
    )
    one, same, other = (of_scenario([l1(), l2(Kind.FAIL, PANIC, line)]).signature for line in lines)
    assert one == same != other
    assert without_noise(lines[0]) == "Kernel panic - not syncing: Fatal exception in interrupt X"


def test_an_l1_that_panics_is_l1s_and_no_l2s():
    skipped = l2(Kind.SKIP, NotUp("L1", PANIC), "")
    seen = of_scenario([l1(Kind.FAIL, PANIC, "Kernel panic - not syncing: a bug"), skipped])
    assert seen.signature == "L1 ended(panic): Kernel panic - not syncing: a bug"


def test_an_infrastructure_failure_has_no_signature():
    seen = of_scenario(
        [l1(Kind.INFRASTRUCTURE, Ended(Outcome.INFRASTRUCTURE, rule="qemu-hdsi-recursion"), "QEMU is deaf")]
    )
    assert seen.signature == "" and "hdsi" in seen.trouble
    seen = of_scenario(
        [l1(), l2(Kind.INFRASTRUCTURE, Ended(Outcome.INFRASTRUCTURE, rule="log"), "disk full")]
    )
    assert seen.signature == "" and "disk full" in seen.trouble
    assert of_scenario([]).trouble


def test_a_hang_is_one_whatever_was_printed_last():
    one = of_scenario([l1(), l2(Kind.FAIL, HANG, "no console output; last line: a")])
    two = of_scenario([l1(), l2(Kind.FAIL, HANG, "no console output; last line: b")])
    assert one.signature == two.signature == "L2 ended(hang)"
    assert one.hang


def test_a_check_is_what_it_observed():
    red = record("ioctl", quoted("size 16: result", Kind.FAIL, Returned(-1, 22), Returned(-1, 7), "ioctl vm"))
    seen = of_check([l1(), red], "size 16: result")
    assert (seen.signature, seen.right) == ("size 16: result: returned(-1, E2BIG)", False)
    one, other = (
        record("vcpu", quoted("P11: stored", Kind.OK, "x", Register(value)))
        for value in (0xFFFFFFFF, 0x0F000007)
    )
    assert of_check([l1(), one], "P11: stored").signature != of_check([l1(), other], "P11: stored").signature
    defect = record("vcpu", quoted("P11", Kind.DEFECT, "0", "0"))
    assert of_check([l1(), defect], "P11").right is False
    assert "no check of this name" in of_check([l1(), red], "size 17: result").trouble
    assert of_check([l1(Kind.FAIL, HANG, "")], "size 16: result").signature == "L1 ended(hang)"


def seen(signature, **more):
    return Seen(signature, **more)


@pytest.mark.parametrize(
    ("signatures", "repeat", "require", "answer"),
    [
        ([GOOD], 1, 1, Answer.GOOD),
        ([BAD], 1, 1, Answer.BAD),
        (["L1 panic: x"], 1, 1, Answer.SKIP),
        ([""], 1, 1, Answer.SKIP),
        ([GOOD, BAD, GOOD], 3, 1, Answer.BAD),
        ([GOOD, GOOD, GOOD], 3, 1, Answer.GOOD),
        ([GOOD, ""], 3, 1, Answer.SKIP),
        ([GOOD, "L1 panic: x", "L1 panic: x"], 3, 1, Answer.SKIP),
        ([GOOD, BAD, GOOD], 3, 2, Answer.GOOD),
        ([GOOD, BAD, GOOD], 3, 3, Answer.SKIP),
        ([GOOD, BAD], 2, 2, Answer.SKIP),
        ([GOOD, BAD, "L2 hang"], 3, 2, Answer.SKIP),
    ],
)
def test_bad_is_the_very_failure(signatures, repeat, require, answer):
    found = decide([seen(each) for each in signatures], GOOD, BAD, Agreement(repeat, require))
    assert found.answer is answer


def test_one_hang_is_none():
    hang = seen("L2 hang", hang=True)
    assert Agreement().for_runs(hang) == Agreement(2, 2)
    assert Agreement(5, 1).for_runs(hang) == Agreement(5, 1)
    assert decide([hang], GOOD, "L2 hang", Agreement().for_runs(hang)).answer is Answer.SKIP


def test_what_cannot_be_told_says_why():
    assert decide([seen("L1 panic: x")], GOOD, BAD, Agreement()).why == "different result: L1 panic: x"
    assert decide([seen("", trouble="does not compile")], GOOD, BAD, Agreement()).why == "does not compile"
    assert "do not agree" in decide([seen(GOOD), seen(BAD)], GOOD, BAD, Agreement(2, 2)).why


def test_a_common_signature_needs_enough_runs():
    assert common([seen("a"), seen("b"), seen("a")], 2).signature == "a"
    assert common([seen("a"), seen("b")], 2) is None
    assert common([seen("")], 1) is None


def test_exit_codes_are_git_bisect_runs():
    assert [each.exit_code for each in Answer] == [0, 1, 125]


# -- splats ----------------------------------------------------------------------------------

WARNING = "WARNING in kvmppc_vcpu_run_hv"


def health(*titles, kind=None, proof="[    2.0] WARNING: a.c:1 at kvmppc_vcpu_run_hv+0x8/0x90, CPU#0"):
    kind = kind or (Kind.FAIL if titles else Kind.OK)
    observed = "; ".join(titles) or "no complaint"
    right = {Kind.FAIL: False, Kind.OK: True}.get(kind)
    return record(
        "health", quoted("L1 health", kind, "no complaint", observed, proof, right=right, titles=titles)
    )


def fine():
    return l2(Kind.OK, P10, "up", True)


def test_a_complaint_is_a_failure_though_all_guests_boot():
    seen = of_scenario([l1(), fine(), health("b", "a")])
    assert (seen.signature, seen.right) == ("splat: a; b", False)
    assert seen.proof.startswith("[    2.0] WARNING")
    assert of_scenario([l1(), fine(), health()]).signature == GOOD


def test_a_guest_that_ends_wrongly_is_told_before_a_complaint():
    seen = of_scenario([l1(), l2(Kind.FAIL, HANG, "", False), health("a")])
    assert seen.signature == "L2 ended(hang)"


def test_health_that_nobody_knows_is_no_good_end():
    seen = of_scenario([l1(), fine(), health(kind=Kind.UNKNOWN)])
    assert seen.signature == "" and "L1 health" in seen.trouble


def test_a_guest_that_never_ends_is_a_failure_of_its_own():
    ends = quoted("L2 ends", Kind.FAIL, GuestLeft("off"), GuestLeft("hang"), "p", right=False)
    guest = record("l2", *fine().verdicts, ends, l2="l2p10")
    seen = of_scenario([l1(), guest, health()])
    assert (seen.signature, seen.right, seen.hang) == ("L2 ends: guest-left(hang)", False, True)


@pytest.mark.parametrize(
    ("end", "hang"),
    [
        (GuestLeft("hang"), True),
        (GuestLeft("l1-hang"), False),
        (GuestLeft("panic"), False),
        (Lost(Outcome.HANG, "stuck"), True),
        (Lost(Outcome.PANIC, "panic"), False),
        (Ended(Outcome.HANG), True),
        (Complaints((("hang", ""),)), False),
    ],
)
def test_a_hang_is_known_by_its_fact_and_wants_to_be_seen_twice(end, hang):
    guest = record("l2", *fine().verdicts, quoted("c", Kind.FAIL, "x", end, "p", right=False), l2="l2p10")
    seen = of_scenario([l1(), guest, health()])
    assert (seen.signature, seen.hang) == (f"c: {end.token}", hang)


def test_of_several_guests_the_first_that_ends_wrongly_counts():
    first = record("l2", quoted("L2 outcome", Kind.OK, "x", P10, "", right=True), l2="l2p10")
    second = record("l2", quoted("L2 outcome", Kind.FAIL, "x", PANIC, "oh", right=False), l2="l2p9")
    assert of_scenario([l1(), first, second, health()]).signature == "L2P9 ended(panic): oh"
    assert of_scenario([l1(), first, first, health()]).signature == "L2P10 ended(booted, in-mode(P10))"


def test_one_splat_is_looked_for_by_its_title():
    seen = of_splat([l1(), fine(), health("other", WARNING)], WARNING)
    assert (seen.signature, seen.right) == (f"splat: {WARNING}", False)
    seen = of_splat([l1(), fine(), health("other")], WARNING)
    assert (seen.signature, seen.right) == (f"no splat {WARNING!r}", True)
    assert of_splat([l1(), fine()], WARNING).trouble, "nobody looked"
    assert of_splat([l1(), fine(), health(kind=Kind.UNKNOWN)], WARNING).trouble
    # What an allowed one is about is no failed verdict.
    assert of_splat([l1(), fine(), health(WARNING, kind=Kind.OK)], WARNING).right is True


@pytest.mark.parametrize("right", [True, False, None])
def test_a_check_that_is_not_judged_was_answered_all_the_same(right):
    """On a kernel of which nothing is known: what it answers is a signature, and right is what any should."""
    verdict = quoted("size 16: result", Kind.DEFECT, "x", Returned(-1, 7), right=right)
    seen = of_check([l1(), record("ioctl", *by_any_kernel([verdict]))], "size 16: result")
    assert (seen.signature, seen.right) == ("size 16: result: returned(-1, E2BIG)", right)


@pytest.mark.parametrize("kind", [Kind.SKIP, Kind.INFRASTRUCTURE, Kind.UNKNOWN])
def test_a_check_that_was_not_answered_has_no_signature(kind):
    verdict = quoted("size 16: result", kind, "x", NotAsked())
    seen = of_check([l1(), record("ioctl", verdict)], "size 16: result")
    assert seen.signature == "" and "not-asked" in seen.trouble


def test_what_is_not_proven_is_no_end_of_a_bisect():
    seen = of_scenario([l1(Kind.UNKNOWN, Ended(Outcome.BOOTED), "no proof")])
    assert seen.signature == "" and "no proof" in seen.trouble
    seen = of_scenario([l1(), l2(Kind.UNKNOWN, Ended(Outcome.UNKNOWN), "killed")])
    assert seen.signature == "" and "killed" in seen.trouble
