# SPDX-License-Identifier: GPL-2.0-only
"""Saved runs, shown and judged again: on a recorded L1 and L2."""

import dataclasses
import json
from pathlib import Path

import pytest
from delivered import assert_told_everywhere, whole

from harness.model.behaviour import MERGED_SERIES
from harness.model.cpu import GuestMode, Mode
from harness.model.errors import UsageError
from harness.model.observation import Boot, End, LevelObservation, Probe, boot_to_json, level_to_json
from harness.model.outcome import Outcome, Side
from harness.model.record import Delivery, KernelInfo, Record, RunInfo
from harness.model.scenario import L1Setting, L2Setting, Placement
from harness.model.topology import topology
from harness.model.verdict import Kind, Verdict
from harness.reports import jsonfile
from harness.runs import reporting
from harness.runs.judging import Judge, KernelFacts
from harness.runs.rejudge import behaviour_of

DATA = Path(__file__).parent.parent / "data"
PLACEMENT = Placement("7.3", topology("papr"), L1Setting.parse("p11@p10"))


@pytest.fixture
def run(tmp_path):
    """A run's directory, as it is saved."""
    path = tmp_path / "run"
    probe = Probe.from_json(json.loads((DATA / "probe-7.3-papr-p11@p10.json").read_text()))
    boot = Boot(Outcome.BOOTED, "ssh", "ready", GuestMode(Mode.P10), "7.3", build_id="b", directory="l1")
    level = LevelObservation(PLACEMENT.full_id, boot, "v2", "kvm_hv", probe)
    # With proof of all that a green L2 needs: its kernel, its end, its health.
    guest = Boot(
        Outcome.BOOTED, "marker", "up", GuestMode(Mode.P10), "7.3", 0, directory="l2p10", build_id="b",
        end=End("off", "it left", Side.UNKNOWN), taint=0, taint_left=0, uptime=1.0, elapsed=1.5,
    )  # fmt: skip
    judge = Judge(PLACEMENT, KernelFacts("7.3", "b", MERGED_SERIES), None, (11, 1, 3))
    records = []
    for topic, l2, judged, saved in (
        ("l1", "", judge.l1(level), level_to_json(level)),
        ("caps", "", judge.caps(level), level_to_json(level)),
        ("arch_compat", "", judge.arch_compat(level), level_to_json(level)),
        ("l2", "l2p10", judge.l2(L2Setting.parse("p10"), guest), boot_to_json(guest)),
    ):
        directory = f"{PLACEMENT.full_id}/{l2 or 'l1'}"
        (path / directory).mkdir(parents=True, exist_ok=True)
        (path / directory / "observation.json").write_text(json.dumps(saved))
        words, verdicts = judged
        records.append(Record("7.3", "papr", "p11@p10", l2, topic, words, tuple(verdicts), directory))
    kernel = KernelInfo("7.3", "debian:7.3", "7.3", "", "merged", "id", build_id="b")
    info = RunInfo("2026", "kvmppc run", "", (kernel,), "QEMU 11.1.3", "11.1.3", ())
    jsonfile.write(path / "report.json", info, records, whole(records))
    return path


def report(path, form="text", again=False):
    said, shown = [], []
    code = reporting.report([str(each) for each in path], form, "", again, said.append, shown.append, False)
    return code, "\n".join(said), "\n".join(shown)


@pytest.mark.parametrize("form", reporting.FORMATS)
def test_every_format_comes_from_a_saved_run(run, form):
    code, _, text = report([run], form)
    assert code == 0
    assert form == "annotations" or "p10" in text.lower()


def test_today_judges_as_then_if_nothing_changed(run):
    code, said, _ = report([run], again=True)
    assert code == 0
    assert "judged again: 4 records, 0 verdicts changed" in said


def test_what_changed_is_said_by_name(run):
    info, records, _ = jsonfile.read(run / "report.json")
    kernel = dataclasses.replace(info.kernels[0], expect="none")
    jsonfile.write(run / "report.json", dataclasses.replace(info, kernels=(kernel,)), records, whole(records))
    code, said, _ = report([run], again=True)
    assert code == 1
    assert "changed: 7.3-papr-p11@p10 caps: capability 250: ok, expected 1 -> FAIL, expected 0" in said


def test_an_observation_that_is_gone_leaves_its_record_as_it_was(run):
    (run / PLACEMENT.full_id / "l2p10/observation.json").unlink()
    _, said, text = report([run], again=True)
    assert "1 kept as they were" in said and "P10 ok" in text


def test_several_runs_are_one(run, tmp_path):
    other = tmp_path / "deeper/other"
    other.mkdir(parents=True)
    info, records, _ = jsonfile.read(run / "report.json")
    moved = [dataclasses.replace(each, l2="l2p9") for each in records if each.l2]
    jsonfile.write(other / "report.json", info, moved, Delivery(False, 3, ("test_2", "test_3")))
    both = reporting.merged([reporting.read(run), reporting.read(other)])
    assert len(both.records) == 5
    assert both.delivery == Delivery(False, 7, (f"{other}: test_2", f"{other}: test_3"))
    assert (both.path / both.records[-1].directory).resolve() == other / PLACEMENT.full_id / "l2p10"
    kernel = dataclasses.replace(info.kernels[0], identity="another")
    jsonfile.write(other / "report.json", dataclasses.replace(info, kernels=(kernel,)), moved, whole(moved))
    with pytest.raises(UsageError, match="is not that of"):
        reporting.merged([reporting.read(run), reporting.read(other)])


