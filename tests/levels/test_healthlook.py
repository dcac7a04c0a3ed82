# SPDX-License-Identifier: GPL-2.0-only
"""A look at a level's health: each complaint is told once, and one that was not answered is no clean one."""

import subprocess
from dataclasses import replace

import pytest
from fakelevels import Connection

from harness.levels import healthlook
from harness.levels.healthlook import HealthWatch
from harness.levels.ssh import Completed
from harness.model.errors import InfrastructureError
from harness.model.splat import Splat

WARNING = [
    "<4>[    5.000000] WARNING: arch/powerpc/kvm/book3s_hv.c:1 at kvmppc_x+0x10/0x20, CPU#0: init/1",
    "<4>[    5.100000] ---[ end trace 0000000000000000 ]---",
]
SPLAT = Splat("WARNING in kvmppc_x", WARNING[0])
OTHER = Splat("BUG: x", "BUG: x")
FAILED = "<3>[    6.000000] kvmppc_x: Could not do it"
DRIVER = "<3>[    1.000000] ehci: no such thing"


def answer(*lines, taint=0, up="12.34"):
    return "\n".join([f"kvmppc-health {taint} {up}", *lines]) + "\n"


class Level:
    """A level that is asked again and again. log: of its kernel; console: its splats."""

    def __init__(self, boot=1):
        self.watch = HealthWatch("L1", boot)
        self.log, self.console, self.taint = [], [], 0

    def look(self, when="during x", said=None):
        said = answer(*self.log, taint=self.taint) if said is None else said
        self.connection = Connection(("kvmppc-health", said))
        return self.watch.look(lambda: tuple(self.console), self.connection.run, when, 7)

    def glance(self, when="between"):
        return self.watch.glance(tuple(self.console), when)


def titles(look):
    return [each.title for each in look.splats]


def test_a_clean_level():
    level = Level(boot=3)
    seen = level.look("boot")
    assert (seen.level, seen.when, seen.answered, seen.taint, seen.splats, seen.messages, seen.uptime) == (
        "L1", "boot", True, 0, (), (), 12.34,
    )  # fmt: skip
    assert (seen.boot, seen.reason) == (3, "")
    assert level.connection.timeouts == [7]


def test_flags_are_read():
    level = Level()
    level.taint = 512
    assert level.look().taint == 512


PASSING = "[    5.000000] BUG: none of those known is in this CPU"
SAID = Splat("BUG: none of those known is in this CPU", PASSING)


@pytest.mark.parametrize("level", [5, 6, 7])
def test_who_only_speaks_of_bugs_does_not_complain(level):
    seen = Level()
    seen.console, seen.log = [SAID], [f"<{level}>{PASSING}"]
    assert seen.look().splats == ()
    assert seen.look().splats == ()
    seen.console.append(SAID)  # once more, and still no more than that
    assert seen.look().splats == ()


@pytest.mark.parametrize("level", [0, 1, 2, 3, 4])
def test_who_says_the_same_at_warning_or_worse_does(level):
    seen = Level()
    seen.console, seen.log = [SAID], [f"<{level}>{PASSING}"]
    assert titles(seen.look()) == [SAID.title]


def test_it_does_at_both_levels_as_well():
    seen = Level()
    seen.console, seen.log = [SAID], [f"<6>{PASSING}", f"<3>{PASSING}"]
    assert titles(seen.look()) == [SAID.title]


@pytest.mark.parametrize("splat", [replace(SAID, trace=("x",)), replace(SAID, final=True)])
def test_what_has_a_trace_or_is_the_end_is_a_complaint_at_any_level(splat):
    seen = Level()
    seen.console, seen.log = [splat], [f"<6>{PASSING}"]
    assert titles(seen.look()) == [SAID.title]


def test_a_console_without_a_log_is_believed():
    seen = Level()
    seen.console = [SAID]
    assert titles(seen.glance()) == [SAID.title]


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (InfrastructureError("SSH is gone"), "SSH is gone"),
        ("", "it said '', '' (status 0)"),
        (Completed(1, "junk\n", " no such file "), "it said 'junk', 'no such file' (status 1)"),
        ("kvmppc-health  1.5\n", "it said 'kvmppc-health  1.5', '' (status 0)"),
        ("x kvmppc-health 0 1.5\n", "it said 'x kvmppc-health 0 1.5', '' (status 0)"),
    ],
)
def test_one_that_is_not_answered_says_why_and_what_the_console_has(said, reason):
    level = Level(boot=2)
    level.console = [SPLAT]
    seen = level.look("during y", said)
    assert (seen.answered, seen.taint, seen.reason, seen.boot) == (False, None, reason, 2)
    assert (seen.level, seen.when) == ("L1", "during y")
    assert [(each.title, each.level, each.when) for each in seen.splats] == [(SPLAT.title, "L1", "during y")]


def test_what_is_long_is_shortened():
    seen = Level().look(said=Completed(1, "x" * 200, "y" * 200))
    assert seen.reason == f"it said {'x' * 80!r}, {'y' * 80!r} (status 1)"


def test_a_glance_asks_nothing():
    level = Level(boot=2)
    level.console = [SPLAT]
    seen = level.glance("between")
    assert (seen.level, seen.when, seen.boot) == ("L1", "between", 2)
    assert (seen.answered, seen.taint, seen.reason) == (False, None, "")
    assert [(each.title, each.level, each.when) for each in seen.splats] == [(SPLAT.title, "L1", "between")]


# -- once ------------------------------------------------------------------------------------------


