# SPDX-License-Identifier: GPL-2.0-only
"""Records of one L1, on levels that the test plays: who is charged with what, and what is never green."""

import json
from dataclasses import replace
from types import SimpleNamespace

import pytest
from astests import AsTests
from fakelevels import PROBE, Level, setup, well
from plans import planned_kernel
from quoting import quoted, said

from harness.engine.judging import Judge, KernelFacts
from harness.engine.running_l1 import RunningL1
from harness.features.compat_caps import conformance, mode_watch
from harness.features.compat_caps.behaviour import MERGED_SERIES
from harness.features.compat_caps.calls import Call
from harness.features.compat_caps.in_force import SPINS
from harness.features.compat_caps.oracle_ioctl import Subject
from harness.features.compat_caps.suite import Answers, questions
from harness.health.benign import Circumstances
from harness.health.cause import Loss
from harness.health.oracle_health import Allowed
from harness.levels.asking import NoAnswer
from harness.model.cpu import GuestMode, Mode
from harness.model.errors import InfrastructureError
from harness.model.facts import AllAnswers, Bitmap, Yes
from harness.model.level_facts import Ended, HealthNotChecked, InMode, Lost, LostAtQuestion, NotUp, Title
from harness.model.observation import Boot, End
from harness.model.outcome import Outcome, Side
from harness.model.record import Record
from harness.model.scenario import L2Setting
from harness.model.splat import Splat
from harness.model.topology import NestedApi
from harness.model.verdict import Kind
from harness.reports.short import cell

L2P10, L2P9 = L2Setting.parse("p10"), L2Setting.parse("p9")
WARNING = Splat("WARNING in x", "WARNING: x")
OOPS = Splat("BUG: NULL dereference in x", "BUG: Kernel NULL")
BENIGN = Splat(
    "KVM: TLB LPID invalidation hcall failed, rc=N", "KVM: TLB LPID invalidation hcall failed, rc=-2"
)
PANIC = Loss(Side.KERNEL, Outcome.PANIC, "panic", "Kernel panic - not syncing: x")
BROKE = Loss(Side.SURROUNDINGS, Outcome.INFRASTRUCTURE, "ssh-broke", "the SSH connection broke")
TEXTS = {"a.h": "of its source"}
HUNG = Boot(Outcome.HANG, "hang", "L1 runs and does not answer", directory="l1")


class Scene:
    """made: levels of each start, outermost first; prepare: what is done with those of a start."""

    def __init__(self, directory, where="papr", allowed=(), lacks="", circumstances=None):
        self.made, self.directory = [], directory
        self.prepare = lambda levels, boot: None
        self.words = []
        self.damage = ""
        self.placement = placement = setup(where).placement
        boots = SimpleNamespace(l1_qemu=(11, 1, 3))
        self.texts = directory.parent / "texts.json"
        self.texts.write_text(json.dumps(TEXTS))
        self.kernel = planned_kernel("7.3", "debian:7.3", boots, self.texts)
        self.older = planned_kernel("7.3", "debian:7.3")
        self.damage_asked = 0
        self.prepared = SimpleNamespace(
            plan=SimpleNamespace(
                kernels={"7.3": self.kernel}, l0_kernel=lambda place: self.older if place.l0 else None,
                no_workaround=("off",), allow_splat=allowed,
            ),
            lacks=self.of_it(lambda: lacks), circumstances=self.of_it(lambda: circumstances or {}),
            levels=self.make, damage=self.of_it(self._damage), qemu_version=(9, 2, 0),
        )  # fmt: skip
        self.rest = ("key", directory)
        self.running = AsTests(RunningL1(placement, self.prepared, *self.rest))

    def of_it(self, answer):
        def asked(placement):
            assert placement is self.placement
            return answer()

        return asked

    def _damage(self):
        self.damage_asked += 1
        return self.damage

    def make(self, placement, directories, boot, key, switched_off):
        self.words.append((placement.full_id, key, switched_off, boot))
        names = ("L0", "L1") if placement.l0 else ("L1",)
        levels = tuple(Level(name, directories[int(name[1])], boot) for name in names)
        if placement.l0:
            levels[0].boot = replace(levels[0].boot, mode=GuestMode(Mode.P11, raw=True), phases={"boot": 7.0})
            levels[1].start = as_api_v1(levels[1].start)
        self.made.append(levels)
        self.prepare(levels, boot)
        return levels

    @property
    def level(self):
        return self.made[-1][-1]

    def l2(self, setting=L2P10):
        return self.running.record_of_l2(setting)


def as_api_v1(start):
    return lambda: replace(start(), nested_api="v1")


@pytest.fixture
def scene(tmp_path):
    made = Scene(tmp_path / "run")
    yield made
    made.running.stop()


def kinds(record):
    return {each.check: each.kind for each in record.verdicts}


def verdict(record, check):
    found = [each for each in record.verdicts if each.check == check]
    assert len(found) == 1, [each.check for each in record.verdicts]
    return found[0]


def started(scene):
    """An L1 of which its first record has told."""
    scene.running.record_of_l1()
    return scene.level


# -- an L1 that is well ----------------------------------------------------------------------------


def test_an_l1_that_is_well(scene):
    record = scene.running.record_of_l1()
    assert kinds(record) == {
        "L1 boots": Kind.OK, "L1 kernel": Kind.OK, "L1 mode": Kind.OK, "nested API": Kind.OK,
        "L1 build id": Kind.OK, "L1 health": Kind.OK,
    }  # fmt: skip
    assert (record.topic, record.l2, record.answer, record.directory) == (
        "l1",
        "",
        None,
        "7.3-papr-p11@p10/l1",
    )
    assert (record.kernel, record.topology, record.l1, record.l0) == ("7.3", "papr", "p11@p10", "")
    assert (record.phases, record.notes, record.sequence) == ({"boot": 2.0}, (), ())
    assert 0 <= record.seconds < 5
    assert scene.words == [("7.3-papr-p11@p10", "key", ("off",), 1)]
    assert not any(each.startswith("look") for each in scene.level.log), "of its start it has told already"


