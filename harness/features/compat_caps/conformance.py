# SPDX-License-Identifier: GPL-2.0-only
"""The conformance suite's topics: which oracle judges which part of what an L1 answered."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from harness.features.compat_caps import (
    identify,
    oracle_again,
    oracle_clock,
    oracle_docs,
    oracle_inforce,
    oracle_ioctl,
    oracle_lives,
    oracle_vcpu,
)
from harness.features.compat_caps.abi import REVISIONS, distinct
from harness.features.compat_caps.behaviour import BOTH_APIS, Behaviour, made_of
from harness.features.compat_caps.calls import Answer, Call
from harness.features.compat_caps.caps_checks import Check, right_call
from harness.features.compat_caps.facts import ByTheRules
from harness.features.compat_caps.identify import Claim
from harness.features.compat_caps.oracle_ioctl import Subject
from harness.features.compat_caps.suite import Answers, paired
from harness.features.compat_caps.uapi import COMMON_HEADER, read_header
from harness.features.compat_caps.vm_model import Host
from harness.features.feature import Evidence
from harness.model.cpu import mode_of_pvr
from harness.model.facts import KernelNotKnown
from harness.model.observation import Probe
from harness.model.verdict import Kind, Verdict, by_any_kernel

# Questions -> a document for each.
Ask = Callable[[Sequence[str]], list[dict[str, Any]]]

# Who claims the revision that a kernel is judged by.
JUDGED_AS = "what it is judged as"


@dataclass(frozen=True)
class SuiteEvidence:
    """texts: of the kernel's source, empty without one; known: see record.KernelInfo.sure."""

    subject: Subject
    probe: Probe
    answers: Answers
    texts: Mapping[str, str]
    known: bool = True


@dataclass(frozen=True)
class Fuzzed:
    """calls: so many were made; failed: the smallest one found that was not answered by the rules, None if
    all were; answers: to that one."""

    calls: int
    failed: Call | None = None
    answers: tuple[Answer, ...] = ()


def _ioctl(asked: SuiteEvidence) -> list[Verdict]:
    return [
        *oracle_ioctl.judge(asked.subject, asked.answers),
        *oracle_again.judge(asked.subject, asked.answers),
    ]


def _vcpu(asked: SuiteEvidence) -> list[Verdict]:
    return [
        *oracle_vcpu.judge(asked.subject, asked.probe.raw_pvr, asked.answers),
        *oracle_lives.judge(asked.subject, Host.of(asked.probe), asked.answers),
    ]


def _inforce(asked: SuiteEvidence) -> list[Verdict]:
    return oracle_inforce.judge(asked.subject, Host.of(asked.probe), asked.answers)


def _clock(asked: SuiteEvidence) -> list[Verdict]:
    return oracle_clock.judge(asked.subject, Host.of(asked.probe), asked.answers)


def _userspace(asked: SuiteEvidence) -> list[Verdict]:
    raw = mode_of_pvr(asked.probe.raw_pvr) if asked.probe.raw_pvr is not None else None
    return oracle_vcpu.judge_userspace(asked.subject, raw.mode if raw else None, asked.answers)


def _revision(asked: SuiteEvidence) -> list[Verdict]:
    behaviour = asked.subject.behaviour
    revision = behaviour.revision
    claims = [Claim(JUDGED_AS, (revision.name,) if revision else (), behaviour.source)]
    if asked.texts:
        claims.append(Claim("its uapi header", read_header(asked.texts).revisions, COMMON_HEADER))
    served = revision is not None and asked.subject.api in behaviour.served
    return identify.judge(asked.answers, served, claims)


def _docs(asked: SuiteEvidence) -> list[Verdict]:
    return oracle_docs.judge(asked.texts, asked.subject.behaviour.revision, asked.answers)


def judge(topic: str, evidence: Evidence) -> list[Verdict]:
    """Of one of TOPICS."""
    return judged(of_suite(evidence), TOPICS[topic])


def of_suite(evidence: Evidence) -> SuiteEvidence:
    """The same, as the oracles of the suite read it."""
    at = evidence.placement
    subject = Subject(Behaviour.from_json(evidence.expected.data), at.topology.nested_api, at.l1.mode)
    answers = Answers(evidence.page_bytes, dict(evidence.answers))
    return SuiteEvidence(subject, evidence.probe, answers, evidence.texts, evidence.expected.known)


