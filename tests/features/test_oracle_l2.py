# SPDX-License-Identifier: GPL-2.0-only
"""The L2 oracle, against the table of measured outcomes, and shown to be able to say no."""

import dataclasses

import pytest
from quoting import said

from harness.features.compat_caps import behaviour as b
from harness.features.compat_caps import oracle_l2
from harness.features.compat_caps.oracle_l2 import Case
from harness.model.cpu import GuestMode, Mode
from harness.model.level_facts import Ended
from harness.model.observation import Boot
from harness.model.outcome import Outcome
from harness.model.scenario import L1Setting, L2Setting
from harness.model.topology import NestedApi
from harness.model.verdict import Kind
from harness.reports.sentences import say

QEMU_11_1 = (11, 1, 3)

# The specification's matrix (dawr1 switched off where L1 runs as POWER9), measured with QEMU 11.1.3 on both
# levels; "P11!" is a mode above L1's. Columns: host, p11, p10, p9.
MEASURED = {
    ("p11", "any"): "P11 P11 P10 P9",
    ("p11@p10", "none"): "P11! P11! P10 P9",
    ("p11@p10", "v1"): "P11raw! early P10 P9",
    ("p11@p10", "validation"): "late early P10 P9",
    ("p11@p10", "merged"): "late early P10 P9",
    ("p11@p9", "none"): "P11raw! early early P9",
    ("p11@p9", "v1"): "P11raw! early early P9",
    ("p11@p9", "merged"): "late early early P9",
    ("p10", "any"): "P10 qemu P10 P9",
    ("p9", "any"): "P9 qemu qemu P9",
}
OUTCOMES = {"late": Outcome.REFUSED_LATE, "early": Outcome.REFUSED_EARLY, "qemu": Outcome.QEMU_ERROR}


def cases():
    for (l1, name), row in MEASURED.items():
        behaviours = b.BEHAVIOURS if name == "any" else [b.parse_behaviour(name)]
        for behaviour in behaviours:
            for l2, cell in zip(("host", "p11", "p10", "p9"), row.split(), strict=True):
                for api in NestedApi:
                    case = Case(behaviour, api, L1Setting.parse(l1), L2Setting.parse(l2), QEMU_11_1)
                    yield pytest.param(case, cell, id=f"{behaviour.name}-{api.value}-{l1}-{l2}")


@pytest.mark.parametrize(("case", "cell"), list(cases()))
def test_expectations_agree_with_what_was_measured(case, cell):
    row = oracle_l2.expect(case)
    defect = cell.endswith("!")
    words = cell.rstrip("!")
    assert bool(row.defect) == defect
    if words in OUTCOMES:
        assert row.outcome is OUTCOMES[words]
    else:
        assert row.mode(case) == GuestMode(Mode[words.removesuffix("raw")], raw=words.endswith("raw"))


def boot_as(case):
    """A boot exactly as the oracle expects it."""
    row = oracle_l2.expect(case)
    rule = row.rules[0] if row.rules else "marker"
    return Boot(row.outcome, rule, "a line", row.mode(case) if row.mode else None)


@pytest.mark.parametrize(("case", "cell"), list(cases()))
def test_the_expected_boot_passes_and_any_other_mode_or_outcome_fails(case, cell):
    good = boot_as(case)
    assert oracle_l2.judge(case, good).kind is (Kind.DEFECT if cell.endswith("!") else Kind.OK)
    nobodys = {Outcome.INFRASTRUCTURE: Kind.INFRASTRUCTURE, Outcome.UNKNOWN: Kind.UNKNOWN}
    for outcome in Outcome:
        if outcome is not good.outcome:
            verdict = oracle_l2.judge(case, dataclasses.replace(good, outcome=outcome))
            assert verdict.kind is nobodys.get(outcome, Kind.FAIL)
            assert (verdict.right is None) is (outcome in nobodys)
    if good.mode is not None:
        other = GuestMode(good.mode.mode, raw=not good.mode.raw)
        assert oracle_l2.judge(case, dataclasses.replace(good, mode=other)).kind is Kind.FAIL
        assert oracle_l2.judge(case, dataclasses.replace(good, mode=None)).kind is Kind.FAIL


def test_a_flipped_expectation_turns_the_verdict_red(monkeypatch):
    case = Case(b.MERGED_SERIES, NestedApi.V2, L1Setting.parse("p11@p10"), L2Setting.parse("p10"), QEMU_11_1)
    seen = boot_as(case)
    rows = tuple(
        dataclasses.replace(row, mode=lambda _case: GuestMode(Mode.P9)) if row.mode else row
        for row in oracle_l2.ROWS
    )
    monkeypatch.setattr(oracle_l2, "ROWS", rows)
    assert oracle_l2.judge(case, seen).kind is Kind.FAIL


def test_a_right_outcome_by_a_wrong_line_fails():
    case = Case(b.MERGED_SERIES, NestedApi.V2, L1Setting.parse("p10"), L2Setting.parse("p11"), QEMU_11_1)
    boot = dataclasses.replace(boot_as(case), rule="dawr1")
    verdict = oracle_l2.judge(case, boot)
    assert verdict.kind is Kind.FAIL
    assert "by another line" in said(verdict)


def test_infrastructure_is_never_a_kernel_failure():
    case = Case(b.NONE, NestedApi.V1, L1Setting.parse("p11"), L2Setting.parse("host"), QEMU_11_1)
    boot = Boot(Outcome.INFRASTRUCTURE, "l1-qemu-hdsi-recursion", "QEMU is deaf")
    assert oracle_l2.judge(case, boot).kind is Kind.INFRASTRUCTURE


