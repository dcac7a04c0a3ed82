# SPDX-License-Identifier: GPL-2.0-only
"""A Linux level from its start to its loss, on a machine that the test plays."""

import re
import threading
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from fakelevels import LIMITS, Connection, Machine, setup

from harness.health.cause import Loss
from harness.levels import linux, patience
from harness.levels.linux import LinuxLevel
from harness.levels.machine import MachineState
from harness.levels.ssh import Completed
from harness.levels.symbols import Symbols
from harness.model.cpu import GuestMode, Mode
from harness.model.errors import InfrastructureError
from harness.model.looks import Look
from harness.model.outcome import Outcome, Side

PROBE = (Path(__file__).parent.parent / "data/probe-7.3-papr-p11@p10.json").read_text()
READY = {
    "release": "7.3.0", "cpu": "POWER10 (architected)", "cpu_version": "0f000006", "page_kb": 64,
    "build_id": "ab", "hostkey": "KEY", "kvm": "kvm_hv", "nested_api": "v2",
}  # fmt: skip
CLEAN = "kvmppc-health 0 12.5\n"
NULL = "[    1.000000] BUG: Kernel NULL pointer dereference on read at 0x00000008"
WARNING = "[    1.000000] WARNING: arch/powerpc/kvm/book3s_hv.c:1 at kvmppc_x+0x10/0x20, CPU#0: init/1"
END = "[    1.100000] ---[ end trace 0000000000000000 ]---"
NIP = "[    1.000001] NIP [c0000000000d1234] a+0x1/0x2"
PANIC = "[    2.000000] Kernel panic - not syncing: x"
GONE = InfrastructureError("SSH is gone")
STUCK = "T 9 (python3) D" + " 1" * 20 + "\nU 9 (python3) D" + " 1" * 20 + "\nW kvm_x\n"
OUTER = Loss(Side.KERNEL, Outcome.PANIC, "panic", "Kernel panic of L0")


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    monkeypatch.setattr(patience, "_ONCE_MORE", 0.05)
    monkeypatch.setattr("harness.levels.nip_samples._APART_SECONDS", 0)
    monkeypatch.setattr("harness.levels.console._REPORT_PAUSE", 0.05)


def connection(*answers):
    """To a level that is well but for *answers*."""
    return Connection(
        *answers, ("kvmppc-health", CLEAN), ("import levelfacts", PROBE), ("^true$", 0), ("pidof", "")
    )


class Scene:
    def __init__(self, directory):
        self.directory = directory / "place"
        self.made = []

    def level(self, *connections, where="papr", name="L1", boot=1, **machine):
        self.machine = Machine(*(connections or (connection(),)), **machine)
        self.machine.on_start = self.ready
        made = LinuxLevel(
            name, setup(where), self.machine, self.directory / str(len(self.made)), Symbols(None), boot
        )
        self.made.append(made)
        return made

    def ready(self, pipe):
        pipe.report("ready", **READY)

    def started(self, *connections, **more):
        level = self.level(*connections, **more)
        assert level.start().up
        return level

    def heard(self, level, *lines):
        level.machine.pipe.say(*lines, "all said")
        assert level.console.wait(lambda seen: seen.last_line == "all said", 5, 5)
        level.console.lines.pop()


@pytest.fixture
def scene(tmp_path):
    made = Scene(tmp_path)
    yield made
    for each in made.made:
        each.stop()


def says(*lines, report=None, end=False):
    """What a guest does when it is started."""

    def play(pipe):
        if report is not None:
            pipe.report(*report[:1], **report[1])
        pipe.say(*lines)
        if end:
            pipe.hang_up()

    return play


# -- start -----------------------------------------------------------------------------------------


