# SPDX-License-Identifier: GPL-2.0-only
"""How a guest of L1 ends, in each mode it can ask for."""


def test_l2_runs_in_the_mode_l1_was_granted_or_is_refused(l1, l2_setting, conclude):
    conclude(l1.record_of_l2(l2_setting))
