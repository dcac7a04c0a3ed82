# SPDX-License-Identifier: GPL-2.0-only
"""The levels of one placement: started when needed, watched, and replaced when they are not trusted."""

import json
from dataclasses import replace

import pytest
from fakelevels import Level

from harness.engine.placement_levels import Between, PlacementLevels, save
from harness.health.cause import STARVED, Loss
from harness.health.oracle_health import Allowed
from harness.model.observation import Boot, level_from_json
from harness.model.outcome import Outcome, Side
from harness.model.splat import Splat

WARNING = Splat("WARNING in x", "WARNING: x")
STALL = Splat("RCU stall in x", "rcu: INFO")
LOST = Loss(Side.KERNEL, Outcome.PANIC, "panic", "Kernel panic")
HUNG = Boot(Outcome.HANG, "hang", "silence")


class Placement:
    """made: levels of each start, outermost first; prepare: what is done with the levels of a start."""

    def __init__(self, directory, names=("L1",), allowed=()):
        self.names, self.made, self.directories = names, [], []
        self.prepare = lambda levels: None
        self.levels = PlacementLevels(self.make, directory / "place", Allowed(allowed))

    def make(self, directories, boot):
        assert boot == len(self.made) + 1
        self.directories.append(directories)
        levels = tuple(Level(name, directories[int(name[1])], boot) for name in self.names)
        self.made.append(levels)
        self.prepare(levels)
        return levels

    def __getattr__(self, name):
        return getattr(self.levels, name)


@pytest.fixture
def one(tmp_path):
    return Placement(tmp_path)


@pytest.fixture
def two(tmp_path):
    return Placement(tmp_path, ("L0", "L1"))


# -- start and stop --------------------------------------------------------------------------------


def test_a_level_is_started_when_it_is_needed_and_once(two, tmp_path):
    assert (two.made, two.boots, two.seen) == ([], 0, {})
    assert two.up_to("L0").name == "L0"
    l0, l1 = two.made[0]
    assert (l0.log, l1.log) == (["start"], [])
    assert two.up_to("L1").name == "L1"
    assert two.up_to("L1").up and two.up_to("L0").name == "L0"
    assert (l0.log, l1.log, two.boots, len(two.made)) == (["start"], ["start"], 1, 1)
    assert two.directories == [[tmp_path / "place/l0", tmp_path / "place/l1"]]
    assert two.innermost is l1
    assert (two.level("L0"), two.level("L1")) == (l0, l1)


@pytest.mark.parametrize("name", ["L0", "L2"])
def test_a_level_that_the_placement_has_not_is_a_mistake(one, name):
    with pytest.raises(KeyError):
        one.up_to(name)


def test_what_was_seen_is_saved(one, tmp_path):
    seen = one.up_to("L1")
    assert level_from_json(json.loads((tmp_path / "place/l1/observation.json").read_text())) == seen
    looks = json.loads((tmp_path / "place/looks.json").read_text())
    assert [each["when"] for each in looks] == ["boot", "the probe"]
    assert [each.when for each in one.looks] == ["boot", "the probe"]
    assert not (tmp_path / "place/now.json").exists()


def test_while_a_level_starts_that_is_shown(one, tmp_path):
    def start(level, real):
        shown.append(json.loads((tmp_path / "place/now.json").read_text()))
        return real()

    shown = []

    def prepare(levels):
        real = levels[0].start
        levels[0].start = lambda: start(levels[0], real)

    one.prepare = prepare
    one.up_to("L1")
    assert (shown[0]["what"], shown[0]["log"]) == ("L1 starts", str(tmp_path / "place/l1/console.log"))


def test_what_is_in_a_level_that_does_not_come_up_is_not_started(two):
    def prepare(levels):
        levels[0].boot = HUNG

    two.prepare = prepare
    seen = two.up_to("L1")
    assert (seen.name, seen.up) == ("L0", False)
    assert two.up_to("L1") is seen
    assert two.made[0][1].log == []


