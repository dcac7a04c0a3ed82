# SPDX-License-Identifier: GPL-2.0-only
"""What an L0 and an L1 must be before anything they answer counts."""

from __future__ import annotations

from collections.abc import Sequence

from harness.model.fact import Fact
from harness.model.facts import Absent, NotKnown, SomeAnswer
from harness.model.level_facts import (
    BuildId,
    Ended,
    InMode,
    Lacking,
    LostAtProbe,
    NothingToCompare,
    OfNestedApi,
    Release,
)
from harness.model.observation import Boot, End, LevelObservation
from harness.model.outcome import Outcome, Side
from harness.model.scenario import Placement
from harness.model.topology import NestedApi
from harness.model.verdict import Kind, Verdict

# check, expected, observed, source.
_Asked = tuple[str, Fact, Fact, str]


def judge_l0(placement: Placement, release: str, build_id: str, seen: LevelObservation) -> list[Verdict]:
    """release: ``uname -r`` of L0's kernel, as read from its image; build_id: of that image, '' if its
    linker left none. Either '' as well where there is no image to compare with."""
    mode: _Asked = (
        "L0 mode",
        InMode(placement.l1.cpu, raw=True),
        InMode.of(seen.boot.mode),
        "bare metal runs in no compat mode; Linux setup-common.c, show_cpuinfo",
    )
    return _judge("L0", release, build_id, seen, [mode])


def judge_l1(placement: Placement, release: str, build_id: str, seen: LevelObservation) -> list[Verdict]:
    """release, build_id: as for judge_l0, of the kernel under test."""
    mode: _Asked = (
        "L1 mode",
        InMode(placement.l1.mode),
        InMode.of(seen.boot.mode),
        "QEMU hw/ppc/spapr_hcall.c: CAS settles the newest mode CPU, max-cpu-compat and kernel share",
    )
    api: _Asked = (
        "nested API",
        OfNestedApi(placement.topology.nested_api),
        OfNestedApi(NestedApi(seen.nested_api)) if seen.nested_api else NotKnown(),
        "Linux book3s_hv_nested.c, kvmhv_nested_init: API v2 if H_GUEST_GET_CAPABILITIES answers",
    )
    return _judge("L1", release, build_id, seen, [mode, api])


def _judge(
    name: str, release: str, build_id: str, seen: LevelObservation, more: Sequence[_Asked]
) -> list[Verdict]:
    boot = seen.boot
    if boot.outcome is not Outcome.BOOTED:
        kinds = {Outcome.INFRASTRUCTURE: Kind.INFRASTRUCTURE, Outcome.UNKNOWN: Kind.UNKNOWN}
        return [
            Verdict(
                check=f"{name} boots",
                kind=kinds.get(boot.outcome, Kind.FAIL),
                expected=Ended(Outcome.BOOTED),
                observed=boot.ended,
                proof=boot.proof,
                source=f"every scenario starts with a running {name}",
                right=False if kinds.get(boot.outcome, Kind.FAIL) is Kind.FAIL else None,
            )
        ]
    booted = Ended(Outcome.BOOTED)
    asked: list[_Asked] = [
        (f"{name} boots", booted, booted, f"every scenario starts with a running {name}"),
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
        for check, expected, observed, source in asked
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
        expected=SomeAnswer(),
        observed=LostAtProbe(lost.rule),
        proof=lost.proof,
        source="a test must not make the kernel hang or crash",
        right=False if kind is Kind.FAIL else None,
    )


# Two kernels of one version differ in the build id alone; whoever compares a kernel with and without a
# series must know which of them answered. A kernel that was found running says both of itself: that is no
# proof, unless somebody knows what should run there.


def _judge_release(name: str, image: str, build_id: str, boot: Boot) -> Verdict:
    expected: Fact
    if image:
        kind, expected = Kind.OK if boot.release == image else Kind.FAIL, Release(image)
    else:
        kind, expected = Kind.SKIP, NothingToCompare(Lacking.RELEASE if build_id else Lacking.IMAGE)
    return Verdict(
        check=f"{name} kernel",
        kind=kind,
        expected=expected,
        observed=Release(boot.release),
        proof=boot.proof,
        source=f"uname -r in {name} is the version in the image",
    )


def _judge_build_id(name: str, release: str, image: str, running: str) -> Verdict:
    expected: Fact
    if image:
        kind, expected = Kind.OK if running == image else Kind.FAIL, BuildId(image)
    else:
        kind, expected = Kind.SKIP, NothingToCompare(Lacking.BUILD_ID if release else Lacking.IMAGE)
    return Verdict(
        check=f"{name} build id",
        kind=kind,
        expected=expected,
        observed=BuildId(running) if running else Absent(),
        proof=f"/sys/kernel/notes in {name}",
        source="the running kernel is the image it was given (ld --build-id, Linux kernel/ksysfs.c)",
    )
