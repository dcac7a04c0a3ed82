# SPDX-License-Identifier: GPL-2.0-only
"""The conformance suite: every answer of the ioctl and of arch_compat, asked of one L1 in seconds.

Not part of ``kvmppc run`` or of plain ``pytest testcases``: see ``kvmppc probe`` and ``--suite``.
"""


def test_the_revision_that_answers_is_the_one_that_is_claimed(suite, conclude):
    conclude(suite.record_of_suite("revision"))


def test_the_ioctl_answers_every_call_as_its_revision_says(suite, conclude):
    conclude(suite.record_of_suite("ioctl"))


def test_a_vcpu_takes_the_modes_it_may_have_and_runs_in_them(suite, conclude):
    conclude(suite.record_of_suite("vcpu"))


def test_the_mode_that_was_set_is_in_force_while_a_guest_runs(suite, conclude):
    conclude(suite.record_of_suite("inforce"))


def test_l2s_clock_goes_as_l1s_does(suite, conclude):
    conclude(suite.record_of_suite("clock"))


def test_userspace_that_asks_gets_a_working_guest(suite, conclude):
    conclude(suite.record_of_suite("userspace"))


def test_the_documentation_says_what_the_kernel_does(suite, conclude):
    conclude(suite.record_of_suite("docs"))


def test_a_single_call_is_answered_by_the_rules(suite, calls, conclude):
    conclude(suite.record_of_calls(calls))


def test_random_calls_are_answered_by_the_rules_and_harm_nothing(suite, fuzz, conclude):
    conclude(suite.record_of_fuzz(*fuzz))
