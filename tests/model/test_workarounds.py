# SPDX-License-Identifier: GPL-2.0-only
"""Workarounds apply where they say, and nowhere once switched off."""

import pytest

from harness.model.errors import UsageError
from harness.model.scenario import L1Setting
from harness.model.workarounds import WORKAROUNDS, Circumstances, applying, check_names


def names(guest, l1, kernel, page_kb=64, off=()):
    return {each.name for each in applying(Circumstances(guest, L1Setting.parse(l1), kernel, page_kb), off)}


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((False, "p11", (7, 3)), {"x-vof", "no-boot-rom", "thp-never", "damon-stat-off"}),
        ((False, "p10", (7, 0)), {"x-vof", "no-boot-rom", "damon-stat-off"}),
        ((False, "p11", (6, 12)), {"x-vof", "no-boot-rom"}),
        ((False, "p9", (7, 3)), {"x-vof", "no-boot-rom"}),
        ((True, "p11@p10", (7, 3)), {"x-vof"}),
        ((True, "p11@p9", (7, 3)), {"x-vof", "dawr1-off"}),
        ((True, "p9", (7, 3)), {"x-vof"}),
        ((True, "p11", (7, 3), 4), {"x-vof", "hpt-4k"}),
    ],
)
def test_where_they_apply(arguments, expected):
    assert names(*arguments) == expected


def test_each_can_be_switched_off():
    for each in WORKAROUNDS:
        for l1, kernel, guest in (("p11", (7, 3), False), ("p11@p9", (7, 3), True)):
            assert each.name not in names(guest, l1, kernel, off={each.name})


def test_unknown_names_are_refused():
    check_names([each.name for each in WORKAROUNDS])
    with pytest.raises(UsageError, match="nonsense"):
        check_names(["nonsense"])


def test_each_says_why_and_where():
    assert all(each.reason and each.scope for each in WORKAROUNDS)
