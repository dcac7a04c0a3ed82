# SPDX-License-Identifier: GPL-2.0-only
"""What an L1 is, and what its KVM answers."""


def test_l1_runs_in_the_mode_it_was_given(l1, conclude):
    conclude(l1.record_of_l1())


def test_kvm_tells_the_modes_l1_may_grant(l1, conclude):
    conclude(l1.record_of_caps())


def test_kvm_accepts_the_modes_l1_may_grant_and_no_other(l1, conclude):
    conclude(l1.record_of_arch_compat())
