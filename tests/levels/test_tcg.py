# SPDX-License-Identifier: GPL-2.0-only
"""The outermost machine: what is known of its process and its monitor, with both played by the test."""

import os
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest
from fakelevels import LIMITS

from harness.levels import tcg
from harness.levels.commands import Nonce
from harness.levels.console import Ended
from harness.levels.machine import MachineState
from harness.levels.ssh import Connection
from harness.levels.tcg import TcgMachine
from harness.model.errors import InfrastructureError

NONCE = Nonce("aaaa", "bbbb")


class Process:
    def __init__(self):
        self.letter, self.ran, self.waited, self.status = "S", 0.0, 0.0, None
        self.killed = 0
        self.waits, self.ends_with = [], None
        self.terminal, self.far_end = os.pipe()
        self.process = self

    def poll(self):
        return self.status

    def state(self):
        return self.letter

    def cpu_seconds(self):
        return self.ran

    def wait_seconds(self):
        return self.waited

    def kill(self):
        self.killed += 1

    def wait(self, timeout):
        self.waits.append(timeout)
        self.status = self.ends_with
        if self.status is None:
            raise subprocess.TimeoutExpired("qemu", timeout)
        return self.status


class Monitor:
    """answers: command -> what it gives, or an error."""

    def __init__(self, **answers):
        self.connected, self.connects = True, []
        self.arguments, self.theirs = ["-qmp"], SimpleNamespace(fileno=lambda: 7)
        self.answers = {"query-status": {"status": "running"}, **answers}
        self.asked = []
        self.shutdown = ""
        self.closed = 0

    def connect(self, timeout):
        self.connects.append(timeout)

    def execute(self, command, arguments=None, timeout=None):
        self.asked.append((command, timeout))
        found = self.answers[command]
        if isinstance(found, Exception):
            raise found
        return found

    def human(self, line, timeout=None):
        return self.execute(line.split()[0], timeout=timeout)

    def shutdown_reason(self):
        return self.shutdown

    def close(self):
        self.closed += 1


@pytest.fixture
def now(monkeypatch):
    """A clock that the test turns."""
    clock = [1000.0]
    monkeypatch.setattr(tcg.time, "monotonic", lambda: clock[0])
    return clock


@pytest.fixture
def seen(now, monkeypatch, tmp_path):
    """A machine that runs since 1000."""
    machine = TcgMachine(lambda nonce: ["qemu", nonce.word], ["-extra"], LIMITS)
    process, monitor, starts = Process(), Monitor(), []
    monkeypatch.setattr(tcg, "start", lambda *words, **more: starts.append((words, more)) or process)
    monkeypatch.setattr(tcg, "Monitor", lambda: monitor)
    monkeypatch.setattr(tcg, "hdsi_recursion", lambda monitor, directory: "")
    console = machine.start(NONCE, tmp_path, "about it")
    yield SimpleNamespace(
        machine=machine, process=process, monitor=monitor, now=now, console=console, starts=starts
    )
    os.close(process.far_end)
    console.close()


# -- start -----------------------------------------------------------------------------------------


def test_how_it_is_started(seen, tmp_path):
    assert seen.machine.command == ["qemu", "kvmppc.nonce=aaaa-bbbb"]
    words = ["qemu", "kvmppc.nonce=aaaa-bbbb", "-extra", "-qmp"]
    assert seen.starts == [((words,), {"pass_fds": [7]})]
    assert seen.monitor.connects == [LIMITS.qemu_start]
    assert seen.console.path == tmp_path / "console.log"
    seen.machine._lag = 0.25
    assert seen.console._lag() == 0.25
    os.write(seen.process.far_end, b'x\xff\nkvmppc:aaaabbbb:up:{"a": 1}\n')
    for _ in range(500):  # the clock that Console.wait() reads stands still
        if "up" in seen.console.reports:
            break
        time.sleep(0.01)
    assert seen.console.reports == {"up": {"a": 1}}
    assert seen.console.lines[0] == "x\N{REPLACEMENT CHARACTER}"


# -- state -----------------------------------------------------------------------------------------


def test_a_machine_that_runs(seen):
    assert seen.machine.state() == MachineState(process_state="S", monitor="running")
    assert seen.monitor.asked == [("query-status", LIMITS.monitor)]


