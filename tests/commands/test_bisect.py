# SPDX-License-Identifier: GPL-2.0-only
"""Bisects over real git histories; only the run of a kernel is stood in for."""

import hashlib
import json
import re
import subprocess
import zlib
from pathlib import Path

import preloaded
import pytest

from harness.commands.bisect import candidates, trial
from harness.commands.bisect import request as bisecting
from harness.commands.bisect import search as bisect
from harness.commands.bisect.git_bisect import GitBisect
from harness.commands.bisect.trial import Question
from harness.engine.options import RunOptions
from harness.model.bisect_decision import Agreement, Answer
from harness.model.errors import BuildError, InfrastructureError, UsageError
from harness.model.signature import Seen
from harness.parts.cache import Cache
from harness.parts.git import init
from harness.parts.kernelbuild import BuildChoices

GOOD, BAD = "L2 booted as P10", "L2 refused early: no"


class Tree:
    """A user's tree, of commits without files; names are their subjects."""

    def __init__(self, path):
        self.path = path
        self.git = init(path / ".git")
        self.empty = self._write("tree", "")
        self.commits = {}

    def _write(self, kind, text):
        """An object as git writes it. Hundreds of commits by git itself take seconds."""
        content = f"{kind} {len(text)}\0{text}".encode()
        name = hashlib.sha1(content).hexdigest()
        path = self.git.directory / "objects" / name[:2] / name[2:]
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(zlib.compress(content, 1))
        return name

    def commit(self, name, *parents):
        who = "kvmppc-harness <kvmppc-harness@localhost> 0 +0000"
        above = [f"parent {self.commits[each]}" for each in parents]
        lines = [f"tree {self.empty}", *above, f"author {who}", f"committer {who}", "", name, ""]
        self.commits[name] = self._write("commit", "\n".join(lines))
        return self.commits[name]

    def line(self, count):
        for number in range(count):
            self.commit(str(number), *([str(number - 1)] if number else []))
        return self


@pytest.fixture
def tree(tmp_path):
    return Tree(tmp_path / "linux")


@pytest.fixture
def cache(tmp_path):
    return Cache(tmp_path / "cache")


class World:
    """What each commit shows: by subject, GOOD unless told otherwise. A list is used up run by run."""

    def __init__(self, shows):
        self.shows = shows
        self.ran = []

    def identity(self, name):
        shown = self.shows.get(name, GOOD)
        if isinstance(shown, Exception):
            raise shown
        return f"identity-of-{re.sub(r'[ /]', '-', name)}"

    def run(self, name):
        self.ran.append(name)
        shown = self.shows.get(name, GOOD)
        if isinstance(shown, list):
            shown = shown.pop(0)
        if isinstance(shown, Seen):
            return shown
        return Seen(shown, f"proof of {name}", right=shown == GOOD, hang=shown == "L2 hang")


@pytest.fixture
def find(monkeypatch, tree, cache):
    """find(shows, good, bad): (exit code, what was printed, World)"""

    def start(shows, good, bad, agreement=None, over=None, around=""):
        world = World(shows)
        names = {}

        def identity(self, candidate):
            names[candidate.kernel or candidate.qemu] = candidate.title
            return world.identity(candidate.title)

        monkeypatch.setattr(bisect, "surroundings", lambda *_: around)
        monkeypatch.setattr(candidates, "resolve_qemu", lambda *_: None)
        monkeypatch.setattr(candidates.TreeCandidates, "identity", identity)
        monkeypatch.setattr(candidates.ListCandidates, "identity", identity)
        monkeypatch.setattr(
            trial, "run", lambda question, kernel, qemu, directory, progress: world.run(names[qemu or kernel])
        )
        said = []
        if over is None:
            what = candidates.TreeCandidates(
                str(tree.path), tree.commits[good], tree.commits[bad], (), cache, BuildChoices(), said.append
            )
        else:
            what = candidates.ListCandidates(over, True, cache, BuildChoices(), said.append)
        question = Question(("papr-p11@p10-l2p10",), "", RunOptions())
        lines = []
        code = bisect.run(what, question, agreement or Agreement(), cache, said.append, lines.append)
        return code, "\n".join([*said, *lines]), world

    return start


def bad_from(first, last):
    return {str(number): BAD for number in range(first, last + 1)}


@pytest.mark.parametrize("culprit", [1, 5, 19, 20])
def test_the_first_bad_commit_is_found(find, tree, culprit):
    tree.line(21)
    code, text, world = find(bad_from(culprit, 20), "0", "20")
    assert code == 0
    assert f"{tree.commits[str(culprit)]} is the first bad commit" in text
    assert f"#regzbot introduced: {tree.commits[str(culprit)]}" in text
    assert len(world.ran) <= 7
    assert f"before it:  {GOOD}  [proof of {culprit - 1}]" in text
    assert f"with it:    {BAD}  [proof of {culprit}]" in text