def test_a_complaint_of_the_log_alone_is_told():
    level = Level()
    level.log = WARNING
    seen = level.look("during y")
    assert [(each.title, each.level, each.when) for each in seen.splats] == [(SPLAT.title, "L1", "during y")]


@pytest.mark.parametrize("first", ["console", "log", "both"])
def test_one_that_is_on_the_console_and_in_the_log_is_told_once(first):
    level = Level()
    level.console = [SPLAT] if first != "log" else []
    level.log = WARNING if first != "console" else []
    assert titles(level.look()) == [SPLAT.title]
    level.console, level.log = [SPLAT], WARNING
    assert titles(level.look()) == []
    assert titles(level.glance()) == []


def test_the_same_again_is_told_again():
    level = Level()
    level.console, level.log = [SPLAT], list(WARNING)
    assert titles(level.look()) == [SPLAT.title]
    level.console.append(SPLAT)
    assert titles(level.glance()) == [SPLAT.title]
    level.log += WARNING
    assert titles(level.look()) == []
    level.log += WARNING
    assert titles(level.look()) == [SPLAT.title]


def test_others_are_told_beside_it():
    level = Level()
    level.console = [SPLAT, OTHER]
    level.log = [*WARNING, FAILED]
    seen = level.look()
    assert titles(seen) == [SPLAT.title, OTHER.title, "kvmppc_x: Could not do it"]
    assert seen.splats[2].line == "kvmppc_x: Could not do it"


# -- the log ---------------------------------------------------------------------------------------


def test_messages_are_shown_once():
    level = Level()
    level.log = [FAILED, "<4>[    6.100000] mind this"]
    assert level.look().messages == ("kvmppc_x: Could not do it", "mind this")
    assert level.look().messages == ()
    level.log.append("<4>[    6.200000] and this")
    assert level.look().messages == ("and this",)


def test_not_more_of_them_than_people_read():
    level = Level()
    level.log = [f"<4>[    6.100000] number {number}" for number in range(60)]
    assert len(level.look().messages) == 50


def test_what_drivers_say_while_a_level_boots_does_not_count():
    level = Level()
    level.log = [DRIVER]
    assert titles(level.look("boot")) == []
    level.log.append(DRIVER.replace("1.0", "9.0"))
    assert titles(level.look()) == ["ehci: no such thing"]


def test_a_first_look_that_was_not_answered_leaves_the_boot_to_the_next():
    level = Level()
    level.look("boot", InfrastructureError("x"))
    level.log = [DRIVER]
    assert titles(level.look()) == []


@pytest.mark.parametrize("stamp", [lambda number: f"[{number:5}.000000] ", lambda _number: ""])
def test_a_log_that_has_lost_its_beginning(stamp):
    """With the kernel's times and without: what came since is told, and what was told is not."""
    level = Level()
    level.look("boot")
    level.log = [f"<3>{stamp(number)}kvmppc_x: Could not do {chr(97 + number)}" for number in range(4)]
    assert len(level.look().splats) == 4
    level.log = [*level.log[2:], f"<3>{stamp(9)}kvmppc_x: Could not do z"]
    assert titles(level.look()) == ["kvmppc_x: Could not do z"]
    level.log = [f"<3>{stamp(number)}kvmppc_x: Could not do {chr(97 + number)}" for number in (20, 21)]
    assert titles(level.look()) == ["kvmppc_x: Could not do u", "kvmppc_x: Could not do v"]
    level.log = []
    assert titles(level.look()) == []


def test_a_log_that_grows_by_what_it_ends_with():
    level = Level()
    level.look("boot")
    level.log = [FAILED]
    assert len(level.look().splats) == 1
    level.log = [FAILED, FAILED]
    assert len(level.look().splats) == 1


# -- the question ----------------------------------------------------------------------------------


def asked(tmp_path, dmesg):
    """What the question's words give in a shell, with such a dmesg."""
    (tmp_path / "dmesg").write_text(f"#!/bin/sh\n{dmesg}\n")
    (tmp_path / "dmesg").chmod(0o755)
    script = healthlook._ASK.replace("/run/", f"{tmp_path}/")
    done = subprocess.run(
        ["sh", "-c", script],
        env={"PATH": f"{tmp_path}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    )
    return Completed(done.returncode, done.stdout, done.stderr)


def test_the_question_asks_for_lines_of_warning_level_and_worse(tmp_path):
    lines = [f"<{level}>[    1.000000] level {level}" for level in (0, 3, 4, 5, 6, 12)]
    done = asked(tmp_path, "\n".join(f"echo '{line}'" for line in lines))
    assert done.stdout.splitlines()[1:] == lines[:3]
    assert Level().look(said=done).answered


def test_and_for_those_below_that_begin_as_a_splat_does(tmp_path):
    lines = ["<6>[    1.000000] BUG: x", "<5>[    1.000000] BUG: y", "<14>[    1.000000] BUG: z"]
    done = asked(tmp_path, "\n".join(f"echo '{line}'" for line in lines))
    assert done.stdout.splitlines()[1:] == lines[:2]


def test_a_log_without_such_lines_is_clean(tmp_path):
    done = asked(tmp_path, "echo '<6>[    1.000000] fine'")
    seen = Level().look(said=done)
    assert (seen.answered, seen.messages) == (True, ())


@pytest.mark.parametrize("dmesg", ["exit 1", "exit 0", "echo '<6>x'; exit 1"])
def test_a_log_that_cannot_be_read_is_not_clean(tmp_path, dmesg):
    seen = Level().look(said=asked(tmp_path, dmesg))
    assert not seen.answered
