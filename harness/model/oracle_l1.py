# SPDX-License-Identifier: GPL-2.0-only
"""What an L1 must be before anything it answers counts."""

from __future__ import annotations

from harness.model.cpu import GuestMode
from harness.model.observation import L1Observation
from harness.model.outcome import Outcome
from harness.model.scenario import Placement
from harness.model.verdict import Kind, Verdict


def judge(placement: Placement, release: str, seen: L1Observation) -> list[Verdict]:
    """release: ``uname -r`` of the kernel under test, as read from its image."""
    boot = seen.boot
    if boot.outcome is not Outcome.BOOTED:
        infra = boot.outcome is Outcome.INFRASTRUCTURE
        return [
            Verdict(
                check="L1 boots",
                kind=Kind.INFRASTRUCTURE if infra else Kind.FAIL,
                expected="booted",
                observed=boot.summary,
                proof=boot.proof,
                source="every scenario starts with a running L1",
            )
        ]
    want_mode = GuestMode(placement.l1.mode)
    want_api = placement.topology.nested_api.value
    facts = [
        ("L1 boots", "booted", boot.outcome.value, "every scenario starts with a running L1"),
        ("L1 kernel", release, boot.release, "uname -r in L1 is the version in the image"),
        (
            "L1 mode",
            str(want_mode),
            str(boot.mode),
            "QEMU hw/ppc/spapr_hcall.c: CAS settles the newest mode CPU, max-cpu-compat and kernel share",
        ),
        (
            "nested API",
            want_api,
            seen.nested_api,
            "Linux book3s_hv_nested.c, kvmhv_nested_init: API v2 if H_GUEST_GET_CAPABILITIES answers",
        ),
    ]
    return [
        Verdict(
            check=check,
            kind=Kind.OK if expected == observed else Kind.FAIL,
            expected=expected,
            observed=observed,
            proof=boot.proof,
            source=source,
        )
        for check, expected, observed, source in facts
    ]