def test_a_level_that_boots_and_answers(scene):
    level = scene.level(boot=2)
    scene.machine.share = 0.25
    seen = level.start()
    boot = seen.boot
    assert seen.up and seen.lost is None
    assert (boot.outcome, boot.rule, boot.proof) == (
        Outcome.BOOTED,
        "marker",
        "ready: 7.3.0, POWER10 (architected)",
    )
    assert (boot.mode, boot.release, boot.build_id, boot.directory) == (
        GuestMode(Mode.P10),
        "7.3.0",
        "ab",
        "0",
    )
    assert sorted(boot.phases) == ["boot", "probe", "ssh"]
    assert all(0 <= each < 5 for each in boot.phases.values())
    assert (seen.placement, seen.name, seen.nested_api, seen.kvm_module) == (
        "7.3-papr-p11@p10",
        "L1",
        "v2",
        "kvm_hv",
    )
    assert seen.probe.kvm == "hv"
    assert seen.looks == tuple(
        Look("L1", each, True, 0, uptime=12.5, boot=2, starved=0.25) for each in ("boot", "the probe")
    )
    assert (scene.machine.host_key, scene.machine.about) == ("KEY", "L1 of 7.3-papr-p11@p10")
    assert scene.machine.login == (level.setup.key, LIMITS.ssh)
    assert scene.machine.waited == []
    assert (level.page_kb, level.page_bytes) == (64, 65536)
    assert not level.gone and level.loss("x") is None
    assert (scene.directory / "0/probe.json").read_text() == PROBE


def test_a_machine_that_cannot_be_started(scene):
    level = scene.level(start=InfrastructureError("cannot start qemu"))
    seen = level.start()
    assert (seen.boot.outcome, seen.boot.rule, seen.boot.proof) == (
        Outcome.INFRASTRUCTURE, "harness", "cannot start qemu",
    )  # fmt: skip
    assert (seen.up, seen.looks, seen.boot.directory, level.gone) == (False, (), "0", True)
    assert (seen.boot.phases, seen.nested_api, seen.kvm_module) == ({}, "", "")


def test_one_that_cannot_be_started_because_the_level_around_it_is_lost(scene):
    level = scene.level(start=InfrastructureError("no channel"))
    scene.machine.states = MachineState(outer=OUTER)
    seen = level.start()
    assert (seen.boot.outcome, seen.boot.rule, seen.boot.proof) == (
        Outcome.PANIC, "l0-panic", "L0: Kernel panic of L0",
    )  # fmt: skip
    assert (seen.boot.phases, seen.boot.directory) == ({}, "0")


PATIENT = replace(LIMITS, l1_boot=12, l1_silence=12)


@pytest.mark.parametrize(
    ("play", "rule"),
    [
        (lambda pipe: pipe.report("ready", **READY), "marker"),
        (lambda pipe: pipe.report("trouble", step="x"), "trouble"),
        (lambda pipe: pipe.say(PANIC), "panic"),
    ],
)
def test_what_decides_is_the_end_of_the_wait(scene, play, rule):
    level = scene.level()
    level.setup = setup(limits=PATIENT)
    scene.machine.on_start = play
    began = time.monotonic()
    assert level.start().boot.rule == rule
    assert time.monotonic() - began < 6


def test_a_level_whose_first_program_fails(scene):
    level = scene.level()
    scene.machine.on_start = says(report=("trouble", {"step": "mount of the userland"}))
    seen = level.start()
    assert (seen.boot.outcome, seen.boot.rule) == (Outcome.UNKNOWN, "trouble")
    assert "in L1, mount of the userland failed" in seen.boot.proof
    assert [each.when for each in seen.looks] == ["boot"]
    assert list(seen.boot.phases) == ["boot"] and seen.boot.directory == "0"
    assert (seen.nested_api, seen.kvm_module) == ("", "")