def test_an_l2_that_fails_on_a_damaged_image_is_no_fault_of_the_kernel(scene):
    panic = Boot(Outcome.PANIC, "panic", "Kernel panic", directory="l2p10")
    started(scene).plays = {"l2p10": lambda level: panic, "l2p9": lambda level: panic}
    assert scene.l2().kind is Kind.FAIL
    scene.damage = "kernel.erofs: has another content"
    seen = verdict(scene.l2(L2P9), "L2 outcome")
    assert (seen.kind, seen.right) == (Kind.INFRASTRUCTURE, None)
    assert seen.proof == "kernel.erofs: has another content; Kernel panic"


def test_an_l2_that_is_well_is_not_asked_for_its_files(scene):
    scene.damage = "kernel.erofs: has another content"
    assert scene.l2().kind is Kind.OK
    files = verdict(scene.running.record_of_health(), "files")
    assert (files.kind, files.proof) == (Kind.INFRASTRUCTURE, scene.damage)


PLACE = {"kernel": "7.3", "topology": "papr", "l1": "p11@p10"}
ON_L0 = {"kernel": "7.3", "topology": "pnv11", "l1": "p11@p10", "l0": "7.2"}
CAPS = {"answer": Bitmap(0x6 << 60)}
P10 = Ended(Outcome.BOOTED, InMode(Mode.P10))


def without_verdicts(record):
    assert record.verdicts
    return replace(record, verdicts=(), seconds=0.0)


@pytest.mark.parametrize(
    ("ask", "directory", "more"),
    [
        (lambda run: run.record_of_l1(), "l1", {"topic": "l1", "phases": {"boot": 2.0}}),
        (lambda run: run.record_of_caps(), "l1", {"topic": "caps", **CAPS}),
        (lambda run: run.record_of_arch_compat(), "l1", {"topic": "arch_compat"}),
        (
            lambda run: run.record_of_l2(L2P10),
            "l2p10",
            {
                "topic": "l2",
                "l2": "l2p10",
                "answer": P10,
                "phases": {"boot": 1.0},
                "sequence": ("l2p10",),
            },
        ),
        (lambda run: run.record_of_suite("docs"), "l1", {"topic": "docs"}),
        (lambda run: run.record_of_calls([CALL]), "l1", {"topic": "calls"}),
        (lambda run: run.record_of_health(), "l1", {"topic": "health"}),
    ],
)
def test_what_a_record_says_of_itself(scene, ask, directory, more):
    wanted = Record(
        **{
            **PLACE, "l2": "", "answer": None, "verdicts": (), "directory": f"7.3-papr-p11@p10/{directory}",
            **more,
        }
    )  # fmt: skip
    assert without_verdicts(ask(scene.running)) == wanted


@pytest.mark.parametrize(
    ("ask", "directory", "more"),
    [
        (lambda run: run.record_of_l0(), "l0", {"topic": "l0", "phases": {"boot": 7.0}}),
        (lambda run: run.record_of_l0_caps(), "l0", {"topic": "l0_caps", **CAPS}),
        (lambda run: run.record_of_l1(), "l1", {"topic": "l1", "phases": {"boot": 2.0}}),
    ],
)
def test_what_a_record_says_of_itself_on_an_l0(deep, ask, directory, more):
    where = f"7.3-on-7.2-pnv11-p11@p10/{directory}"
    wanted = Record(**{**ON_L0, "l2": "", "answer": None, "verdicts": (), "directory": where, **more})
    assert without_verdicts(ask(deep.running)) == wanted


def test_what_it_is_judged_by(scene):
    kernel = KernelFacts("7.3", "b", MERGED_SERIES, True)
    allowed = Allowed((), {})
    assert scene.running.oracle == Judge(scene.placement, kernel, None, (11, 1, 3), (9, 2, 0), allowed)


def test_what_a_kernel_that_was_found_running_is_judged_by(tmp_path):
    deep = Scene(tmp_path, "pnv11", allowed=("WARNING in x",), circumstances={"L0": Circumstances()})
    info = replace(deep.kernel.info, sure=False, found_running=True)
    deep.prepared.plan.kernels["7.3"] = replace(deep.kernel, info=info, boots=None)
    running = RunningL1(deep.placement, deep.prepared, *deep.rest)
    kernel = KernelFacts("", "b", MERGED_SERIES, False)
    older = KernelFacts("7.3", "b", MERGED_SERIES, True)
    allowed = Allowed(("WARNING in x",), {"L0": Circumstances()})
    assert running.oracle == Judge(deep.placement, kernel, older, None, (9, 2, 0), allowed)


def test_its_levels_are_stopped_with_it(deep):
    deep.running.record_of_l1()
    deep.running.stop()
    assert [level.stops for level in deep.made[0]] == [1, 1]


def now(scene):
    """What the file says that goes on now."""
    document = json.loads((scene.directory / scene.placement.full_id / "now.json").read_text())
    return document["what"], document["log"]


def test_while_an_l2_runs_that_is_shown(scene):
    shown = []
    started(scene).plays["l2p10"] = lambda level: shown.append(now(scene)) or well()
    scene.l2()
    assert shown == [("L2 max=P10", str(scene.directory / "7.3-papr-p11@p10/l2p10/console.log"))]


def test_while_the_suite_is_asked_that_is_shown(scene):
    shown = set()
    started(scene).answers = lambda question: shown.add(now(scene)) or {"trouble": "x"}
    scene.running.record_of_suite("docs")
    assert shown == {("questions of compat_caps", "")}


def test_what_it_was_asked_is_judged_with_its_health(scene):
    caps = scene.running.record_of_caps()
    assert verdict(caps, "L1 health").kind is Kind.OK
    assert caps.answer == Bitmap(0x6 << 60)
    compat = scene.running.record_of_arch_compat()
    assert verdict(compat, "L1 health").kind is Kind.OK
    assert {caps.kind, compat.kind} == {Kind.OK}
    assert scene.level.log == [
        "start", "look during caps", "glance after caps, before arch_compat", "look during arch_compat"
    ]  # fmt: skip
    assert caps.phases == compat.phases == {}


def test_an_l2_that_is_well(scene):
    started(scene)
    record = scene.l2()
    assert set(kinds(record).values()) == {Kind.OK}
    assert set(kinds(record)) >= {"L2 outcome", "L2 kernel", "L2 ends", "L2 health", "L1 health"}
    assert (record.topic, record.l2, record.answer) == ("l2", "l2p10", P10)
    assert (record.directory, record.phases) == ("7.3-papr-p11@p10/l2p10", {"boot": 1.0})
    assert (record.notes, record.sequence) == ((), ("l2p10",))
    saved = scene.directory / "7.3-papr-p11@p10/l2p10/observation.json"
    assert json.loads(saved.read_text())["rule"] == "marker"
    assert scene.l2(L2P9).sequence == ("l2p10", "l2p9")