def test_a_qemu_that_asks_the_ioctl_takes_l1s_mode():
    case = Case(
        b.MERGED_SERIES, NestedApi.V2, L1Setting.parse("p11@p10"), L2Setting.parse("host"), (11, 2, 0)
    )
    assert oracle_l2.expect(case).mode(case) == GuestMode(Mode.P10)
    older = dataclasses.replace(case, behaviour=b.VALIDATION)
    assert oracle_l2.expect(older).outcome is Outcome.REFUSED_LATE


def test_every_row_names_its_source():
    assert all(row.source for row in oracle_l2.ROWS)


def test_an_infrastructure_failure_has_its_own_name():
    boot = Boot(Outcome.INFRASTRUCTURE, "l0-qemu-hdsi-recursion", "L0: QEMU is deaf: ...")
    assert boot.ended == Ended(Outcome.INFRASTRUCTURE, rule="l0-qemu-hdsi-recursion")
    assert say(boot.ended) == "infrastructure error (l0-qemu-hdsi-recursion)"


def case(l1="p11@p10", l2="host", behaviour=b.MERGED_SERIES, api=NestedApi.V2, l0_qemu=None):
    return Case(behaviour, api, L1Setting.parse(l1), L2Setting.parse(l2), QEMU_11_1, l0_qemu)


LATE = Boot(Outcome.REFUSED_LATE, "guest-wide-refused", "KVM: unknown exit, hardware reason ffffffffffffffea")


@pytest.mark.parametrize("l0_qemu", [(9, 0, 0), (9, 1, 2)])
@pytest.mark.parametrize("l2", ["host", "p11", "p10"])
def test_an_l0_without_dpdes_is_the_surroundings(l0_qemu, l2):
    """Whatever the mode, and whatever was expected: no L2 of such an L0 can run."""
    verdict = oracle_l2.judge(case(l2=l2, l0_qemu=l0_qemu), LATE)
    assert (verdict.kind, verdict.right) == (Kind.INFRASTRUCTURE, None)
    assert f"QEMU {'.'.join(map(str, l0_qemu))} as L0 has no DPDES" in said(verdict)


@pytest.mark.parametrize(
    "changes",
    [
        {"l0_qemu": (9, 2, 0)},
        {"l0_qemu": (11, 1, 3)},
        {"l0_qemu": None},
        {"l0_qemu": (9, 1, 2), "api": NestedApi.V1},
    ],
)
def test_the_same_line_elsewhere_is_the_kernels(changes):
    for l2 in ("host", "p10"):
        verdict = oracle_l2.judge(case(l2=l2, **changes), LATE)
        assert verdict.kind is Kind.FAIL and "DPDES" not in said(verdict)
        assert verdict.right is (l2 == "host")  # there it is a refusal that was wanted


def test_another_failure_on_such_an_l0_is_what_it_is():
    panic = Boot(Outcome.PANIC, "panic", "Kernel panic - not syncing: x")
    assert oracle_l2.judge(case(l0_qemu=(9, 1, 2)), panic).kind is Kind.FAIL


REFUSED = {
    "compat-refused": Outcome.REFUSED_EARLY,
    "run-refused": Outcome.REFUSED_LATE,
    "guest-wide-refused": Outcome.REFUSED_LATE,
    "mode-not-for-cpu": Outcome.QEMU_ERROR,
}
OTHER = {
    "qemu": Outcome.QEMU_ERROR,  # failed to initialize kvm
    "run-failed": Outcome.QEMU_ERROR,
    "unknown-exit": Outcome.QEMU_ERROR,
    "qemu-crashed": Outcome.QEMU_ERROR,
    "register-sync": Outcome.QEMU_ERROR,
    "dawr1": Outcome.QEMU_ERROR,
    "panic": Outcome.PANIC,
    "timeout": Outcome.HANG,
}


@pytest.mark.parametrize(("rule", "outcome"), REFUSED.items())
def test_a_mode_that_is_too_new_may_be_refused(rule, outcome):
    assert oracle_l2.is_right(case(), Boot(outcome, rule, "")) is True
    assert oracle_l2.is_right(case(l2="p10"), Boot(outcome, rule, "")) is False


@pytest.mark.parametrize(("rule", "outcome"), OTHER.items())
def test_any_other_error_is_no_refusal(rule, outcome):
    assert oracle_l2.is_right(case(), Boot(outcome, rule, "")) is False
    assert oracle_l2.is_right(case(l2="p10"), Boot(outcome, rule, "")) is False


@pytest.mark.parametrize(
    ("above", "below", "right"),
    [
        ("p11@p9", "host", True),
        ("p10@p9", "p10", True),
        ("p11@p9", "p9", False),  # a mode that L1 may give
        ("p11@p10", "host", False),  # KVM has DAWR1 there
        ("p9", "p10", False),  # the CPU has none to ask for
    ],
)
def test_dawr1_stands_for_a_refusal_where_it_hides_the_question(above, below, right):
    boot = Boot(Outcome.QEMU_ERROR, "dawr1", "DAWR1 not supported by KVM")
    assert oracle_l2.is_right(case(above, below), boot) is right


@pytest.mark.parametrize(
    ("l2", "words"),
    [("host", "its mode refused, or booted as P10 or an older one"), ("p10", "booted as P10")],
)
def test_what_any_kernel_should_do_is_said(l2, words):
    assert say(oracle_l2.judge(case(l2=l2), LATE).any_kernel) == words
