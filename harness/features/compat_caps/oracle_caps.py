# SPDX-License-Identifier: GPL-2.0-only
"""What KVM_CHECK_EXTENSION and KVM_PPC_GET_COMPAT_CAPS must answer in L1, and in an L0 on bare metal."""

from __future__ import annotations

import errno
from dataclasses import replace

from harness.features.compat_caps.abi import CAP_BIT, REVISIONS, Revision, caps_upto, distinct
from harness.features.compat_caps.behaviour import Behaviour
from harness.features.compat_caps.facts import AbsentOrGranted, CapabilityTruthful, CompatCaps
from harness.model.cpu import Mode
from harness.model.fact import Fact
from harness.model.facts import NotAsked, Number, Refusal
from harness.model.observation import IoctlAnswer, Probe
from harness.model.topology import NestedApi
from harness.model.verdict import Kind, Verdict

CAPABILITIES = tuple(sorted({revision.capability for revision in REVISIONS}))


def expected_bitmap(revision: Revision, api: NestedApi, l1_mode: Mode) -> tuple[int, str]:
    """The bitmap and why. Bit layout: abi.CAP_BIT."""
    if api is NestedApi.V1 and not revision.cumulative:
        return CAP_BIT[l1_mode], "v1 patch 5/6: one bit only, from the device tree's cpu-version"
    if api is NestedApi.V1:
        return caps_upto(l1_mode), "Linux 7.3 book3s_hv.c, kvmppc_map_compat_capabilities: cumulative"
    return caps_upto(l1_mode), (
        "H_GUEST_GET_CAPABILITIES (book3s_hv.c, nested_capabilities); QEMU hw/ppc/spapr_nested.c "
        "answers it from the CPU class and max-cpu-compat"
    )


def judge(behaviour: Behaviour, api: NestedApi, l1_mode: Mode, probe: Probe) -> list[Verdict]:
    """One verdict for each capability number and each distinct request."""
    revision = behaviour.revision
    verdicts = []
    for number in CAPABILITIES:
        want = int(revision is not None and api in behaviour.served and revision.capability == number)
        why = f"{behaviour.source}; the number alone identifies nothing on other architectures"
        verdicts.append(_judge_capability(number, want, why, probe))
    for each in distinct():
        answer = probe.ioctl(each.name)
        if revision is None or each.request != revision.request:
            why = f"this request is not of this kernel ({behaviour.source})"
            right = _is_right(each, api, l1_mode, answer)
            verdicts.append(_judge_refused(each, errno.ENOTTY, why, answer, right, caps_upto(l1_mode)))
        elif api in behaviour.served:
            verdicts.append(_judge_served(revision, api, l1_mode, answer))
        elif behaviour.served:
            why = f"the other nested API has an answer, this one not yet ({behaviour.source})"
            right = _is_right(each, api, l1_mode, answer)
            verdicts.append(_judge_refused(each, errno.EINVAL, why, answer, right, caps_upto(l1_mode)))
        else:
            why = f"the ioctl is there, but nothing behind it ({behaviour.source})"
            right = _is_right(each, api, l1_mode, answer)
            verdicts.append(_judge_refused(each, errno.ENOTTY, why, answer, right, caps_upto(l1_mode)))
    return verdicts


def judge_bare_metal(behaviour: Behaviour, probe: Probe) -> list[Verdict]:
    """An L0: it may grant any mode its CPU has, so there is nothing to tell. All verdicts' checks begin
    with ``L0``."""
    verdicts = []
    for number in CAPABILITIES:
        why = "by design: Linux 7.3 powerpc.c, kvm_vm_ioctl_check_extension, asks for kvmhv_on_pseries()"
        verdicts.append(_judge_capability(number, 0, why, probe))
    for each in distinct():
        answer = probe.ioctl(each.name)
        if behaviour.revision is None or each.request != behaviour.revision.request:
            error, why = errno.ENOTTY, f"this request is not of this kernel ({behaviour.source})"
        elif behaviour.served:
            error, why = errno.EINVAL, "Linux 7.3 book3s_hv.c, kvmppc_get_compat_caps: EINVAL off pseries"
        else:
            error, why = errno.ENOTTY, f"the ioctl is there, but nothing behind it ({behaviour.source})"
        verdicts.append(_judge_refused(each, error, why, answer, _is_clean(answer)))
    return [replace(each, check=f"L0 {each.check}") for each in verdicts]