def test_a_bisect_that_was_killed_runs_nothing_twice(find, tree):
    tree.line(40)
    shows = bad_from(30, 39)
    _, first, world = find(shows, "0", "39")
    # The kill: only some results are there.
    kept = sorted(tree.path.parent.glob("cache/areas/bisect/*/results/*.json"))
    assert len(kept) == len(world.ran)
    for path in kept[::2]:
        path.unlink()
    code, second, again = find(shows, "0", "39")
    assert code == 0
    assert len(again.ran) == len(kept[::2])
    assert set(again.ran) <= set(world.ran)
    assert re.findall(r"\w{40} is the first bad", first) == re.findall(r"\w{40} is the first bad", second)


def test_what_does_not_build_or_fails_otherwise_is_skipped_and_told(find, tree):
    tree.line(21)
    shows = bad_from(15, 20) | {
        "9": BuildError("kernel 9 does not compile: x.c:1: no"),
        "10": "L1 panic: other",
        "11": "L1 panic: other",
    }
    code, text, _ = find(shows, "0", "20")
    assert code == 0
    assert f"{tree.commits['15']} is the first bad commit" in text
    assert "  skip: different result: L1 panic: other" in text


def test_a_range_that_cannot_be_tested_is_a_range(find, tree):
    tree.line(9)
    shows = bad_from(5, 8) | {str(each): BuildError("no") for each in (3, 4, 5)}
    code, text, _ = find(shows, "0", "8")
    assert code == 1
    assert "one of these 4 commits" in text
    for name in ("3", "4", "5", "6"):
        assert tree.commits[name] in text


def test_failures_of_another_kind_are_counted(find, tree):
    tree.line(9)
    shows = bad_from(5, 8) | {"3": "L1 panic: other", "4": "L1 panic: other"}
    code, text, _ = find(shows, "0", "8")
    assert "failures other than" in text
    assert re.search(r"\d × L1 panic: other", text)
    assert code == 1


def test_a_merge_is_gone_through(find, tree):
    tree.line(6)
    tree.commit("side 1", "2")
    tree.commit("side 2", "side 1")
    tree.commit("merge", "5", "side 2")
    tree.commit("end", "merge")
    code, text, _ = find({"side 2": BAD, "merge": BAD, "end": BAD}, "0", "end")
    assert code == 0
    assert f"{tree.commits['side 2']} is the first bad commit" in text


def test_two_branches_want_their_merge_base(find, tree):
    tree.line(4)
    tree.commit("good side", "1")
    code, text, world = find({"2": BAD, "3": BAD}, "good side", "3")
    assert code == 0
    assert "where two lines of history part" in text
    assert "1" in world.ran


def test_a_fix_between_the_branches_is_gits_to_tell(find, tree):
    tree.line(4)
    tree.commit("good side", "1")
    code, text, _ = find({"1": BAD, "2": BAD, "3": BAD}, "good side", "3")
    assert code == 1
    assert "The merge base" in text and "is bad" in text


@pytest.mark.parametrize(
    ("shows", "good", "bad", "error", "words"),
    [
        ({}, "0", "8", UsageError, "as they should be"),
        (bad_from(0, 8), "0", "8", UsageError, "both fail"),
        (bad_from(0, 3), "0", "8", UsageError, "swap them"),
        (bad_from(5, 8), "8", "0", UsageError, "swap them"),
        (bad_from(5, 8), "8", "8", UsageError, "the same commit"),
        ({"8": Seen("", trouble="QEMU is deaf")}, "0", "8", InfrastructureError, "QEMU is deaf"),
        ({"0": Seen("", trouble="QEMU is deaf"), "8": BAD}, "0", "8", InfrastructureError, "good end"),
        ({"8": BuildError("does not compile")}, "0", "8", InfrastructureError, "does not compile"),
    ],
)
def test_ends_that_are_not_what_they_are_said_to_be(find, tree, shows, good, bad, error, words):
    tree.line(9)
    with pytest.raises(error, match=words):
        find(shows, good, bad)


def test_unrelated_histories(find, tree):
    tree.line(3)
    tree.commit("other root")
    with pytest.raises(UsageError, match="no common history"):
        find({"other root": BAD}, "0", "other root")


