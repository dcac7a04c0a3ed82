# SPDX-License-Identifier: GPL-2.0-only
"""Matrices and ids."""

import itertools

import pytest

from harness.model import matrix
from harness.model.errors import UsageError
from harness.model.matrix import Selection
from harness.model.scenario import L1Setting, L2Setting
from harness.model.topology import topology


def ids(selection=None, name="default", kernels=("7.3",)):
    return [each.full_id for each in matrix.expand(matrix.matrix(name), kernels, selection or Selection())]


def test_ids_can_be_typed_and_are_unique():
    everything = ids(name="full", kernels=("7.3", "7.2", "6.12"))
    assert "7.3-papr-p11@p10-l2host" in everything
    assert len(everything) == len(set(everything)) == 3 * 2 * 6 * 4


def test_scenarios_of_one_l1_come_together():
    placements = [each.placement for each in matrix.expand(matrix.matrix("full"), ["7.3"], Selection())]
    changes = sum(a != b for a, b in itertools.pairwise(placements))
    assert changes == len(set(placements)) - 1


def test_default_asks_what_differs():
    rows = ids()
    for wanted in ("papr-p11@p10-l2host", "hv-p11@p10-l2p11", "papr-p9-l2host", "hv-p10-l2host"):
        assert f"7.3-{wanted}" in rows


def test_l1_and_l2_narrow():
    chosen = ids(Selection(l1=(L1Setting.parse("p11@p10"),), l2=(L2Setting.parse("p9"),)))
    assert chosen == ["7.3-papr-p11@p10-l2p9", "7.3-hv-p11@p10-l2p9"]


def test_an_l1_that_the_matrix_lacks_is_added():
    chosen = ids(Selection(topologies=(topology("papr"),), l1=(L1Setting.parse("p10@p9"),)))
    assert chosen == [f"7.3-papr-p10@p9-{l2}" for l2 in ("l2host", "l2p11", "l2p10", "l2p9")]


@pytest.mark.parametrize("text", ["papr-p11@p10-l2host", "6.12-papr-p11@p10-l2host"])
def test_only_with_and_without_the_kernel(text):
    chosen = ids(Selection(only=(text,)), kernels=("7.3", "6.12"))
    assert chosen == [
        each for each in ("7.3-papr-p11@p10-l2host", "6.12-papr-p11@p10-l2host") if text in each
    ]


def test_only_reaches_scenarios_outside_the_matrix():
    assert ids(Selection(only=("hv-p10@p9-l2p10",))) == ["7.3-hv-p10@p9-l2p10"]


@pytest.mark.parametrize(
    "text", ["nonsense", "papr-p11", "papr-p12-l2host", "9.9-papr-p11-l2host", "papr-p11-l2p8"]
)
def test_an_id_that_is_none_is_refused(text):
    with pytest.raises(UsageError):
        ids(Selection(only=(text,)))


@pytest.mark.parametrize("text", ["p8", "p10@p11", "p11@p8", "x", "p12", ""])
def test_l1_settings_that_make_no_sense(text):
    with pytest.raises(UsageError):
        L1Setting.parse(text)