def test_the_health_at_the_end_is_over_all_that_went_on(scene):
    started(scene)
    scene.l2()
    record = scene.running.record_of_health()
    assert kinds(record) == {"L1 health": Kind.OK}
    assert (record.answer, record.sequence, record.directory) == (None, ("l2p10",), "7.3-papr-p11@p10/l1")
    assert scene.level.log[-3:] == ["glance after l2p10, before health", "pause 2", "look at the end"]


def test_a_place_without_a_machine_boots_nothing(tmp_path):
    scene = Scene(tmp_path, lacks="QEMU has no power12")
    for record in (scene.running.record_of_l1(), scene.l2(), scene.running.record_of_health()):
        assert kinds(record) == {"machine available": Kind.SKIP}
        assert said(record.verdicts[0]) == "QEMU has no power12"
    assert scene.made == []


# -- no looks at all -------------------------------------------------------------------------------


def test_without_looks_nothing_is_ok(scene):
    def prepare(levels, boot):
        level = levels[-1]
        start = level.start
        level.start = lambda: replace(start(), looks=())
        level.silent = "it does not say"

    scene.prepare = prepare
    record = scene.running.record_of_l1()
    assert (verdict(record, "L1 health").kind, record.kind) == (Kind.UNKNOWN, Kind.UNKNOWN)
    assert scene.running.record_of_caps().kind is Kind.UNKNOWN
    assert scene.l2().kind is Kind.UNKNOWN
    record = scene.running.record_of_health()
    assert (record.kind, verdict(record, "L1 health").observed) == (
        Kind.UNKNOWN,
        HealthNotChecked("it does not say"),
    )


# -- an L1 that does not come up -------------------------------------------------------------------


def test_an_l1_that_hangs_is_told_once(scene):
    def prepare(levels, boot):
        levels[-1].boot, levels[-1].at_boot = HUNG, (OOPS,)

    scene.prepare = prepare
    record = scene.running.record_of_l1()
    assert kinds(record) == {"L1 boots": Kind.FAIL, "L1 health": Kind.FAIL}
    assert record.answer == Ended(Outcome.HANG)
    for later in (scene.running.record_of_caps(), scene.l2(), scene.running.record_of_health()):
        assert kinds(later) == {"L1 is up": Kind.SKIP}
        assert (said(later.verdicts[0]), later.verdicts[0].proof) == (
            "L1: hang",
            "L1 runs and does not answer",
        )
        assert later.directory == "7.3-papr-p11@p10/l1"
    assert len(scene.made) == 1


def test_an_l1_that_hangs_is_told_by_its_l2_if_that_is_all_that_is_asked(scene):
    def prepare(levels, boot):
        levels[-1].boot, levels[-1].at_boot = HUNG, (OOPS,)

    scene.prepare = prepare
    record = scene.l2()
    assert kinds(record) == {"L1 boots": Kind.FAIL, "L1 health": Kind.FAIL}
    assert kinds(scene.l2(L2P9)) == {"L1 is up": Kind.SKIP}


def test_an_l1_that_is_lost_to_its_probe(scene):
    def prepare(levels, boot):
        levels[-1].probe, levels[-1].lost = None, End("splat", "BUG: x", Side.KERNEL)

    scene.prepare = prepare
    record = scene.running.record_of_l1()
    assert verdict(record, "L1 answers").kind is Kind.FAIL
    later = scene.running.record_of_caps()
    assert (kinds(later), said(later.verdicts[0]), later.verdicts[0].proof) == (
        {"L1 is up": Kind.SKIP}, "L1: lost when it was probed (splat)", "BUG: x",
    )  # fmt: skip


# -- complaints ------------------------------------------------------------------------------------


def test_a_complaint_during_an_l2_fails_its_record_and_the_next_l2_gets_a_fresh_l1(scene):
    def complain(level):
        level.spoken, level.taint = [WARNING], 512
        return well()

    started(scene).plays["l2p10"] = complain
    record = scene.l2()
    assert (verdict(record, "L1 health").kind, verdict(record, "L1 health").titles) == (
        Kind.FAIL,
        (WARNING.title,),
    )
    assert verdict(record, "L2 outcome").kind is Kind.OK
    after = scene.l2(L2P9)
    assert after.notes == (
        "in a fresh L1: in the one before, L1 had complained (WARNING in x, during l2p10)",
    )
    assert (after.kind, after.sequence) == (Kind.OK, ("l2p9",))
    assert len(scene.made) == 2
    record = scene.running.record_of_health()
    assert (record.kind, record.answer, record.directory) == (
        Kind.FAIL, Title(WARNING.title), "7.3-papr-p11@p10/l1-2",
    )  # fmt: skip


def test_a_note_is_of_one_record(scene):
    started(scene).plays["l2p10"] = lambda level: level.spoken.append(WARNING) or well()
    scene.l2()
    assert scene.l2(L2P9).notes
    assert scene.l2(L2Setting()).notes == ()


def test_an_allowed_complaint_does_no_harm_then_or_later(tmp_path):
    scene = Scene(tmp_path, allowed=(WARNING.title,))

    def complain(level):
        level.spoken, level.taint = [WARNING], 512
        return well()

    started(scene).plays["l2p10"] = complain
    records = [scene.l2(), scene.l2(L2P9), scene.running.record_of_health()]
    assert [each.kind for each in records] == [Kind.OK] * 3
    assert "allowed: WARNING in x" in verdict(records[0], "L1 health").proof
    assert len(scene.made) == 1


def test_a_harmless_line_does_no_harm_and_hides_nothing(tmp_path):
    at = {"L1": Circumstances(nested_api=NestedApi.V2, level="L1")}
    scene = Scene(tmp_path, circumstances=at)
    level = started(scene)
    level.plays["l2p10"] = lambda level: level.spoken.append(BENIGN) or well()
    assert scene.l2().kind is Kind.OK
    level.plays["l2p9"] = lambda level: (
        (level.spoken.append(BENIGN), setattr(level, "taint", 512)) and well(Mode.P9)
    )
    record = scene.l2(L2P9)
    assert verdict(record, "L1 health").titles == ("taint W (WARNING)",)


