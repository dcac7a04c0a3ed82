# SPDX-License-Identifier: GPL-2.0-only
"""Judges the conformance suite's answers about KVM_PPC_GET_COMPAT_CAPS: every call, bit and capability.

A call has two verdicts, one on its result and one on the bytes it left, so that the name of a check that
fails says which of the two is wrong.
"""

from __future__ import annotations

import errno
from collections.abc import Sequence
from dataclasses import dataclass

from harness.features.compat_caps.abi import CAP_BIT, Revision, distinct
from harness.features.compat_caps.behaviour import Behaviour
from harness.features.compat_caps.calls import Answer, Call
from harness.features.compat_caps.caps_checks import Check, checks, right_call
from harness.features.compat_caps.caps_rules import Backend, Expected, Kernel, expect
from harness.features.compat_caps.facts import (
    BothOrNone,
    CapabilityAndIoctl,
    CapabilityTruthful,
    InCalls,
    ModeBits,
    NoKvmPr,
    VmOfKvmPr,
)
from harness.features.compat_caps.oracle_caps import CAPABILITIES, expected_bitmap
from harness.features.compat_caps.suite import Answers, cap_question
from harness.model.cpu import Mode
from harness.model.fact import Fact
from harness.model.facts import (
    AllOf,
    AndMore,
    Anything,
    Differing,
    Named,
    NoAnswer,
    NotAsked,
    Number,
    Quote,
    Returned,
    SomeAnswer,
    Written,
    one_of,
)
from harness.model.topology import NestedApi
from harness.model.verdict import Kind, Verdict


@dataclass(frozen=True)
class Subject:
    """Who is judged. l1_mode: the mode L1 was given."""

    behaviour: Behaviour
    api: NestedApi
    l1_mode: Mode

    def kernel(self, page: int, *, hv: bool = True) -> Kernel:
        """hv: about a VM of KVM HV; else of KVM PR, which has nothing behind the ioctl."""
        revision = self.behaviour.revision
        if revision is None:
            return Kernel(None, Backend.NONE, 0, page)
        if not hv or not self.behaviour.served:
            backend = Backend.NONE
        else:
            backend = Backend.SERVES if self.api in self.behaviour.served else Backend.FAILS
        return Kernel(revision, backend, expected_bitmap(revision, self.api, self.l1_mode)[0], page)


def judge(subject: Subject, answers: Answers) -> list[Verdict]:
    """All checks of this kernel's revision, and one for each request that is not its own."""
    kernel = subject.kernel(answers.page)
    found = _capabilities(subject, answers)
    for revision in distinct():
        all_of_it = checks(subject.behaviour.revision or revision, answers.page)
        if kernel.revision is not None and kernel.revision.request == revision.request:
            for check in all_of_it:
                found += judge_call(kernel, check, answers)
            if kernel.backend is Backend.SERVES:
                found += _bits(subject, kernel.revision, answers)
        else:
            found.append(_absent(kernel, revision, checks(revision, answers.page), answers))
    return [*found, *_pr(subject, answers)]


# -- calls -----------------------------------------------------------------------------------


def judge_call(kernel: Kernel, check: Check, answers: Answers) -> list[Verdict]:
    """Its result, and the bytes it left."""
    expected = expect(kernel, check.call)
    got = answers.calls(check.call)
    result_is = bool(got) and all(any(one.result_fits(each) for one in expected.every) for each in got)
    bytes_are = bool(got) and all(_bytes_match(expected, check.call, each) for each in got)
    proof = check.call.line if len(check.call.line) < 200 else f"{check.call.line[:200]}..."
    source = f"{kernel.revision.name if kernel.revision else 'no'} revision: {expected.why}"
    result = Verdict(
        f"{check.name}: result",
        _kind(result_is and len(got) == 1),
        results(expected),
        _told(answers, check.call, [_result(each) for each in got]),
        proof,
        source,
        right=result_is and len(got) == 1,  # by the rules of the ABI that the kernel claims to have
    )
    left = Verdict(
        f"{check.name}: bytes",
        _kind(bytes_are),
        written(expected),
        _told(answers, check.call, [_left(expected, check.call, each) for each in got]),
        proof,
        source,
        right=bytes_are,
    )
    return [result, left]


