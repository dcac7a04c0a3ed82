# SPDX-License-Identifier: GPL-2.0-only
"""Which revision of the ioctl is this? Found from what answers, and held against what the kernel claims."""

from __future__ import annotations

import errno
from collections.abc import Sequence
from dataclasses import dataclass

from harness.features.compat_caps.abi import REVISIONS, Revision, distinct
from harness.features.compat_caps.caps_checks import right_call
from harness.features.compat_caps.caps_rules import Backend, Kernel, expect
from harness.features.compat_caps.facts import NothingToTellBy, Revisions
from harness.features.compat_caps.suite import Answers
from harness.model.verdict import Kind, Verdict


@dataclass(frozen=True)
class Claim:
    """Somebody's word for a revision. who: ``its uapi header``; revisions: names that it fits, empty for no
    ioctl at all; proof: where it stands."""

    who: str
    revisions: tuple[str, ...]
    proof: str


def identify(answers: Answers) -> tuple[str, ...]:
    """Names of the revisions that this can be: those whose request is known, and, where there is a KVM PR
    to ask, whose answer without a backend it is. Empty if none answers."""
    found = [each for each in REVISIONS if _known(each, answers)]
    told_apart = [each for each in found if _fits_without_backend(each, answers)]
    return tuple(each.name for each in told_apart or found)


def _known(revision: Revision, answers: Answers) -> bool:
    """ENOTTY is also what a request says that has nothing behind it."""
    call = next(right_call(each) for each in distinct() if each.request == revision.request)
    return any(each.errno != errno.ENOTTY for each in answers.calls(call))


def _fits_without_backend(revision: Revision, answers: Answers) -> bool:
    call = right_call(revision, "pr")
    got = answers.calls(call)
    kernel = Kernel(revision, Backend.NONE, 0, answers.page)
    return not got or all(expect(kernel, call).matches(call, each) for each in got)


def check_name(who: str) -> str:
    """Of the verdict on somebody's claim."""
    return f"revision that answers is that of {who}"


def judge(answers: Answers, served: bool, claims: Sequence[Claim]) -> list[Verdict]:
    """A verdict for each claim. served: whether an answer is expected at all: of an ioctl with nothing
    behind it nobody can tell the revision."""
    found = identify(answers)
    verdicts = []
    for claim in claims:
        if not served and not found:
            right, kind = None, Kind.SKIP
        else:
            right = bool(set(found) & set(claim.revisions)) or not (found or claim.revisions)
            kind = Kind.OK if right else Kind.FAIL
        verdicts.append(
            Verdict(
                check_name(claim.who), kind, Revisions(claim.revisions),
                NothingToTellBy() if kind is Kind.SKIP else Revisions(found),
                claim.proof, "a capability number alone identifies nothing: 249 is another one from 7.2 on",
                right=right,
            )
        )  # fmt: skip
    return verdicts
