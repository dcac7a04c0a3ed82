# SPDX-License-Identifier: GPL-2.0-only
"""Workarounds apply where they say, and nowhere once switched off."""

import dataclasses

import pytest

from harness.model.errors import UsageError
from harness.model.scenario import L1Setting
from harness.model.topology import topology
from harness.model.workarounds import WORKAROUNDS, Circumstances, applying, check_names

SPECTRE = "powernv-no-spectre-levels"


def names(level, where, l1, kernel, page_kb=64, off=(), qemu=(11, 1, 3)):
    at = Circumstances(level, topology(where), L1Setting.parse(l1), kernel, qemu, page_kb)
    return {each.name for each in applying(at, off)}


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((1, "papr", "p11", (7, 3)), {"x-vof", "no-boot-rom", "thp-never", "damon-stat-off"}),
        ((1, "papr", "p10", (7, 0)), {"x-vof", "no-boot-rom", "damon-stat-off"}),
        ((1, "papr", "p11", (6, 12)), {"x-vof", "no-boot-rom"}),
        ((1, "papr", "p9", (7, 3)), {"x-vof", "no-boot-rom"}),
        ((2, "hv", "p11@p10", (7, 3)), {"x-vof"}),
        ((2, "hv", "p11@p9", (7, 3)), {"x-vof", "dawr1-off"}),
        ((2, "hv", "p9", (7, 3)), {"x-vof"}),
        ((2, "hv", "p11", (7, 3), 4), {"x-vof", "hpt-4k"}),
        ((0, "pnv11", "p11@p9", (7, 3), 0), {"no-boot-rom", "thp-never", "damon-stat-off"}),
        ((0, "pnv9", "p9", (7, 3), 0), {"no-boot-rom"}),
        ((1, "pnv11", "p11", (6, 12), 4), {"x-vof", "no-boot-rom", "hpt-4k", SPECTRE}),
        ((2, "pnv11", "p11@p9", (7, 3)), {"x-vof", "dawr1-off", SPECTRE}),
    ],
)
def test_where_they_apply(arguments, expected):
    assert names(*arguments) == expected


@pytest.mark.parametrize(
    ("qemu", "there"),
    [((9, 2, 4), False), ((10, 0, 0), True), ((11, 1, 3), True)],
)
def test_an_option_is_not_given_to_a_qemu_that_does_not_know_it(qemu, there):
    assert ("dawr1-off" in names(2, "hv", "p11@p9", (7, 3), qemu=qemu)) is there
    assert ("x-vof" in names(2, "hv", "p11@p9", (7, 3), qemu=(6, 0, 9))) is False


def test_a_range_of_qemus_is_half_open():
    row = dataclasses.replace(WORKAROUNDS[0], qemu_since=(10, 0, 0), qemu_before=(11, 2, 0))
    asked = ((9, 2, 9), (10, 0, 0), (11, 1, 99), (11, 2, 0))
    assert [row.meant_for(each) for each in asked] == [False, True, True, False]
    assert all(dataclasses.replace(row, qemu_since=None, qemu_before=None).meant_for(each) for each in asked)


def test_each_can_be_switched_off():
    for each in WORKAROUNDS:
        for level, where, page_kb in ((0, "pnv11", 0), (1, "papr", 0), (2, "pnv11", 4)):
            assert each.name not in names(level, where, "p11@p9", (7, 3), page_kb, {each.name})


def test_unknown_names_are_refused():
    check_names([each.name for each in WORKAROUNDS])
    with pytest.raises(UsageError, match="nonsense"):
        check_names(["nonsense"])


def test_each_says_why_and_where():
    assert all(each.reason and each.scope for each in WORKAROUNDS)