def test_a_hang_counts_only_if_it_is_seen_twice(find, tree):
    tree.line(5)
    hang = "L2 hang"
    shows = {"4": [hang, hang], "2": [hang, GOOD], "3": [hang, hang]}
    code, text, world = find(shows, "0", "4")
    assert world.ran.count("4") == 2 and world.ran.count("2") == 2
    assert "one more run to confirm it" in text
    assert code == 1  # commit 2 is neither


def test_a_flaky_failure_needs_so_many_runs_as_were_asked(find, tree):
    tree.line(9)
    shows = {str(each): [GOOD, BAD, GOOD] for each in range(6, 9)}
    code, text, world = find(shows, "0", "8", Agreement(3, 1))
    assert code == 0
    assert f"{tree.commits['6']} is the first bad commit" in text
    assert all(world.ran.count(name) == 3 for name in set(world.ran))


def test_a_list_of_qemus(find):
    names = [f"/q/{number}" for number in range(10)]
    code, text, _ = find(dict.fromkeys(names[7:], BAD), "", "", over=names)
    assert code == 0
    assert "/q/7 (after /q/6)" in text and "/q/7 is the first bad one" in text
    assert "regzbot" not in text


def test_what_a_candidate_is_run_with_is_part_of_it(find):
    """The same QEMUs with another kernel have other results."""
    names = ["/q/1", "/q/2", "/q/3"]
    _, first, _ = find({"/q/3": BAD}, "", "", over=names, around="kernel 1")
    _, second, world = find({"/q/2": BAD, "/q/3": BAD}, "", "", over=names, around="kernel 2")
    assert "/q/3 is the first" in first and "/q/2 is the first" in second and len(world.ran) == 3
    _, _, world = find({"/q/2": BAD, "/q/3": BAD}, "", "", over=names, around="kernel 2")
    assert world.ran == []


def test_kept_runs_of_another_agreement_are_counted_as_asked(find, tree):
    tree.line(3)
    hang = "L2 hang"
    find({"2": [BAD] * 5, "1": [GOOD] * 5, "0": [GOOD] * 5}, "0", "2", Agreement(5, 5))
    code, text, world = find({}, "0", "2")
    assert (code, world.ran) == (0, []) and f"{tree.commits['2']} is the first" in text
    kept = next(tree.path.parent.glob("cache/areas/bisect/*/results"))
    for path in kept.iterdir():
        path.unlink()
    find({"2": [hang, hang], "1": [GOOD]}, "0", "2")
    for path in kept.iterdir():
        document = json.loads(path.read_text())
        if document["runs"][0]["hang"]:
            path.write_text(json.dumps({"runs": document["runs"][:1]}))  # killed between the two
    _, _, world = find({"2": [hang]}, "0", "2")
    assert world.ran == ["2"]


def test_a_skipped_merge_base_leaves_a_doubt(find, tree):
    tree.line(4)
    tree.commit("good side", "1")
    code, text, _ = find({"1": "L1 panic: x", "2": BAD, "3": BAD}, "good side", "3")
    assert code == 1
    assert "git warns" in text


def test_the_users_tree_is_only_read(find, tree):
    tree.line(9)
    before = sorted(str(path) for path in tree.path.rglob("*"))
    find(bad_from(5, 8), "0", "8")
    assert sorted(str(path) for path in tree.path.rglob("*")) == before


def test_results_are_whole_or_not_there(tmp_path):
    kept = bisect.Kept(tmp_path)
    kept.save("x", [Seen("a")])
    assert [each.signature for each in kept.load("x")] == ["a"]
    (tmp_path / "y.json").write_text('{"runs": [')
    assert kept.load("y") == []
    assert kept.load("z") == []
    assert json.loads((tmp_path / "x.json").read_text())["runs"][0]["signature"] == "a"


HOLD = """
import signal, sys
from pathlib import Path
from harness.commands.bisect import search
from harness.parts.cache import Cache
with search._one_at_a_time(Cache(Path(sys.argv[1])), "k"):
    print("held", flush=True)
    signal.pause()
"""