def test_a_flag_is_told_by_the_record_it_came_in(scene):
    level = started(scene)
    level.taint = 512
    assert verdict(scene.running.record_of_caps(), "L1 health").kind is Kind.FAIL
    assert verdict(scene.running.record_of_arch_compat(), "L1 health").kind is Kind.OK
    assert scene.running.record_of_health().kind is Kind.FAIL


def test_a_flag_of_one_level_does_not_hide_that_of_another(deep):
    deep.running.record_of_l1()
    l0, l1 = deep.made[0]
    l0.taint = 512
    assert verdict(deep.running.record_of_caps(), "L0 health").kind is Kind.FAIL
    l1.taint = 512
    found = kinds(deep.running.record_of_arch_compat())
    assert (found["L0 health"], found["L1 health"]) == (Kind.OK, Kind.FAIL)


@pytest.mark.parametrize("kind", [Kind.FAIL, Kind.DEFECT, Kind.UNKNOWN])
def test_what_is_shown_on_a_damaged_image_proves_nothing(scene, monkeypatch, kind):
    monkeypatch.setitem(conformance.TOPICS, "docs", lambda evidence: [quoted("x", kind, "a", "b")])
    scene.damage = "kernel.erofs: has another content"
    assert verdict(scene.running.record_of_suite("docs"), "x").kind is Kind.INFRASTRUCTURE


@pytest.mark.parametrize("kind", [Kind.OK, Kind.SKIP, Kind.INFRASTRUCTURE])
def test_of_what_speaks_against_no_kernel_the_files_are_not_read(scene, monkeypatch, kind):
    monkeypatch.setitem(conformance.TOPICS, "docs", lambda evidence: [quoted("x", kind, "a", "b")])
    assert verdict(scene.running.record_of_suite("docs"), "x").kind is kind
    assert scene.damage_asked == 0


# -- an L1 that is lost ----------------------------------------------------------------------------


def test_an_l1_that_panics_between_two_l2s_is_charged_to_neither(scene):
    level = started(scene)
    assert scene.l2().kind is Kind.OK
    level.spoken, level.lost_by = [replace(OOPS, title="kernel panic: x", final=True)], PANIC
    after = scene.l2(L2P9)
    assert after.kind is Kind.OK
    assert "L1 had complained (kernel panic: x, after l2p10, before l2p9)" in after.notes[0]
    record = scene.running.record_of_health()
    lives = verdict(record, "L1 lives after l2p10, before l2p9")
    assert (lives.kind, lives.proof) == (Kind.FAIL, PANIC.proof)
    assert lives.observed == Lost(PANIC.outcome, PANIC.rule)
    assert verdict(record, "L1 health").kind is Kind.FAIL
    assert record.answer == Title("kernel panic: x")


def test_one_that_is_lost_between_without_a_word(scene):
    level = started(scene)
    scene.l2()
    level.lost_by = BROKE
    after = scene.l2(L2P9)
    assert (after.kind, after.notes) == (Kind.OK, ("in a fresh L1: in the one before, L1 was lost",))
    record = scene.running.record_of_health()
    assert verdict(record, "L1 lives after l2p10, before l2p9").kind is Kind.INFRASTRUCTURE
    assert record.sequence == ("l2p10", "l2p9")


def test_what_came_between_two_l2s_is_repeated_with_both(scene):
    """The second then ran in a fresh L1, and a third in that: neither led to it."""
    started(scene)
    scene.l2()
    scene.level.spoken = [WARNING]
    assert scene.l2(L2P9).sequence == ("l2p9",)
    assert scene.l2(L2Setting()).sequence == ("l2p9", "l2host")
    record = scene.running.record_of_health()
    health = verdict(record, "L1 health")
    assert (health.kind, said(health)) == (Kind.FAIL, f"{WARNING.title} (after l2p10, before l2p9)")
    assert record.sequence == ("l2p10", "l2p9")


def test_the_first_of_two_complaints_is_repeated(scene):
    started(scene)
    scene.l2()
    scene.l2(L2P9)
    scene.level.spoken = [WARNING]
    scene.l2(L2Setting())
    scene.level.spoken = [OOPS]
    assert scene.running.record_of_health().sequence == ("l2p10", "l2p9", "l2host")


def test_a_complaint_of_l0_is_repeated_too(tmp_path):
    scene = Scene(tmp_path, "powernv11")
    started(scene)
    scene.l2()
    scene.made[-1][0].spoken = [WARNING]
    scene.l2(L2P9)
    assert verdict(scene.running.record_of_health(), "L0 health").kind is Kind.FAIL
    assert scene.running.record_of_health().sequence == ("l2p10", "l2p9")


def test_an_allowed_complaint_is_not_repeated(tmp_path):
    scene = Scene(tmp_path, allowed=(WARNING.title,))

    def complain(level):
        level.spoken, level.taint = [WARNING], 512
        return well()

    started(scene).plays = {"l2p10": complain, "l2p9": well(Mode.P9, stays="thread x in state D")}
    scene.l2()
    scene.l2(L2P9)
    scene.l2(L2Setting())
    assert scene.running.record_of_health().sequence == ("l2host",)


def test_what_l0_said_does_not_explain_a_flag_of_l1(tmp_path):
    scene = Scene(tmp_path, "pnv11", allowed=(WARNING.title,))
    started(scene)
    l0, l1 = scene.made[0]

    def complain(level):
        l0.spoken, l0.taint = [WARNING], 512
        return well()

    l1.plays = {"l2p10": complain, "l2p9": lambda level: setattr(level, "taint", 512) or well(Mode.P9)}
    assert scene.l2().kind is Kind.OK
    assert verdict(scene.l2(L2P9), "L1 health").kind is Kind.FAIL
    scene.l2(L2Setting())
    assert scene.running.record_of_health().sequence == ("l2p10", "l2p9", "l2host")


def test_one_that_panics_after_its_last_l2(scene):
    level = started(scene)
    scene.l2()
    level.spoken, level.lost_by = [OOPS], PANIC
    record = scene.running.record_of_health()
    assert verdict(record, "L1 lives after l2p10, before health").kind is Kind.FAIL
    assert verdict(record, "L1 health").titles == (OOPS.title,)


