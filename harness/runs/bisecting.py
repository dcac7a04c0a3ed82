# SPDX-License-Identifier: GPL-2.0-only
"""From the words of ``kvmppc bisect`` and ``bisect-step`` to what they do."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from harness.model.bisecting import Agreement, Answer, decide
from harness.model.errors import HarnessError, UsageError
from harness.model.matrix import parse_id
from harness.model.signature import Seen
from harness.parts.cache import Cache
from harness.runs import bisect as engine
from harness.runs import trial
from harness.runs.candidates import Candidates, ListCandidates, TreeCandidates
from harness.runs.options import RunOptions
from harness.runs.prepare import choices_of
from harness.runs.trial import Question

# Where a check is made if no scenario says so: in the L1 that the series is about.
_CHECKED_IN = "papr-p11@p10-l2host"


@dataclass(frozen=True)
class Asked:
    """The command line's words. require: None for all of *repeat*."""

    tree: str
    good: str
    bad: str
    series: tuple[str, ...]
    over_qemu: tuple[str, ...]
    over_kernel: tuple[str, ...]
    repeat: int
    require: int | None
    scenario: str
    check: str


def bisect(
    asked: Asked, options: RunOptions, progress: Callable[[str], None], show: Callable[[str], None]
) -> int:
    question = _question(asked.scenario, asked.check, options)
    require = asked.require or asked.repeat
    if require > asked.repeat:
        raise UsageError(
            f"--require {require} of --repeat {asked.repeat} runs", "repeat it as often at least"
        )
    cache = Cache.default()
    candidates = _candidates(asked, options, cache, progress)
    return engine.run(candidates, question, Agreement(asked.repeat, require), cache, progress, show)


def _candidates(
    asked: Asked, options: RunOptions, cache: Cache, progress: Callable[[str], None]
) -> Candidates:
    ways = [bool(asked.tree), bool(asked.over_qemu), bool(asked.over_kernel)]
    if sum(ways) != 1:
        raise UsageError("give one of --tree, --over-qemu and --over-kernel", "see kvmppc bisect --help")
    if asked.tree:
        if not asked.good:
            raise UsageError("--good is missing", "give a revision that works, such as --good v7.2")
        if options.kernels:
            raise UsageError("--kernel is not for --tree: its commits are the kernels", "leave it out")
        return TreeCandidates(
            asked.tree, asked.good, asked.bad, asked.series, cache, choices_of(options), progress
        )
    if asked.over_qemu and len(options.kernels) != 1:
        raise UsageError("--over-qemu needs one kernel", "give it with --kernel")
    if asked.over_kernel and options.kernels:
        raise UsageError("--kernel is not for --over-kernel", "leave it out")
    items = asked.over_qemu or asked.over_kernel
    return ListCandidates(items, bool(asked.over_qemu), cache, choices_of(options), progress)


def _question(scenario: str, check: str, options: RunOptions) -> Question:
    if not scenario and not check:
        raise UsageError("nothing is asked", "give --only SCENARIO or --check NAME")
    scenario = scenario or _CHECKED_IN
    parse_id(scenario)
    return Question(scenario, check, options)


def step(
    tree: str, series: Sequence[str], scenario: str, check: str, good: str, bad: str, options: RunOptions,
    progress: Callable[[str], None],
) -> int:  # fmt: skip
    """Exit code for git bisect run: a usage error must not be taken for an answer, so it ends the bisect
    (128 and above would; 2 counts as bad, and so does 3)."""
    try:
        question = _question(scenario, check, replace(options, kernels=()))
    except UsageError as error:
        progress(f"kvmppc: {error}")
        return 128
    spec = "+".join([tree, *series])
    # Logs of a step that was run by hand are wanted as much as any.
    logs = Path(tempfile.mkdtemp(prefix="kvmppc-step-"))
    try:
        seen = trial.run(question, spec, "", logs / "run", progress)
    except HarnessError as error:
        seen = Seen("", trouble=str(error))
    answer, why = _answer(seen, good, bad)
    progress(f"{answer.value}: {why} (logs: {logs})")
    return answer.exit_code


def _answer(seen: Seen, good: str, bad: str) -> tuple[Answer, str]:
    if not seen.signature:
        return Answer.SKIP, seen.trouble
    if good or bad:
        found = decide([seen], good or "\0", bad or "\0", 1)
        if found.answer is Answer.SKIP and not (good and bad):
            # Only one of the two is known: whatever is not that is the other.
            return (Answer.BAD if good else Answer.GOOD), seen.signature
        return found.answer, found.why
    if seen.right is None:
        return Answer.SKIP, f"{seen.signature}: whether that is right is not known"
    return (Answer.GOOD if seen.right else Answer.BAD), seen.signature
