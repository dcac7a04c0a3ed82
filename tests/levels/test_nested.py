# SPDX-License-Identifier: GPL-2.0-only
"""A machine in a machine: how it is started, watched and ended, in a host that the test plays."""

import json
import re
import shutil
import subprocess
import threading
import time
from dataclasses import replace

import pytest
from fakelevels import LIMITS, Channel, Connection, Host, Pipe

from harness.health.cause import Loss
from harness.levels.commands import NESTED_SSH_PORT, Nonce
from harness.levels.console import Ended
from harness.levels.machine import MachineState
from harness.levels.nested import QEMU_PIDS, NestedMachine
from harness.levels.ssh import Connection as RealConnection
from harness.model.errors import InfrastructureError
from harness.model.outcome import Outcome, Side

NONCE = Nonce("aaaa", "bbbb")
LOST = Loss(Side.KERNEL, Outcome.PANIC, "panic", "Kernel panic")
PIDS = re.escape(QEMU_PIDS)
STUCK = "T 9 (qemu) D" + " 1" * 20 + "\nU 9 (qemu) D" + " 1" * 20 + "\nW kvm_x\n"


class Started:
    """A machine that runs, with its host."""

    def __init__(self, directory, *answers, name="L2", outer=None, limits=LIMITS, **host):
        self.channel = Channel()
        self.connection = Connection(*answers, streams=[self.channel])
        self.host = Host(self.connection, console=outer, **host)
        self.machine = NestedMachine(self.host, name, lambda nonce: ["qemu", nonce.word, "a b"], limits)
        self.console = self.machine.start(NONCE, directory, "about it")

    def end(self, status=None):
        self.channel.end(status)

    def close(self):
        self.channel.close()
        self.console.close()


@pytest.fixture
def run(tmp_path):
    made = []

    def start(*answers, **more):
        (tmp_path / str(len(made))).mkdir()
        made.append(Started(tmp_path / str(len(made)), *answers, **more))
        return made[-1]

    yield start
    for each in made:
        each.close()


# -- start -----------------------------------------------------------------------------------------


def test_it_is_started_over_ssh_and_can_be_repeated(run, tmp_path):
    seen = run()
    assert seen.machine.command == ["qemu", "kvmppc.nonce=aaaa-bbbb", "a b"]
    assert seen.machine.pidfile == "/run/l2.pid"
    assert seen.connection.asked == [
        "rm -f /run/l2.pid; qemu kvmppc.nonce=aaaa-bbbb 'a b' -pidfile /run/l2.pid </dev/null; exit $?"
    ]
    assert seen.connection.timeouts == [LIMITS.ssh]
    assert "about it" in (tmp_path / "0/repro.sh").read_text()
    assert "qemu outer" in (tmp_path / "0/repro.sh").read_text()
    assert seen.machine.enclosing_commands == [["qemu", "outer"]]


def test_its_console_reads_what_it_says_with_the_nonce_of_this_start(run, tmp_path):
    seen = run()
    seen.channel.say("hello", f"kvmppc:{NONCE.joined}:up:{json.dumps({'a': 1})}")
    assert seen.console.wait(lambda each: "up" in each.reports, 5, 5) is Ended.MET
    assert "hello" in (tmp_path / "0/console.log").read_text()


def test_its_console_ends_with_the_level_around_it(run, tmp_path):
    outer = Pipe(tmp_path / "outer")
    seen = run(outer=outer.console)
    outer.hang_up()
    assert seen.console.wait(lambda _each: False, 5, 5) is Ended.OUTER
    outer.close()


def test_time_that_the_outermost_machine_lost_does_not_count(run):
    seen = run()
    seen.host.lost_time, seen.host.share = 3.5, 0.25
    assert (seen.machine.lag(), seen.console._lag(), seen.machine.starved()) == (3.5, 3.5, 0.25)
    seen.host.worst = 0.75
    assert (seen.machine.starved_since(7.0), seen.host.moments) == (0.75, [7.0])


def test_a_host_without_a_connection_starts_nothing(tmp_path):
    machine = NestedMachine(Host(), "L2", lambda _nonce: ["qemu"], LIMITS)
    with pytest.raises(InfrastructureError, match="L1 is not up"):
        machine.start(NONCE, tmp_path, "x")
    assert machine.exit_status == -1
    machine.stop()
    machine.close()


def test_one_that_was_not_started_is_in_a_host_all_the_same():
    def state(**host):
        return NestedMachine(Host(**host), "L2", lambda _nonce: ["qemu"], LIMITS).state()

    assert state() == MachineState()
    assert state(loss=LOST) == MachineState(outer=LOST)


def test_what_its_host_can_do_for_it(run, monkeypatch):
    seen = run()
    seen.host.monitor_command = lambda line: f"of {line}"
    assert seen.machine.monitor_command("info registers") == "of info registers"
    assert seen.machine.type_on_console("x") is False
    assert seen.machine.ssh_port == NESTED_SSH_PORT
    asked = []
    monkeypatch.setattr(RealConnection, "through", lambda *words: asked.append(words) or "a way")
    assert seen.machine.connect("hostkey", "key", 3) == "a way"
    assert asked == [(seen.connection, NESTED_SSH_PORT, "hostkey", "key", 3)]


# -- how it ended ----------------------------------------------------------------------------------


def test_an_exit_status_is_that_of_qemu(run):
    seen = run()
    began = time.monotonic()
    assert {seen.machine.exit_status for _ in range(5)} == {None}
    assert time.monotonic() - began < 3, "nobody waits for it"
    assert seen.machine.wait(0.05) is None
    seen.end(3)
    assert seen.machine.exit_status == 3
    assert seen.machine.wait(0.05) == 3