def test_one_that_panics_while_it_is_given_its_time_at_the_end(scene):
    level = started(scene)
    scene.l2()
    level.pause = lambda seconds: setattr(level, "lost_by", PANIC)
    record = scene.running.record_of_health()
    assert verdict(record, "L1 health").kind is Kind.UNKNOWN
    lives = verdict(record, "L1 lives at the end")
    assert (lives.kind, lives.proof) == (Kind.FAIL, PANIC.proof)
    assert "loss at the end" in level.log
    assert not [each for each in kinds(scene.running.record_of_health()) if "lives" in each], "it was told"


def test_one_whose_machine_is_ended_while_it_is_given_its_time_at_the_end(scene):
    level = started(scene)
    scene.l2()
    level.pause = lambda seconds: setattr(level, "lost_by", BROKE)
    record = scene.running.record_of_health()
    lives = verdict(record, "L1 lives at the end")
    assert (lives.kind, lives.proof, record.kind) == (Kind.INFRASTRUCTURE, BROKE.proof, Kind.INFRASTRUCTURE)


def test_a_loss_that_an_l2_told_is_not_told_at_the_end(scene):
    started(scene).plays["l2p10"] = lambda level: setattr(level, "lost_by", PANIC) or well()
    assert "L1 answers" in kinds(scene.l2())
    record = scene.running.record_of_health()
    assert kinds(record) == {"L1 health": Kind.UNKNOWN}


def test_one_that_does_not_answer_the_last_look_and_is_not_lost(scene):
    started(scene)
    scene.l2()
    scene.level.silent = "no answer within 10 s"
    assert kinds(scene.running.record_of_health()) == {"L1 health": Kind.UNKNOWN}


def test_one_that_panics_while_it_is_looked_at_after_an_l2(scene):
    """The L2 was well; the record tells of both."""
    started(scene).plays["l2p10"] = lambda level: setattr(level, "lost_by", PANIC) or well()
    record = scene.l2()
    assert verdict(record, "L2 outcome").kind is Kind.OK
    answers = verdict(record, "L1 answers")
    assert (answers.kind, answers.proof) == (Kind.FAIL, PANIC.proof)
    assert "asked: a sign of life after l2p10" in said(answers)
    assert "L1 health" not in kinds(record)
    assert scene.l2(L2P9).kind is Kind.OK
    assert "L1 lives after l2p10, before l2p9" not in kinds(scene.running.record_of_health()), "it was told"


def test_one_that_complains_and_is_lost(scene):
    def fail(level):
        level.spoken, level.lost_by = [OOPS], PANIC
        return well()

    started(scene).plays["l2p10"] = fail
    record = scene.l2()
    assert verdict(record, "L1 answers").kind is Kind.FAIL
    assert verdict(record, "L1 health").titles == (OOPS.title,)


@pytest.mark.parametrize("words", ["L1: ", ""])
@pytest.mark.parametrize(
    ("loss", "kind"),
    [
        (PANIC, Kind.FAIL),
        (BROKE, Kind.INFRASTRUCTURE),
        (Loss(Side.UNKNOWN, Outcome.UNKNOWN, "no-answer", "no answer"), Kind.UNKNOWN),
    ],
)
def test_a_loss_that_the_l2_tells_is_not_told_twice(scene, words, loss, kind):
    def fail(level):
        level.lost_by = loss
        return Boot(loss.outcome, f"l1-{loss.rule}", f"{words}{loss.proof}", directory="l2p10")

    started(scene).plays["l2p10"] = fail
    record = scene.l2()
    assert kinds(record) == {"L2 outcome": kind}


def test_a_loss_is_told_beside_an_l2_that_fails_for_another_reason(scene):
    def fail(level):
        level.lost_by = PANIC
        return well(Mode.P9)

    started(scene).plays["l2p10"] = fail
    record = scene.l2()
    assert (verdict(record, "L2 outcome").kind, verdict(record, "L1 answers").kind) == (Kind.FAIL, Kind.FAIL)


def test_a_loss_is_told_though_the_l2_has_the_same_words_and_is_fine(scene):
    def fail(level):
        level.lost_by = replace(PANIC, proof="up")
        return well()

    started(scene).plays["l2p10"] = fail
    assert verdict(scene.l2(), "L1 answers").kind is Kind.FAIL


def test_an_l1_that_does_not_answer_a_look_and_is_well_again_is_not_known_to_be(scene):
    started(scene).silent = "no answer within 10 s"
    record = scene.l2()
    health = verdict(record, "L1 health")
    assert (health.kind, said(health)) == (Kind.UNKNOWN, "health was not checked: no answer within 10 s")
    assert "loss the end of l2p10" in scene.level.log
    assert record.kind is Kind.UNKNOWN


def test_a_loss_that_another_record_told_is_not_told_again(scene):
    level = started(scene)
    level.plays["l2p10"] = lambda level: setattr(level, "lost_by", PANIC) or well()
    scene.l2()
    assert set(kinds(scene.running.record_of_caps())) & {"L1 answers", "L1 health"} == set()


# -- a fresh L1 ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "outcome", "proof"),
    [
        ({"boot": HUNG}, Outcome.HANG, HUNG.proof),
        ({"probe": None, "lost": End("panic", "p", Side.KERNEL)}, Outcome.PANIC, "p"),
        ({"probe": None, "lost": End("hang", "p", Side.KERNEL)}, Outcome.HANG, "p"),
        ({"probe": None, "lost": End("l0-stuck", "p", Side.KERNEL)}, Outcome.HANG, "p"),
        ({"probe": None, "lost": End("ssh-broke", "p", Side.SURROUNDINGS)}, Outcome.INFRASTRUCTURE, "p"),
        ({"probe": None, "lost": End("no-answer", "p", Side.UNKNOWN)}, Outcome.UNKNOWN, "p"),
        ({"probe": None}, Outcome.UNKNOWN, "ready"),
    ],
)
def test_a_fresh_l1_that_does_not_come_up(scene, change, outcome, proof):
    def prepare(levels, boot):
        if boot == 2:
            for name, value in change.items():
                setattr(levels[-1], name, value)

    scene.prepare = prepare
    level = started(scene)
    scene.l2()
    level.lost_by = PANIC
    record = scene.l2(L2P9)
    found = verdict(record, "L2 outcome")
    kind = {Outcome.INFRASTRUCTURE: Kind.INFRASTRUCTURE, Outcome.UNKNOWN: Kind.UNKNOWN}.get(
        outcome, Kind.FAIL
    )
    assert (found.kind, found.proof) == (kind, f"a fresh L1 did not come up: {proof}")
    assert said(found) == outcome.value + (" (l1-gone)" if kind is Kind.INFRASTRUCTURE else "")
    assert cell(record.answer) == outcome.short
    assert not (scene.directory / "7.3-papr-p11@p10/l2p9").exists()
    # What befell the one before is told all the same.
    health = scene.running.record_of_health()
    assert verdict(health, "L1 lives after l2p10, before l2p9").kind is Kind.FAIL


