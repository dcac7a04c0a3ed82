# SPDX-License-Identifier: GPL-2.0-only
"""What KVM_SET_ONE_REG(KVM_REG_PPC_ARCH_COMPAT) must answer after KVM_ENABLE_CAP(PAPR).

The first row whose condition holds decides. Sources are Linux
arch/powerpc/kvm/book3s_hv.c, kvmppc_set_arch_compat, unless a row says otherwise.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from harness.features.compat_caps.behaviour import Behaviour, Refusal
from harness.features.compat_caps.facts import ArchCompatRefused, ArchCompatSet, Effect
from harness.model.cpu import PVR_INVALID, Mode
from harness.model.facts import NotAsked
from harness.model.observation import Probe, RegisterAnswer
from harness.model.topology import NestedApi
from harness.model.verdict import Kind, Verdict

JUNK = 0x0DEADBEE

# What the probe sets, in its order.
VALUES: tuple[int, ...] = (0, *(mode.logical_pvr for mode in Mode), JUNK)


class Stored(Enum):
    """What GET_ONE_REG must hold afterwards."""

    VALUE = "the value"
    UNTOUCHED = "what it held before"
    INVALID = "PVR_ARCH_INVALID"


_BY_PVR = {mode.logical_pvr: mode for mode in Mode}


@dataclass(frozen=True)
class Case:
    behaviour: Behaviour
    api: NestedApi
    l1_mode: Mode
    value: int

    @property
    def asked(self) -> Mode | None:
        """The generation the value names, None for 0 and junk."""
        return _BY_PVR.get(self.value)


@dataclass(frozen=True)
class Row:
    when: Callable[[Case], bool]
    errno: int
    stored: Stored
    source: str
    defect: str = ""


ROWS = (
    Row(lambda case: case.value == 0, 0, Stored.VALUE, "0 means L1's own mode"),
    Row(
        lambda case: case.asked is None,
        errno.EINVAL,
        Stored.UNTOUCHED,
        "the switch's default returns before anything is stored",
    ),
    Row(
        lambda case: case.asked is Mode.P8 and case.api is NestedApi.V2,
        errno.EINVAL,
        Stored.UNTOUCHED,
        "map_pcr_to_cap knows no capability for POWER8, so nested_capabilities has none",
    ),
    Row(
        lambda case: case.asked is Mode.P12,
        errno.EINVAL,
        Stored.UNTOUCHED,
        "6.12 and 7.2: unknown value; 7.3: PCR_ARCH_32 is above any host's PCR",
    ),
    Row(
        lambda case: case.asked is not None and case.asked <= case.l1_mode,
        0,
        Stored.VALUE,
        "L1's own mode and older ones: guest PCR bit <= host PCR bit",
    ),
    # From here on, a mode above L1's.
    Row(
        lambda case: case.asked is Mode.P11 and case.behaviour.refusal is Refusal.STORED,
        errno.EINVAL,
        Stored.INVALID,
        "7.2: without CPU_FTR_P11_PVR the value becomes PVR_ARCH_INVALID, which is stored",
    ),
    Row(
        lambda case: (
            case.asked is Mode.P11 and case.l1_mode is Mode.P10 and case.behaviour.refusal is Refusal.NONE
        ),
        0,
        Stored.VALUE,
        "6.12: POWER10 and POWER11 share PCR_ARCH_31, so POWER11 passes on a POWER10 host",
        defect="a mode above L1's is accepted",
    ),
    Row(
        lambda _case: True,
        errno.EINVAL,
        Stored.UNTOUCHED,
        "guest PCR bit > host PCR bit (v1 patch 1/6: POWER11 likewise), before anything is stored",
    ),
)


def expect(case: Case) -> Row:
    """The row that decides for this case."""
    return next(row for row in ROWS if row.when(case))


def _effect(error: int, stored: int | None, value: int, before: int) -> ArchCompatSet:
    if stored is None:
        return ArchCompatSet(error, Effect.UNREADABLE)
    if error == 0 and stored == value:
        return ArchCompatSet(error, Effect.STORED)
    if error and stored == before:
        return ArchCompatSet(error, Effect.UNTOUCHED)
    return ArchCompatSet(error, Effect.OTHER, stored)


def judge(behaviour: Behaviour, api: NestedApi, l1_mode: Mode, probe: Probe) -> list[Verdict]:
    """One verdict for each value of VALUES; a value the probe did not try fails."""
    answers = {answer.value: answer for answer in probe.arch_compat}
    verdicts = []
    before = 0  # a fresh vcpu holds 0: L1's own mode
    for value in VALUES:
        case = Case(behaviour, api, l1_mode, value)
        answer = answers.get(value)
        verdicts.append(_judge_one(case, before, answer))
        if answer is not None and answer.stored is not None:
            before = answer.stored
    return verdicts


def _judge_one(case: Case, before: int, answer: RegisterAnswer | None) -> Verdict:
    row = expect(case)
    stored = {Stored.VALUE: case.value, Stored.UNTOUCHED: before, Stored.INVALID: PVR_INVALID}[row.stored]
    asked = case.asked.name if case.asked else ("0" if case.value == 0 else "junk")
    matches = answer is not None and (answer.errno, answer.stored) == (row.errno, stored)
    granted = is_granted(case)
    return Verdict(
        check=f"arch_compat {asked}",
        kind=(Kind.DEFECT if row.defect else Kind.OK) if matches else Kind.FAIL,
        expected=_effect(row.errno, stored, case.value, before),
        observed=NotAsked() if answer is None else _effect(answer.errno, answer.stored, case.value, before),
        proof=f"KVM_SET_ONE_REG(ARCH_COMPAT, {case.value:#x})",
        source=row.source,
        right=answer is not None and _is_right(case, before, answer),
        any_kernel=ArchCompatSet(0, Effect.STORED) if granted else _REFUSED,
        defect=row.defect,
    )


# What any kernel should answer to a mode above L1's.
_REFUSED = ArchCompatRefused(errno.EINVAL, PVR_INVALID)


def _is_right(case: Case, before: int, answer: RegisterAnswer) -> bool:
    """Whatever the kernel: a mode that L1 may give is taken, and any other refused, so that no guest can
    run in it."""
    if is_granted(case):
        return answer.errno == 0 and answer.stored == case.value
    return answer.errno == errno.EINVAL and answer.stored in (before, PVR_INVALID)


def is_granted(case: Case) -> bool:
    """Whether L1 may give its guests this mode, whatever its kernel does."""
    if case.value == 0:
        return True
    if case.asked is Mode.P8 and case.api is NestedApi.V2:
        return False
    return case.asked is not None and case.asked <= case.l1_mode
