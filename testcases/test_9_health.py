# SPDX-License-Identifier: GPL-2.0-only
"""What the levels have come to once all has been asked: splats, taint flags, kernel log. Always the last."""


def test_no_level_has_complained(l1, conclude):
    conclude(l1.record_of_health())