def test_all_are_stopped_from_the_inside_out(two):
    two.up_to("L1")
    order = []
    for level in two.made[0]:
        level.stop = lambda name=level.name: order.append(name)
    two.stop()
    assert order == ["L1", "L0"]
    two.stop()
    assert len(order) == 2


def test_where_the_logs_of_an_l1_are(one, tmp_path):
    assert one.directory_of_l1 == "l1"
    one.up_to("L1")
    assert one.directory_of_l1 == "l1"
    one.spoil("x")
    one.renew()
    assert one.directory_of_l1 == "l1-2"
    assert one.directories[1] == [tmp_path / "place/l0-2", tmp_path / "place/l1-2"]


# -- a worker that was killed ----------------------------------------------------------------------


def test_a_worker_that_takes_over_starts_levels_of_its_own(tmp_path):
    first = Placement(tmp_path)
    first.up_to("L1")
    assert not first.renewed
    second = Placement(tmp_path)
    assert (second.boots, [each.boot for each in second.looks]) == (1, [1, 1])
    second.made.append(())
    assert second.up_to("L1").up
    assert (second.boots, second.made[1][0].directory.name, second.directory_of_l1) == (2, "l1-2", "l1-2")
    assert [each.boot for each in second.looks] == [1, 1, 2, 2]
    assert not second.renewed, "it took the place of none of its own"
    second.spoil("x")
    second.renew()
    assert second.renewed


def test_levels_that_took_the_place_of_others_are_known(one):
    one.up_to("L1")
    assert not one.renewed
    one.spoil("x")
    one.renew()
    assert one.renewed


def test_what_an_l0_left_counts_as_well(tmp_path):
    (tmp_path / "place/l0").mkdir(parents=True)
    (tmp_path / "place/l0-2").mkdir()
    assert Placement(tmp_path).boots == 2


@pytest.mark.parametrize("text", ["", "{", "[1]", '[{"level": "L1"}]', '{"a": 1}'])
def test_looks_that_cannot_be_read_are_none(tmp_path, text):
    (tmp_path / "place").mkdir()
    (tmp_path / "place/looks.json").write_text(text)
    assert Placement(tmp_path).looks == []


def test_what_is_saved_is_saved_as_a_whole(tmp_path):
    path = tmp_path / "x.json"
    save(path, {"a": 1})
    assert json.loads(path.read_text()) == {"a": 1}
    with pytest.raises(TypeError):
        save(path, {"a": object()})
    assert json.loads(path.read_text()) == {"a": 1}
    assert path.read_text() == '{\n "a": 1\n}\n', "for people as well"


# -- trust -----------------------------------------------------------------------------------------


def test_a_level_that_is_well_is_trusted(two):
    assert two.distrust() == ""
    two.up_to("L1")
    two.look("L1", "during x")
    assert (two.distrust(), two.renew(), two.boots) == ("", "", 1)


def test_one_that_has_complained_is_not(one):
    one.up_to("L1")
    one.made[0][0].spoken = [WARNING]
    one.look("L1", "during x")
    assert one.distrust() == "L1 had complained (WARNING in x, during x)"
    assert one.renew() == "in a fresh L1: in the one before, L1 had complained (WARNING in x, during x)"
    assert (one.boots, one.made[0][0].stops, one.made[1][0].log) == (2, 1, ["start"])
    assert one.distrust() == ""


def test_nor_is_one_with_a_flag_that_nobody_saw_set(one):
    one.up_to("L1")
    one.made[0][0].taint = 512
    one.look("L1", "during x")
    assert one.distrust() == "L1 had complained (taint W (WARNING), during x)"


def test_one_whose_complaint_is_allowed_is(tmp_path):
    one = Placement(tmp_path, allowed=(WARNING.title,))
    one.up_to("L1")
    one.made[0][0].spoken, one.made[0][0].taint = [WARNING], 512
    one.look("L1", "during x")
    one.look("L1", "during y")
    assert one.distrust() == ""


