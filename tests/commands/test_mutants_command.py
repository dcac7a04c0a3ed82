# SPDX-License-Identifier: GPL-2.0-only
"""kvmppc mutants: what is run for which mutant, and what its records come to."""

from dataclasses import replace
from pathlib import Path

import pytest
from delivered import whole
from quoting import quoted

from harness.commands import mutants
from harness.engine import drive
from harness.engine.options import RunOptions
from harness.engine.wanted import wanted
from harness.model.errors import UsageError
from harness.model.facts import Returned
from harness.model.plan import Suite
from harness.model.record import Record, RunInfo
from harness.model.verdict import Kind
from harness.parts.mutant_catalogue import Mutant
from harness.reports import jsonfile
from harness.reports.mutant_table import State

ABI = Mutant("flags-ignored", "7.2", "compat-caps-merged", "d", "flags 0x1: result")
L2 = Mutant(
    "l2-warns", "7.2", "compat-caps-merged", "d", "L2 health", "run", ("hv-p11-l2p10",), title="WARNING"
)
L0 = Mutant(
    "l0-warns", "7.2", "compat-caps-merged", "d", "L0 health", "run", ("pnv11-p11@p10-l2p10",), title="W"
)
QUIET = Mutant("prints", "7.2", "compat-caps-merged", "d", kind="ok", title="DEBUG: x")
ORIGINAL = ABI.original
OK = quoted("flags 0x1: result", Kind.OK, "EINVAL", "EINVAL")
WRONG = replace(OK, kind=Kind.FAIL, observed=Returned(0))


def record(kernel, topic, *verdicts, topology="papr"):
    return Record(kernel, topology, "p11@p10", "", topic, None, verdicts, f"{kernel}-{topology}-p11@p10/l1")


def group(tmp_path, command, chosen, records, whole=True):
    """Labels are the mutants' names, and "original"."""
    labels = {ORIGINAL: "original", **{each.kernel: each.name for each in chosen}}
    return mutants.Group(command, tuple(chosen), tmp_path, labels, tuple(records), whole)


def states(*groups):
    return [mutants.catch(each, mutant).state for each in groups for mutant in each.mutants]


def status(*groups):
    catches = [mutants.catch(each, mutant) for each in groups for mutant in each.mutants]
    return mutants.exit_code(groups, catches)


CLEAN = record("original", "ioctl", OK)


# -- what is run -----------------------------------------------------------------------------


def test_the_suite_is_asked_through_both_apis():
    options = mutants.options_of("probe", [ABI, QUIET], RunOptions())
    plan = wanted(options)
    assert plan.suite is Suite.ABI
    assert list(plan.kernels.values()) == [ORIGINAL, ABI.kernel, QUIET.kernel]
    assert {each.topology.short for each in plan.placements} == {"papr", "hv"}
    assert {each.l1.id for each in plan.placements} == {"p11@p10"}


def test_each_kernel_boots_only_its_own_guests_and_so_does_the_one_without_a_defect():
    plan = wanted(mutants.options_of("run", [L2, L0], RunOptions()))
    booted = {(plan.kernels[each.placement.kernel], each.id) for each in plan.scenarios}
    assert booted == {
        (ORIGINAL, "hv-p11-l2p10"), (L2.kernel, "hv-p11-l2p10"),
        (ORIGINAL, "pnv11-p11@p10-l2p10"), (L0.kernel, "pnv11-p11@p10-l2p10"),
    }  # fmt: skip
    assert {each.placement.l0 for each in plan.scenarios} == {"", "same"}
    assert plan.l0_kernels == {"same": "same"}  # the mutant itself on bare metal


def test_what_is_no_mutant_is_told():
    with pytest.raises(UsageError, match="no mutant 'none-such'"):
        mutants.run(["none-such"], RunOptions(), 1, print, print, False)


# -- what came of it -------------------------------------------------------------------------


def test_all_caught_is_0(tmp_path):
    found = group(tmp_path, "probe", [ABI], [CLEAN, record(ABI.name, "ioctl", WRONG)])
    assert (states(found), status(found)) == ([State.CAUGHT], 0)


def test_missed_is_1(tmp_path):
    found = group(tmp_path, "probe", [ABI], [CLEAN, record(ABI.name, "ioctl", OK)])
    assert (states(found), status(found)) == ([State.MISSED], 1)


def test_a_kernel_without_a_defect_that_fails_is_1(tmp_path):
    found = group(
        tmp_path, "probe", [ABI], [record("original", "ioctl", WRONG), record(ABI.name, "ioctl", WRONG)]
    )
    assert (states(found), status(found)) == ([State.CAUGHT], 1)


@pytest.mark.parametrize("kind", [Kind.SKIP, Kind.INFRASTRUCTURE, Kind.UNKNOWN])
def test_what_was_not_judged_is_3(tmp_path, kind):
    nothing = record(ABI.name, "ioctl", replace(OK, kind=kind))
    found = group(tmp_path, "probe", [ABI], [CLEAN, nothing])
    assert (states(found), status(found)) == ([State.UNKNOWN], 3)
    found = group(tmp_path, "probe", [ABI], [CLEAN])
    assert (states(found), status(found)) == ([State.UNKNOWN], 3)
    unproven = record("original", "ioctl", replace(OK, kind=kind))
    found = group(tmp_path, "probe", [ABI], [unproven, record(ABI.name, "ioctl", WRONG)])
    assert (states(found), status(found)) == ([State.CAUGHT], 3)


def test_a_run_that_was_cut_off_is_3(tmp_path):
    found = group(tmp_path, "probe", [ABI], [CLEAN, record(ABI.name, "ioctl", WRONG)], whole=False)
    assert (states(found), status(found)) == ([State.CAUGHT], 3)


