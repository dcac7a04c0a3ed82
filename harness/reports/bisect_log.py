# SPDX-License-Identifier: GPL-2.0-only
"""What a bisect found: the commit, both proofs side by side, what was skipped and why, a text for a mail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from harness.model.bisect_decision import Answer, Result
from harness.model.signature import Seen


class Candidate(Protocol):
    """See commands/bisect/candidates.py."""

    @property
    def name(self) -> str: ...

    @property
    def title(self) -> str: ...


class State(Protocol):
    """See commands/bisect/git_bisect.py."""

    @property
    def commit(self) -> str: ...

    @property
    def found(self) -> bool: ...

    @property
    def candidates(self) -> tuple[str, ...]: ...

    @property
    def stuck(self) -> str: ...

    @property
    def warning(self) -> str: ...


@dataclass(frozen=True)
class Ends:
    good: Seen
    bad: Seen


@dataclass(frozen=True)
class Found:
    """steps: what was tested, in order; last_good, last_bad: nearest to the culprit."""

    state: State
    steps: list[tuple[Candidate, Result]]
    last_good: Seen
    last_bad: Seen


def lines(
    what: str, question: str, ends: Ends, found: Found, titles: Mapping[str, str], about: str,
    of_a_tree: bool, logs: str,
) -> list[str]:  # fmt: skip
    """titles: of the commits that are named; about: the culprit, as git show --stat has it; '' if there is
    none; of_a_tree: whether commits are a tree's, and not of our making."""
    text = ["", f"bisect of {what}", f"test: {question}", ""]
    for candidate, result in found.steps:
        text.append(f"  {result.answer.value:4}  {candidate.name}  {candidate.title}")
        if result.answer is Answer.SKIP:
            text.append(f"        {result.why}")
    text += ["", *_other_failures(found, ends)]
    if found.state.found:
        name = found.state.commit if of_a_tree else titles.get(found.state.commit, "")
        text += [f"{name} is the first bad {'commit' if of_a_tree else 'one'}", "", *about.splitlines(), ""]
        if found.state.warning:
            text += [f"but git warns: {found.state.warning}", ""]
    elif found.state.candidates:
        text.append(f"one of these {len(found.state.candidates)} commits; the others could not be tested:")
        text += [f"  {commit}  {titles.get(commit, '')}" for commit in found.state.candidates]
        text.append("")
    else:
        text += [f"git has no answer: {found.state.stuck}", ""]
    text += ["before it:  " + _proof(found.last_good), "with it:    " + _proof(found.last_bad), ""]
    if found.state.found and of_a_tree:
        text += ["for a mail:", *(f"  {line}".rstrip() for line in _mail(question, found, titles)), ""]
    return [*text, f"logs of all runs: {logs}"]


def _proof(seen: Seen) -> str:
    return f"{seen.signature}  [{seen.proof}]" if seen.proof else seen.signature


def _other_failures(found: Found, ends: Ends) -> Sequence[str]:
    """A bisect over several failures says so."""
    counted: dict[str, int] = {}
    for _, result in found.steps:
        if result.answer is Answer.SKIP and result.seen is not None and result.seen.signature:
            counted[result.seen.signature] = counted.get(result.seen.signature, 0) + 1
    if not counted:
        return ()
    return (
        f"failures other than {ends.bad.signature!r} were met, and skipped:",
        *(f"  {count} × {signature}" for signature, count in counted.items()),
        "each may need a bisect of its own",
        "",
    )


def _mail(question: str, found: Found, titles: Mapping[str, str]) -> list[str]:
    commit = found.state.commit
    tested = sum(result.answer is not Answer.SKIP for _, result in found.steps)
    return [
        f'Since commit {commit[:12]} ("{titles.get(commit, "")}"),',
        f"the scenario {question} of kvmppc-harness (QEMU TCG, nested KVM) ends with",
        f"    {found.last_bad.proof or found.last_bad.signature}",
        "where before it was",
        f"    {found.last_good.proof or found.last_good.signature}",
        f"Found with git bisect; {tested} commits were built and booted between the two ends.",
        "",
        f"#regzbot introduced: {commit}",
    ]