@pytest.mark.parametrize("content", [None, "{", '{"schema": 7}', "[]"])
def test_what_is_no_run_is_one_line(tmp_path, content):
    if content is not None:
        (tmp_path / "report.json").write_text(content)
    with pytest.raises(UsageError, match="give the directory of a run"):
        report([tmp_path])


def test_a_behaviour_is_known_by_name():
    kernel = KernelInfo("k", "s", "7.2.12", "", "compat-caps-merged@3", "")
    assert behaviour_of(kernel).revision.name == "merged"
    with pytest.raises(UsageError, match="nothing is known today"):
        behaviour_of(dataclasses.replace(kernel, expect="gone"))


def changed(run, **settings):
    """The report with other fields of its document."""
    path = run / "report.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **settings}))


def test_a_run_that_was_cut_off_or_asked_nothing_is_no_success(run):
    changed(run, complete=False)
    assert_told_everywhere(run, "Interrupted: partial results.")
    changed(run, complete=True, planned=6, missing=["test_a", "test_b"])
    assert_told_everywhere(run, "2 of 6 planned results are missing: test_a and 1 more")
    changed(run, planned=4, missing=[], records=[])
    assert_told_everywhere(run, "Nothing was judged: no test was selected.")


def test_a_run_of_which_all_was_skipped_is_no_success(run):
    info, records, _ = jsonfile.read(run / "report.json")
    skip = Verdict("a machine to boot on", Kind.SKIP, "one", "QEMU 7.2 has no -cpu power11")
    records = [dataclasses.replace(each, verdicts=(skip,), summary="") for each in records]
    jsonfile.write(run / "report.json", info, records, whole(records))
    assert_told_everywhere(run, "Nothing was judged: QEMU 7.2 has no -cpu power11.")


def test_the_same_place_twice_shows_the_worse_of_the_two(run, tmp_path):
    info, records, _ = jsonfile.read(run / "report.json")
    bad = dataclasses.replace(records[-1].verdicts[0], kind=Kind.FAIL, observed="panic")
    worse = dataclasses.replace(records[-1], verdicts=(bad,), summary="panic")
    (tmp_path / "second").mkdir()
    jsonfile.write(tmp_path / "second/report.json", info, [worse], whole([worse]))
    for form in ("text", "markdown", "html"):
        code, _, words = report([run, tmp_path / "second"], form)
        assert code == 1 and "panic" in words


def test_runs_that_are_not_of_one_kind_are_not_made_one(run, tmp_path):
    with pytest.raises(UsageError, match="named twice"):
        report([run, run])
    info, records, _ = jsonfile.read(run / "report.json")
    (tmp_path / "second").mkdir()
    other = dataclasses.replace(info, qemu="QEMU 10", options="--qemu host")
    jsonfile.write(tmp_path / "second/report.json", other, records, whole(records))
    with pytest.raises(UsageError, match="differ in qemu"):
        report([run, tmp_path / "second"])


@pytest.mark.parametrize("field", ["seconds", "summary", "phases", "topic"])
def test_a_record_that_is_none_is_told_by_its_place(run, field):
    document = json.loads((run / "report.json").read_text())
    document["records"][0][field] = [7]
    (run / "report.json").write_text(json.dumps(document))
    with pytest.raises(UsageError, match=rf"records\[0\].{field}"):
        report([run])


@pytest.mark.parametrize("content", ["[]", "3", "{}", "{", '{"boot": 1}'])
def test_a_damaged_observation_leaves_its_record_as_it_was(run, content):
    for path in run.rglob("observation.json"):
        path.write_text(content)
    code, said, _ = report([run], "html", again=True)
    assert code == 0 and "4 kept as they were" in said


def test_a_qemu_of_ones_own_may_call_itself_as_it_likes(run):
    info, records, _ = jsonfile.read(run / "report.json")
    jsonfile.write(
        run / "report.json", dataclasses.replace(info, l1_qemu="11.1.0-rc2"), records, whole(records)
    )
    assert "0 verdicts changed" in report([run], again=True)[1]


def test_what_a_guest_printed_fits_every_format(run):
    info, records, _ = jsonfile.read(run / "report.json")
    odd = dataclasses.replace(records[-1].verdicts[0], kind=Kind.FAIL, proof="\x1b[1m\x00 \x07 end")
    records = [dataclasses.replace(records[-1], verdicts=(odd,))]
    jsonfile.write(run / "report.json", info, records, whole(records))
    for form in reporting.FORMATS:
        assert report([run], form)[0] == 1