def test_a_mutant_may_take_its_level_with_it(tmp_path):
    """What could not be asked afterwards takes nothing from what was caught."""
    oops = quoted("L1 health", Kind.FAIL, "no complaint", "1", titles=("WARNING in f",))
    mutant = replace(ABI, caught_by="L1 health", title="WARNING in f")
    records = [
        CLEAN,
        record(mutant.name, "l1", oops),
        record(mutant.name, "ioctl", replace(OK, kind=Kind.SKIP)),
    ]
    found = group(tmp_path, "probe", [mutant], records)
    assert (states(found), status(found)) == ([State.CAUGHT], 0)


def test_a_missed_one_wins_over_what_was_not_judged(tmp_path):
    other = replace(ABI, name="other")
    records = [CLEAN, record(ABI.name, "ioctl", OK)]
    assert status(group(tmp_path, "probe", [ABI, other], records)) == 1


@pytest.mark.parametrize(
    ("log", "verdict", "state", "code"),
    [
        ("[1.0] DEBUG: x = 7\n", OK, State.SILENT, 0),
        ("[1.0] DEBUG: x = 7\n", WRONG, State.REPORTED, 1),
        ("[1.0] nothing\n", OK, State.UNKNOWN, 3),
        (None, OK, State.UNKNOWN, 3),
        ("[1.0] DEBUG: x = 7\n", replace(OK, kind=Kind.INFRASTRUCTURE), State.UNKNOWN, 3),
        ("[1.0] DEBUG: x = 7\n", replace(OK, kind=Kind.DEFECT), State.SILENT, 0),
    ],
)
def test_a_harmless_one_must_have_printed_and_fail_nothing(tmp_path, log, verdict, state, code):
    directory = tmp_path / f"{QUIET.name}-papr-p11@p10" / "l1"
    directory.mkdir(parents=True)
    if log is not None:
        (directory / "console.log").write_text(log)
    found = group(tmp_path, "probe", [QUIET], [CLEAN, record(QUIET.name, "ioctl", verdict)])
    assert (states(found), status(found)) == ([state], code)


def test_a_harmless_one_that_prints_nothing_needs_no_console(tmp_path):
    slow = replace(QUIET, title="")
    found = group(tmp_path, "probe", [slow], [CLEAN, record(slow.name, "ioctl", OK)])
    assert (states(found), status(found)) == ([State.SILENT], 0)


@pytest.mark.parametrize("kind", [Kind.INFRASTRUCTURE, Kind.UNKNOWN])
def test_a_level_whose_health_is_not_known_is_not_silent(tmp_path, kind):
    slow = replace(QUIET, title="")
    health = record(slow.name, "health", quoted("L1 health", kind, "no complaint", "?"))
    found = group(tmp_path, "probe", [slow], [CLEAN, record(slow.name, "ioctl", OK), health])
    assert (states(found), status(found)) == ([State.UNKNOWN], 3)


def test_what_a_guest_prints_is_looked_for_as_well(tmp_path):
    directory = tmp_path / f"{QUIET.name}-papr-p11@p10" / "l2p10"
    directory.mkdir(parents=True)
    (directory / "console.log").write_bytes(b"\xff[1.0] DEBUG: x = 7\r\n")
    found = group(tmp_path, "probe", [QUIET], [CLEAN, record(QUIET.name, "ioctl", OK)])
    assert states(found) == [State.SILENT]


# -- the command -----------------------------------------------------------------------------


def fake_run(monkeypatch, seen, kinds):
    """drive.run that leaves a report in which each kernel's one record has the kind that kinds has for it."""

    def run(options, jobs, extra, progress, **_):
        plan = wanted(options)
        seen.append(options)
        topic = "ioctl" if options.suite == "abi" else "l2"
        info = RunInfo("2026-11-25T12:00:00+00:00", "c", "", (), "q", "q", ())
        records = [
            record(label, topic, replace(WRONG, check=check, kind=kind))
            for label, spec in plan.kernels.items()
            for check, kind in [kinds[spec]]
        ]
        jsonfile.write(Path(options.run_dir) / "report.json", info, records, whole(records))
        return 1

    monkeypatch.setattr(drive, "run", run)


def test_one_run_for_each_command_and_one_summary(tmp_path, monkeypatch):
    monkeypatch.setattr(mutants, "all_mutants", lambda: [ABI, replace(L2, title="")])
    seen, shown = [], []
    kinds = {
        ORIGINAL: ("x", Kind.OK),
        ABI.kernel: (ABI.caught_by, Kind.FAIL),
        L2.kernel: ("L2 health", Kind.FAIL),
    }
    fake_run(monkeypatch, seen, kinds)
    options = RunOptions(run_dir=str(tmp_path / "out"))
    assert mutants.run([], options, 1, lambda _words: None, shown.append, False) == 0
    assert [Path(each.run_dir).name for each in seen] == ["probe", "run"]
    assert "2 of 2 mutants caught" in shown[0]
    assert (tmp_path / "out" / "mutants.txt").exists()
    with pytest.raises(UsageError, match="earlier run"):
        mutants.run([], options, 1, print, print, False)


def test_a_command_without_results_ends_it(tmp_path, monkeypatch):
    monkeypatch.setattr(mutants, "all_mutants", lambda: [ABI])
    monkeypatch.setattr(drive, "run", lambda *_, **__: 130)
    assert mutants.run([], RunOptions(run_dir=str(tmp_path)), 1, print, print, False) == 130
    monkeypatch.setattr(drive, "run", lambda *_, **__: 0)  # and wrote no report
    assert mutants.run([], RunOptions(run_dir=str(tmp_path)), 1, print, print, False) == 3
