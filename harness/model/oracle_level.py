# SPDX-License-Identifier: GPL-2.0-only
"""What an L0 and an L1 must be before anything they answer counts."""

from __future__ import annotations

from collections.abc import Sequence

from harness.model.cpu import GuestMode
from harness.model.observation import Boot, End, LevelObservation
from harness.model.outcome import Outcome, Side
from harness.model.scenario import Placement
from harness.model.verdict import Kind, Verdict

# check, expected, observed, source.
_Fact = tuple[str, str, str, str]


def judge_l0(placement: Placement, release: str, build_id: str, seen: LevelObservation) -> list[Verdict]:
    """release: ``uname -r`` of L0's kernel, as read from its image; build_id: of that image, '' if its
    linker left none. Either '' as well where there is no image to compare with."""
    mode = (
        "L0 mode",
        str(GuestMode(placement.l1.cpu, raw=True)),
        str(seen.boot.mode),
        "bare metal runs in no compat mode; Linux setup-common.c, show_cpuinfo",
    )
    return _judge("L0", release, build_id, seen, [mode])


def judge_l1(placement: Placement, release: str, build_id: str, seen: LevelObservation) -> list[Verdict]:
    """release, build_id: as for judge_l0, of the kernel under test."""
    mode = (
        "L1 mode",
        str(GuestMode(placement.l1.mode)),
        str(seen.boot.mode),
        "QEMU hw/ppc/spapr_hcall.c: CAS settles the newest mode CPU, max-cpu-compat and kernel share",
    )
    api = (
        "nested API",
        placement.topology.nested_api.value,
        seen.nested_api,
        "Linux book3s_hv_nested.c, kvmhv_nested_init: API v2 if H_GUEST_GET_CAPABILITIES answers",
    )
    return _judge("L1", release, build_id, seen, [mode, api])


def _judge(
    name: str, release: str, build_id: str, seen: LevelObservation, more: Sequence[_Fact]
) -> list[Verdict]:
    boot = seen.boot
    if boot.outcome is not Outcome.BOOTED:
        kinds = {Outcome.INFRASTRUCTURE: Kind.INFRASTRUCTURE, Outcome.UNKNOWN: Kind.UNKNOWN}
        return [
            Verdict(
                check=f"{name} boots",
                kind=kinds.get(boot.outcome, Kind.FAIL),
                expected="booted",
                observed=boot.summary,
                proof=boot.proof,
                source=f"every scenario starts with a running {name}",
                right=False if kinds.get(boot.outcome, Kind.FAIL) is Kind.FAIL else None,
            )
        ]
    facts: list[_Fact] = [
        (f"{name} boots", "booted", boot.outcome.value, f"every scenario starts with a running {name}"),
        *more,
    ]
    verdicts = [
        Verdict(
            check=check,
            kind=Kind.OK if expected == observed else Kind.FAIL,
            expected=expected,
            observed=observed,
            proof=boot.proof,
            source=source,
            right=expected == observed,  # whatever the kernel: it was put into this mode, on this machine
        )
        for check, expected, observed, source in facts
    ]
    verdicts.insert(1, _judge_release(name, release, build_id, boot))
    verdicts.append(_judge_build_id(name, release, build_id, boot.build_id))
    if seen.lost is not None:
        verdicts.append(_judge_lost(name, seen.lost))
    return verdicts


def _judge_lost(name: str, lost: End) -> Verdict:
    """It came up, and did not live through the probe of its KVM."""
    kind = {Side.KERNEL: Kind.FAIL, Side.SURROUNDINGS: Kind.INFRASTRUCTURE}.get(lost.side, Kind.UNKNOWN)
    return Verdict(
        check=f"{name} answers",
        kind=kind,
        expected="an answer",
        observed=f"lost when it was probed ({lost.rule})",
        proof=lost.proof,
        source="a test must not make the kernel hang or crash",
        right=False if kind is Kind.FAIL else None,
    )


# Two kernels of one version differ in the build id alone; whoever compares a kernel with and without a
# series must know which of them answered. A kernel that was found running says both of itself: that is no
# proof, unless somebody knows what should run there.
_NOTHING_GIVEN = "nothing: there is no image to compare with; see --expect-build-id"


def _judge_release(name: str, image: str, build_id: str, boot: Boot) -> Verdict:
    if image:
        kind, expected = Kind.OK if boot.release == image else Kind.FAIL, image
    elif build_id:
        kind, expected = Kind.SKIP, "nothing: only a build id was given"
    else:
        kind, expected = Kind.SKIP, _NOTHING_GIVEN
    return Verdict(
        check=f"{name} kernel",
        kind=kind,
        expected=expected,
        observed=boot.release,
        proof=boot.proof,
        source=f"uname -r in {name} is the version in the image",
    )


def _judge_build_id(name: str, release: str, image: str, running: str) -> Verdict:
    if image:
        kind, expected = Kind.OK if running == image else Kind.FAIL, image
    elif release:
        kind, expected = Kind.SKIP, "nothing: the image has no build id"
    else:
        kind, expected = Kind.SKIP, _NOTHING_GIVEN
    return Verdict(
        check=f"{name} build id",
        kind=kind,
        expected=expected,
        observed=running or "none",
        proof=f"/sys/kernel/notes in {name}",
        source="the running kernel is the image it was given (ld --build-id, Linux kernel/ksysfs.c)",
    )
