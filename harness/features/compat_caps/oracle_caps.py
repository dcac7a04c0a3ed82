# SPDX-License-Identifier: GPL-2.0-only
"""What KVM_CHECK_EXTENSION and KVM_PPC_GET_COMPAT_CAPS must answer in L1, and in an L0 on bare metal."""

from __future__ import annotations

import errno
from dataclasses import dataclass, replace

from harness.features.compat_caps.abi import CAP_BIT, REVISIONS, Revision, cap_names, caps_upto, distinct
from harness.features.compat_caps.behaviour import Behaviour
from harness.model.cpu import Mode
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
            verdicts.append(_judge_refused(each, errno.ENOTTY, why, answer, right))
        elif api in behaviour.served:
            verdicts.append(_judge_served(revision, api, l1_mode, answer))
        elif behaviour.served:
            why = f"the other nested API has an answer, this one not yet ({behaviour.source})"
            right = _is_right(each, api, l1_mode, answer)
            verdicts.append(_judge_refused(each, errno.EINVAL, why, answer, right))
        else:
            why = f"the ioctl is there, but nothing behind it ({behaviour.source})"
            right = _is_right(each, api, l1_mode, answer)
            verdicts.append(_judge_refused(each, errno.ENOTTY, why, answer, right))
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
        expected=str(want),
        observed="not tried" if got is None else str(got),
        proof=f"KVM_CHECK_EXTENSION({number})",
        source=why,
        right=got is not None and bool(got) is _serves(number, probe) and (got == want or not want),
        any_kernel="1 where the ioctl has an answer, else 0",
    )


def _serves(number: int, probe: Probe) -> bool:
    """Whether a request that this capability number stands for has an answer."""
    answers = [probe.ioctl(revision.name) for revision in distinct() if revision.capability == number]
    return any(answer is not None and answer.result == 0 for answer in answers)


@dataclass(frozen=True)
class _Read:
    """An answer in words, and by its fields. beyond: bytes changed behind the struct."""

    words: str
    caps: int = 0
    flags: int = 0
    size: int | None = None
    beyond: int = 0


def _read(revision: Revision, answer: IoctlAnswer | None) -> _Read:
    """What an answer says, read as one of *revision*."""
    if answer is None:
        return _Read("not tried")
    if answer.result < 0:
        name = errno.errorcode.get(answer.errno, answer.errno)
        return _Read(f"-1 {name}, {len(answer.changed)} bytes changed")
    caps, flags = answer.field64(revision.offset_caps), answer.field64(revision.offset_flags)
    size = answer.field64(revision.offset_size) if revision.offset_size is not None else None
    beyond = sum(offset >= revision.struct_size for offset in answer.changed)
    words = f"{answer.result}, caps {caps:#018x} ({cap_names(caps)})"
    words += f", flags {flags:#x}" if flags else ""
    words += f", size {size}" if size is not None else ""
    words += f", {beyond} bytes behind the struct changed" if beyond else ""
    return _Read(words, caps, flags, size, beyond)


def _is_right(revision: Revision, api: NestedApi, l1_mode: Mode, answer: IoctlAnswer | None) -> bool | None:
    """A kernel need not have the ioctl, but what it says must be true. None for another refusal: whether it
    should have had an answer is another question."""
    if answer is None:
        return False
    if answer.result < 0:
        return _is_clean(answer) if answer.errno == errno.ENOTTY or answer.changed else None
    read = _read(revision, answer)
    size_is = read.size is None or read.size == revision.struct_size
    bitmap, _ = expected_bitmap(revision, api, l1_mode)
    return answer.result == 0 and read.caps == bitmap and read.flags == 0 and not read.beyond and size_is


def _is_clean(answer: IoctlAnswer | None) -> bool:
    """Refused, and nothing written."""
    return answer is not None and answer.result < 0 and not answer.changed


def _judge_refused(
    each: Revision, error: int, why: str, answer: IoctlAnswer | None, right: bool | None
) -> Verdict:
    read = _read(each, answer)
    matches = answer is not None and answer.result == -1 and answer.errno == error and not answer.changed
    return Verdict(
        check=f"ioctl {each.name}",
        kind=Kind.OK if matches else Kind.FAIL,
        expected=f"-1 {errno.errorcode[error]}, 0 bytes changed",
        observed=read.words,
        proof=f"ioctl {each.request:#010x}",
        source=why,
        right=right,
        any_kernel="ENOTTY, or the modes L1 may grant",
    )


def _judge_served(revision: Revision, api: NestedApi, l1_mode: Mode, answer: IoctlAnswer | None) -> Verdict:
    bitmap, source = expected_bitmap(revision, api, l1_mode)
    expected = f"0, caps {bitmap:#018x} ({cap_names(bitmap)})"
    if revision.offset_size is not None:
        expected += f", size {revision.struct_size}"
    expected += ", flags 0, nothing behind the struct changed"
    read = _read(revision, answer)
    right = _is_right(revision, api, l1_mode, answer) is True and answer is not None and answer.result == 0
    return Verdict(
        check=f"ioctl {revision.name}",
        kind=Kind.OK if right else Kind.FAIL,
        expected=expected,
        observed=read.words,
        proof=f"ioctl {revision.request:#010x}",
        source=source,
        right=right,
    )