def test_a_signal_is_told_by_its_number(run):
    seen = run()
    seen.end(128 + 9)
    assert seen.machine.exit_status == -9
    assert seen.machine.wait(0.05) == -9


@pytest.mark.parametrize(
    ("status", "state"),
    [
        (0, MachineState(0)),
        (1, MachineState(1)),
        (-1, MachineState(killed_by_signal=True)),
        (128, MachineState(128)),
        (139, MachineState(killed_by_signal=True, signal=11)),
    ],
)
def test_the_state_of_one_that_ended(run, status, state):
    seen = run()
    seen.end(status)
    assert seen.machine.state() == state
    assert seen.host.asked == ["L1 runs its guest's QEMU"]


def test_the_state_of_one_that_runs(run):
    seen = run((PIDS, STUCK))
    seen.host.share = 0.5
    assert seen.machine.state() == MachineState(caught="thread qemu in state D in kvm_x", starved=0.5)
    assert run((PIDS, "")).machine.state() == MachineState()


def test_the_state_of_one_that_is_stopped(run):
    seen = run((PIDS, "U 9 (qemu) T" + " 1" * 20 + "\n"))
    assert seen.machine.state() == MachineState(process_state="T")
    assert seen.machine.stopped()


def test_what_befell_its_host_comes_first(run):
    seen = run(loss=LOST, name="L1")
    seen.end(1)
    assert seen.machine.state() == MachineState(outer=LOST)


@pytest.mark.parametrize(
    ("said", "runs"),
    [
        ("12\nend\n", True),
        ("12\n13\nend\n", True),
        ("end\n", False),
        ("12\n", None),
        ("", None),
        (InfrastructureError("x"), None),
    ],
)
def test_whether_its_qemu_is_there(run, said, runs):
    seen = run((f"^{PIDS}; echo end$", said))
    assert seen.machine.runs() is runs


# -- stop ------------------------------------------------------------------------------------------


def killed(seen):
    return sum("read -r pid </run/l2.pid && kill -9 $pid;" in each for each in seen.connection.asked)


def test_one_that_runs_is_killed(run):
    seen = run(("kill -9", ""), limits=replace(LIMITS, stop=10))
    seen.machine.stop()
    assert killed(seen) == 1
    assert seen.channel.closed and not seen.machine.stays
    (words,) = (each for each in seen.connection.asked if "kill -9" in each)
    tries, pause = map(int, re.search(r"\$tries -gt (\d+) .*; busybox usleep (\d+); done$", words).groups())
    assert (tries, pause) == (60, 100_000), "this takes 0.6 of the limit for it"


def test_one_that_not_even_sigkill_ends_is_told(run):
    seen = run(("kill -9", "stays\n"))
    seen.machine.stop()
    assert seen.machine.stays


def test_one_that_ended_is_not_killed(run):
    seen = run(("kill -9", ""))
    seen.end(0)
    seen.machine.stop()
    assert killed(seen) == 0
    assert seen.channel.closed


def test_nor_is_one_whose_host_is_gone(run):
    seen = run(("kill -9", ""))
    seen.host.gone = True
    seen.machine.stop()
    assert killed(seen) == 0
    assert seen.channel.closed


def test_a_host_that_does_not_answer_any_more_does_no_harm(run):
    seen = run()
    seen.machine.stop()
    assert killed(seen) == 1
    assert seen.channel.closed and not seen.machine.stays


# -- its words, in a shell -------------------------------------------------------------------------


def shell(tmp_path, script, *processes):
    """What a script of ours gives in a level of ours, whose busybox has no more than it needs, and in which
    these processes are: others on this machine start and end QEMUs too."""
    proc = tmp_path / "proc"
    proc.mkdir(exist_ok=True)
    for each in processes:
        (proc / str(each.pid)).symlink_to(f"/proc/{each.pid}")
    script = script.replace("/proc/", f"{proc}/")
    (tmp_path / "busybox").write_text('#!/bin/sh\n[ "$1" = usleep ] && exec sleep 0.01\n')
    (tmp_path / "busybox").chmod(0o755)
    done = subprocess.run(
        ["sh", "-c", script],
        env={"PATH": f"{tmp_path}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.split()


def qemu(tmp_path):
    """A program of QEMU's name."""
    path = tmp_path / "qemu-system-ppc64"
    path.symlink_to(shutil.which("sleep"))
    return subprocess.Popen([path, "60"])


def test_qemus_are_found_by_their_name(tmp_path):
    running, other = qemu(tmp_path), subprocess.Popen(["sleep", "60"])
    try:
        assert shell(tmp_path, QEMU_PIDS, running, other) == [str(running.pid)]
    finally:
        for each in (running, other):
            each.kill()
            each.wait()
    assert shell(tmp_path, QEMU_PIDS) == []


@pytest.mark.parametrize("there", [True, False])
def test_one_is_killed_and_waited_for(run, tmp_path, there):
    """One that stays: in the pidfile is another."""
    seen = run(("kill -9", ""))
    seen.machine.stop()
    script = seen.connection.asked[-1].replace("/run/l2.pid", str(tmp_path / "pid"))
    running, other = qemu(tmp_path), subprocess.Popen(["sleep", "60"])
    try:
        (tmp_path / "pid").write_text(f"{running.pid if there else other.pid}\n")
        threading.Timer(0.05, lambda: (running if there else other).wait()).start()
        assert shell(tmp_path, script, running, other) == ([] if there else ["stays"])
        assert not (tmp_path / "pid").exists()
        assert (running if there else other).wait(5) == -9
    finally:
        for each in (running, other):
            each.kill()
            each.wait()
