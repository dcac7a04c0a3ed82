# SPDX-License-Identifier: GPL-2.0-only
"""An L2 from its start to its end, in an L1 that the test plays: every way in which it can go."""

import itertools
import json
import re
import threading
import time
from dataclasses import replace

import pytest
from fakelevels import Channel, Connection, Host, Pipe, setup

from harness.health.cause import STARVED, Loss
from harness.levels import guest, patience
from harness.levels.guest import boot
from harness.model.cpu import GuestMode, Mode
from harness.model.errors import InfrastructureError
from harness.model.observation import Boot
from harness.model.outcome import Outcome, Side
from harness.model.scenario import L2Setting

NULL = "[    1.000000] BUG: Kernel NULL pointer dereference on read at 0x00000008"
WARNING = "[    1.000000] WARNING: arch/powerpc/kvm/book3s_hv.c:1 at kvmppc_x+0x10/0x20, CPU#0: init/1"
END = "[    1.100000] ---[ end trace 0000000000000000 ]---"
PANIC = "Kernel panic - not syncing: x"
REFUSED = "error: kvm run failed Invalid argument"
UP = {
    "release": "7.3.0",
    "cpu": "POWER10",
    "cpu_version": "0f000006",
    "build_id": "ab",
    "taint": 0,
    "uptime": 1.5,
}
LEFT = {"taint": 512, "uptime": 1.75}
LOST = Loss(Side.SURROUNDINGS, Outcome.INFRASTRUCTURE, "qemu-killed", "QEMU of L1 ended by signal 9")
# Whether a QEMU is there, and where it is caught.
RUNS, PLACES = "; echo end$", r"for pid in \$\(for at"
PLACE = "T 9 (CPU 0/KVM) D" + " 1" * 20 + "\nU 9 (CPU 0/KVM) D" + " 1" * 20 + "\nW kvm_x\n"


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    monkeypatch.setattr(patience, "_ONCE_MORE", 0.05)
    monkeypatch.setattr("harness.levels.nip_samples._APART_SECONDS", 0)


class Scene:
    """An L1 with a console, and an L2 that says what the test wants."""

    def __init__(self, directory):
        self.pipe = Pipe(directory / "l1")
        self.channel = Channel()
        self.answers = [("^true$", ""), ("kill -9", ""), (RUNS, "9\nend\n"), (PLACES, PLACE)]
        self.connection = Connection(*self.answers, streams=[self.channel])
        self.host = Host(self.connection, self.pipe.console)
        self.directory = directory / "7.3-papr-p11@p10" / "l2p10"
        self._stream = self.connection.stream
        self.connection.stream = self._start
        self.nonce = ""

    def _start(self, command, timeout):
        self.nonce = "".join(re.search(r"kvmppc\.nonce=(\w+)-(\w+)", command).groups())
        found = self._stream(command, timeout)
        threading.Thread(target=self.play, daemon=True).start()
        return found

    def play(self):
        """What L2 does."""

    def report(self, stage, facts):
        self.channel.say(f"kvmppc:{self.nonce}:{stage}:{json.dumps(facts)}")

    def well(self):
        self.report("up", UP)
        self.report("left", LEFT)
        self.channel.end(0)

    def limits(self, **seconds):
        self.host.setup = replace(self.host.setup, limits=replace(self.host.setup.limits, **seconds))

    def boot(self, play):
        self.play = play
        return boot(self.host, L2Setting.parse("p10"), self.directory)

    def close(self):
        self.channel.close()
        self.pipe.close()


def asked_for(scene, pattern):
    return any(re.search(pattern, each) for each in scene.connection.asked)


@pytest.fixture
def scene(tmp_path):
    made = Scene(tmp_path)
    yield made
    made.close()


def test_a_guest_that_boots_and_leaves(scene):
    seen = scene.boot(scene.well)
    assert (seen.outcome, seen.rule, seen.proof) == (Outcome.BOOTED, "marker", "up: 7.3.0, POWER10")
    assert (seen.mode, seen.release, seen.build_id) == (GuestMode(Mode.P10), "7.3.0", "ab")
    assert (seen.taint, seen.taint_left, seen.uptime) == (0, 512, 1.5)
    assert 0 < seen.elapsed < 5
    assert (seen.end.rule, seen.exit_status, seen.splats, seen.samples) == ("off", 0, (), ())
    assert sorted(seen.phases) == ["boot", "power off"]
    assert all(0 <= each < 5 for each in seen.phases.values())
    assert seen.directory == "l2p10"
    assert scene.host.asked == [], "a level that is well is not asked"
    assert "kill -9" not in " ".join(scene.connection.asked)
    assert "max-cpu-compat=power10" in scene.connection.asked[0]
    assert "L2 (max=P10) in L1 of 7.3-papr-p11@p10" in (scene.directory / "repro.sh").read_text()


