# SPDX-License-Identifier: GPL-2.0-only
"""What KVM_CHECK_EXTENSION and KVM_PPC_GET_COMPAT_CAPS must answer in L1."""

from __future__ import annotations

import errno

from harness.model.abi import CAP_BIT, REVISIONS, V1, Revision, cap_names, caps_upto
from harness.model.behaviour import Behaviour
from harness.model.cpu import Mode
from harness.model.observation import IoctlAnswer, Probe
from harness.model.topology import NestedApi
from harness.model.verdict import Kind, Verdict

CAPABILITIES = tuple(sorted({revision.capability for revision in REVISIONS}))


def expected_bitmap(revision: Revision, api: NestedApi, l1_mode: Mode) -> tuple[int, str]:
    """The bitmap and why. Bit layout: abi.CAP_BIT."""
    if revision is V1 and api is NestedApi.V1:
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
        want = int(revision is not None and revision.capability == number)
        got = probe.capability.get(str(number))
        verdicts.append(
            Verdict(
                check=f"capability {number}",
                kind=Kind.OK if got == want else Kind.FAIL,
                expected=str(want),
                observed="not tried" if got is None else str(got),
                proof=f"KVM_CHECK_EXTENSION({number})",
                source=f"{behaviour.source}; the number alone identifies nothing on other architectures",
            )
        )
    seen: set[int] = set()
    for each in REVISIONS:
        if each.request in seen:
            continue
        seen.add(each.request)
        answer = probe.ioctl(each.name)
        if revision is not None and each.request == revision.request:
            verdicts.append(_judge_served(revision, api, l1_mode, answer))
        else:
            verdicts.append(_judge_unknown(each, behaviour, answer))
    return verdicts


def _describe(answer: IoctlAnswer | None) -> str:
    if answer is None:
        return "not tried"
    if answer.result < 0:
        return f"-1 {errno.errorcode.get(answer.errno, answer.errno)}, {len(answer.changed)} bytes changed"
    return f"{answer.result}, {len(answer.changed)} bytes changed"


def _judge_unknown(each: Revision, behaviour: Behaviour, answer: IoctlAnswer | None) -> Verdict:
    matches = (
        answer is not None and answer.result == -1 and answer.errno == errno.ENOTTY and not answer.changed
    )
    return Verdict(
        check=f"ioctl {each.name}",
        kind=Kind.OK if matches else Kind.FAIL,
        expected="-1 ENOTTY, 0 bytes changed",
        observed=_describe(answer),
        proof=f"ioctl {each.request:#010x}",
        source=f"this request is not of this kernel ({behaviour.source})",
    )


def _judge_served(revision: Revision, api: NestedApi, l1_mode: Mode, answer: IoctlAnswer | None) -> Verdict:
    bitmap, source = expected_bitmap(revision, api, l1_mode)
    expected = f"0, caps {bitmap:#018x} ({cap_names(bitmap)})"
    if revision.offset_size is not None:
        expected += f", size {revision.struct_size}"
    expected += ", flags 0, nothing behind the struct changed"
    observed, matches = _describe(answer), False
    if answer is not None and answer.result >= 0:
        caps = answer.field64(revision.offset_caps)
        beyond = [offset for offset in answer.changed if offset >= revision.struct_size]
        observed = f"{answer.result}, caps {caps:#018x} ({cap_names(caps)})"
        flags = answer.field64(revision.offset_flags)
        matches = answer.result == 0 and caps == bitmap and flags == 0 and not beyond
        observed += f", flags {flags:#x}" if flags else ""
        if revision.offset_size is not None:
            size = answer.field64(revision.offset_size)
            observed += f", size {size}"
            matches = matches and size == revision.struct_size
        observed += f", {len(beyond)} bytes behind the struct changed" if beyond else ""
    return Verdict(
        check=f"ioctl {revision.name}",
        kind=Kind.OK if matches else Kind.FAIL,
        expected=expected,
        observed=observed,
        proof=f"ioctl {revision.request:#010x}",
        source=source,
    )