def test_one_that_was_not_started_is_nothing():
    machine = TcgMachine(lambda _nonce: ["qemu"])
    assert machine.state() == MachineState()
    assert (machine.exit_status, machine.lag(), machine.starved()) == (-1, 0.0, 0.0)
    assert machine.starved_since(0.0) == 0.0
    assert machine.type_on_console("x") is False
    machine.stop()
    machine.close()


def test_one_that_ended_tells_why(seen):
    seen.process.status, seen.monitor.shutdown = 0, "guest-reset"
    assert seen.machine.state() == MachineState(0, shutdown="guest-reset")
    seen.machine._monitor = None
    assert seen.machine.state() == MachineState(0)


@pytest.mark.parametrize("letter", ["T", "t"])
def test_one_that_is_stopped_is_not_asked(seen, letter):
    seen.process.letter = letter
    assert seen.machine.state() == MachineState(process_state=letter)
    assert seen.monitor.asked == []


@pytest.mark.parametrize("status", ["paused", "io-error", "guest-panicked"])
def test_what_qemu_says(seen, status):
    seen.monitor.answers["query-status"] = {"status": status}
    assert seen.machine.state().monitor == status


def test_a_monitor_that_does_not_answer_is_silent(seen):
    seen.monitor.answers["query-status"] = InfrastructureError("x")
    assert seen.machine.state().monitor == "silent"
    seen.monitor.connected = False
    assert seen.machine.state().monitor == "silent"
    seen.machine._monitor = None
    assert seen.machine.state().monitor == "silent"


def test_one_that_was_just_killed_has_ended(seen):
    """It frees its memory before it is known to have ended; its monitor is silent by then."""
    seen.monitor.answers["query-status"] = InfrastructureError("x")
    seen.process.ends_with, seen.monitor.shutdown = -9, "host-signal"
    assert seen.machine.state() == MachineState(-9, shutdown="host-signal")
    assert seen.process.waits == [LIMITS.quit]


def test_one_whose_monitor_answers_is_not_waited_for(seen):
    seen.process.ends_with = 0
    assert seen.machine.state().monitor == "running"
    assert seen.process.waits == []


def test_the_recursion_is_remembered(seen, monkeypatch, tmp_path):
    asked = []

    def found(monitor, directory):
        asked.append((monitor, directory))
        return "one line"

    monkeypatch.setattr(tcg, "hdsi_recursion", found)
    assert seen.machine.state().hdsi == "one line"
    assert seen.machine.state().hdsi == "one line"
    assert asked == [(seen.monitor, tmp_path)]


def test_a_monitor_that_does_not_answer_shows_no_recursion(seen, monkeypatch):
    def silent(_monitor, _directory):
        raise InfrastructureError("x")

    monkeypatch.setattr(tcg, "hdsi_recursion", silent)
    assert seen.machine.state() == MachineState(process_state="S", monitor="running")


# -- what it was kept from -------------------------------------------------------------------------


def later(seen, seconds, waited=0.0, ran=0.0):
    """So much later, of which it waited, and ran, so much."""
    seen.now[0] += seconds
    seen.process.waited += waited
    seen.process.ran += ran


def test_lag_is_what_it_waited_for_a_cpu(seen):
    later(seen, 1, waited=0.25)
    assert seen.machine.lag() == 0.25
    later(seen, 1, waited=0.5)
    assert seen.machine.lag() == 0.75


def test_it_is_not_looked_up_each_time(seen):
    later(seen, 0.5, waited=0.25)
    assert seen.machine.lag() == 0.0
    later(seen, 0.01)
    assert seen.machine.lag() == 0.25


def test_more_than_time_passed_nobody_has_lost(seen):
    later(seen, 1, waited=40)
    assert seen.machine.lag() == 1.0
    later(seen, 1, waited=0.5)
    assert seen.machine.lag() == 1.5


def test_a_thread_that_ended_took_its_time_with_it(seen):
    later(seen, 1, waited=0.5)
    seen.machine.lag()
    later(seen, 1, waited=-0.25)
    assert seen.machine.lag() == 0.5
    later(seen, 1, waited=0.125)
    assert seen.machine.lag() == 0.625