def test_a_stall_in_a_machine_without_cpu_is_no_complaint(one):
    one.up_to("L1")
    one.made[0][0].spoken, one.made[0][0].starved = [STALL], STARVED
    one.look("L1", "during x")
    assert one.distrust() == ""


def test_of_what_it_complains_of_while_it_boots_a_fresh_one_would_again(one):
    def prepare(levels):
        levels[0].at_boot, levels[0].taint = (WARNING,), 512

    one.prepare = prepare
    one.up_to("L1")
    assert one.distrust() == ""
    one.look("L1", "during x")
    assert one.distrust() == ""


def test_but_not_of_what_the_probe_did(one):
    def prepare(levels):
        levels[0].at_probe = (WARNING,)

    one.prepare = prepare
    one.up_to("L1")
    assert one.distrust() == "L1 had complained (WARNING in x, the probe)"


def test_a_level_that_said_something_else_at_boot_as_well(one):
    def prepare(levels):
        levels[0].at_boot = (WARNING,)

    one.prepare = prepare
    one.up_to("L1")
    one.made[0][0].spoken = [replace(WARNING, title="WARNING in y")]
    one.look("L1", "during x")
    assert one.distrust() == "L1 had complained (WARNING in y, during x)"


def test_a_level_that_has_no_looks_but_of_its_boot_is_trusted(one):
    one.up_to("L1")
    del one.looks[1:]
    assert one.distrust() == ""


def test_one_that_was_lost_is_not(two):
    two.up_to("L1")
    two.made[0][0].lost_by = LOST
    assert two.distrust() == "L0 was lost"


def test_a_complaint_of_l0_counts_for_its_l1(two):
    two.up_to("L1")
    two.made[0][0].spoken = [WARNING]
    two.look("L1", "during x")
    assert two.distrust() == "L0 had complained (WARNING in x, during x)"


def test_complaints_of_levels_that_were_replaced_count_no_more(one):
    one.up_to("L1")
    one.made[0][0].spoken = [WARNING]
    one.look("L1", "during x")
    one.renew()
    one.look("L1", "during y")
    assert one.distrust() == ""


def test_a_level_that_was_not_started_is_neither_trusted_nor_not(two):
    two.up_to("L0")
    two.made[0][1].lost_by = LOST
    assert two.distrust() == ""


def test_levels_in_which_something_was_left(one):
    one.up_to("L1")
    one.spoil("L1 keeps a VM")
    assert one.renew() == "in a fresh L1: in the one before, L1 keeps a VM"
    assert one.distrust() == ""


def test_a_fresh_one_is_asked_for_all_that_it_was(one):
    one.up_to("L1")
    one.made[0][0].lost_by = LOST
    one.renew()
    assert one.seen["L1"].up
    assert [each.boot for each in one.looks] == [1, 1, 2, 2]


# -- between two -----------------------------------------------------------------------------------


def began(levels, *names):
    levels.up_to("L1")
    for each in names:
        levels.begin(each)


def test_what_came_between_two_belongs_to_neither(one):
    began(one, "l2p10")
    level = one.made[0][0]
    level.spoken, level.lost_by = [WARNING], LOST
    one.begin("l2p9")
    assert one.between == [Between("L1", "after l2p10, before l2p9", LOST, 1)]
    look = one.looks[-1]
    assert (look.when, look.splats[0].title, look.answered) == (
        "after l2p10, before l2p9",
        "WARNING in x",
        False,
    )
    assert level.log[-1] == "loss after l2p10, before l2p9"


def test_nothing_came_between(one):
    began(one, "l2p10", "l2p9")
    assert (one.between, len(one.looks)) == ([], 2)


