# SPDX-License-Identifier: GPL-2.0-only
"""Health, judged again: by the looks that were saved, with what the run allowed."""

import dataclasses
import json

import pytest
from fakelevels import PROBE, well

from harness.commands.rejudge import rejudge
from harness.health.benign import Circumstances
from harness.health.oracle_health import Allowed, judge_level
from harness.model.cpu import GuestMode, Mode
from harness.model.level_facts import Title
from harness.model.looks import Look
from harness.model.observation import Boot, LevelObservation, boot_to_json, level_to_json
from harness.model.outcome import Outcome
from harness.model.record import KernelInfo, Record, RunInfo
from harness.model.splat import Splat
from harness.model.topology import NestedApi
from harness.model.verdict import Kind

WARNING = Splat("WARNING in x", "WARNING: x.c:1", ("x",), level="L1", when="during l2p10")
BENIGN = Splat(
    "KVM: TLB LPID invalidation hcall failed, rc=N",
    "KVM: TLB LPID invalidation hcall failed, rc=-2",
    level="L1",
)
ALL = Allowed((), {"L1": Circumstances((7, 3), (11, 1, 3), NestedApi.V2, "pseries-papr", "L1")})
PLACE = "7.3-papr-p11@p10"


def look(when, *splats, taint=0):
    return Look("L1", when, True, taint, splats)


def info(**more):
    kernel = KernelInfo("7.3", "debian:7.3", "7.3", "", "merged", "id", build_id="b")
    return RunInfo("2026", "kvmppc run", "", (kernel,), "QEMU 11.1.3", "11.1.2", (), **more)


class Saved:
    """A run with one L1. looks: oldest first; the first is of its start."""

    def __init__(self, directory, *looks):
        self.directory, self.looks = directory, looks
        place = directory / PLACE
        (place / "l1").mkdir(parents=True)
        (place / "looks.json").write_text(json.dumps([each.to_json() for each in looks]))
        boot = Boot(Outcome.BOOTED, "ssh", "ready", GuestMode(Mode.P10), "7.3", build_id="b", directory="l1")
        level = LevelObservation(PLACE, boot, "v2", "kvm_hv", PROBE, "L1", looks[:1])
        (place / "l1/observation.json").write_text(json.dumps(level_to_json(level)))
        (place / "l2p10").mkdir()
        (place / "l2p10/observation.json").write_text(json.dumps(boot_to_json(well())))

    def again(self, topic, looks, earlier=(), **more):
        """The health verdict of a record that was judged without any row or option, then and today."""
        then = judge_level("L1", looks, Allowed(), earlier)
        l2 = topic if topic.startswith("l2") else ""
        at = f"{PLACE}/{l2 or 'l1'}"
        record = Record("7.3", "papr", "p11@p10", l2, "l2" if l2 else topic, None, (then,), at)
        (new,), changes, _kept = rejudge(info(**more), [record], self.directory)
        (now,) = (each for each in new.verdicts if each.check == "L1 health")
        assert [each.check for each in changes if each.check == "L1 health"] == (
            ["L1 health"] if now.kind != then.kind else []
        )
        return then.kind, now.kind, new


@pytest.mark.parametrize("topic", ["l2p10", "caps", "health"])
def test_a_row_of_today_counts(tmp_path, topic):
    seen = look(f"during {topic}" if topic != "health" else "at the end", BENIGN)
    then, now, record = Saved(tmp_path, look("boot"), seen).again(topic, [seen])
    assert (then, now) == (Kind.FAIL, Kind.OK)
    assert record.kind is Kind.OK and record.answer != Title(BENIGN.title)


def test_one_at_the_start_too(tmp_path):
    seen = look("boot", BENIGN)
    assert Saved(tmp_path, seen).again("l1", [seen])[:2] == (Kind.FAIL, Kind.OK)


@pytest.mark.parametrize("topic", ["l2p10", "health"])
def test_what_the_run_allowed_is_allowed(tmp_path, topic):
    seen = look("during l2p10", WARNING, taint=512)
    saved = Saved(tmp_path, look("boot"), seen)
    assert saved.again(topic, [seen])[:2] == (Kind.FAIL, Kind.FAIL)
    assert saved.again(topic, [seen])[2].kind is Kind.FAIL
    assert saved.again(topic, [seen], allow_splat=(WARNING.title,))[:2] == (Kind.FAIL, Kind.OK)


def test_the_title_of_all_is_made_anew(tmp_path):
    looks = (look("boot"), look("during l2p10", WARNING, BENIGN, taint=512))
    then, now, record = Saved(tmp_path, *looks).again("health", looks)
    assert (then, now, record.answer) == (Kind.FAIL, Kind.FAIL, Title(WARNING.title))
    assert [each.titles for each in record.verdicts] == [(WARNING.title,)]


def test_a_flag_that_was_there_before_is_no_news(tmp_path):
    before = look("during l2p9", WARNING, taint=512)
    seen = look("during l2p10", taint=512)
    saved = Saved(tmp_path, before, seen)
    assert saved.again("l2p10", [seen], [before])[:2] == (Kind.OK, Kind.OK)


@pytest.mark.parametrize("damage", ["", "{", "[{}]"])
def test_looks_that_are_gone_leave_it_as_it_was(tmp_path, damage):
    seen = look("during l2p10", BENIGN)
    saved = Saved(tmp_path, look("boot"), seen)
    path = tmp_path / PLACE / "looks.json"
    path.write_text(damage) if damage else path.unlink()
    assert saved.again("l2p10", [seen])[:2] == (Kind.FAIL, Kind.FAIL)
    assert saved.again("health", [seen])[:2] == (Kind.FAIL, Kind.FAIL)


def test_a_look_that_was_not_saved_leaves_it_as_it_was(tmp_path):
    seen = look("during l2p10", BENIGN)
    assert Saved(tmp_path, look("boot")).again("l2p10", [seen])[:2] == (Kind.FAIL, Kind.FAIL)


def test_what_else_is_told_of_a_level_stays(tmp_path):
    seen = look("at the end", BENIGN)
    saved = Saved(tmp_path, look("boot"), seen)
    lives = dataclasses.replace(
        judge_level("L1", [seen], Allowed()), check="L1 lives at the end", titles=(), kind=Kind.INFRASTRUCTURE
    )
    record = Record("7.3", "papr", "p11@p10", "", "health", None, (lives,), f"{PLACE}/l1")
    (new,), changes, kept = rejudge(info(), [record], saved.directory)
    assert (new, changes, kept) == (record, [], 0)


def test_a_level_that_was_lost_before_its_probe_leaves_it_as_it_was(tmp_path):
    seen = look("during caps")
    saved = Saved(tmp_path, look("boot"), seen)
    path = tmp_path / PLACE / "l1/observation.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "probe": None}))
    assert saved.again("caps", [seen])[:2] == (Kind.OK, Kind.OK)


def test_rows_are_those_of_the_run(tmp_path):
    """Its versions of kernel and QEMU, as they were saved."""
    seen = look("during l2p10", BENIGN)
    assert judge_level("L1", [seen], ALL).kind is Kind.OK