def test_a_step_that_failed_counts_though_the_level_says_that_it_is_ready(scene):
    level = scene.level()

    def play(pipe):
        pipe.say("insmod: can't insert: No such device")
        pipe.report("trouble", step="insmod kvm-hv.ko")
        pipe.report("ready", **READY)

    scene.machine.on_start = play
    seen = level.start()
    assert (seen.boot.outcome, seen.boot.rule) == (Outcome.PANIC, "no-kvm")
    assert "insmod: can't insert: No such device" in seen.boot.proof


@pytest.mark.parametrize("stage", ["ready", "trouble"])
def test_a_log_that_cannot_be_kept_proves_nothing(scene, monkeypatch, stage):
    level = scene.level()
    scene.machine.on_start = says(report=(stage, {**READY, "step": "x"}))
    monkeypatch.setattr("harness.levels.console.Console.log_trouble", "disk full")
    seen = level.start()
    assert (seen.boot.outcome, seen.boot.rule, seen.boot.proof) == (
        Outcome.INFRASTRUCTURE,
        "log",
        "disk full",
    )


def test_a_level_that_panics_while_it_boots(scene):
    level = scene.level()
    scene.machine.on_start = says(WARNING, END, PANIC)
    began = time.monotonic()
    seen = level.start()
    assert (seen.boot.outcome, seen.boot.rule, seen.boot.proof) == (Outcome.PANIC, "panic", PANIC)
    assert [each.title for each in seen.boot.splats] == ["kernel panic: x"]
    assert [each.title for each in seen.looks[0].splats] == ["WARNING in kvmppc_x", "kernel panic: x"]
    assert time.monotonic() - began < 3
    assert level.gone and seen.boot.samples == ()


def test_a_level_whose_qemu_ends_while_it_boots(scene):
    level = scene.level()
    scene.machine.on_start = says("x", end=True)
    scene.machine.states = MachineState(-9)
    seen = level.start()
    assert (seen.boot.outcome, seen.boot.rule) == (Outcome.INFRASTRUCTURE, "qemu-killed")
    assert scene.machine.waited == [LIMITS.stop]
    assert seen.boot.splats == ()


def test_a_level_that_goes_silent_while_it_boots(scene):
    typed = []
    level = scene.level(typed=lambda pipe, text: typed.append(text))
    scene.machine.on_start = says("last")
    seen = level.start()
    assert (seen.boot.outcome, seen.boot.rule) == (Outcome.HANG, "hang")
    assert re.search(
        r"does not answer for \d s \(L1 boots: no console output\); it is in 0xc", seen.boot.proof
    )
    assert list(seen.boot.phases) == ["boot"] and seen.boot.directory == "0"
    assert scene.machine.waited == [], "nobody waits for the end of a QEMU that runs"
    assert not hasattr(scene.machine, "login"), "it has not said how to log in"
    assert typed == [], "there is no shell yet"


def test_a_level_that_oopses_while_it_boots(scene):
    level = scene.level()
    scene.machine.on_start = says(NULL)
    assert level.start().boot.rule == "splat"


def test_a_level_that_never_gets_ready(scene):
    level = scene.level()
    level.setup = setup(limits=LIMITS.scaled(0.2))
    stop = threading.Event()

    def play(pipe):
        def talk():
            while not stop.wait(0.01):
                pipe.say("busy")

        threading.Thread(target=talk, daemon=True).start()

    scene.machine.on_start = play
    seen = level.start()
    stop.set()
    assert seen.boot.rule == "hang"
    assert "(L1 boots: not ready in time)" in seen.boot.proof


def test_a_slow_level_is_waited_for(scene):
    level = scene.level()
    registers = iter(range(1, 1000))
    scene.machine.monitor_command = lambda line: f"NIP c00000000{next(registers):03x}0000"
    scene.machine.on_start = lambda pipe: threading.Timer(0.6, lambda: pipe.report("ready", **READY)).start()
    assert level.start().up


