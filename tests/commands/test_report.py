# SPDX-License-Identifier: GPL-2.0-only
"""Saved runs, shown and judged again: on a recorded L1 and L2."""

import dataclasses
import json
from pathlib import Path

import pytest
from delivered import assert_told_everywhere, whole
from quoting import quoted

from harness.commands import report as reporting
from harness.commands.rejudge import behaviour_of
from harness.engine.judging import Judge, KernelFacts
from harness.features.compat_caps.behaviour import MERGED_SERIES, NONE
from harness.model.cpu import GuestMode, Mode
from harness.model.errors import UsageError
from harness.model.level_facts import Ended
from harness.model.observation import Boot, End, LevelObservation, Probe, boot_to_json, level_to_json
from harness.model.outcome import Outcome, Side
from harness.model.record import Delivery, KernelInfo, Record, RunInfo
from harness.model.scenario import L1Setting, L2Setting, Placement
from harness.model.topology import topology
from harness.model.verdict import Kind, by_any_kernel
from harness.reports import formats, jsonfile

FORMS = tuple(each.name for each in formats.FORMATS)

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
        answer, verdicts = judged
        records.append(Record("7.3", "papr", "p11@p10", l2, topic, answer, tuple(verdicts), directory))
    kernel = KernelInfo("7.3", "debian:7.3", "7.3", "", "merged", "id", build_id="b")
    info = RunInfo("2026", "kvmppc run", "", (kernel,), "QEMU 11.1.3", "11.1.3", ())
    jsonfile.write(path / "report.json", info, records, whole(records))
    return path


def report(path, form="text", again=False):
    said, shown = [], []
    code = reporting.report([str(each) for each in path], form, "", again, said.append, shown.append, False)
    return code, "\n".join(said), "\n".join(shown)


@pytest.mark.parametrize("form", FORMS)
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


def test_a_behaviour_is_known_by_what_it_does():
    kernel = KernelInfo("k", "s", "7.2.12", "", "stored,merged,v2", "")
    assert [api.value for api in behaviour_of(kernel).served] == ["v2"]


# -- kernels of which nothing is known, and QEMUs of which something is -------------------------


def rewritten(run, *, kernel=None, **info_changes):
    info, records, complete = jsonfile.read(run / "report.json")
    kernels = (dataclasses.replace(info.kernels[0], **(kernel or {})),)
    info = dataclasses.replace(info, kernels=kernels, **info_changes)
    jsonfile.write(run / "report.json", info, records, complete)


def test_of_an_unknown_kernel_what_any_should_do_is_judged(run):
    rewritten(run, kernel={"expect": "none", "sure": False})
    code, said, text = report([run], again=True)
    assert "judged by what any kernel should do" in text
    # It has the ioctl, and 'none' would not; nothing of that is wrong.
    assert code == 0 and "-> FAIL" not in said


def test_a_record_that_was_not_judged_is_judged_again_once_more_is_known(run):
    """All its checks are skipped, and each has an answer."""
    info, records, _ = jsonfile.read(run / "report.json")
    records = [
        dataclasses.replace(
            each, verdicts=tuple(by_any_kernel(dataclasses.replace(one, right=None) for one in each.verdicts))
        )
        for each in records
    ]
    assert {each.kind for each in records} == {Kind.SKIP}
    jsonfile.write(run / "report.json", info, records, whole(records))
    _, said, _ = report([run], again=True)
    assert "judged again: 4 records" in said and "kept" not in said
    assert "arch_compat P10: skip" in said


@pytest.mark.parametrize("form", ["text", "markdown", "html", "junit"])
def test_every_report_says_that_nothing_more_is_known(run, form):
    rewritten(run, kernel={"expect": "none", "sure": False})
    text = report([run], form)[2]
    assert "any kernel" in text and "judged as &#39;none&#39;" not in text and "judged as 'none'" not in text


def test_a_machine_that_was_found_running_is_judged_again_as_it_was(run):
    rewritten(run, kernel={"build_id": "", "found_running": True})
    _, said, _ = report([run], again=True)
    assert "L1 kernel: ok, expected 7.3 -> skip" in said and "L1 build id: ok, expected b -> skip" in said


