# SPDX-License-Identifier: GPL-2.0-only
"""How a guest of L1 ends, in each mode it can ask for."""

import pytest


@pytest.mark.topic("l2")
def test_l2_runs_in_the_mode_l1_was_granted_or_is_refused(l2, check):
    check.judged(l2.oracle.l2(l2.setting, l2.boot()))
