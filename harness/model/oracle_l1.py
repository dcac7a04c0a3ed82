# SPDX-License-Identifier: GPL-2.0-only
"""What an L1 must be before anything it answers counts."""

from __future__ import annotations

from harness.model.cpu import GuestMode
from harness.model.observation import L1Observation
from harness.model.outcome import Outcome
from harness.model.scenario import Placement
from harness.model.verdict import Kind, Verdict


def judge(placement: Placement, release: str, build_id: str, seen: L1Observation) -> list[Verdict]:
    """release: ``uname -r`` of the kernel under test, as read from its image;
    build_id: of that image, '' if its linker left none."""
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
    verdicts = [
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
    verdicts.append(_judge_build_id(build_id, boot.build_id))
    return verdicts


def _judge_build_id(image: str, running: str) -> Verdict:
    """Two kernels of one version differ in it; whoever compares a kernel with and without a series
    must know which of them answered."""
    if not image:
        kind, expected = Kind.SKIP, "nothing: the image has no build id"
    else:
        kind, expected = Kind.OK if running == image else Kind.FAIL, image
    return Verdict(
        check="L1 build id",
        kind=kind,
        expected=expected,
        observed=running or "none",
        proof="/sys/kernel/notes in L1",
        source="the running kernel is the image under test (ld --build-id, Linux kernel/ksysfs.c)",
    )
