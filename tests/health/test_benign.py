# SPDX-License-Identifier: GPL-2.0-only
"""Each benign row has a place where it holds, and one next to it where it does not."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from consoles import CONSOLES, read

from harness.health.benign import BENIGN, Benign, Circumstances, Range, is_benign
from harness.health.splats import read_splats
from harness.model.topology import NestedApi

PAPR = Circumstances((7, 2, 12), (11, 1, 3), NestedApi.V2, "pseries-papr", "L1")
HV = replace(PAPR, nested_api=NestedApi.V1, topology="pseries-hv")

# name -> text and circumstances where it holds; texts and circumstances where it does not.
CASES: dict[str, tuple[str, Circumstances, list[tuple[str, Circumstances]]]] = {
    "tlb-lpid": (
        "KVM: TLB LPID invalidation hcall failed, rc=-2",
        PAPR,
        [
            ("KVM: TLB LPID invalidation hcall failed, rc=-55", PAPR),
            ("KVM: TLB LPID invalidation hcall failed, rc=-2", HV),
            ("KVM: TLB LPID invalidation hcall failed, rc=-2", replace(PAPR, level="L0")),
            ("KVM: TLB LPID invalidation hcall failed, rc=-2", Circumstances()),
        ],
    ),
    "l2-vpa": (
        "KVM-NESTEDv2: couldn't register the L2 VPA (rc=-56)",
        PAPR,
        [
            ("KVM-NESTEDv2: couldn't register the L2 VPA (rc=-55)", PAPR),
            ("KVM-NESTEDv2: couldn't register the L2 VPA (rc=-56)", HV),
            ("KVM-NESTEDv2: couldn't register the L2 VPA (rc=-56)", replace(PAPR, level="L2")),
        ],
    ),
    "nested-v1": (
        "kvm-hv: nestedv2 get capabilities hcall failed, falling back to nestedv1 (rc=-2)",
        HV,
        [
            ("kvm-hv: nestedv2 get capabilities hcall failed, falling back to nestedv1 (rc=-2)", PAPR),
            ("kvm-hv: nestedv2 get capabilities hcall failed, falling back to nestedv1 (rc=-1)", HV),
        ],
    ),
    "xive-for-kvm": (
        "qemu-system-ppc64: warning: IRQ_XIVE capability must be present for KVM",
        Circumstances(),
        [("qemu-system-ppc64: IRQ_XICS capability must be present for KVM", PAPR)],
    ),
    "lockdep-replay": (
        "WARNING: locking bug in irqentry_exit",
        PAPR,
        [
            ("WARNING: locking bug in irqentry_enter", PAPR),
            ("WARNING: locking bug in irqentry_exit", replace(PAPR, kernel=(7, 3))),
            ("WARNING: locking bug in irqentry_exit", replace(PAPR, kernel=(7, 1, 9))),
            ("WARNING: locking bug in irqentry_exit", replace(PAPR, kernel=())),
        ],
    ),
}
TRACE = ("irqentry_exit", "timer_interrupt", "__replay_soft_interrupts", "arch_local_irq_restore")


def test_each_row_has_cases():
    assert list(CASES) == [row.name for row in BENIGN]
    assert all(row.reason and row.source for row in BENIGN)


@pytest.mark.parametrize("name", CASES)
def test_a_row_holds_where_it_was_shown_to(name):
    text, at, _ = CASES[name]
    row = is_benign(text, at, TRACE)
    assert row is not None and row.name == name
    assert bool(is_benign(text, at)) == (not row.within)


@pytest.mark.parametrize(("text", "at"), [case for _, _, others in CASES.values() for case in others])
def test_a_row_does_not_hold_next_to_it(text, at):
    assert is_benign(text, at, TRACE) is None


@pytest.mark.parametrize(
    ("versions", "version", "inside"),
    [
        (Range(), (7, 2, 12), True),
        (Range(), (), True),
        (Range((7, 2, 5)), (7, 2, 5), True),
        (Range((7, 2, 5)), (7, 2, 4), False),
        (Range((7, 2, 5)), (7, 3), True),
        (Range((7, 2, 5)), (), False),
        (Range((7, 2), (7, 2, 13)), (7, 2, 12), True),
        (Range((7, 2), (7, 2, 13)), (7, 2, 13), False),
        (Range((7, 2), (7, 2, 13)), (7, 3), False),
        (Range(before=(7, 3)), (7, 2, 99), True),
        (Range(before=(7, 3)), (7, 3), False),
        (Range(before=(7, 3)), (), False),
        (Range((6, 13), (6, 18, 51)), "6.18.50", False),
    ],
)
def test_ranges_are_half_open(versions, version, inside):
    assert (version in versions) is inside


def test_a_stock_splat_of_a_debug_kernel_is_benign():
    for name in ("boot-papr", "boot-hv", "boot-pnv10"):
        (path,) = [path for path in CONSOLES if path.stem == name]
        (splat,) = read_splats(read(path).lines)
        row = is_benign(splat.title, PAPR, splat.trace)
        assert row is not None and row.name == "lockdep-replay"


@pytest.mark.parametrize(
    ("limit", "at"),
    [
        ({"kernels": (Range((7, 3)),)}, replace(PAPR, kernel=(7, 3))),
        ({"kernels": (Range((6, 12), (6, 13)), Range((7, 3)))}, replace(PAPR, kernel=(7, 3))),
        ({"qemus": (Range(before=(11, 0)),)}, replace(PAPR, qemu=(10, 0, 13))),
        ({"apis": (NestedApi.V1,)}, HV),
        ({"topologies": ("pseries-hv",)}, replace(PAPR, topology="pseries-hv")),
        ({"levels": ("L0", "L2")}, replace(PAPR, level="L0")),
    ],
)
def test_each_limit_counts(limit, at):
    row = Benign("x", re.compile("y"), "z", "w", **limit)
    assert row.covers("xyz", at)
    assert not row.covers("xyz", PAPR)
    assert not row.covers("z", at)
