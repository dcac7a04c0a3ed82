# SPDX-License-Identifier: GPL-2.0-only
"""What the levels have come to once all has been asked: splats, taint flags, kernel log. Always the last."""

import pytest


@pytest.mark.topic("health", level="all")
def test_no_level_has_complained(levels, check):
    check.judged(levels.health())
