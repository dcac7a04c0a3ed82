# SPDX-License-Identifier: GPL-2.0-only
"""What one run of a bisect's candidate comes to, from the report it leaves; the run is stood in for."""

import dataclasses

import plans
import pytest
from delivered import whole
from quoting import quoted

from harness.commands.bisect import trial
from harness.engine.options import RunOptions
from harness.model.cpu import Mode
from harness.model.errors import InfrastructureError
from harness.model.level_facts import Ended, InMode
from harness.model.outcome import Outcome
from harness.model.record import KernelInfo, Record, RunInfo
from harness.model.verdict import Kind, Verdict
from harness.reports import jsonfile

INFO = RunInfo("2026", "", "", (KernelInfo("k", "s", "7.3", "", "merged", "x"),), "", "", ())
P10 = Ended(Outcome.BOOTED, InMode(Mode.P10))
BOOTED = Record(
    "k", "papr", "p11", "l2p10", "l2", P10,
    (Verdict("L2 outcome", Kind.OK, P10, P10, "up", right=True),), "d",
)  # fmt: skip
SKIPPED = dataclasses.replace(BOOTED, verdicts=(quoted("a machine", Kind.SKIP, "one", "no such CPU"),))
LOST = ("test_lost",)


@pytest.fixture
def seen(tmp_path, monkeypatch):
    """Seen of a run that leaves such a report; None: it leaves none."""

    def of(records, status=0, said="", **changes):
        def run_lines(command, environment, each):
            for line in said.splitlines():
                each(f"{line}\n")
            if records is not None:
                (tmp_path / "run").mkdir()
                delivery = dataclasses.replace(whole(records), **changes)
                jsonfile.write(tmp_path / "run/report.json", INFO, records, delivery)
            return status

        monkeypatch.setattr(trial, "resolve", plans.resolve)
        monkeypatch.setattr(trial, "run_lines", run_lines)
        question = trial.Question(("papr-p11-l2p10",), "", RunOptions())
        return trial.run(question, "debian:7.3", "", tmp_path / "run", lambda _words: None)

    return of


def test_a_run_that_is_whole_says_how_its_l2_ended(seen):
    found = seen([BOOTED])
    assert (found.signature, found.right, found.trouble) == ("L2 ended(booted, in-mode(P10))", True, "")


@pytest.mark.parametrize(
    ("records", "changes", "words"),
    [
        ([BOOTED], {"complete": False}, "Interrupted: partial results (log: "),
        ([BOOTED], {"planned": 2, "missing": LOST}, "1 of 2 planned results is missing: test_lost (log: "),
        (
            [BOOTED],
            {"errors": LOST},
            "1 of the tests ended with an error of the harness (see errors.txt): test_lost",
        ),
        ([], {}, "Nothing was judged: no test was selected (log: "),
        ([SKIPPED], {}, "Nothing was judged: no such CPU (log: "),
    ],
)
def test_a_run_that_is_not_says_nothing_of_a_kernel(seen, records, changes, words):
    found = seen(records, 3, **changes)
    assert found.signature == "" and found.trouble.startswith(words)


def test_a_run_without_a_report_says_why(seen):
    found = seen(None, 1, "building x\nkvmppc: it does not compile")
    assert found.signature == "" and found.trouble.startswith("it does not compile (log: ")
    with pytest.raises(InfrastructureError, match="no space"):
        seen(None, 3, "kvmppc: no space")