def test_the_same_bisect_runs_once_at_a_time_and_a_killed_one_does_not_block(tmp_path):
    command = ["-c", HOLD, tmp_path]
    process = preloaded.Popen(command, imports=["needed_by_commands"], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline() == "held\n"
        with pytest.raises(UsageError, match="already running"), bisect._one_at_a_time(Cache(tmp_path), "k"):
            pass
    finally:
        process.kill()
        process.wait()
    with bisect._one_at_a_time(Cache(tmp_path), "k"):
        pass


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({}, "one of --tree"),
        ({"tree": "x", "over_qemu": ("a", "b")}, "one of --tree"),
        ({"tree": "x", "good": ""}, "--good is missing"),
        ({"over_qemu": ("a", "b"), "good": ""}, "needs one kernel"),
        ({"over_kernel": ("debian:7.2",), "good": ""}, "at least two items"),
        ({"over_kernel": ("debian:7.2", "debian:7.2"), "good": ""}, "twice"),
        ({"tree": "x", "scenarios": ()}, "no test is given"),
        ({"tree": "x", "scenarios": ("papr-p11",)}, "no scenario id"),
        ({"tree": "x", "scenarios": ("papr-p11-l2p10", "hv-p11-l2p10")}, "not of one L1"),
        ({"tree": "x", "check": "a", "splat": "b"}, "cannot be combined"),
        ({"tree": "x", "require": 3}, "--require 3"),
        ({"tree": "/nonexistent", "good": "a"}, "no git tree"),
        ({"tree": "x", "scenarios": ("7.3-papr-p11-l2host",)}, "names a kernel"),
        ({"tree": "x", "series": ("none-such",)}, "there is no series"),
        ({"over_kernel": ("debian:7.2", "ssh:lpar"), "good": ""}, "over SSH"),
        ({"over_kernel": ("debian:7.2", "debian:7.3")}, "are for --tree"),
    ],
)
def test_words_that_lead_nowhere(asked, words, monkeypatch, tmp_path):
    monkeypatch.setenv("KVMPPC_CACHE", str(tmp_path))
    usual = {
        "tree": "", "good": "a", "bad": "b", "series": (), "over_qemu": (), "over_kernel": (), "repeat": 1,
        "require": None, "scenarios": ("papr-p11-l2host",), "check": "", "splat": "",
    }  # fmt: skip
    with pytest.raises(UsageError, match=words):
        bisecting.bisect(bisecting.BisectRequest(**{**usual, **asked}), RunOptions(), print, print)


@pytest.mark.parametrize(
    ("seen", "good", "bad", "code"),
    [
        (Seen(GOOD, right=True), "", "", 0),
        (Seen(BAD, right=False), "", "", 1),
        (Seen(BAD), "", "", 125),
        (Seen("", trouble="no"), "", "", 125),
        (Seen(BAD, right=False), "", BAD, 1),
        (Seen("L1 panic", right=False), "", BAD, 125),
        (Seen(GOOD, right=True), "", BAD, 0),
        (Seen("L1 panic", right=False), GOOD, BAD, 125),
        (Seen("L1 panic", right=False), GOOD, "", 1),
    ],
)
def test_a_step_by_hand(monkeypatch, seen, good, bad, code, tmp_path):
    monkeypatch.setenv("KVMPPC_CACHE", str(tmp_path))
    monkeypatch.setattr(trial, "run", lambda *_: seen)
    said = []
    assert bisecting.step(".", (), ("papr-p11-l2host",), "", "", good, bad, RunOptions(), said.append) == code
    assert said[-1].startswith(("good: ", "bad: ", "skip: "))


def test_a_hang_by_hand_is_seen_twice(monkeypatch, tmp_path):
    monkeypatch.setenv("KVMPPC_CACHE", str(tmp_path))
    runs = [Seen("L2 hang", right=False, hang=True), Seen(GOOD, right=True)]
    monkeypatch.setattr(trial, "run", lambda *_: runs.pop(0))
    assert bisecting.step(".", (), ("papr-p11-l2host",), "", "", "", "L2 hang", RunOptions(), print) == 125


@pytest.mark.parametrize(
    "words",
    ["", "--only nonsense", "--no-such-option", "--only papr-p11-l2host --expect nonsense",
     "--only papr-p11-l2host --kernel debian:7.3"],
)  # fmt: skip
def test_a_step_that_asks_nothing_is_no_answer(words):
    command = ["-m", "harness", "bisect-step", *words.split()]
    done = preloaded.run(command, imports=["needed_by_commands"], capture_output=True, text=True)
    assert done.returncode >= 128
    assert "Traceback" not in done.stderr


def test_a_step_whose_words_cannot_be_said_is_no_answer(tmp_path):
    words = ["-m", "harness", "bisect-step", "--tree", "/nonexistent", "--only", "papr-p11@p10-l2host"]
    with Path("/dev/full").open("w") as full:
        done = preloaded.run(words, imports=["needed_by_commands"], stdout=full, stderr=full)
    assert done.returncode >= 125


def test_gits_words_are_read(tree, tmp_path):
    tree.line(12)
    found = GitBisect(tmp_path / "b", [tree.path / ".git/objects"])
    state = found.start(tree.commits["0"], tree.commits["11"])
    assert state.commit == tree.commits["5"] and state.steps == 3 and state.left == 5
    assert found.mark(Answer.SKIP).commit != state.commit
