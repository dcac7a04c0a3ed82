# SPDX-License-Identifier: GPL-2.0-only
"""From the words of ``kvmppc bisect`` and ``bisect-step`` to what they do."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from harness.commands.bisect import search as engine
from harness.commands.bisect import trial
from harness.commands.bisect.candidates import Candidates, ListCandidates, TreeCandidates
from harness.commands.bisect.trial import Question
from harness.engine.options import RunOptions
from harness.engine.resolve import choices_of
from harness.engine.wanted import wanted
from harness.model.bisect_decision import Agreement, Answer
from harness.model.errors import UsageError
from harness.model.matrix import parse_id
from harness.model.signature import Seen
from harness.parts import ownseries
from harness.parts.cache import Cache

# Where a check is made if no scenario says so: in the L1 that the series is about.
_CHECKED_IN = "papr-p11@p10-l2host"


@dataclass(frozen=True)
class BisectRequest:
    """The command line's words. require: None for all of *repeat*."""

    tree: str
    good: str
    bad: str
    series: tuple[str, ...]
    over_qemu: tuple[str, ...]
    over_kernel: tuple[str, ...]
    repeat: int
    require: int | None
    scenarios: tuple[str, ...]
    check: str
    splat: str


def bisect(
    asked: BisectRequest, options: RunOptions, progress: Callable[[str], None], show: Callable[[str], None]
) -> int:
    question = _question(asked.scenarios, asked.check, asked.splat, options)
    require = asked.require or asked.repeat
    if require > asked.repeat:
        raise UsageError(
            f"--require {require} of --repeat {asked.repeat} runs", "--repeat must be at least --require"
        )
    cache = Cache.default()
    candidates = _candidates(asked, options, cache, progress)
    return engine.run(candidates, question, Agreement(asked.repeat, require), cache, progress, show)


def _candidates(
    asked: BisectRequest, options: RunOptions, cache: Cache, progress: Callable[[str], None]
) -> Candidates:
    ways = [bool(asked.tree), bool(asked.over_qemu), bool(asked.over_kernel)]
    if sum(ways) != 1:
        raise UsageError("give one of --tree, --over-qemu and --over-kernel", "see kvmppc bisect --help")
    if asked.tree:
        if not asked.good:
            raise UsageError("--good is missing", "give a revision that works, such as --good v7.2")
        for each in asked.series:
            if ownseries.find(each) is None and not Path(each).expanduser().exists():
                raise UsageError(f"there is no series {each!r}", "give a folder of patches or an mbox")
        if options.kernels:
            raise UsageError("--kernel is not for --tree: its commits are the kernels", "leave it out")
        return TreeCandidates(
            asked.tree, asked.good, asked.bad, asked.series, cache, choices_of(options), progress
        )
    if asked.series or asked.good:
        raise UsageError("--good and --series are for --tree", "a list has its good end first")
    if asked.over_qemu and len(options.kernels) != 1:
        raise UsageError("--over-qemu needs one kernel", "give it with --kernel")
    if asked.over_kernel and options.kernels:
        raise UsageError("--kernel is not for --over-kernel", "leave it out")
    items = asked.over_qemu or asked.over_kernel
    return ListCandidates(items, bool(asked.over_qemu), cache, choices_of(options), progress)


def _question(scenarios: tuple[str, ...], check: str, splat: str, options: RunOptions) -> Question:
    if not (scenarios or check or splat):
        raise UsageError("no test is given", "give --only SCENARIO, --check NAME or --splat TITLE")
    if check and splat:
        raise UsageError("--check and --splat cannot be combined", "give one of them")
    scenarios = scenarios or (_CHECKED_IN,)
    places = set()
    for scenario in scenarios:
        topology, l1, l2 = parse_id(scenario)
        places.add((topology, l1))
        if scenario != f"{topology}-{l1.id}-{l2.id}":
            raise UsageError(
                f"scenario {scenario!r} names a kernel", f"write it as {topology}-{l1.id}-{l2.id}"
            )
    if len(places) > 1:
        raise UsageError("these scenarios are not of one L1", "several --only are a sequence in one L1")
    # Words that no run takes are told before the first one. The kernel does not matter here.
    wanted(replace(options, kernels=options.kernels or ("debian:7.3",), only=scenarios))
    return Question(scenarios, check, options, splat)


def step(
    tree: str, series: Sequence[str], scenarios: tuple[str, ...], check: str, splat: str, good: str, bad: str,
    options: RunOptions, progress: Callable[[str], None],
) -> int:  # fmt: skip
    """Exit code for git bisect run. HarnessError for what is no answer of a commit: the command line makes
    128 of it, which ends the bisect (2 and 3 would count as bad)."""
    if options.kernels:
        raise UsageError("--kernel is not for bisect-step: the tree is the kernel", "leave it out")
    question = _question(scenarios, check, splat, options)
    Cache.default()  # one that cannot be used is no answer of a commit
    spec = "+".join([tree, *series])
    # Logs of a step that was run by hand are wanted as much as any.
    logs = Path(tempfile.mkdtemp(prefix="kvmppc-step-"))
    seen = trial.run(question, spec, "", logs / "run", progress)
    if seen.hang:
        progress("a hang: one more run to confirm it")
        again = trial.run(question, spec, "", logs / "again", progress)
        if again.signature != seen.signature:
            seen = Seen("", trouble=f"a hang that came once: then {again.signature or again.trouble}")
    answer, why = _answer(seen, good, bad)
    progress(f"{answer.value}: {why} (logs: {logs})")
    return answer.exit_code


def _answer(seen: Seen, good: str, bad: str) -> tuple[Answer, str]:
    if not seen.signature:
        return Answer.SKIP, seen.trouble
    if good or bad:
        known = {good: Answer.GOOD, bad: Answer.BAD}
        if seen.signature in known:
            return known[seen.signature], seen.signature
        # Only one of the two was given: the other is known by what any kernel should do.
        if not good and seen.right is True:
            return Answer.GOOD, seen.signature
        if not bad and seen.right is False:
            return Answer.BAD, seen.signature
        return Answer.SKIP, f"different result: {seen.signature}"
    if seen.right is None:
        return Answer.SKIP, f"{seen.signature}: whether that is right is not known"
    return (Answer.GOOD if seen.right else Answer.BAD), seen.signature
