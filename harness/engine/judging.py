# SPDX-License-Identifier: GPL-2.0-only
"""From what was seen of a placement to a cell's answer and verdicts: of a run, or of a saved one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from harness.features import MAIN
from harness.features.compat_caps import oracle_arch_compat, oracle_caps, oracle_l2
from harness.features.compat_caps.abi import REVISIONS
from harness.features.compat_caps.behaviour import Behaviour
from harness.features.compat_caps.facts import CapabilitySays
from harness.health.oracle_health import Allowed, judge_end, judge_guest, judge_identity
from harness.model import oracle_level
from harness.model.cpu import Mode
from harness.model.expectation import Expectation
from harness.model.fact import Fact
from harness.model.facts import Bitmap
from harness.model.observation import Boot, LevelObservation, Probe
from harness.model.plan import PlannedKernel
from harness.model.record import KernelInfo
from harness.model.scenario import L2Setting, Placement
from harness.model.topology import NestedApi
from harness.model.verdict import Verdict, by_any_kernel

Judged = tuple[Fact | None, list[Verdict]]


@dataclass(frozen=True)
class KernelFacts:
    """What is known of a kernel before it runs. release, build_id: read from its image, '' where there is
    none to compare with; known: see record.KernelInfo.sure."""

    release: str
    build_id: str
    behaviour: Behaviour
    known: bool = True

    def judged(self, verdicts: list[Verdict]) -> list[Verdict]:
        """Verdicts that were made by what is expected of it."""
        return verdicts if self.known else by_any_kernel(verdicts)


@dataclass(frozen=True)
class Judge:
    """kernel: under test; l0_kernel: None where L0 is QEMU; l1_qemu: version of the QEMU in L1, None
    where no L2 is booted; allowed: complaints that do not count; l0_qemu: of the outermost QEMU, None where
    none of ours is."""

    placement: Placement
    kernel: KernelFacts
    l0_kernel: KernelFacts | None
    l1_qemu: tuple[int, int, int] | None
    l0_qemu: tuple[int, int, int] | None = None
    allowed: Allowed = field(default_factory=Allowed)

    def l0(self, seen: LevelObservation) -> Judged:
        assert self.l0_kernel is not None
        facts = (self.l0_kernel.release, self.l0_kernel.build_id)
        return _unless_in_a_mode(seen), oracle_level.judge_l0(self.placement, *facts, seen)

    def l0_caps(self, seen: LevelObservation) -> Judged:
        assert self.l0_kernel is not None
        probe = probe_of(seen)
        verdicts = oracle_caps.judge_bare_metal(self.l0_kernel.behaviour, probe)
        return _caps_answer(probe), self.l0_kernel.judged(verdicts)

    def l1(self, seen: LevelObservation) -> Judged:
        facts = (self.kernel.release, self.kernel.build_id)
        return _unless_in_a_mode(seen), oracle_level.judge_l1(self.placement, *facts, seen)

    def caps(self, seen: LevelObservation) -> Judged:
        probe = probe_of(seen)
        return _caps_answer(probe), self.kernel.judged(oracle_caps.judge(*self._key, probe))

    def arch_compat(self, seen: LevelObservation) -> Judged:
        return None, self.kernel.judged(oracle_arch_compat.judge(*self._key, probe_of(seen)))

    def l2(self, setting: L2Setting, boot: Boot) -> Judged:
        assert self.l1_qemu is not None
        behaviour, api, _ = self._key
        # Where L0 is a Linux, the outermost QEMU answers no hypercall of L1's.
        l0_qemu = None if self.placement.topology.has_l0 else self.l0_qemu
        case = oracle_l2.Case(behaviour, api, self.placement.l1, setting, self.l1_qemu, l0_qemu)
        return boot.ended, [
            *self.kernel.judged([oracle_l2.judge(case, boot)]),
            *self.guest(boot),
        ]

    def guest(self, boot: Boot) -> list[Verdict]:
        """Of a guest, however it should end: which kernel it ran, its end, and its health."""
        return [
            *judge_identity(self.kernel.release, self.kernel.build_id, boot),
            *judge_end(boot),
            *judge_guest(boot, self.allowed),
        ]

    @property
    def _key(self) -> tuple[Behaviour, NestedApi, Mode]:
        return self.kernel.behaviour, self.placement.topology.nested_api, self.placement.l1.mode


def facts_of(info: KernelInfo, expected: Mapping[str, Expectation]) -> KernelFacts:
    """Of a planned kernel."""
    behaviour = Behaviour.from_json(expected[MAIN].data)
    return KernelFacts(info.claimed_release, info.build_id, behaviour, info.sure)


def of_l0(kernel: PlannedKernel | None) -> KernelFacts | None:
    return facts_of(kernel.info, kernel.expected) if kernel is not None else None


def probe_of(seen: LevelObservation) -> Probe:
    assert seen.probe is not None, "a level that is up has been probed"
    return seen.probe


def _unless_in_a_mode(seen: LevelObservation) -> Fact | None:
    """How it ended; None if it booted in a mode, which a verdict tells."""
    return None if seen.boot.mode else seen.boot.ended


def _caps_answer(probe: Probe) -> Fact:
    """The bitmap that some revision of the ioctl answers, else what the capability says."""
    for revision in REVISIONS:
        answer = probe.ioctl(revision.name)
        if answer is not None and answer.result == 0:
            return Bitmap(answer.field64(revision.offset_caps))
    return CapabilitySays(yes=any(probe.capability.values()))
