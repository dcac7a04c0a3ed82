# SPDX-License-Identifier: GPL-2.0-only
"""``kvmppc bisect``: which change brought this failure? Unattended, and again from where it was killed."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from filelock import Timeout

import harness
from harness.commands.bisect import trial
from harness.commands.bisect.candidates import Candidate, Candidates
from harness.commands.bisect.git_bisect import GitBisect, State, log_of
from harness.commands.bisect.trial import Question
from harness.engine.resolve import choices_of
from harness.model.bisect_decision import Agreement, Answer, Result, common, decide
from harness.model.errors import BuildError, HarnessError, InfrastructureError, UsageError
from harness.model.plan import SAME
from harness.model.signature import Seen
from harness.parts.cache import Cache
from harness.parts.kernels import resolve_kernel
from harness.parts.qemu import resolve_qemu
from harness.reports import bisect_log as report

Progress = Callable[[str], None]


@dataclass
class Kept:
    """Results of this question, by the identity of what was run: in files, each written at once, so that a
    bisect that was killed goes on, and another one over the same kernels need not run them again."""

    directory: Path

    def load(self, identity: str) -> list[Seen]:
        try:
            document = json.loads((self.directory / f"{identity}.json").read_text())
            return [Seen.from_json(each) for each in document["runs"]]
        except (OSError, ValueError, KeyError, TypeError):
            return []

    def save(self, identity: str, runs: list[Seen]) -> None:
        path = self.directory / f"{identity}.json"
        partial = path.with_suffix(f".{os.getpid()}.part")
        partial.write_text(json.dumps({"runs": [each.to_json() for each in runs]}, indent=1) + "\n")
        partial.replace(path)


@dataclass
class Tester:
    """Runs candidates, as often as agreed."""

    candidates: Candidates
    question: Question
    agreement: Agreement
    kept: Kept
    logs: Path
    progress: Progress
    surroundings: str = ""
    seconds: list[float] = field(default_factory=list)  # of steps that were not kept

    def runs(self, candidate: Candidate) -> list[Seen]:
        """InfrastructureError only for what would hit every candidate: a full disk, no compiler."""
        try:
            identity = self._identity(candidate)
        except InfrastructureError:
            raise
        except HarnessError as error:
            return [Seen("", trouble=str(error))]
        found = [each for each in self.kept.load(identity) if not each.trouble]
        found = found[: self.agreement.for_runs(found[0] if found else None).repeat]
        if found:
            many = "s" if len(found) > 1 else ""
            self.progress(f"  {candidate.name}: {len(found)} run{many} kept from before")
        began = time.monotonic()
        while len(found) < (agreed := self.agreed(found)).repeat:
            if agreed != self.agreement:
                self.progress(f"  {candidate.name}: a hang: one more run to confirm it")
            seen = self._run(candidate, identity, len(found) + 1)
            found.append(seen)
            if seen.trouble:
                break  # it would be the same once more, and what is kept of it is not used
            self.kept.save(identity, found)
        if time.monotonic() - began > 1:
            self.seconds.append(time.monotonic() - began)
        return found

    def _identity(self, candidate: Candidate) -> str:
        """Of all that is run: the candidate and what it is run with."""
        words = f"{self.candidates.identity(candidate)} {self.surroundings}"
        return hashlib.sha256(words.encode()).hexdigest()[:32]

    def _run(self, candidate: Candidate, identity: str, number: int) -> Seen:
        directory = self.logs / f"{identity}-{number}"
        while directory.exists():
            number += 1
            directory = self.logs / f"{identity}-{number}"
        return trial.run(
            self.question, candidate.kernel, candidate.qemu, directory,
            lambda words: self.progress(f"    {words}"),
        )  # fmt: skip

    def agreed(self, runs: list[Seen]) -> Agreement:
        return self.agreement.for_runs(runs[0] if runs else None)


def run(
    candidates: Candidates, question: Question, agreement: Agreement, cache: Cache, progress: Progress,
    show: Callable[[str], None],
) -> int:  # fmt: skip
    """Exit code: 0 with the one commit, 1 if it is one of several, or git gives up; HarnessError before that
    for ends that are not what they are said to be."""
    words = f"{candidates.what} {question.words} {' '.join(question.options.arguments())}"
    key = hashlib.sha256(words.encode()).hexdigest()[:16]
    asked = hashlib.sha256(
        f"{question.words} {' '.join(replace(question.options, kernels=()).arguments())}".encode()
    )
    with (
        _one_at_a_time(cache, key),
        cache.area("bisect", asked.hexdigest()[:16], f"bisect of {question.words}") as area,
    ):
        results, logs = area / "results", area / "runs"
        results.mkdir(exist_ok=True)
        logs.mkdir(exist_ok=True)
        tester = Tester(
            candidates,
            question,
            agreement,
            Kept(results),
            logs,
            progress,
            surroundings(question, cache, progress),
        )
        bisect = candidates.bisect(area / f"git-{key}")
        bisect.check_ends(candidates.good, candidates.bad)
        ends = _confirm(tester, candidates)
        found = _search(tester, bisect, candidates, ends)
        (area / f"git-{key}.log").write_text(log_of(bisect))
        named = [each for each in (*found.state.candidates, found.state.commit) if each]
        lines = report.lines(
            candidates.what, question.words, ends, found, {each: candidates.at(each).title for each in named},
            candidates.about(found.state.commit) if found.state.found else "", candidates.of_a_tree,
            str(logs),
        )  # fmt: skip
        (area / f"git-{key}.txt").write_text("\n".join(lines) + "\n")
        show("\n".join(lines))
        return 0 if found.state.found and not found.state.warning else 1


@contextlib.contextmanager
def _one_at_a_time(cache: Cache, key: str) -> Iterator[None]:
    lock = cache.lock(f"bisect-{key}")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise UsageError("the same bisect is already running", "wait for it, or end it") from None
    try:
        yield
    finally:
        lock.release()


def _confirm(tester: Tester, candidates: Candidates) -> report.Ends:
    """That good is good, and bad is bad with one failure. Errors say which of the two is not so."""
    tester.progress(f"testing the good end: {_named(candidates.at(candidates.good))}")
    good_runs = tester.runs(candidates.at(candidates.good))
    good = _certain(good_runs, tester, "good", candidates.at(candidates.good))
    tester.progress(f"  good: {good.signature}")
    tester.progress(f"testing the bad end: {_named(candidates.at(candidates.bad))}")
    bad_runs = tester.runs(candidates.at(candidates.bad))
    bad = _certain(bad_runs, tester, "bad", candidates.at(candidates.bad))
    tester.progress(f"  bad: {bad.signature}")
    if good.signature == bad.signature:
        what = (
            "both are as they should be"
            if good.right
            else "both fail"
            if good.right is False
            else "they are the same"
        )
        raise UsageError(f"good and bad both end with {good.signature!r}: {what}", "give two that differ")
    if good.right is False and bad.right is True:
        raise UsageError(
            f"good fails ({good.signature}) and bad is as it should be ({bad.signature})",
            "swap them: --good is the one that works",
        )
    return report.Ends(good, bad)


def _named(candidate: Candidate) -> str:
    return f"{candidate.name} {candidate.title}"


def _certain(runs: list[Seen], tester: Tester, which: str, candidate: Candidate) -> Seen:
    trouble = next((each.trouble for each in runs if each.trouble), "")
    if trouble:
        raise InfrastructureError(
            f"the {which} end {candidate.name} cannot be tested, so nothing can be found: {trouble}",
            "see kvmppc run with that kernel",
        )
    # Of a flaky bad end the failure counts, if enough of its runs have it.
    agreed = tester.agreed(runs)
    choice = [each for each in runs if each.right is False] if which == "bad" else runs
    seen = common(choice or runs, agreed.require if which == "bad" else agreed.require_good)
    if seen is None:
        words = "; ".join(sorted({each.signature for each in runs}))
        raise UsageError(
            f"runs of the {which} end {candidate.name} do not agree ({words})",
            "these may be several failures: give --repeat and --require, or another end",
        )
    return seen


def _search(tester: Tester, bisect: GitBisect, candidates: Candidates, ends: report.Ends) -> report.Found:
    """Until git has an answer, or gives up."""
    # Each is nearer to the culprit than the one before.
    last = {Answer.GOOD: ends.good, Answer.BAD: ends.bad}
    steps: list[tuple[report.Candidate, Result]] = []
    state = bisect.start(candidates.good, candidates.bad)
    while not (state.found or state.candidates or state.stuck):
        candidate = candidates.at(state.commit)
        tester.progress(_ahead(state, tester.seconds) + _named(candidate))
        result = _decide(tester, candidate, ends)
        tester.progress(f"  {result.answer.value}: {result.why}")
        steps.append((candidate, result))
        if result.seen is not None and result.answer in last:
            last[result.answer] = result.seen
        state = bisect.mark(result.answer)
    return report.Found(state, steps, last[Answer.GOOD], last[Answer.BAD])


def _decide(tester: Tester, candidate: Candidate, ends: report.Ends) -> Result:
    try:
        runs = tester.runs(candidate)
    except BuildError as error:
        return Result(Answer.SKIP, str(error))
    return decide(runs, ends.good.signature, ends.bad.signature, tester.agreed(runs))


def surroundings(question: Question, cache: Cache, progress: Progress) -> str:
    """What every candidate is run with, and is no part of its own identity: kernels and the QEMU that do not
    change, and this tool, by whose oracle a run is right or not."""
    options = question.options
    words = [_ourselves()]
    for spec in (*options.kernels, *options.l0_kernels):
        if spec != SAME:
            words.append(resolve_kernel(spec, cache, choices_of(options), progress=progress).identity)
    qemu = resolve_qemu(options.qemu, cache, locked_only=options.locked, progress=progress)
    return " ".join([*words, qemu.version_text, *map(str, qemu.argv)])


def _ourselves() -> str:
    state = hashlib.sha256()
    for path in sorted(Path(harness.__file__).parent.rglob("*.py")):
        state.update(path.read_bytes())
    return state.hexdigest()


def _ahead(state: State, seconds: list[float]) -> str:
    """``3 steps to go, about 2 min: ``"""
    steps = state.steps + 1
    words = (
        "where two lines of history part"
        if state.merge_base
        else f"{steps} step{'s' if steps > 1 else ''} to go"
    )
    if seconds:
        minutes = steps * statistics.median(seconds) / 60
        words += f", about {minutes:.0f} min" if minutes >= 1.5 else f", about {minutes * 60:.0f} s"
    return f"{words}: "
