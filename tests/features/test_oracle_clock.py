# SPDX-License-Identifier: GPL-2.0-only
"""L2's clock and decrementer against L1's clock."""

import pytest
from quoting import said

from harness.features.compat_caps import behaviour as b
from harness.features.compat_caps import oracle_clock
from harness.features.compat_caps.micro_run import HCALL_DONE, HCALL_INTERRUPT
from harness.features.compat_caps.oracle_ioctl import Subject
from harness.features.compat_caps.suite import Answers
from harness.features.compat_caps.suite_vcpus import CLOCK_QUESTION, DECREMENTER_QUESTION
from harness.features.compat_caps.vcpu_facts import Runs
from harness.features.compat_caps.vm_model import Host
from harness.model.cpu import Mode
from harness.model.facts import NotAsked
from harness.model.topology import NestedApi
from harness.model.verdict import Kind

HERTZ = 512_000_000
QEMU, OTHER = Host(0x00821200, qemu=True), Host(0x00821200, qemu=False)
DONE = (0, 19, HCALL_DONE, 0)
TICKED = (0, 19, HCALL_INTERRUPT, 0x900)


def timed(times, end=DONE, milliseconds=50, pause=(0.1, 0.1)):
    """times: (ms of L2, ms of L1) of each run; pause: between two of them."""
    runs, l2, l1 = [], 1000.0, 5000.0
    for of_l2, of_l1 in times:
        extra = (of_l1 - of_l2) / 2
        start = l2
        runs.append(
            [*end, int(start * HERTZ / 1000), int((start + of_l2) * HERTZ / 1000), int((l1 - extra) * 1e6),
             int((l1 + of_l2 + extra) * 1e6)]
        )  # fmt: skip
        l2 += of_l2 + pause[0]
        l1 += of_l2 + pause[1]
    return {"hertz": HERTZ, "ticks": milliseconds * HERTZ // 1000, "runs": runs}


FINE = {
    CLOCK_QUESTION: timed([(50, 50.5), (50, 50.4)]),
    DECREMENTER_QUESTION: timed([(20.1, 20.6)], TICKED, 20),
}


def judged(answers, api=NestedApi.V1, host=QEMU):
    subject = Subject(b.MERGED_SERIES, api, Mode.P10)
    found = oracle_clock.judge(subject, host, Answers(65536, {**FINE, **answers}))
    return {each.check: each for each in found}


RATE, ON = "L2's clock is as fast as L1's", "L2's clock goes on between runs as L1's does"
COMES, EARLY = "L2's decrementer interrupts", "L2's decrementer does not interrupt too early"


def test_clocks_that_agree_are_fine_whatever_the_figures():
    for times in ([(50, 50.5), (50, 50.4)], [(50, 64), (50, 51)], [(50, 90), (50, 60), (50, 200)]):
        found = judged({CLOCK_QUESTION: timed(times)})
        assert found[RATE].kind is Kind.OK
        assert said(found[RATE]) == "the same time by both"  # and no figure, which differs each time
    assert "50.0 ms of L2 are 50.4 ms of L1" in judged({})[RATE].proof


@pytest.mark.parametrize(
    "times, words",
    [
        ([(50, 25), (50, 25)], "too fast: 50.0 ms of L2 are 25.0 ms of L1"),
        ([(50, 50.4), (50, 48)], "too fast: 50.0 ms of L2 are 48.0 ms of L1"),  # no noise makes it smaller
        ([(50, 100), (50, 101)], "too slow: 50.0 ms of L2 are 100.0 ms of L1"),
        ([(0, 50), (0, 50)], "too fast: 0.0 ms of L2 are 50.0 ms of L1"),
    ],
)
def test_a_clock_of_another_speed_is_told_with_both_figures(times, words):
    found = judged({CLOCK_QUESTION: timed(times)})[RATE]
    assert (found.kind, said(found)) == (Kind.FAIL, f"L2's is {words}")


def test_a_clock_that_jumps_between_runs_is_right_in_each_run():
    found = judged({CLOCK_QUESTION: timed([(50, 50.4), (50, 50.4)], pause=(32.1, 0.1))})
    assert (found[RATE].kind, found[ON].kind) == (Kind.OK, Kind.FAIL)
    assert "too fast: 132.1 ms of L2" in said(found[ON])


def test_one_run_says_nothing_of_what_is_between():
    assert judged({CLOCK_QUESTION: timed([(50, 50.4)])})[ON].kind is Kind.FAIL


@pytest.mark.parametrize(
    "end, words",
    [
        ((4, 10, None, 0), "EINTR"),
        ((0, 17, None, 0), "exit 17"),
        ((0, 19, HCALL_INTERRUPT, 0x700), "interrupt 0x700"),
        ((0, 19, 0xF008, 0), "hypercall 0xf008"),
    ],
)
def test_a_guest_that_ends_in_another_way_has_measured_nothing(end, words):
    for question, name in ((CLOCK_QUESTION, RATE), (DECREMENTER_QUESTION, COMES)):
        found = judged({question: timed([(50, 50.4), (50, 50.4)], end)})
        assert (found[name].kind, said(found[name])) == (Kind.FAIL, words)
    assert judged({CLOCK_QUESTION: {"hertz": HERTZ, "ticks": 1, "runs": []}})[RATE].observed == Runs(0)


@pytest.mark.parametrize("question", [CLOCK_QUESTION, DECREMENTER_QUESTION])
def test_what_was_not_asked_is_told_as_that(question):
    subject = Subject(b.MERGED_SERIES, NestedApi.V1, Mode.P10)
    left = {each: FINE[each] for each in FINE if each != question}
    wrong = [each for each in oracle_clock.judge(subject, QEMU, Answers(1, left)) if each.kind is Kind.FAIL]
    assert [each.observed for each in wrong] == [NotAsked()] * 2


def test_a_decrementer_that_comes_in_time_is_fine():
    found = judged({DECREMENTER_QUESTION: timed([(25, 26), (20.0, 21)], TICKED, 20)})
    assert (found[COMES].kind, found[EARLY].kind) == (Kind.OK, Kind.OK)


def test_a_decrementer_that_is_late_in_every_run_is_wrong():
    found = judged({DECREMENTER_QUESTION: timed([(45, 46), (41, 42)], TICKED, 20)})
    assert found[COMES].kind is Kind.FAIL
    assert "after 41.0 to 45.0 ms of L2, set to 20 ms" in said(found[COMES])


@pytest.mark.parametrize(
    "api, host, kind",
    [(NestedApi.V2, QEMU, Kind.SKIP), (NestedApi.V2, OTHER, Kind.FAIL), (NestedApi.V1, QEMU, Kind.FAIL)],
)
def test_only_of_qemus_nested_papr_is_it_known_that_it_comes_too_early(api, host, kind):
    found = judged({DECREMENTER_QUESTION: timed([(2.5, 3), (20, 21)], TICKED, 20)}, api, host)
    assert (found[COMES].kind, found[EARLY].kind) == (Kind.OK, kind)