LATE = Boot(Outcome.REFUSED_LATE, "guest-wide-refused", "hardware reason ffffffffffffffea", directory="l2p10")


@pytest.mark.parametrize(
    ("qemu", "kind"), [("QEMU emulator version 9.1.2 (Debian)", "INFRA"), ("11.1.3", "FAIL")]
)
def test_a_saved_run_knows_its_qemu(run, qemu, kind):
    (run / PLACEMENT.full_id / "l2p10/observation.json").write_text(json.dumps(boot_to_json(LATE)))
    rewritten(run, qemu=qemu)
    _, said, _ = report([run], again=True)
    assert f"L2 outcome: ok, expected booted as P10 -> {kind}" in said


@pytest.mark.parametrize(
    ("where", "qemu", "kind"),
    [
        ("papr", (9, 1, 2), Kind.INFRASTRUCTURE),
        ("papr", None, Kind.FAIL),
        ("hv", (9, 1, 2), Kind.FAIL),
        ("pnv11", (9, 1, 2), Kind.FAIL),  # there the Linux that is L0 answers
    ],
)
def test_the_outermost_qemu_is_blamed_where_it_is_l0(where, qemu, kind):
    placement = Placement("7.3", topology(where), L1Setting.parse("p11@p10"))
    judge = Judge(placement, KernelFacts("7.3", "b", MERGED_SERIES), None, (11, 1, 3), qemu)
    _, (verdict,) = judge.l2(L2Setting.parse("p10"), LATE)
    assert verdict.kind is kind


def test_a_judge_of_an_unknown_kernel_judges_by_any():
    probe = Probe.from_json(json.loads((DATA / "probe-6.12-papr-p11@p10.json").read_text()))
    level = LevelObservation("x", Boot(Outcome.BOOTED, "m", "", GuestMode(Mode.P10)), "v2", "kvm_hv", probe)
    bare = Probe.from_json(json.loads((DATA / "probe-6.12-merged-bare-metal-p11.json").read_text()))
    l0 = dataclasses.replace(level, probe=bare)
    booted = Boot(Outcome.BOOTED, "marker", "up", GuestMode(Mode.P11), "7.3")

    def kinds(known):
        facts = KernelFacts("6.12", "b", NONE, known)
        judge = Judge(PLACEMENT, facts, facts, (11, 1, 3))
        l2 = judge.l2(L2Setting.parse("p11"), booted)
        return [
            {each.check: each.kind for _, verdicts in (judged,) for each in verdicts}
            for judged in (judge.caps(level), judge.arch_compat(level), l2, judge.l0_caps(l0))
        ]

    known, unknown = kinds(True), kinds(False)
    assert known[1]["arch_compat P11"] is Kind.DEFECT and unknown[1]["arch_compat P11"] is Kind.FAIL
    assert known[2]["L2 outcome"] is Kind.DEFECT and unknown[2]["L2 outcome"] is Kind.FAIL
    assert known[3]["L0 ioctl merged"] is Kind.FAIL and unknown[3]["L0 ioctl merged"] is Kind.OK
    assert set(unknown[0].values()) == {Kind.OK}


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
    skip = quoted("machine available", Kind.SKIP, "yes", "QEMU 7.2 has no -cpu power11")
    records = [dataclasses.replace(each, verdicts=(skip,), answer=None) for each in records]
    jsonfile.write(run / "report.json", info, records, whole(records))
    assert_told_everywhere(run, "Nothing was judged: QEMU 7.2 has no -cpu power11.")


def test_the_same_place_twice_shows_the_worse_of_the_two(run, tmp_path):
    info, records, _ = jsonfile.read(run / "report.json")
    bad = dataclasses.replace(records[-1].verdicts[0], kind=Kind.FAIL, observed=Ended(Outcome.PANIC))
    worse = dataclasses.replace(records[-1], verdicts=(bad,), answer=bad.observed)
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


@pytest.mark.parametrize("field", ["seconds", "answer", "phases", "topic"])
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
    for form in FORMS:
        assert report([run], form)[0] == 1