def _kind(right: bool) -> Kind:
    return Kind.OK if right else Kind.FAIL


def _bytes_match(expected: Expected, call: Call, answer: Answer) -> bool:
    """Against what goes with the answer's own result, if that is one of those expected."""
    fits = [each for each in expected.every if each.result_fits(answer)]
    return any(each.bytes_fit(call, answer) for each in fits or expected.every)


def _told(answers: Answers, call: Call, of_each: Sequence[Fact]) -> Fact:
    """of_each: what is told of each distinct answer; none if there is no answer."""
    if not of_each:
        return answers.missing(call.line) or NoAnswer()
    facts = tuple(dict.fromkeys(of_each))
    return facts[0] if len(of_each) == 1 else Differing(len(of_each), facts)


def _result(answer: Answer) -> Returned:
    return Returned(answer.result, answer.errno)


def results(expected: Expected) -> Fact:
    """Any of which it may return."""
    return one_of(
        [
            Anything() if each.any_errno else Returned(-1 if each.errno else 0, each.errno)
            for each in expected.every
        ]
    )


def written(expected: Expected) -> Fact:
    """Any of which it may leave."""
    return one_of(
        [
            Written.of(dict(each.writes), (each.free[0], each.free[-1]) if each.free else None)
            for each in expected.every
        ]
    )


def _left(expected: Expected, call: Call, answer: Answer) -> Written:
    """What is where something was or should have been written: a byte that was right before does not
    show as a change."""
    if not answer.changed:
        return Written()
    offsets = {*answer.changed, *(at for at, _ in expected.writes)}
    return Written.of({at: answer.changed.get(at, call.memory.byte(at)) for at in offsets})


def wanted_answer(expected: Expected) -> AllOf:
    """A whole one: result, and what is written."""
    return AllOf((results(expected), written(expected)))


def answer_of(expected: Expected, call: Call, answer: Answer) -> AllOf:
    """What came, as wanted_answer has it."""
    return AllOf((_result(answer), _left(expected, call, answer)))


def _absent(kernel: Kernel, revision: Revision, all_of_it: Sequence[Check], answers: Answers) -> Verdict:
    """A request that this kernel does not have, asked in all the ways of those who do."""
    wrong: list[Fact] = []
    for check in all_of_it:
        expected, got = expect(kernel, check.call), answers.calls(check.call)
        if not got:
            wrong.append(Named(check.name, answers.missing(check.call.line) or NoAnswer()))
        wrong += [
            Named(check.name, AllOf((_result(each), Written.of(each.changed))))
            for each in got
            if not expected.matches(check.call, each)
        ]
    right = InCalls(AllOf((Returned(-1, errno.ENOTTY), Written())), len(all_of_it))
    return Verdict(
        f"request of {revision.name}: not there",
        _kind(not wrong),
        right,
        AndMore(wrong[0], len(wrong) - 1) if wrong else right,
        f"ioctl {revision.request:#010x}",
        kernel.revision.source if kernel.revision else "this kernel has no revision of the ioctl",
        right=True if not wrong else None,  # a kernel may have it or not
    )


# -- bits ------------------------------------------------------------------------------------