def test_time_that_the_machine_lost_does_not_count(scene):
    level = scene.level()
    began = time.monotonic()
    scene.machine.lag = lambda: min(0.5, time.monotonic() - began)
    level.setup = setup(limits=LIMITS.scaled(0.2))  # 0.4 s to boot

    def play(pipe):
        def talk():
            for _ in range(30):
                pipe.say("busy")
                time.sleep(0.02)
            pipe.report("ready", **READY)

        threading.Thread(target=talk, daemon=True).start()

    scene.machine.on_start = play
    assert level.start().boot.outcome is Outcome.BOOTED


# -- the first login, and the probe ----------------------------------------------------------------


def test_a_login_that_fails_once_is_nobodys_fault(scene):
    seen = scene.level(InfrastructureError("SSH failed: x"), connection()).start()
    assert seen.boot.outcome is Outcome.BOOTED and not seen.up
    assert (seen.lost.rule, seen.lost.side, seen.lost.proof) == (
        "program-ended",
        Side.UNKNOWN,
        "in L1: SSH failed: x",
    )
    assert [(each.when, each.answered) for each in seen.looks] == [("the probe", False)]
    assert "probe" not in seen.boot.phases


def test_a_login_that_fails_for_good(scene):
    seen = scene.level(InfrastructureError("SSH failed: x")).start()
    assert (seen.lost.rule, seen.lost.side) == ("hang", Side.KERNEL)
    assert "(the first login)" in seen.lost.proof


def test_a_probe_during_which_the_kernel_oopses(scene):
    def harm(command):
        level.machine.pipe.say(NULL)
        return Completed(-1, "", "")

    level = scene.level(connection(("import levelfacts", harm)))
    seen = level.start()
    assert (seen.lost.rule, seen.lost.side) == ("splat", Side.KERNEL)
    assert seen.lost.proof == f"BUG: NULL dereference: {NULL}"
    assert [[splat.title for splat in each.splats] for each in seen.looks] == [[], ["BUG: NULL dereference"]]
    assert not seen.up and level.gone


def test_a_probe_that_is_caught_in_the_kernel(scene):
    seen = scene.level(connection(("import levelfacts", GONE), ("pidof python3", STUCK))).start()
    assert (seen.lost.rule, seen.lost.side) == ("stuck", Side.KERNEL)
    assert seen.lost.proof == "the probe of its KVM never ends: thread python3 in state D in kvm_x"


def test_a_probe_that_crashes(scene):
    """A kernel that sends it SIGSEGV, or gives it wrong registers, was not proven to be wrong."""
    seen = scene.level(connection(("import levelfacts", Completed(139, "", "Segmentation fault\n")))).start()
    assert (seen.lost.rule, seen.lost.side) == ("program-crashed", Side.KERNEL)
    assert seen.lost.proof.startswith(
        "in L1: the probe ended with 139: Segmentation fault; it crashed by signal 11 (SIGSEGV): "
    )


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Completed(1, "", "Traceback\nOSError: x\n"), "the probe ended with 1: OSError: x"),
        (Completed(137, "", "Killed\n"), "the probe ended with 137: Killed"),
        (Completed(-1, "", " "), "the probe ended with -1: no output"),
        (Completed(0, "no json", ""), "the probe's output is not valid: "),
        (Completed(0, "{}", ""), "the probe's output is not valid: 'ioctls'"),
        (Completed(0, "[]", ""), "the probe's output is not valid: "),
        (Completed(0, '{"ioctls": 3}', ""), "the probe's output is not valid: "),
    ],
)
def test_a_probe_that_fails_in_a_level_that_is_well(scene, answer, words):
    seen = scene.level(connection(("import levelfacts", answer))).start()
    assert (seen.lost.rule, seen.lost.side) == ("program-ended", Side.UNKNOWN)
    assert words in seen.lost.proof
    assert (scene.directory / "0/probe.json").read_text() == answer.stdout
    if answer.status == 0:
        assert f"(log: {scene.directory}/0/probe.json)" in seen.lost.proof


# -- health ----------------------------------------------------------------------------------------