def test_a_machine_that_gets_its_cpu_is_not_starved(seen):
    later(seen, 20, waited=4, ran=16)
    assert seen.machine.starved() == 0.0


@pytest.mark.parametrize(
    ("waited", "ran", "share"), [(5.0, 1.0, 0.0), (6.0, 2.0, 0.75), (9.0, 1.0, 0.9), (6.0, 0.0, 1.0)]
)
def test_starved_is_the_share_of_what_it_wanted(seen, waited, ran, share):
    later(seen, 20, waited=waited, ran=ran)
    assert seen.machine.starved() == share


def test_only_the_last_half_minute_counts(seen):
    """A machine that was well for long is starved now; and the other way round."""
    for _ in range(20):
        later(seen, 5, ran=5)
        seen.machine.lag()
    for _ in range(6):
        later(seen, 5, waited=4.5, ran=0.5)
        seen.machine.lag()
    assert seen.machine.starved() == pytest.approx(0.9)
    for _ in range(6):
        later(seen, 5, ran=5)
        seen.machine.lag()
    assert seen.machine.starved() == 0.0


def test_between_two_readings_the_older_one_counts(seen):
    """Nobody asked in between: the share is that of all the time since."""
    later(seen, 100, ran=10)
    seen.machine.lag()
    later(seen, 20, waited=19, ran=1)
    assert seen.machine.starved() == pytest.approx(19 / 30)


def test_time_in_which_it_is_stopped_is_time_without_a_cpu(seen):
    later(seen, 5, ran=5)
    assert seen.machine.starved() == 0.0
    seen.process.letter = "T"
    for _ in range(20):
        later(seen, 1)
        assert seen.machine.lag() == 0.0, "a limit is one all the same"
    seen.process.letter = "S"
    later(seen, 5, ran=5)
    assert seen.machine.starved() == pytest.approx(20 / 30)
    seen.process.letter = "t"
    later(seen, 30)
    assert seen.machine.starved() == 1.0


def test_the_worst_half_minute_since_a_moment(seen):
    """Which counts for what was said in it."""
    for _ in range(8):
        later(seen, 5, waited=4.5, ran=0.5)
        seen.machine.lag()
    bad = seen.now[0]
    for _ in range(8):
        later(seen, 5, ran=5)
        seen.machine.lag()
    assert seen.machine.starved() == 0.0
    assert seen.machine.starved_since(1000.0) == pytest.approx(0.9)
    assert seen.machine.starved_since(bad) == pytest.approx(0.9)
    assert seen.machine.starved_since(bad + 1) == pytest.approx(22.5 / 30)
    assert seen.machine.starved_since(seen.now[0]) == 0.0
    assert seen.machine.starved_since(seen.now[0] + 100) == 0.0


def test_readings_lie_apart(seen):
    for _ in range(12):
        later(seen, 1)
        seen.machine.lag()
    assert [when for when, _, _ in seen.machine._readings] == [1000, 1005, 1010]


def test_a_process_whose_time_cannot_be_read_has_no_negative_share(seen):
    later(seen, 10, waited=0, ran=10)
    seen.machine.lag()
    for _ in range(6):
        later(seen, 5, waited=5)
        seen.machine.lag()
    seen.process.ran = 0.0
    assert seen.machine.starved() == 1.0
    assert seen.machine.state().starved == 1.0


# -- monitor ---------------------------------------------------------------------------------------


def test_where_its_ssh_is(seen):
    seen.monitor.answers["info"] = "  TCP[HOST_FORWARD]  16  127.0.0.1 40123  10.0.2.15  22  0  0"
    assert seen.machine.ssh_port == 40123
    seen.monitor.answers["info"] = "nothing"
    with pytest.raises(InfrastructureError, match="no forwarded SSH port"):
        _ = seen.machine.ssh_port


def test_a_login_goes_there(seen, monkeypatch):
    asked = []
    monkeypatch.setattr(Connection, "to_port", lambda *words: asked.append(words) or "a way")
    seen.monitor.answers["info"] = "TCP[HOST_FORWARD]  16  127.0.0.1 40123"
    assert seen.machine.connect("hostkey", "key", 3) == "a way"
    assert asked == [(40123, "hostkey", "key", 3)]