def _bits(subject: Subject, revision: Revision, answers: Answers) -> list[Verdict]:
    """The right call's bitmap, one question each."""
    call = right_call(revision)
    got = answers.calls(call)
    served = bool(got) and not got[0].errno
    caps = got[0].after64(call.memory, revision.offset_caps) if served else 0
    expected, source = expected_bitmap(revision, subject.api, subject.l1_mode)
    mode = subject.l1_mode
    own = CAP_BIT.get(mode, 0)
    older = sum(bit for each, bit in CAP_BIT.items() if each < mode)
    newer = sum(bit for each, bit in CAP_BIT.items() if each > mode)
    parts = (
        ("mode of L1 has its bit", own),
        ("older modes have their bits", older),
        ("modes above L1's have no bit", newer),
        ("no bit that names no mode", ~sum(CAP_BIT.values()) & (1 << 64) - 1),
    )
    return [
        Verdict(
            name,
            _kind(served and caps & mask == expected & mask),
            ModeBits(expected & mask),
            ModeBits(caps & mask) if served else NoAnswer(),
            f"compat capabilities {caps:#018x}",
            source,
            right=served and caps & mask == expected & mask,
        )
        for name, mask in parts
    ]


# -- capabilities ----------------------------------------------------------------------------


def _capabilities(subject: Subject, answers: Answers) -> list[Verdict]:
    behaviour, found = subject.behaviour, []
    has = behaviour.revision is not None and subject.api in behaviour.served
    for fd, where in (("vm", "a VM"), ("kvm", "/dev/kvm")):
        for number in CAPABILITIES:
            want = int(has and behaviour.revision is not None and behaviour.revision.capability == number)
            got = answers.capability(fd, number)
            truthful = got is not None and bool(got) is _serves(number, answers)
            found.append(
                Verdict(
                    f"capability {number} on {where}", _kind(got == want), Number(want),
                    NotAsked() if got is None else Number(got),
                    f"KVM_CHECK_EXTENSION({number})", behaviour.source,
                    right=truthful and (got == want or not want),
                    any_kernel=CapabilityTruthful(),
                )
            )  # fmt: skip
    found.append(_no_capability_alone(answers))
    return found


def _serves(number: int, answers: Answers) -> bool:
    """Whether a request that this capability number stands for has an answer."""
    return any(
        not each.errno
        for revision in distinct()
        if revision.capability == number
        for each in answers.calls(right_call(revision))
    )


def _no_capability_alone(answers: Answers) -> Verdict:
    """Whatever the revision: userspace that sees the capability relies on the ioctl."""
    claims = [number for number in CAPABILITIES if answers.capability("vm", number)]
    calls = [right_call(each) for each in distinct()]
    served = [call for call in calls if any(not each.errno for each in answers.calls(call))]
    together = bool(claims) == bool(served) and any(answers.calls(call) for call in calls)
    return Verdict(
        "capability and answer of the ioctl go together",
        _kind(together),
        BothOrNone(),
        CapabilityAndIoctl(tuple(claims), bool(served)),
        "KVM_CHECK_EXTENSION and the right call of each revision, on one VM",
        "Documentation/virt/kvm/api.rst: a capability says that the ioctl is available",
        right=together,
    )


def _pr(subject: Subject, answers: Answers) -> list[Verdict]:
    """KVM PR has no modes to give."""
    revision = subject.behaviour.revision
    shown = revision or distinct()[0]
    call = right_call(shown, "pr")
    missing = answers.missing(call.line)
    if isinstance(missing, Quote):
        return [
            Verdict("KVM PR", Kind.SKIP, VmOfKvmPr(), NoKvmPr(missing.text), call.line,
                    "KVM PR is optional, and needs an L1 with the hash MMU")
        ]  # fmt: skip
    if missing is not None:
        return [Verdict("KVM PR", Kind.FAIL, SomeAnswer(), missing, call.line, right=False)]
    check = Check("KVM PR, right call", call)
    found = judge_call(subject.kernel(answers.page, hv=False), check, answers)
    for number in CAPABILITIES:
        got = answers.capability("pr", number)
        found.append(
            Verdict(f"KVM PR, capability {number}", _kind(got == 0), Number(0),
                    NotAsked() if got is None else Number(got),
                    cap_question("pr", number), "nothing is behind the ioctl there", right=got == 0)
        )  # fmt: skip
    return found