def test_a_look_asks_and_a_glance_does_not(scene):
    way = connection()
    level = scene.started(way)
    asked = len(way.asked)
    scene.heard(level, WARNING, END)
    scene.machine.share = 0.5
    seen = level.glance("between")
    assert (seen.answered, seen.when, seen.starved, len(way.asked)) == (False, "between", 0.5, asked)
    assert [(each.title, each.level) for each in seen.splats] == [("WARNING in kvmppc_x", "L1")]
    seen = level.look("during x")
    assert (seen.answered, seen.when, seen.taint, seen.starved, seen.splats) == (True, "during x", 0, 0.5, ())


def test_a_glance_waits_for_a_splat_that_is_being_printed(scene):
    level = scene.started()
    scene.heard(level, WARNING)
    threading.Timer(0.02, lambda: level.machine.pipe.say(NIP, END)).start()
    assert level.glance("x").splats[0].trace == ("a",)


def test_a_level_that_does_not_answer_a_look_says_why(scene):
    way = connection()
    level = scene.started(way)
    way.answers.insert(0, ("kvmppc-health", GONE))
    seen = level.look("x")
    assert (seen.answered, seen.reason) == (False, "SSH is gone")


def test_a_level_that_is_gone_is_not_asked(scene):
    way = connection()
    level = scene.started(way, boot=3)
    scene.machine.exit_status = 1
    asked = len(way.asked)
    seen = level.look("x")
    assert (seen.answered, seen.reason, seen.when, seen.boot) == (False, "it is gone", "x", 3)
    scene.machine.states = MachineState(-9)
    loss = level.loss("x")
    assert level.look("x").reason == loss.proof == "QEMU of L1 ended by signal 9 (SIGKILL)"
    assert len(way.asked) == asked


def test_a_level_that_was_not_started_has_nothing_to_say(scene):
    level = scene.level()
    assert (level.look("x").splats, level.look("x").reason) == ((), "it is gone")
    assert level.glance("x").splats == ()
    assert level.gone and level.commands == [["qemu", "-x"]]
    with pytest.raises(InfrastructureError, match=r"L1 of 7\.3-papr-p11@p10 is not up"):
        level.run("x", 1)
    level.pause(0.01)


# -- whether it is of any use ----------------------------------------------------------------------


def test_a_level_is_gone_with_its_qemu_its_console_or_its_loss(scene):
    level = scene.started()
    assert not level.gone
    scene.machine.exit_status = 0
    assert level.gone
    scene.machine.exit_status = None
    scene.heard(level, PANIC)
    assert level.gone
    level = scene.started()
    level.diagnose("x")
    assert level.gone
    level = scene.started()
    level.stop()
    assert level.gone
    level = scene.started()
    console, level.console = level.console, None
    assert level.gone, "nobody sees any more how it fares"
    level.console = console


def test_a_level_that_answers_is_not_lost(scene):
    way = connection()
    level = scene.started(way)
    assert level.loss("x") is None
    way.answers.insert(0, ("^true$", 1))
    lost = level.loss("what went on")
    assert lost.rule == "hang", "neither the old way nor a new one"
    assert "(what went on)" in lost.proof


def test_a_loss_is_remembered(scene):
    level = scene.started()
    scene.machine.exit_status, scene.machine.states = -9, MachineState(-9)
    first = level.loss("x")
    scene.machine.states = MachineState(-15)
    assert level.loss("y") is first
    assert level.diagnose("z").proof == "QEMU of L1 ended by signal 15 (SIGTERM)"


# -- how it was lost -------------------------------------------------------------------------------


def lost(scene, *answers, second=None, **machine):
    """A level of ours that does not answer as it should, diagnosed."""
    way = connection()
    level = scene.started(*([way] if second is None else [way, second]), **machine)
    way.answers[:0] = answers
    return level, way