def test_a_monitor_command_has_a_limit(seen):
    seen.monitor.answers["info"] = "text"
    assert seen.machine.monitor_command("info x") == "text"
    assert seen.monitor.asked == [("info", LIMITS.monitor)]
    seen.monitor.connected = False
    with pytest.raises(InfrastructureError, match="did not answer its monitor within 1 s of its start"):
        seen.machine.monitor_command("info x")
    with pytest.raises(InfrastructureError, match="QEMU was not started"):
        TcgMachine(lambda _nonce: ["qemu"]).monitor_command("info x")


# -- start and stop --------------------------------------------------------------------------------


def test_one_that_answers_is_asked_to_end_and_then_killed(seen):
    seen.monitor.answers["quit"] = None
    seen.machine.stop()
    assert seen.monitor.asked == [("quit", LIMITS.quit)]
    assert seen.process.waits == [LIMITS.quit]
    assert (seen.process.killed, seen.monitor.closed) == (1, 1)
    seen.machine.stop()
    assert seen.monitor.closed == 1


@pytest.mark.parametrize("why", ["stopped", "traced", "caught", "mute", "never spoken to"])
def test_one_that_would_not_hear_it_is_killed(seen, why):
    seen.process.letter = {"stopped": "T", "traced": "t"}.get(why, "S")
    seen.machine._hdsi = "one line" if why == "caught" else ""
    seen.monitor.connected = why != "mute"
    if why == "never spoken to":
        seen.machine._monitor = None
    seen.machine.stop()
    assert seen.monitor.asked == []
    assert seen.process.killed == 1


def test_one_that_does_not_answer_is_killed(seen):
    seen.monitor.answers["quit"] = InfrastructureError("x")
    seen.machine.stop()
    assert (seen.process.killed, seen.monitor.closed) == (1, 1)


@pytest.fixture
def real(tmp_path):
    """A machine whose QEMU is a program."""
    made = []

    def start(program, *extra):
        made.append(TcgMachine(lambda nonce: [sys.executable, "-uc", program, nonce.word], extra, LIMITS))
        return made[-1], made[-1].start(NONCE, tmp_path, "about it")

    yield start
    for each in made:
        each.stop()
        each.close()


def test_a_program_that_speaks_and_ends(real, tmp_path):
    machine, console = real("import sys; print(sys.argv[1:])", "-extra")
    assert console.wait(lambda _seen: False, 10, 10) is Ended.EOF
    assert machine.wait(5) == 0
    line = console.lines[0]
    assert line.startswith("['kvmppc.nonce=aaaa-bbbb', '-extra', '-chardev', 'socket,id=qmp,fd=")
    assert "about it" in (tmp_path / "repro.sh").read_text()
    assert machine.command[-1] == NONCE.word
    state = machine.state()
    assert (state.exit_status, state.shutdown, state.monitor) == (0, "", "")
    console.close()


def test_a_program_that_never_answers_its_monitor(real):
    began = time.monotonic()
    machine, console = real("import time; print('x'); time.sleep(60)")
    assert 0.9 < time.monotonic() - began < 8, "it is given its time"
    assert machine.exit_status is None
    assert machine.wait(0.05) is None
    state = machine.state()
    assert (state.exit_status, state.monitor) == (None, "silent")
    machine.stop()
    assert machine.exit_status == -9
    console.close()
    terminal = machine._process.terminal
    os.fstat(terminal)
    machine.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(terminal)
    assert machine.state() == MachineState()


def test_what_is_typed_reaches_it(real):
    _machine, console = real("print('got', input())")
    assert _machine.type_on_console("hello\n") is True
    assert console.wait(lambda seen: "got hello" in seen.lines, 10, 10) is Ended.MET
    console.close()


def test_what_cannot_be_typed_is_told(seen):
    seen.process.terminal = -1
    assert seen.machine.type_on_console("x") is False


def test_a_program_that_is_not_there(tmp_path):
    machine = TcgMachine(lambda _nonce: ["/nonexistent/qemu"], limits=LIMITS)
    with pytest.raises(InfrastructureError, match="cannot start /nonexistent/qemu: No such file"):
        machine.start(NONCE, tmp_path, "x")
    assert machine.state() == MachineState()
    machine.stop()
    machine.close()