def test_a_fresh_l1_that_does_not_come_up_skips_what_would_be_asked_of_it(scene):
    scene.prepare = lambda levels, boot: setattr(levels[-1], "boot", HUNG) if boot == 2 else None
    level = started(scene)
    level.lost_by = PANIC
    scene.l2()
    record = scene.running.record_of_caps()
    assert record.verdicts == (quoted("L1 is up", Kind.SKIP, Yes(), NotUp("L1", HUNG.ended), HUNG.proof),)


def test_l2s_are_listed_by_the_l1_that_they_ran_in(scene):
    level = started(scene)
    scene.l2()
    level.lost_by = PANIC
    scene.running.record_of_suite("docs")
    assert scene.running.record_of_health().sequence == ("l2p10",), "it ran in the L1 that was lost"
    assert scene.l2(L2P9).sequence == ("l2p9",)


def test_an_l2_whose_vm_stays_spoils_its_l1(scene):
    started(scene).plays["l2p10"] = well(stays="SIGKILL does not end its QEMU: thread x in state D")
    record = scene.l2()
    assert verdict(record, "L2 ends").kind is Kind.FAIL
    after = scene.l2(L2P9)
    assert after.notes == (
        "in a fresh L1: in the one before, L1 keeps the VM of l2p10, which cannot be ended",
    )
    assert after.kind is Kind.OK


# -- three levels ----------------------------------------------------------------------------------


@pytest.fixture
def deep(tmp_path):
    made = Scene(tmp_path / "run", "pnv11")
    yield made
    made.running.stop()


def test_an_l0_has_records_of_its_own(deep):
    record = deep.running.record_of_l0()
    assert set(kinds(record)) == {"L0 boots", "L0 kernel", "L0 mode", "L0 build id", "L0 health"}
    assert (record.kind, record.l0, record.directory) == (Kind.OK, "7.2", "7.3-on-7.2-pnv11-p11@p10/l0")
    assert record.phases == {"boot": 7.0}
    caps = deep.running.record_of_l0_caps()
    assert deep.level.log == [], "L1 is not needed for them"
    assert verdict(caps, "L0 health").kind is Kind.OK
    assert "L1 health" not in kinds(caps)
    l1 = deep.running.record_of_l1()
    assert verdict(l1, "L1 health").kind is Kind.OK


def test_an_l0_that_does_not_come_up_skips_its_l1(deep):
    deep.prepare = lambda levels, boot: setattr(levels[0], "boot", replace(HUNG, directory="l0"))
    assert kinds(deep.running.record_of_l0())["L0 boots"] is Kind.FAIL
    for record in (deep.running.record_of_l1(), deep.l2()):
        assert kinds(record) == {"L0 is up": Kind.SKIP}
        assert record.directory.endswith("/l0")


def test_an_l0_that_does_not_come_up_is_told_by_whoever_meets_it_first(deep):
    deep.prepare = lambda levels, boot: setattr(levels[0], "boot", replace(HUNG, directory="l0"))
    assert kinds(deep.running.record_of_l1())["L0 boots"] is Kind.FAIL


def test_an_l1_that_does_not_come_up_is_nothing_to_its_l0(deep):
    deep.prepare = lambda levels, boot: setattr(levels[1], "boot", HUNG)
    assert kinds(deep.running.record_of_l1())["L1 boots"] is Kind.FAIL
    assert kinds(deep.running.record_of_l0_caps())["L0 health"] is Kind.OK
    assert kinds(deep.running.record_of_l1())["L1 boots"] is Kind.FAIL


def test_both_levels_are_looked_at_and_told(deep):
    deep.running.record_of_l1()
    deep.level.plays["l2p10"] = lambda level: deep.made[0][0].spoken.append(WARNING) or well()
    record = deep.l2()
    assert (verdict(record, "L0 health").kind, verdict(record, "L1 health").kind) == (Kind.FAIL, Kind.OK)
    assert deep.l2(L2P9).notes == (
        "in a fresh L1: in the one before, L0 had complained (WARNING in x, during l2p10)",
    )
    health = deep.running.record_of_health()
    assert (verdict(health, "L0 health").kind, verdict(health, "L1 health").kind) == (Kind.FAIL, Kind.OK)


def test_an_l0_that_is_lost_under_its_l1_and_l2(deep):
    deep.running.record_of_l1()
    told = Loss(Side.KERNEL, Outcome.PANIC, "l0-panic", f"L0: {PANIC.proof}")

    def fail(level):
        deep.made[0][0].lost_by, level.lost_by = PANIC, told
        return Boot(Outcome.PANIC, "l0-panic", told.proof, directory="l2p10")

    deep.level.plays["l2p10"] = fail
    record = deep.l2()
    assert kinds(record) == {"L2 outcome": Kind.FAIL}
    assert deep.l2(L2P9).kind is Kind.OK


# -- the suite -------------------------------------------------------------------------------------


def test_the_suite_is_asked_once(scene):
    started(scene)
    records = [scene.running.record_of_suite(topic) for topic in conformance.TOPICS]
    assert scene.level.log.count("asking") == 1
    assert [each.topic for each in records] == list(conformance.TOPICS)
    assert all(verdict(each, "L1 health").kind is Kind.OK for each in records)
    saved = json.loads((scene.directory / "7.3-papr-p11@p10/l1/answers-compat_caps.json").read_text())
    # And then those that are asked while somebody looks on.
    assert list(saved["asked"]) == [*questions(65536), *(each.question for each in SPINS)]
    assert saved["page"] == 65536


