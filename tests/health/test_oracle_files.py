# SPDX-License-Identifier: GPL-2.0-only
"""What goes wrong on damaged files speaks against no kernel."""

import pytest
from quoting import quoted

from harness.health.oracle_files import blame_files, judge_files
from harness.model.verdict import Kind


@pytest.mark.parametrize("kind", [Kind.FAIL, Kind.DEFECT, Kind.UNKNOWN])
def test_what_went_wrong_is_the_files_fault(kind):
    bad = quoted("check", kind, "x", "y", "a line", right=False, titles=("WARNING in x",))
    (found,) = blame_files([bad], "vmlinux: is missing")
    assert (found.kind, found.right, found.titles) == (Kind.INFRASTRUCTURE, None, ())
    assert found.proof == "vmlinux: is missing; a line"
    assert blame_files([bad], "") == [bad]


@pytest.mark.parametrize("kind", [Kind.OK, Kind.INFRASTRUCTURE, Kind.SKIP])
def test_all_else_stays_as_it_is(kind):
    verdict = quoted("check", kind, "x", "y", "a line", right=True)
    assert blame_files([verdict], "vmlinux: is missing") == [verdict]


def test_without_a_proof_of_its_own_there_is_only_that_of_the_files():
    (found,) = blame_files([quoted("check", Kind.UNKNOWN, "x", "y")], "vmlinux: is missing")
    assert found.proof == "vmlinux: is missing"


def test_an_l1_ends_well_only_on_files_that_are_as_they_were():
    assert judge_files("") == []
    (found,) = judge_files("vmlinux: is missing")
    assert (found.kind, found.proof) == (Kind.INFRASTRUCTURE, "vmlinux: is missing")
