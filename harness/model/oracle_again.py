# SPDX-License-Identifier: GPL-2.0-only
"""Judges whether KVM_PPC_GET_COMPAT_CAPS and KVM_CHECK_EXTENSION still answer the same when a guest has run,
in its VM and in a new one: what they say is L1's, and no VM's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from harness.model.abi import Revision, distinct
from harness.model.calls import Answer
from harness.model.caps_checks import right_call
from harness.model.caps_rules import expect
from harness.model.micro_run import Run, ran, run_words
from harness.model.oracle_caps import CAPABILITIES
from harness.model.oracle_ioctl import Subject, answer_words, expected_words
from harness.model.suite import Answers, again_question
from harness.model.verdict import Kind, Verdict

_WHERE = {
    "before": "on a VM before",
    "same": "on the same VM after",
    "new": "on a new VM after",
}
_SOURCE = (
    "powerpc.c, kvm_arch_vm_ioctl and kvm_vm_ioctl_check_extension: nothing in them is about what has run"
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
    seen = {place: Answer.from_json(document[place]["answer"]) for place in _WHERE}
    right = {place: expected.matches(call, seen[place]) for place in _WHERE}
    run = Run.from_json(document["run"])
    if own:
        for place, words in _WHERE.items():
            proven = place == "before" or ran(run)
            yield Verdict(
                f"{name} {words} a guest has run", _kind(right[place] and proven), wanted,
                answer_words(expected, call, seen[place]) if proven else f"no guest ran: {run_words(run)}",
                question, f"{_SOURCE}; {expected.why}",
            )  # fmt: skip
        return
    wrong = [place for place in _WHERE if not right[place]]
    observed = "; ".join(f"{_WHERE[each]}: {answer_words(expected, call, seen[each])}" for each in wrong)
    if not wrong:
        observed = wanted if ran(run) else f"no guest ran: {run_words(run)}"
    yield Verdict(
        f"{name} after a guest has run", _kind(not wrong and ran(run)), wanted, observed, question, _SOURCE
    )


def _capabilities(subject: Subject, answers: Answers) -> Verdict:
    behaviour = subject.behaviour
    has = behaviour.revision is not None and subject.api in behaviour.served
    expected = [
        int(has and behaviour.revision is not None and behaviour.revision.capability == number)
        for number in CAPABILITIES
    ]
    asked = [answers.document(again_question(revision)) for revision in distinct()]
    documents = [each for each in asked if each is not None]
    seen = {_caps(document[place]["caps"]) for document in documents for place in _WHERE}
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
        f"KVM_CHECK_EXTENSION on {len(documents) * len(_WHERE)} VMs",
        _SOURCE,
    )


def _caps(values: list[Any]) -> str:
    return ", ".join(f"{number}: {value}" for number, value in zip(CAPABILITIES, values, strict=False))


def _kind(right: bool) -> Kind:
    return Kind.OK if right else Kind.FAIL