def evidence_for(monkeypatch, function):
    """What that judges."""
    found = []
    monkeypatch.setattr(conformance, function, lambda evidence, *more: found.append((evidence, *more)) or [])
    return found


def test_what_the_suite_is_judged_by(scene, monkeypatch):
    found = []
    monkeypatch.setitem(
        conformance.TOPICS, "docs", lambda evidence: found.append(evidence) or [quoted("x", Kind.OK, "", "")]
    )
    monkeypatch.setattr(
        mode_watch,
        "observe",
        lambda asking, monitor, spin: {"asked": [monitor("info registers"), spin.question]},
    )
    started(scene).answers = lambda question: {"value": len(question)}
    scene.level.monitor_command = lambda line: f"answer to {line}"
    assert set(kinds(scene.running.record_of_suite("docs"))) == {"x", "L1 health"}
    asked = {each: {"value": len(each)} for each in questions(65536)}
    asked |= {each.question: {"asked": ["answer to info registers", each.question]} for each in SPINS}
    subject = Subject(MERGED_SERIES, NestedApi.V2, Mode.P10)
    assert found == [conformance.SuiteEvidence(subject, PROBE, Answers(65536, asked), TEXTS, True)]


def test_a_kernel_of_which_nothing_is_known_is_judged_as_that(tmp_path, monkeypatch):
    scene = Scene(tmp_path)
    info = replace(scene.kernel.info, sure=False)
    scene.prepared.plan.kernels["7.3"] = replace(scene.kernel, info=info)
    running = AsTests(RunningL1(scene.placement, scene.prepared, *scene.rest))
    found = []
    expected = scene.kernel.expected["compat_caps"]
    scene.prepared.plan.kernels["7.3"] = replace(
        scene.kernel, info=info, expected={"compat_caps": replace(expected, known=False)}
    )
    running = AsTests(RunningL1(scene.placement, scene.prepared, *scene.rest))
    monkeypatch.setitem(conformance.TOPICS, "docs", lambda evidence: found.append(evidence.known) or [])
    running.record_of_suite("docs")
    assert found == [False]


def test_what_single_calls_are_judged_by(scene, monkeypatch):
    found = evidence_for(monkeypatch, "judge_calls")
    started(scene).answers = lambda question: {"trouble": question}
    scene.running.record_of_calls([CALL])
    ((evidence, calls),) = found
    assert evidence.answers == Answers(65536, {CALL.line: {"trouble": CALL.line}})
    assert (evidence.texts, evidence.probe, calls) == (TEXTS, PROBE, [CALL])


def test_what_random_calls_are_judged_by(scene, monkeypatch):
    from harness.features.compat_caps import fuzz

    monkeypatch.setattr(fuzz, "fuzz", lambda *words: conformance.Fuzzed(3))
    found = evidence_for(monkeypatch, "judge_fuzz")
    scene.running.record_of_fuzz(2.0, 7)
    ((evidence, *more),) = found
    assert (evidence.texts, evidence.probe, more) == (TEXTS, PROBE, [conformance.Fuzzed(3), 2.0, 7])


def lost_at(number, error=None):
    """Answers of an L1 that gives none to that question."""
    seen = []

    def answer(question):
        seen.append(question)
        return (error or NoAnswer("none", "", [], "")) if len(seen) == number + 1 else {"trouble": "x"}

    return answer


def test_a_question_that_is_never_answered_is_diagnosed_and_told_once(scene):
    level = started(scene)
    asked = questions(65536)
    level.answers, level.diagnosis = lost_at(7), replace(PANIC, rule="stuck", outcome=Outcome.HANG)
    first = scene.running.record_of_suite("ioctl")
    assert f"diagnose {asked[7]}" in level.log
    answers = verdict(first, "L1 answers")
    assert (answers.kind, said(answers)) == (Kind.FAIL, f"hang (stuck), asked: {asked[7]}")
    saved = json.loads((scene.directory / "7.3-papr-p11@p10/l1/answers-compat_caps.json").read_text())
    assert list(saved["asked"]) == asked[:7]
    lost = LostAtQuestion("L1", asked[7])
    assert verdict(first, "suite complete") == quoted("suite complete", Kind.UNKNOWN, AllAnswers(), lost)
    for topic in ("vcpu", "userspace", "revision"):
        later = scene.running.record_of_suite(topic)
        assert later.kind is Kind.UNKNOWN, "what was not asked proves nothing, for or against"
        assert verdict(later, "suite complete").observed == lost
        assert Kind.FAIL not in kinds(later).values() and Kind.OK not in kinds(later).values()
    assert level.log.count("asking") == 1
    assert kinds(scene.running.record_of_health()) == {"L1 health": Kind.UNKNOWN}, "it was told"


def test_what_was_answered_before_is_judged(scene, monkeypatch):
    level = started(scene)
    asked = questions(65536)
    level.answers = lost_at(7)
    monkeypatch.setitem(
        conformance.TOPICS,
        "docs",
        lambda evidence: [quoted(each, Kind.OK, "", "", each) for each in asked[6:9]],
    )
    record = scene.running.record_of_suite("docs")
    assert list(kinds(record)) == ["L1 answers", asked[6], "suite complete"]


def test_an_l1_that_is_lost_while_somebody_looks_on_has_answered_the_rest(scene):
    level = started(scene)
    level.answers = lambda question: (
        NoAnswer("none", "", [], "") if question.startswith("spin") else {"trouble": "x"}
    )
    record = scene.running.record_of_suite("docs")
    assert verdict(record, "suite complete").kind is Kind.UNKNOWN
    saved = json.loads((scene.directory / "7.3-papr-p11@p10/l1/answers-compat_caps.json").read_text())
    assert list(saved["asked"]) == questions(65536)


def test_a_question_about_the_ioctl_can_be_asked_again_by_hand(scene):
    level = started(scene)
    asked = questions(65536)
    number = next(at for at, each in enumerate(asked) if each.startswith("ioctl "))
    level.answers = lost_at(number)
    proof = verdict(scene.running.record_of_suite("ioctl"), "L1 answers").proof
    assert proof == f"no answer; again: kvmppc probe --call '{asked[number]}'"


def test_a_loss_that_was_diagnosed_is_not_told_again_in_other_words(scene):
    """As of a level that is asked anew each time."""
    level = started(scene)
    level.answers, level.diagnosis = lost_at(7), PANIC
    level.loss = lambda doing: BROKE
    record = scene.running.record_of_suite("ioctl")
    assert verdict(record, "L1 answers").proof.startswith(PANIC.proof)