def test_it_is_made_for_the_pages_of_its_l1(scene):
    scene.host.page_kb = 4
    scene.boot(scene.well)
    assert "cap-hpt-max-page-size=4k" in scene.connection.asked[0]
    assert "-pidfile /run/l2.pid" in scene.connection.asked[0]


def test_what_it_says_is_kept(scene):
    def play():
        scene.channel.say("KVM: x hcall failed, rc=-7", WARNING, END)
        scene.well()

    seen = scene.boot(play)
    assert seen.warnings == ("KVM: x hcall failed, rc=-7",)
    assert [each.title for each in seen.splats] == ["WARNING in kvmppc_x"]
    assert (seen.outcome, seen.end.rule) == (Outcome.BOOTED, "off")


def test_an_l2_that_cannot_be_started(scene):
    scene.connection.streams = [InfrastructureError("no channel")]
    seen = scene.boot(scene.well)
    assert (seen.outcome, seen.rule) == (Outcome.UNKNOWN, "start")
    assert seen.proof == "L2 could not be started in L1: no channel"
    assert seen.directory == "l2p10"
    assert seen.phases == {}, "a boot that was none took no time"
    assert scene.host.asked == ["the start of L2"]


def test_an_l2_that_cannot_be_started_because_l1_is_lost(scene):
    scene.connection.streams = [InfrastructureError("no channel")]
    scene.host._loss = LOST
    seen = scene.boot(scene.well)
    assert (seen.outcome, seen.rule) == (Outcome.INFRASTRUCTURE, "l1-qemu-killed")
    assert seen.proof == "L1: QEMU of L1 ended by signal 9"
    assert seen.directory == "l2p10"


# -- it does not come up ---------------------------------------------------------------------------


def test_a_refused_l2_whose_qemu_stays(scene):
    began = time.monotonic()
    seen = scene.boot(lambda: scene.channel.say(REFUSED))
    assert (seen.outcome, seen.rule, seen.end) == (Outcome.REFUSED_LATE, "run-refused", None)
    assert seen.exit_status is None
    assert sorted(seen.phases) == ["boot"]
    assert time.monotonic() - began < 3, "nobody waits for it"
    assert "kill -9" in scene.connection.asked[-1]
    assert scene.host.asked == [], "it went as L1 said"
    assert not asked_for(scene, RUNS)
    refused = Boot(Outcome.REFUSED_LATE, "run-refused", REFUSED, phases=seen.phases, directory="l2p10")
    assert seen == refused, "it says nothing of itself"


LONG = {"l2_boot": 12, "l2_silence": 12, "stop": 12}


@pytest.mark.parametrize(
    ("play", "rule"),
    [
        (lambda scene: scene.channel.say(REFUSED), "run-refused"),
        (lambda scene: scene.channel.say(PANIC), "panic"),
        (lambda scene: scene.report("up", UP), "marker"),
    ],
)
def test_what_decides_is_the_end_of_the_wait(scene, play, rule):
    scene.limits(**LONG)
    began = time.monotonic()
    assert scene.boot(lambda: play(scene)).rule == rule
    assert time.monotonic() - began < 6


@pytest.mark.parametrize(
    "say", [lambda scene: scene.channel.say("last"), lambda scene: scene.report("up", UP)]
)
def test_nobody_waits_for_the_status_of_a_qemu_whose_console_does_not_end(scene, say):
    scene.limits(stop=12)
    began = time.monotonic()
    assert scene.boot(lambda: say(scene)).exit_status is None
    assert time.monotonic() - began < 6


def test_the_status_of_one_whose_console_has_ended_may_come_later(scene):
    scene.limits(stop=10)

    def play():
        scene.channel.end()
        time.sleep(0.6)
        scene.channel.end(1)

    seen = scene.boot(play)
    assert (seen.outcome, seen.rule, seen.exit_status) == (Outcome.UNKNOWN, "exit", 1)