def _judge_capability(number: int, want: int, why: str, probe: Probe) -> Verdict:
    got = probe.capability.get(str(number))
    return Verdict(
        check=f"capability {number}",
        kind=Kind.OK if got == want else Kind.FAIL,
        expected=Number(want),
        observed=NotAsked() if got is None else Number(got),
        proof=f"KVM_CHECK_EXTENSION({number})",
        source=why,
        right=got is not None and bool(got) is _serves(number, probe) and (got == want or not want),
        any_kernel=CapabilityTruthful(),
    )


def _serves(number: int, probe: Probe) -> bool:
    """Whether a request that this capability number stands for has an answer."""
    answers = [probe.ioctl(revision.name) for revision in distinct() if revision.capability == number]
    return any(answer is not None and answer.result == 0 for answer in answers)


def _observed(revision: Revision, answer: IoctlAnswer | None) -> Fact:
    """An answer, read as one of *revision*."""
    if answer is None:
        return NotAsked()
    return Refusal(answer.errno, len(answer.changed)) if answer.result < 0 else _read(revision, answer)


def _read(revision: Revision, answer: IoctlAnswer) -> CompatCaps:
    """Of one that is no error."""
    size = answer.field64(revision.offset_size) if revision.offset_size is not None else None
    beyond = sum(offset >= revision.struct_size for offset in answer.changed)
    caps, flags = answer.field64(revision.offset_caps), answer.field64(revision.offset_flags)
    return CompatCaps(answer.result, caps, flags, size, beyond)


def _served(revision: Revision, api: NestedApi, l1_mode: Mode) -> CompatCaps:
    """What must be read where there is an answer."""
    size = None if revision.offset_size is None else revision.struct_size
    return CompatCaps(0, expected_bitmap(revision, api, l1_mode)[0], size=size)


def _is_right(revision: Revision, api: NestedApi, l1_mode: Mode, answer: IoctlAnswer | None) -> bool | None:
    """A kernel need not have the ioctl, but what it says must be true. None for another refusal: whether it
    should have had an answer is another question."""
    if answer is None:
        return False
    if answer.result < 0:
        return _is_clean(answer) if answer.errno == errno.ENOTTY or answer.changed else None
    return _read(revision, answer) == _served(revision, api, l1_mode)


def _is_clean(answer: IoctlAnswer | None) -> bool:
    """Refused, and nothing written."""
    return answer is not None and answer.result < 0 and not answer.changed


def _judge_refused(
    each: Revision, error: int, why: str, answer: IoctlAnswer | None, right: bool | None, granted: int = 0
) -> Verdict:
    """granted: bits of the modes that it may tell, where any kernel may."""
    matches = answer is not None and answer.result == -1 and answer.errno == error and not answer.changed
    return Verdict(
        check=f"ioctl {each.name}",
        kind=Kind.OK if matches else Kind.FAIL,
        expected=Refusal(error),
        observed=_observed(each, answer),
        proof=f"ioctl {each.request:#010x}",
        source=why,
        right=right,
        any_kernel=AbsentOrGranted(granted),
    )


def _judge_served(revision: Revision, api: NestedApi, l1_mode: Mode, answer: IoctlAnswer | None) -> Verdict:
    right = _is_right(revision, api, l1_mode, answer) is True and answer is not None and answer.result == 0
    return Verdict(
        check=f"ioctl {revision.name}",
        kind=Kind.OK if right else Kind.FAIL,
        expected=_served(revision, api, l1_mode),
        observed=_observed(revision, answer),
        proof=f"ioctl {revision.request:#010x}",
        source=expected_bitmap(revision, api, l1_mode)[1],
        right=right,
    )