def test_before_the_first_nothing_came_between(one):
    one.begin("l1")
    assert one.made == []
    one.up_to("L1")
    one.made[0][0].lost_by = LOST
    one.begin("caps")
    assert [each.when for each in one.between] == ["after l1, before caps"]


def test_before_anything_was_asked_nobody_looks(one):
    one.up_to("L1")
    one.made[0][0].lost_by = LOST
    one.begin("l1")
    assert one.between == []
    assert not any(each.startswith("glance") for each in one.made[0][0].log)


def test_a_loss_is_told_once(one):
    began(one, "a")
    one.made[0][0].lost_by = LOST
    one.begin("b")
    one.begin("c")
    assert len(one.between) == 1


def test_a_loss_that_a_record_tells_is_not_told_between(one):
    began(one, "a")
    one.made[0][0].lost_by = LOST
    one.lost("L1")
    one.begin("b")
    assert one.between == []


def test_that_is_forgotten_with_the_levels(one):
    began(one, "a")
    one.made[0][0].lost_by = LOST
    one.lost("L1")
    one.renew()
    one.made[1][0].lost_by = LOST
    one.begin("b")
    assert len(one.between) == 1


def test_a_level_that_never_came_up_is_not_lost_between(one):
    def prepare(levels):
        levels[0].boot = HUNG
        levels[0].lost_by = LOST

    one.prepare = prepare
    began(one, "a", "b")
    assert one.between == []


def test_a_level_that_was_not_started_is_not_glanced_at(two):
    two.up_to("L0")
    two.begin("a")
    two.begin("b")
    assert two.made[0][0].log == ["start", "glance after a, before b"]
    assert two.made[0][1].log == []


def test_a_level_that_is_gone_for_no_reason_is_not_lost(one):
    began(one, "a")
    one.made[0][0].unknown_loss = True
    one.begin("b")
    assert one.between == []


def test_both_levels_may_be_lost(two):
    began(two, "a")
    for level in two.made[0]:
        level.lost_by = LOST
    two.begin("b")
    assert [each.level for each in two.between] == ["L0", "L1"]


# -- looks -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("upto", "looked"), [("L1", ["L0", "L1"]), ("L0", ["L0"]), ("", [])])
def test_a_look_at_each_level_up_to_one(two, upto, looked):
    two.up_to("L1")
    found = two.look(upto, "during x")
    assert [each.level for each in found] == looked
    assert two.looks[4:] == found


def test_levels_that_are_not_up_are_not_looked_at(two):
    two.up_to("L0")
    assert [each.level for each in two.look("L1", "x")] == ["L0"]

    def prepare(levels):
        levels[1].boot = HUNG

    two.prepare = prepare
    two.spoil("x")
    two.renew()
    assert [each.level for each in two.look("L1", "x")] == ["L0"]


def test_looks_are_saved_as_they_come(one, tmp_path):
    one.up_to("L1")
    one.look("L1", "during x")
    looks = json.loads((tmp_path / "place/looks.json").read_text())
    assert [each["when"] for each in looks] == ["boot", "the probe", "during x"]


def test_what_comes_late_is_given_its_time_by_the_innermost(two):
    two.linger()
    two.up_to("L1")
    two.linger()
    assert (two.made[0][0].log, two.made[0][1].log) == (["start"], ["start", "pause 2"])


def test_by_the_only_one_if_there_is_one(one):
    one.up_to("L1")
    one.linger()
    assert one.innermost is one.made[0][0]
    assert one.innermost.log == ["start", "pause 2"]


def test_but_not_by_one_that_is_gone_or_never_was(two):
    two.up_to("L0")
    two.linger()
    two.up_to("L1")
    two.made[0][1].lost_by = LOST
    two.linger()
    assert "pause 2" not in two.made[0][1].log

    def prepare(levels):
        levels[1].boot = HUNG

    two.prepare = prepare
    two.renew()
    two.linger()
    assert two.made[1][1].log == ["start"]