def test_a_status_that_never_comes_is_not_known(scene):
    seen = scene.boot(lambda: scene.channel.end())
    assert (seen.outcome, seen.rule, seen.exit_status) == (Outcome.UNKNOWN, "exit", None)
    assert asked_for(scene, RUNS)


def test_a_refused_l2_whose_qemu_ends(scene):
    def play():
        scene.channel.say("qemu-system-ppc64: Unable to set CPU compatibility mode in KVM: Invalid argument")
        scene.channel.end(1)

    seen = scene.boot(play)
    assert (seen.outcome, seen.rule, seen.exit_status) == (Outcome.REFUSED_EARLY, "compat-refused", 1)


def test_an_error_line_after_which_qemu_goes_on_ends_nothing(scene):
    def play():
        scene.channel.say("qemu-system-ppc64: something is odd")
        time.sleep(0.05)
        scene.well()

    assert scene.boot(play).outcome is Outcome.BOOTED


def test_an_l2_that_panics(scene):
    seen = scene.boot(lambda: scene.channel.say(PANIC))
    assert (seen.outcome, seen.rule, seen.proof) == (Outcome.PANIC, "panic", PANIC)


def test_an_l2_whose_qemu_ends(scene):
    seen = scene.boot(lambda: scene.channel.end(1))
    assert (seen.outcome, seen.rule, seen.exit_status) == (Outcome.UNKNOWN, "exit", 1)
    assert scene.host.asked == ["L2 ran in it"]
    assert not asked_for(scene, RUNS), "its status is known"


def test_an_l2_that_hangs(scene):
    scene.limits(l2_silence=0.7)
    seen = scene.boot(lambda: scene.channel.say("last"))
    assert (seen.outcome, seen.rule) == (Outcome.HANG, "silence")
    assert re.match(r"no console output for [1-9]\d* s; ", seen.proof)
    assert "; its QEMU is in thread CPU 0/KVM in state D in kvm_x; last line: last" in seen.proof
    assert seen.samples == ("0xc000000000001000",) * 6
    assert scene.host.asked == ["L2 ran in it"]


@pytest.mark.parametrize(("where", "ended"), [("papr", "silence"), ("powernv11", "timeout")])
def test_an_l2_that_kvm_never_runs(scene, monkeypatch, where, ended):
    """L1 is busy with KVM_RUN, and its vCPU is never in L2. Of an L0 that is a Linux that is not known."""
    scene.host.setup = replace(setup(where), limits=replace(scene.host.setup.limits, l2_boot=1.5))
    registers = itertools.count()
    scene.host.monitor_command = lambda line: (
        "0x0" if "lpidr" in line else f"NIP c00000000{next(registers) % 4096:03x}0000"
    )
    monkeypatch.setattr(scene.host.symbols, "name", lambda address: f"kvmppc_{address}")
    monkeypatch.setattr("harness.levels.nip_samples._LPIDR_APART_SECONDS", 0)
    seen = scene.boot(lambda: scene.channel.say("last"))
    assert (seen.outcome, seen.rule) == (Outcome.HANG, ended)


def test_an_l2_that_never_gets_ready(scene):
    stop = threading.Event()
    scene.host.setup = replace(scene.host.setup, limits=scene.host.setup.limits.scaled(0.2))

    def play():
        while not stop.wait(0.02):
            scene.channel.say("busy")

    seen = scene.boot(play)
    stop.set()
    assert (seen.outcome, seen.rule) == (Outcome.HANG, "timeout")


def test_a_slow_l2_is_waited_for(scene):
    registers = iter(range(1, 1000))
    scene.host.__class__ = type(
        "Busy", (Host,), {"monitor_command": lambda self, line: f"NIP c00000000{next(registers):03x}0000"}
    )

    def play():
        time.sleep(0.6)
        scene.well()

    assert scene.boot(play).outcome is Outcome.BOOTED


def test_time_that_the_machine_lost_does_not_count(scene):
    began = time.monotonic()
    scene.host.__class__ = type("Lagging", (Host,), {"lag": lambda self: min(1.0, time.monotonic() - began)})

    def play():
        time.sleep(0.7)
        scene.well()

    assert scene.boot(play).outcome is Outcome.BOOTED


def test_a_hang_in_a_machine_without_cpu_is_no_hang(scene):
    scene.host.worst = 0.9
    seen = scene.boot(lambda: None)
    assert (seen.rule, seen.starved) == ("starved", 0.9)
    assert 0 < time.monotonic() - scene.host.moments[0] < 5, "since its QEMU was started"