def judge_single_calls(evidence: Evidence, calls: Sequence[Call], ask: Ask) -> list[Verdict]:
    """Of single calls, which are made by *ask*."""

    def judge_them(asked: SuiteEvidence) -> list[Verdict]:
        lines = [each.line for each in calls]
        return judge_calls(replace(asked, answers=paired(asked.answers.page, lines, ask(lines))), calls)

    return judged(of_suite(evidence), judge_them)


def judge_random_calls(evidence: Evidence, seconds: float, seed: int, ask: Ask) -> list[Verdict]:
    """Of random calls, which are made by *ask* for so long."""
    # Here, for hypothesis takes longer to import than all the rest.
    from harness.features.compat_caps.fuzz import fuzz

    def judge_them(asked: SuiteEvidence) -> list[Verdict]:
        found = fuzz(asked.subject.kernel(asked.answers.page), ask, seconds, seed)
        return judge_fuzz(asked, found, seconds, seed)

    return judged(of_suite(evidence), judge_them)


def judge_calls(asked: SuiteEvidence, calls: Sequence[Call]) -> list[Verdict]:
    """Single calls; asked.answers has those to them."""
    found = []
    for call in calls:
        kernel = asked.subject.kernel(asked.answers.page, hv=call.fd != "pr")
        found += oracle_ioctl.judge_call(kernel, Check(call.line, call), asked.answers)
    return found


def judge_fuzz(asked: SuiteEvidence, found: Fuzzed, seconds: float, seed: int) -> list[Verdict]:
    name = f"random calls of {seconds:g} s, seed {seed}"
    if found.failed is None:
        kind = Kind.OK if found.calls else Kind.UNKNOWN
        rules = Verdict(
            f"{name}: answers follow the rules", kind, ByTheRules(), ByTheRules(found.calls),
            f"{found.calls} calls", "caps_rules.py",
            right=True if found.calls else None,
        )  # fmt: skip
        return [rules]
    lines = {found.failed.line: {"answers": [each.to_json() for each in found.answers]}}
    answers = replace(asked.answers, asked=lines)
    wrong = [
        each
        for each in judge_calls(replace(asked, answers=answers), [found.failed])
        if each.kind is Kind.FAIL
    ]
    return [
        replace(
            each,
            check=f"{name}: {each.check.removeprefix(found.failed.line).removeprefix(': ')}",
            proof=f"kvmppc probe --call {shlex.quote(found.failed.line)}",
        )
        for each in wrong
    ]


def judged(asked: SuiteEvidence, judge: Callable[[SuiteEvidence], list[Verdict]]) -> list[Verdict]:
    """What *judge* says; of a kernel of which nothing is known by what any kernel should do, that has the
    revision of the ioctl that answers."""
    if asked.known:
        return judge(asked)
    return by_any_kernel(_not_by_itself(each) for each in judge(as_it_answers(asked)))


def as_it_answers(asked: SuiteEvidence) -> SuiteEvidence:
    """With the revision that answers, where none is known of the kernel; the same where it is known."""
    behaviour, api = asked.subject.behaviour, asked.subject.api
    names = identify.identify(asked.answers)
    if asked.known or behaviour.revision is not None or not names:
        return asked
    revision = next(each for each in REVISIONS if each.name == names[0])
    call = right_call(next(each for each in distinct() if each.request == revision.request))
    answered = any(not each.errno for each in asked.answers.calls(call))
    # Refused, and known: there is something behind it, and not for this nested API.
    served = tuple(each for each in BOTH_APIS if (each is api) is answered)
    found = made_of(behaviour.refusal, revision, served, "the revision that answers")
    return replace(asked, subject=replace(asked.subject, behaviour=found))


def _not_by_itself(verdict: Verdict) -> Verdict:
    """What a kernel is judged as was found from what it answers: that they agree is no proof."""
    itself = verdict.check == identify.check_name(JUDGED_AS)
    return replace(verdict, kind=Kind.SKIP, expected=KernelNotKnown(), right=None) if itself else verdict


# In the order of a report. Names are Record topics; reports/columns.py has what people read.
TOPICS: dict[str, Callable[[SuiteEvidence], list[Verdict]]] = {
    "revision": _revision,
    "ioctl": _ioctl,
    "vcpu": _vcpu,
    "inforce": _inforce,
    "clock": _clock,
    "userspace": _userspace,
    "docs": _docs,
}
