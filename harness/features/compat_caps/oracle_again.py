# SPDX-License-Identifier: GPL-2.0-only
"""Judges whether KVM_PPC_GET_COMPAT_CAPS and KVM_CHECK_EXTENSION still answer the same when a guest has run,
in its VM and in a new one, and when a vcpu was set to an older mode: what they say is L1's, and no VM's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from harness.features.compat_caps.abi import Revision, distinct
from harness.features.compat_caps.calls import Answer
from harness.features.compat_caps.caps_checks import right_call
from harness.features.compat_caps.caps_rules import expect
from harness.features.compat_caps.facts import Capabilities, SameOnEach
from harness.features.compat_caps.micro_run import Run, ran, run_fact
from harness.features.compat_caps.oracle_caps import CAPABILITIES
from harness.features.compat_caps.oracle_ioctl import Subject, answer_of, wanted_answer
from harness.features.compat_caps.suite import Answers, again_question
from harness.features.compat_caps.vcpu_facts import NoGuestRan, NotSetFirst
from harness.model.cpu import Mode
from harness.model.fact import Fact
from harness.model.facts import Named, NoAnswer, SomeAnswer, Steps, one_of
from harness.model.verdict import Kind, Verdict

_WHERE = {
    "before": "on a VM before a guest has run",
    "same": "on the same VM after a guest has run",
    "new": "on a new VM after a guest has run",
    "set": "on a VM with a vcpu in P9 mode",
}
_SOURCE = (
    "powerpc.c, kvm_arch_vm_ioctl and kvm_vm_ioctl_check_extension: nothing in them is about what has run, "
    "or what was set"
)


def judge(subject: Subject, answers: Answers) -> list[Verdict]:
    found: list[Verdict] = []
    for revision in distinct():
        found += _of_request(subject, revision, answers)
    return [*found, _capabilities(subject, answers)]


def _of_request(subject: Subject, revision: Revision, answers: Answers) -> Iterator[Verdict]:
    """One verdict for each place if it is the kernel's own request, else one for all."""
    kernel, call, question = subject.kernel(answers.page), right_call(revision), again_question(revision)
    own = kernel.revision is not None and kernel.revision.request == revision.request
    name = "right call" if own else f"request of {revision.name}"
    document = answers.document(question)
    if document is None:
        yield Verdict(
            f"{name} after a guest has run", Kind.FAIL, SomeAnswer(), answers.missing(question) or NoAnswer(),
            question,
        )  # fmt: skip
        return
    expected = expect(kernel, call)
    wanted = wanted_answer(expected)
    seen = {place: Answer.from_json(document[place]["answer"]) for place in _places(document)}
    right = {place: expected.matches(call, answer) for place, answer in seen.items()}
    run = Run.from_json(document["run"])
    if own:
        for place in seen:
            unproven = _unproven(place, document, run)
            yield Verdict(
                f"{name} {_WHERE[place]}", _kind(right[place] and unproven is None), wanted,
                unproven or answer_of(expected, call, seen[place]),
                question, f"{_SOURCE}; {expected.why}",
                right=None if unproven else right[place],  # by the rules of the ABI that it claims to have
            )  # fmt: skip
        return
    wrong = [place for place in seen if not right[place]]
    observed: Fact = Steps(
        tuple(Named(_WHERE[each], answer_of(expected, call, seen[each])) for each in wrong)
    )
    if not wrong:
        observed = wanted if ran(run) else NoGuestRan(run_fact(run))
    yield Verdict(
        f"{name} after a guest has run", _kind(not wrong and ran(run)), wanted, observed, question, _SOURCE
    )


def _places(document: dict[str, Any]) -> list[str]:
    """Where was asked: runs of before 2026-11-26 have no "set"."""
    return [place for place in _WHERE if place in document]


def _unproven(place: str, document: dict[str, Any], run: Run) -> Fact | None:
    """Why what was seen there does not show what it should; None if it does."""
    if place == "set" and document["mode_set"]:
        return NotSetFirst(Mode.P9, document["mode_set"])
    return NoGuestRan(run_fact(run)) if place in ("same", "new") and not ran(run) else None


def _capabilities(subject: Subject, answers: Answers) -> Verdict:
    behaviour = subject.behaviour
    has = behaviour.revision is not None and subject.api in behaviour.served
    expected = [
        int(has and behaviour.revision is not None and behaviour.revision.capability == number)
        for number in CAPABILITIES
    ]
    asked = [answers.document(again_question(revision)) for revision in distinct()]
    documents = [each for each in asked if each is not None]
    places = [document[place]["caps"] for document in documents for place in _places(document)]
    seen = sorted({tuple(each) for each in places}, key=str)
    missing = next(
        (
            answers.missing(again_question(each)) or NoAnswer()
            for each in distinct()
            if not answers.document(again_question(each))
        ),
        None,
    )
    return Verdict(
        "capabilities before and after a guest has run",
        _kind(seen == [tuple(expected)] and missing is None),
        _caps(expected),
        missing or one_of([_caps(each) for each in seen]),
        f"KVM_CHECK_EXTENSION on {len(places)} VMs",
        _SOURCE,
        right=None if missing else len(seen) == 1,
        any_kernel=SameOnEach(),
    )


def _caps(values: Sequence[int | None]) -> Capabilities:
    return Capabilities(tuple(zip(CAPABILITIES, values, strict=False)))


def _kind(right: bool) -> Kind:
    return Kind.OK if right else Kind.FAIL