def test_an_l2_whose_qemu_is_stopped_does_not_hang(scene):
    scene.connection.answers[-1] = (PLACES, "U 9 (qemu-system-ppc) T" + " 1" * 20 + "\n")
    seen = scene.boot(lambda: scene.channel.say("last"))
    assert (seen.outcome, seen.rule) == (Outcome.INFRASTRUCTURE, "qemu-stopped")


@pytest.mark.parametrize(("said", "rule"), [("end\n", "gone"), ("", "silence")])
def test_an_l2_whose_qemu_is_not_there(scene, said, rule):
    scene.connection.answers = [("kill -9", ""), (RUNS, said)]
    seen = scene.boot(lambda: None)
    assert seen.rule == rule
    assert seen.samples == (), "of a machine without an L2 they say nothing"
    assert not asked_for(scene, PLACES)


# -- the level around it ---------------------------------------------------------------------------


def test_an_l1_that_panics_meanwhile(scene):
    def play():
        time.sleep(0.05)
        scene.pipe.say(PANIC)

    seen = scene.boot(play)
    assert (seen.outcome, seen.rule) == (Outcome.PANIC, "l1-panic")
    assert seen.proof == f"L1: kernel panic: x: {PANIC}"
    assert scene.host.asked == [], "its console says it all"


def test_an_l1_that_oopses_meanwhile(scene):
    def play():
        scene.pipe.say(NULL)
        time.sleep(0.05)

    seen = scene.boot(play)
    assert (seen.outcome, seen.rule) == (Outcome.PANIC, "l1-splat")
    assert seen.proof == f"L1: BUG: NULL dereference: {NULL}"


def test_an_l1_that_only_warns_is_not_why(scene):
    def play():
        scene.pipe.say(WARNING, END)
        time.sleep(0.05)

    assert scene.boot(play).rule == "silence"


def test_what_l1_complained_of_before_is_not_why(scene):
    scene.pipe.say(NULL)
    assert scene.pipe.console.wait(lambda seen: bool(seen.lines), 5, 5)
    scene.pipe.say("[    2.0] x")
    assert scene.boot(lambda: None).rule == "silence"


def test_an_l1_that_complains_while_its_l2_is_well_does_not_harm_it(scene):
    """Whether the complaint counts is for the health of L1 to say."""

    def play():
        scene.pipe.say(NULL)
        time.sleep(0.05)
        scene.well()

    seen = scene.boot(play)
    assert (seen.outcome, seen.end.rule) == (Outcome.BOOTED, "off")


def test_an_l1_that_oopses_while_its_l2_does_not_leave(scene):
    def play():
        scene.report("up", UP)
        time.sleep(0.05)
        scene.pipe.say(NULL)

    seen = scene.boot(play)
    assert (seen.outcome, seen.end.rule, seen.end.side) == (Outcome.BOOTED, "l1-splat", Side.KERNEL)


def test_an_l1_that_is_lost_otherwise(scene):
    scene.host._loss = LOST
    seen = scene.boot(lambda: None)
    assert (seen.outcome, seen.rule, seen.proof) == (
        Outcome.INFRASTRUCTURE, "l1-qemu-killed", "L1: QEMU of L1 ended by signal 9",
    )  # fmt: skip
    assert not asked_for(scene, RUNS)


def test_an_l1_whose_console_ends(scene):
    scene.host._loss = LOST

    def play():
        time.sleep(0.05)
        scene.pipe.hang_up()

    began = time.monotonic()
    assert scene.boot(play).rule == "l1-qemu-killed"
    assert time.monotonic() - began < 3


def test_an_l1_without_a_console(scene):
    scene.host.console = None
    assert scene.boot(scene.well).end.rule == "off"
    scene.directory = scene.directory.with_name("again")
    scene.connection.streams = [InfrastructureError("x")]
    assert scene.boot(scene.well).rule == "start"


# -- it was up -------------------------------------------------------------------------------------


def test_an_l2_that_panics_when_it_was_up(scene):
    def play():
        scene.report("up", UP)
        scene.channel.say(PANIC)
        scene.channel.end(0)

    seen = scene.boot(play)
    assert (seen.outcome, seen.end.rule, seen.end.side) == (Outcome.BOOTED, "panic", Side.KERNEL)
    assert seen.taint_left is None


