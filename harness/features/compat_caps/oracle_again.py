# SPDX-License-Identifier: GPL-2.0-only
"""Judges whether KVM_PPC_GET_COMPAT_CAPS and KVM_CHECK_EXTENSION still answer the same when a guest has run,
in its VM and in a new one, and when a vcpu was set to an older mode: what they say is L1's, and no VM's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from harness.features.compat_caps.abi import Revision, distinct
from harness.features.compat_caps.calls import Answer
from harness.features.compat_caps.caps_checks import right_call
from harness.features.compat_caps.caps_rules import expect
from harness.features.compat_caps.micro_run import Run, errno_word, ran, run_words
from harness.features.compat_caps.oracle_caps import CAPABILITIES
from harness.features.compat_caps.oracle_ioctl import Subject, answer_words, expected_words
from harness.features.compat_caps.suite import Answers, again_question
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
            f"{name} after a guest has run", Kind.FAIL, "an answer", answers.trouble(question), question
        )
        return
    expected = expect(kernel, call)
    wanted = expected_words(expected)
    seen = {place: Answer.from_json(document[place]["answer"]) for place in _places(document)}
    right = {place: expected.matches(call, answer) for place, answer in seen.items()}
    run = Run.from_json(document["run"])
    if own:
        for place in seen:
            trouble = _trouble(place, document, run)
            yield Verdict(
                f"{name} {_WHERE[place]}", _kind(right[place] and not trouble), wanted,
                trouble or answer_words(expected, call, seen[place]),
                question, f"{_SOURCE}; {expected.why}",
                right=None if trouble else right[place],  # by the rules of the ABI that it claims to have
            )  # fmt: skip
        return
    wrong = [place for place in seen if not right[place]]
    observed = "; ".join(f"{_WHERE[each]}: {answer_words(expected, call, seen[each])}" for each in wrong)
    if not wrong:
        observed = wanted if ran(run) else f"no guest ran: {run_words(run)}"
    yield Verdict(
        f"{name} after a guest has run", _kind(not wrong and ran(run)), wanted, observed, question, _SOURCE
    )


def _places(document: dict[str, Any]) -> list[str]:
    """Where was asked: runs of before 2026-11-26 have no "set"."""
    return [place for place in _WHERE if place in document]


def _trouble(place: str, document: dict[str, Any], run: Run) -> str:
    """Why what was seen there does not show what it should; '' if it does."""
    if place == "set" and document["mode_set"]:
        return f"P9 was not set: {errno_word(document['mode_set'])}"
    return f"no guest ran: {run_words(run)}" if place in ("same", "new") and not ran(run) else ""


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
    seen = {_caps(each) for each in places}
    missing = next(
        (
            answers.trouble(again_question(each))
            for each in distinct()
            if not answers.document(again_question(each))
        ),
        "",
    )
    return Verdict(
        "capabilities before and after a guest has run",
        _kind(seen == {_caps(expected)} and not missing),
        _caps(expected),
        missing or " or ".join(sorted(seen)),
        f"KVM_CHECK_EXTENSION on {len(places)} VMs",
        _SOURCE,
        right=None if missing else len(seen) == 1,
        any_kernel="the same on each",
    )


def _caps(values: list[Any]) -> str:
    return ", ".join(f"{number}: {value}" for number, value in zip(CAPABILITIES, values, strict=False))


def _kind(right: bool) -> Kind:
    return Kind.OK if right else Kind.FAIL