def test_a_question_that_is_not_answered_in_a_level_that_is_well(scene):
    level, _ = lost(scene)
    found = level.diagnose("cap vm 249")
    assert (found.rule, found.side, found.proof) == (
        "no-answer", Side.UNKNOWN, "cap vm 249: no answer, but L1 answers",
    )  # fmt: skip


def test_a_qemu_that_ends_while_its_level_is_asked_is_what_is_wrong(scene):
    """In a host it ends when the shell that waits for it has said so: after its guest fell silent."""

    def end(_command):
        scene.machine.states = MachineState(killed_by_signal=True, signal=9)
        return InfrastructureError("no answer within 20 s")

    level, _ = lost(scene, ("^true$", end))
    found = level.diagnose("L2 ran in it")
    assert (found.rule, found.side) == ("qemu-killed", Side.UNKNOWN)
    assert "ended by signal 9 (SIGKILL)" in found.proof


def test_a_program_that_ended_in_a_level_that_is_well(scene):
    level, _ = lost(scene)
    assert level.diagnose("x", "ask.py: Killed").proof == "in L1: ask.py: Killed"


@pytest.mark.parametrize(
    ("before", "after", "rule"),
    [
        ([], [NULL], "splat"),
        ([], [WARNING, END], "no-answer"),
        ([NULL], [], "no-answer"),
        ([], [PANIC], "panic"),
        ([PANIC], [], "panic"),
        ([], ["[    1.000000] x", "Kernel panic - not syncing: without a time"], "panic"),
    ],
)
def test_what_the_kernel_said_since_the_last_look(scene, before, after, rule):
    level, way = lost(scene)
    scene.heard(level, *before)
    level.look("before")
    scene.heard(level, *after)
    asked = len(way.asked)
    assert level.diagnose("x", "").rule == rule
    assert (len(way.asked) == asked) is (rule == "panic"), "one that has said its last is not asked"


def test_what_it_said_before_counts_if_it_is_silent_now(scene):
    level, way = lost(scene)
    scene.heard(level, NULL)
    level.glance("before")
    way.answers.insert(0, ("^true$", GONE))
    assert level.diagnose("x").rule == "splat"


def test_a_process_that_is_caught(scene):
    level, way = lost(scene, ("pidof python3", STUCK))
    assert level.diagnose("cap").proof == "cap never ends: thread python3 in state D in kvm_x"
    assert sum("for pid in $(pidof python3); do" in each for each in way.asked) == 1


def test_a_connection_that_broke(scene):
    level, way = lost(scene, ("^true$", GONE), second=connection())
    way.active = False
    found = level.diagnose("x", "ask.py: no output")
    assert (found.rule, found.side) == ("ssh-broke", Side.SURROUNDINGS)
    assert found.proof == "the SSH connection broke (SSH is gone); L1 answers on a new one"
    assert way.closed
    assert level.run("true", 1).status == 0
    assert (scene.machine.host_key, *scene.machine.login) == ("KEY", level.setup.key, LIMITS.answer)


def test_a_connection_that_stands_and_is_slow_did_not_break(scene):
    level, _ = lost(scene, ("^true$", GONE), second=connection())
    assert level.diagnose("x").rule == "no-answer"


def test_a_process_that_is_caught_and_the_connection_broke(scene):
    level, way = lost(scene, ("^true$", GONE), second=connection(("pidof", STUCK)))
    way.active = False
    assert level.diagnose("x").rule == "stuck"


def test_a_level_that_answers_wrongly_is_tried_again(scene):
    level, way = lost(scene, ("^true$", 3), second=connection())
    way.active = False
    assert "(it answers, and not as it should)" in level.diagnose("x").proof


def test_a_new_connection_that_does_not_work_either(scene):
    level, way = lost(scene, ("^true$", GONE), second=connection(("^true$", GONE)))
    way.active = False
    assert level.diagnose("x").rule == "hang"


