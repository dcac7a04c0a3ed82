# SPDX-License-Identifier: GPL-2.0-only
"""What an L1 is, and what its KVM answers."""

import pytest


@pytest.mark.topic("l1", starts="L1")
def test_l1_runs_in_the_mode_it_was_given(l1, check):
    check.judged(l1.oracle.l1(l1.start()))


@pytest.mark.topic("caps")
def test_kvm_tells_the_modes_l1_may_grant(l1, check):
    check.judged(l1.oracle.caps(l1.observation))


@pytest.mark.topic("arch_compat")
def test_kvm_accepts_the_modes_l1_may_grant_and_no_other(l1, check):
    check.judged(l1.oracle.arch_compat(l1.observation))
