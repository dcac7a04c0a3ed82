# SPDX-License-Identifier: GPL-2.0-only
"""Matrices and ids."""

import itertools

import pytest

from harness.model import matrix
from harness.model.errors import UsageError
from harness.model.matrix import Selection
from harness.model.scenario import L1Setting, L2Setting
from harness.model.topology import topology


def scenarios(selection=None, name="default", kernels=("7.3",), l0_kernels=("7.2",)):
    return matrix.expand(matrix.matrix(name), kernels, l0_kernels, selection or Selection())


def ids(*args, **kwargs):
    return [each.full_id for each in scenarios(*args, **kwargs)]


def test_ids_can_be_typed_and_are_unique():
    everything = ids(name="full", kernels=("7.3", "7.2", "6.12"))
    assert "7.3-papr-p11@p10-l2host" in everything
    assert "7.3-on-7.2-pnv11-p11@p10-l2host" in everything
    # Six L1 settings on each pseries topology; each of them on the one powernv that has its CPU.
    assert len(everything) == len(set(everything)) == 3 * (2 * 6 + 6) * 4


def test_scenarios_of_one_l1_come_together():
    placements = [each.placement for each in scenarios(name="full")]
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


def test_a_powernv_has_the_cpu_in_its_name_only():
    chosen = ids(Selection(topologies=(topology("powernv10"),), l2=(L2Setting.parse("host"),)), name="full")
    assert chosen == ["7.3-on-7.2-pnv10-p10-l2host", "7.3-on-7.2-pnv10-p10@p9-l2host"]
    with pytest.raises(UsageError, match="no L1 setting"):
        ids(Selection(topologies=(topology("powernv10"),), l1=(L1Setting.parse("p11"),)))


def test_each_l0_kernel_with_each_kernel():
    places = {
        each.placement.full_id for each in scenarios(name="mixed", kernels=("a", "b"), l0_kernels=("a", "b"))
    }
    assert places == {f"{l1}-on-{l0}-pnv11-p11@p10" for l1 in "ab" for l0 in "ab"}


@pytest.mark.parametrize("text", ["pnv11-p11@p10-l2p10", "a-on-b-pnv11-p11@p10-l2p10"])
def test_only_with_an_l0(text):
    chosen = ids(Selection(only=(text,)), kernels=("a",), l0_kernels=("b", "c"))
    assert chosen == [
        each for each in ("a-on-b-pnv11-p11@p10-l2p10", "a-on-c-pnv11-p11@p10-l2p10") if text in each
    ]


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
