# SPDX-License-Identifier: GPL-2.0-only
"""The conformance suite's topics: which oracle judges which part of what an L1 answered."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from harness.model import identify, oracle_docs, oracle_ioctl, oracle_vcpu
from harness.model.calls import Answer, Call
from harness.model.caps_checks import Check
from harness.model.classify import UNREAD, Finding
from harness.model.cpu import mode_of_pvr
from harness.model.identify import Claim
from harness.model.observation import Probe
from harness.model.oracle_ioctl import Subject
from harness.model.suite import Answers
from harness.model.uapi import COMMON_HEADER, read_header
from harness.model.verdict import Kind, Verdict


@dataclass(frozen=True)
class Asked:
    """texts: of the kernel's source, empty without one; finding: what L1's console says of trouble."""

    subject: Subject
    probe: Probe
    answers: Answers
    texts: Mapping[str, str]
    finding: Finding | None


@dataclass(frozen=True)
class Fuzzed:
    """calls: so many were made; failed: the smallest one found that was not answered by the rules, None if
    all were; answers: to that one."""

    calls: int
    failed: Call | None = None
    answers: tuple[Answer, ...] = ()


def _ioctl(asked: Asked) -> list[Verdict]:
    return [*oracle_ioctl.judge(asked.subject, asked.answers), _unharmed(asked.finding)]


def _vcpu(asked: Asked) -> list[Verdict]:
    return oracle_vcpu.judge(asked.subject, asked.probe.raw_pvr, asked.answers)


def _userspace(asked: Asked) -> list[Verdict]:
    raw = mode_of_pvr(asked.probe.raw_pvr) if asked.probe.raw_pvr is not None else None
    return oracle_vcpu.judge_userspace(asked.subject, raw.mode if raw else None, asked.answers)


def _revision(asked: Asked) -> list[Verdict]:
    behaviour = asked.subject.behaviour
    revision = behaviour.revision
    claims = [Claim("what it is judged as", (revision.name,) if revision else (), behaviour.source)]
    if asked.texts:
        claims.append(Claim("its uapi header", read_header(asked.texts).revisions, COMMON_HEADER))
    served = revision is not None and asked.subject.api in behaviour.served
    return identify.judge(asked.answers, served, claims)


def _docs(asked: Asked) -> list[Verdict]:
    return oracle_docs.judge(asked.texts, asked.subject.behaviour.revision, asked.answers)


def judge_calls(asked: Asked, calls: Sequence[Call]) -> list[Verdict]:
    """Single calls; asked.answers has those to them."""
    found = []
    for call in calls:
        kernel = asked.subject.kernel(asked.answers.page, hv=call.fd != "pr")
        found += oracle_ioctl.judge_call(kernel, Check(call.line, call), asked.answers)
    return found


def judge_fuzz(
    asked: Asked, found: Fuzzed, seconds: float, seed: int, finding: Finding | None
) -> list[Verdict]:
    """finding: of L1's console afterwards."""
    name = f"random calls of {seconds:g} s, seed {seed}"
    if found.failed is None:
        kind = Kind.OK if found.calls else Kind.SKIP
        rules = Verdict(
            f"{name}: answers follow the rules", kind, "all as the rules say",
            f"{found.calls} calls, all as the rules say", f"{found.calls} calls", "model/caps_rules.py",
        )  # fmt: skip
        return [rules, _unharmed(finding)]
    lines = {found.failed.line: {"answers": [each.to_json() for each in found.answers]}}
    answers = replace(asked.answers, asked=lines)
    wrong = [
        each
        for each in judge_calls(replace(asked, answers=answers), [found.failed])
        if each.kind is Kind.FAIL
    ]
    return [
        *(
            replace(
                each,
                check=f"{name}: {each.check.removeprefix(found.failed.line).removeprefix(': ')}",
                proof=f"kvmppc probe --call {shlex.quote(found.failed.line)}",
            )
            for each in wrong
        ),
        _unharmed(finding),
    ]


def _unharmed(finding: Finding | None) -> Verdict:
    if finding is not None and finding.key == UNREAD:
        return Verdict("L1 is unharmed", Kind.SKIP, "no oops, no panic in its log", finding.line)
    return Verdict(
        "L1 is unharmed", Kind.FAIL if finding else Kind.OK, "no oops, no panic on its console",
        finding.line if finding else "no oops, no panic on its console", "L1's console",
        "no question may harm a kernel",
    )  # fmt: skip


# In the order of a report. Names are Record topics; reports/columns.py has what people read.
TOPICS: dict[str, Callable[[Asked], list[Verdict]]] = {
    "revision": _revision,
    "ioctl": _ioctl,
    "vcpu": _vcpu,
    "userspace": _userspace,
    "docs": _docs,
}