def test_a_level_that_is_silent_on_all_ways(scene):
    level, _ = lost(scene, ("^true$", GONE))
    found = level.diagnose("x")
    assert (found.rule, found.side) == ("hang", Side.KERNEL)
    words = (
        "L1 runs and does not answer (x); it is in 0xc000000000001000 (6 of 6 samples); last line: kvmppc:"
    )
    assert found.proof.startswith(words)


SUM = re.compile(
    r"\nread -r link </sys/class/net/eth0/carrier; echo kvmppc-sum-\$\(\((\d+)\+(\d+)\)\)-link-\$link\n"
)


def shell(link="1", right=True):
    """A shell on the console; it echoes what is typed, as a terminal does."""

    def typed(pipe, text):
        first, second = map(int, SUM.fullmatch(text).groups())
        pipe.say(text.strip())
        if right:
            pipe.say(f"kvmppc-sum-{first + second}-link-{link}")

    return typed


@pytest.mark.parametrize(
    ("typed", "rule", "side"),
    [
        (shell(), "network", Side.UNKNOWN),
        (shell(link=""), "network", Side.UNKNOWN),
        (shell(link="0"), "link-down", Side.SURROUNDINGS),
        (shell(link="0", right=False), "hang", Side.KERNEL),
        (lambda pipe, text: None, "hang", Side.KERNEL),
        (None, "hang", Side.KERNEL),
    ],
)
def test_a_level_whose_console_answers_or_not(scene, typed, rule, side):
    level, _ = lost(scene, ("^true$", GONE), typed=typed)
    found = level.diagnose("x")
    assert (found.rule, found.side) == (rule, side)
    if rule == "network":
        assert (
            found.proof
            == "L1 answers on its console and not over the network: SSH is gone; SSH failed: nobody"
        )


def test_a_console_that_is_not_needed_is_not_typed_on(scene):
    typed = []
    level, _ = lost(scene, typed=lambda pipe, text: typed.append(text))
    level.diagnose("x")
    assert typed == []


@pytest.mark.parametrize(
    ("state", "rule"),
    [
        (MachineState(outer=OUTER), "l0-panic"),
        (MachineState(hdsi="one line"), "qemu-hdsi-recursion"),
        (MachineState(killed_by_signal=True), "qemu-killed"),
        (MachineState(1), "qemu-exit"),
        (MachineState(0, shutdown="guest-reset"), "reset"),
        (MachineState(0, shutdown="host-signal"), "qemu-ended"),
        (MachineState(process_state="T"), "qemu-stopped"),
        (MachineState(process_state="t"), "qemu-stopped"),
    ],
)
def test_what_is_known_is_not_asked_for(scene, state, rule):
    level, way = lost(scene)
    scene.heard(level, "x")
    scene.machine.states = state
    scene.machine.registers = RuntimeError("asked")
    asked = len(way.asked)
    assert level.diagnose("x").rule == rule
    assert len(way.asked) == asked


@pytest.mark.parametrize(
    ("state", "rule"),
    [
        (MachineState(process_state="S", monitor="silent"), "qemu-silent"),
        (MachineState(process_state="S", monitor="paused"), "qemu-paused"),
        (MachineState(process_state="S", monitor="running", starved=0.9), "starved"),
    ],
)
def test_what_the_machine_says(scene, state, rule):
    level, _ = lost(scene, ("^true$", GONE))
    scene.machine.states = state
    assert level.diagnose("x").rule == rule


def test_a_machine_that_never_said_a_word(scene):
    level = scene.level()
    scene.machine.on_start = lambda pipe: None
    scene.machine.states = MachineState(caught="thread qemu in state D in kvm_x")
    seen = level.start()
    assert (seen.boot.rule, seen.boot.outcome) == ("l0-stuck", Outcome.HANG)
    assert seen.boot.proof == "L0: QEMU of L1 gave no output: thread qemu in state D in kvm_x"
    level = scene.level(start=InfrastructureError("x"))
    level.start()
    scene.machine.states = MachineState(0)
    assert level.diagnose("x").rule == "qemu-exit", "nor did one that was not started"