def test_a_program_that_is_killed_by_an_oops(scene):
    level = started(scene)
    level.answers = lost_at(3, NoAnswer("gone", "", [], "ask.py: Killed"))
    level.diagnosis = replace(PANIC, rule="splat", splat=OOPS)
    record = scene.running.record_of_suite("ioctl")
    assert verdict(record, "L1 answers").titles == (OOPS.title,)
    assert any(each.endswith("ask.py: Killed") for each in level.log)


def test_an_l1_that_is_lost_before_the_suite_is_replaced_for_it(scene):
    level = started(scene)
    scene.running.record_of_caps()
    level.lost_by = PANIC
    record = scene.running.record_of_suite("docs")
    assert record.notes == ("in a fresh L1: in the one before, L1 was lost",)
    assert verdict(record, "L1 health").kind is Kind.OK
    assert "L1 lives after caps, before docs" in kinds(scene.running.record_of_health())


def test_an_l1_that_is_lost_after_the_suite_is_not_replaced_for_its_answers(scene):
    level = started(scene)
    scene.running.record_of_suite("docs")
    level.lost_by = BROKE
    assert scene.running.record_of_suite("revision").notes == ()
    assert len(scene.made) == 1


@pytest.mark.parametrize("what", ["suite", "calls", "fuzz"])
def test_a_fresh_l1_that_does_not_come_up_for_the_suite(scene, what):
    scene.prepare = lambda levels, boot: setattr(levels[-1], "boot", HUNG) if boot == 2 else None
    level = started(scene)
    if what != "suite":
        scene.running.record_of_suite("docs")
    scene.running.record_of_caps()
    level.lost_by = PANIC
    ask = {
        "suite": lambda: scene.running.record_of_suite("vcpu"),
        "calls": lambda: scene.running.record_of_calls([CALL]),
        "fuzz": lambda: scene.running.record_of_fuzz(0.1, 1),
    }[what]
    record = ask()
    assert record.kind is Kind.UNKNOWN
    words = f"a fresh L1 did not come up: {HUNG.proof}"
    assert f"diagnose {record.topic} {words}" in scene.level.log


def test_a_connection_that_cannot_be_had_is_diagnosed(scene):
    level = started(scene)
    level.answers, level.diagnosis = InfrastructureError("no channel"), BROKE
    record = scene.running.record_of_suite("vcpu")
    assert "diagnose vcpu no channel" in level.log
    assert kinds(record) == {"L1 answers": Kind.INFRASTRUCTURE}
    assert record.answer is None


CALL = Call.parse("ioctl vm 0x2000aeb8 plain 1800000000000000,00*16")


def test_single_calls_are_asked_and_judged(scene):
    level = started(scene)
    level.answers = lambda question: (
        {"trouble": "no guest"} if question.startswith("spin") else {"answers": []}
    )
    record = scene.running.record_of_calls([CALL])
    assert record.topic == "calls"
    assert any(CALL.line in each.check for each in record.verdicts)
    assert level.log.count("asking") == 2


def test_a_call_that_is_never_answered(scene):
    level = started(scene)
    scene.running.record_of_suite("docs")
    level.answers = lambda question: NoAnswer("none", "", [], "ask.py: Killed")
    level.diagnosis = PANIC
    record = scene.running.record_of_calls([CALL])
    assert verdict(record, "L1 answers").kind is Kind.FAIL
    assert f"diagnose {CALL.line} ask.py: Killed" in scene.level.log
    assert CALL.line in verdict(record, "L1 answers").proof


def test_calls_are_asked_of_an_l1_that_is_trusted(scene):
    level = started(scene)
    scene.running.record_of_suite("docs")
    level.lost_by = PANIC
    assert scene.running.record_of_calls([CALL]).notes == ("in a fresh L1: in the one before, L1 was lost",)
    assert "asking" in scene.level.log


def test_random_calls_are_asked_of_an_l1_that_is_trusted(scene, monkeypatch):
    from harness.features.compat_caps import fuzz

    asked = []

    def play(kernel, ask, seconds, seed):
        asked.append((kernel.page, seconds, seed, ask(["x"]), now(scene)))
        return conformance.Fuzzed(3)

    monkeypatch.setattr(fuzz, "fuzz", play)
    level = started(scene)
    scene.running.record_of_suite("docs")
    level.lost_by = PANIC
    record = scene.running.record_of_fuzz(2.0, 7)
    call = (65536, 2.0, 7, [{"trouble": "not played"}], ("random calls", ""))
    assert (asked, record.topic, record.kind) == ([call], "fuzz", Kind.OK)
    assert verdict(record, "random calls of 2 s, seed 7: answers follow the rules").kind is Kind.OK
    assert record.notes == ("in a fresh L1: in the one before, L1 was lost",)


# -- a level that cannot be started ----------------------------------------------------------------


def test_one_whose_files_cannot_be_written_is_no_record_and_is_not_started_again(scene):
    """Half of it may run, and has told part of its boot: what comes next gets a fresh one."""
    starts = []

    def prepare(levels, boot):
        if boot == 1:
            levels[-1].start = lambda: (
                starts.append(boot)
                or (_ for _ in ()).throw(
                    FileNotFoundError(2, "No such file or directory", "/gone/probe.json")
                )
            )

    scene.prepare = prepare
    with pytest.raises(InfrastructureError, match=r"cannot write /gone/probe.json: No such file"):
        scene.running.record_of_l1()
    assert scene.made[0][-1].stops == 1
    record = scene.running.record_of_caps()
    words = "cannot write /gone/probe.json: No such file or directory"
    assert (record.kind, record.notes) == (
        Kind.OK, (f"in a fresh L1: one before could not be started ({words})",),
    )  # fmt: skip
    assert scene.l2().notes == ()
    assert starts == [1] and len(scene.made) == 2


def test_what_nobody_foresaw_stops_it_too(scene):
    def prepare(levels, boot):
        levels[-1].start = lambda: {}["x"]

    scene.prepare = prepare
    for record in (scene.running.record_of_l1, scene.running.record_of_caps):
        with pytest.raises(KeyError):
            record()
    assert [levels[-1].stops for levels in scene.made] == [1, 1]
