# SPDX-License-Identifier: GPL-2.0-only
"""The conformance suite: every answer of the ioctl and of arch_compat, asked of one L1 in seconds.

Not part of ``kvmppc run`` or of plain ``pytest testcases``: see ``kvmppc probe`` and ``--suite``.
"""

import pytest

from harness.features.compat_caps.conformance import judge_random_calls, judge_single_calls
from harness.features.compat_caps.registration import FEATURE

pytestmark = pytest.mark.suite("abi")


@pytest.mark.topic("revision")
def test_the_revision_that_answers_is_the_one_that_is_claimed(l1, check):
    check.verdicts(l1.feature("revision"))


@pytest.mark.topic("ioctl")
def test_the_ioctl_answers_every_call_as_its_revision_says(l1, check):
    check.verdicts(l1.feature("ioctl"))


@pytest.mark.topic("vcpu")
def test_a_vcpu_takes_the_modes_it_may_have_and_runs_in_them(l1, check):
    check.verdicts(l1.feature("vcpu"))


@pytest.mark.topic("inforce")
def test_the_mode_that_was_set_is_in_force_while_a_guest_runs(l1, check):
    check.verdicts(l1.feature("inforce"))


@pytest.mark.topic("clock")
def test_l2s_clock_goes_as_l1s_does(l1, check):
    check.verdicts(l1.feature("clock"))


@pytest.mark.topic("userspace")
def test_userspace_that_asks_gets_a_working_guest(l1, check):
    check.verdicts(l1.feature("userspace"))


@pytest.mark.topic("docs")
def test_the_documentation_says_what_the_kernel_does(l1, check):
    check.verdicts(l1.feature("docs"))


@pytest.mark.topic("calls")
def test_a_single_call_is_answered_by_the_rules(l1, calls, check):
    evidence = l1.evidence(FEATURE)
    with l1.asking("single calls") as session:
        check.verdicts(judge_single_calls(evidence, calls, session.ask))


@pytest.mark.topic("fuzz")
def test_random_calls_are_answered_by_the_rules_and_harm_nothing(l1, fuzz, check):
    evidence = l1.evidence(FEATURE)
    with l1.asking("random calls") as session:
        check.verdicts(judge_random_calls(evidence, *fuzz, session.ask))