def test_an_l2_that_never_leaves(scene):
    seen = scene.boot(lambda: scene.report("up", UP))
    assert (seen.outcome, seen.end.rule, seen.end.side) == (Outcome.BOOTED, "hang", Side.KERNEL)
    assert sorted(seen.phases) == ["boot", "power off"]
    assert "kill -9" in scene.connection.asked[-1]
    assert len(seen.samples) == 6


def test_an_l2_that_leaves_and_whose_qemu_stays(scene):
    def play():
        scene.report("up", UP)
        scene.report("left", LEFT)

    seen = scene.boot(play)
    assert (seen.end.rule, seen.end.side) == ("stays", Side.KERNEL)
    assert "QEMU is in thread CPU 0/KVM in state D in kvm_x" in seen.end.proof


def test_an_l2_whose_console_ends_and_whose_qemu_stays(scene):
    def play():
        scene.report("up", UP)
        scene.report("left", LEFT)
        scene.channel.end()

    assert scene.boot(play).end.rule == "stays"


@pytest.mark.parametrize(("status", "rule"), [(1, "exit"), (-1, "exit")])
def test_an_l2_whose_qemu_ends_with_an_error(scene, status, rule):
    def play():
        scene.report("up", UP)
        scene.report("left", LEFT)
        scene.channel.end(status)

    seen = scene.boot(play)
    assert (seen.end.rule, seen.end.side, seen.exit_status) == (rule, Side.UNKNOWN, status)
    assert scene.host.asked == ["L2 ran in it"]


def test_a_status_that_comes_a_little_later_is_waited_for(scene):
    def play():
        scene.report("up", UP)
        scene.report("left", LEFT)
        scene.channel.end()
        time.sleep(0.1)
        scene.channel.end(0)

    assert scene.boot(play).end.rule == "off"


def test_an_l1_that_is_lost_after_its_l2_was_up(scene):
    scene.host._loss = LOST

    def play():
        scene.report("up", UP)
        scene.channel.end()

    seen = scene.boot(play)
    assert (seen.outcome, seen.end.rule, seen.end.side) == (
        Outcome.BOOTED, "l1-qemu-killed", Side.SURROUNDINGS,
    )  # fmt: skip


def test_an_l2_whose_qemu_is_asked_to_end(scene):
    def play():
        scene.report("up", UP)
        scene.channel.say("qemu-system-ppc64: terminating on signal 15 from pid 1 (init)")
        scene.channel.end(0)

    seen = scene.boot(play)
    assert (seen.end.rule, seen.end.side) == ("qemu-signal", Side.SURROUNDINGS)


def test_a_log_that_cannot_be_kept_proves_nothing(scene, monkeypatch):
    monkeypatch.setattr("harness.levels.console.Console.log_trouble", "disk full")
    seen = scene.boot(scene.well)
    assert (seen.outcome, seen.rule, seen.proof) == (Outcome.INFRASTRUCTURE, "log", "disk full")


def test_a_qemu_that_cannot_be_ended(scene):
    """Also of an L2 that is refused as it should be."""
    scene.connection.answers[0] = ("kill -9", "stays\n")
    seen = scene.boot(lambda: scene.channel.say(REFUSED))
    assert seen.outcome is Outcome.REFUSED_LATE
    assert seen.stays == "SIGKILL does not end its QEMU: thread CPU 0/KVM in state D in kvm_x"


def test_a_qemu_that_cannot_be_ended_and_nobody_knows_why(scene):
    scene.connection.answers = [("kill -9", "stays\n"), (PLACES, "")]
    seen = scene.boot(lambda: scene.channel.say(REFUSED))
    assert seen.stays == "SIGKILL does not end its QEMU: nothing shows where it is"


@pytest.mark.parametrize("share", [STARVED, 0.9])
def test_a_machine_without_cpu_may_be_slow_to_end_it(scene, share):
    scene.connection.answers[0] = ("kill -9", "stays\n")
    scene.host.share = share
    assert scene.boot(lambda: scene.channel.say(REFUSED)).stays == ""


def test_whatever_happens_it_is_gone_afterwards(scene, monkeypatch):
    def broken(*_args, **_more):
        raise RuntimeError("broken")

    monkeypatch.setattr(guest, "_observe", broken)
    with pytest.raises(RuntimeError):
        scene.boot(lambda: scene.channel.say(REFUSED))
    assert "kill -9" in scene.connection.asked[-1]
    assert scene.channel.closed
    assert scene.pipe.console._inner == []