@pytest.mark.parametrize(
    ("lines", "state", "rule"),
    [
        (["error: kvm run failed Invalid argument"], MachineState(1), "run-refused"),
        (["qemu-system-ppc64: could not load kernel"], MachineState(1), "qemu-error"),
        (["qemu-system-ppc64: terminating on signal 15 from pid 1"], MachineState(0), "qemu-ended"),
        (["Buffer I/O error on dev vda, x", "x"], MachineState(monitor="running"), "disk"),
    ],
)
def test_what_qemu_and_disks_said_while_it_booted(scene, lines, state, rule):
    level = scene.level()
    scene.machine.on_start = says(*lines)
    scene.machine.states = state
    assert level.start().boot.rule == rule


# -- use -------------------------------------------------------------------------------------------


def test_what_it_hands_on(scene, monkeypatch):
    way = connection(("sleep 0.5", ""))
    level = scene.started(way)
    scene.machine.lost_time, scene.machine.share = 2.5, 0.5
    assert (level.lag(), level.starved()) == (2.5, 0.5)
    scene.machine.monitor_command = lambda line: f"of {line}"
    assert level.monitor_command("x") == "of x"
    scene.machine.enclosing_commands = [["outer"]]
    assert level.commands == [["outer"], ["qemu", "-x"]]
    assert level.connection is way
    level.pause(0.5)
    assert way.asked[-1] == "sleep 0.5"
    asked = []
    monkeypatch.setattr(linux, "QuerySession", lambda *words: asked.append(words) or "session")
    assert level.asking() == "session"
    assert asked == [(way, "/usr/lib/kvmppc", LIMITS.suite)]
    monkeypatch.setattr(linux.guest, "boot", lambda *words: asked.append(words) or "boot")
    assert level.boot_guest("setting", Path("x")) == "boot"
    assert asked[-1] == (level, "setting", Path("x"))


def test_a_command_has_its_limit_and_its_input(scene):
    level = scene.started()
    asked = []
    level._ssh = SimpleNamespace(run=lambda *words: asked.append(words), close=lambda: None)
    level.run("x", 3, b"input")
    level.pause(2)
    assert asked == [("x", 3, b"input"), ("sleep 2", LIMITS.health + 2, b"")]


def test_a_look_is_told_how_its_machine_fared_since_the_one_before(scene):
    level = scene.started()
    began = time.monotonic()
    level.glance("x")
    before = scene.machine.moments[-1]
    scene.machine.worst = 0.9
    assert level.look("y").starved == 0.9
    assert before < began < scene.machine.moments[-1] < time.monotonic()


def test_a_level_in_it_is_told_how_its_machine_fared(scene):
    level = scene.started()
    scene.machine.worst = 0.9
    assert level.starved_since(7.0) == 0.9
    assert scene.machine.moments[-1] == 7.0


def test_it_is_ended_from_the_inside_out(scene, monkeypatch):
    """Its console reads the rest once the machine is gone, from what the machine frees then."""
    level, order = scene.started(), []
    for name, thing, how in [
        ("connection", level._ssh, "close"),
        ("machine", scene.machine, "stop"),
        ("console", level.console, "close"),
        ("the rest", scene.machine, "close"),
    ]:
        real = getattr(thing, how)
        monkeypatch.setattr(thing, how, lambda name=name, real=real: (order.append(name), real()))
    level.stop()
    assert order == ["connection", "machine", "console", "the rest"]


def test_it_is_ended_with_all_that_is_its_own(scene):
    way = connection()
    level = scene.started(way)
    level.stop()
    assert (way.closed, scene.machine.stopped, scene.machine.freed, level.console) == (True, 1, 1, None)
    level.stop()
    assert (scene.machine.stopped, scene.machine.freed) == (2, 2)
