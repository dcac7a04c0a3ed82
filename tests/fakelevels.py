# SPDX-License-Identifier: GPL-2.0-only
"""Stand-ins for what a level is made of: consoles, connections, machines, hosts. Nothing boots."""

import contextlib
import json
import os
import re
import socket
import threading
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

from pexpect.fdpexpect import fdspawn

from harness.health.cause import Loss
from harness.levels.asking import NoAnswer
from harness.levels.console import Console
from harness.levels.limits import Limits
from harness.levels.machine import MachineState
from harness.levels.setup import Setup
from harness.levels.ssh import ChannelSpawn, Completed
from harness.levels.symbols import Symbols
from harness.model.bootable import BootSet, QemuProgram
from harness.model.cpu import GuestMode, Mode
from harness.model.errors import InfrastructureError
from harness.model.looks import Look
from harness.model.observation import Boot, End, LevelObservation, Probe
from harness.model.outcome import Outcome, Side
from harness.model.scenario import L1Setting, Placement
from harness.model.topology import topology

# What must come comes at once; what must not is waited for no longer than this.
LIMITS = Limits(
    qemu_start=1, monitor=1, l1_boot=2, l1_silence=0.15, ssh=1, probe=1, suite=0.3, l2_boot=2,
    l2_silence=0.15, l2_power_off=0.3, health=1, answer=0.3, stop=0.3, quit=0.1,
)  # fmt: skip

NONCE = "aaaabbbb"


def setup(where="papr", l1="p11@p10", limits=LIMITS):
    def boots(name):
        return BootSet(
            Path(f"/{name}/vmlinux"), Path(f"/{name}/initrd"), Path("/u.erofs"), Path(f"/{name}.erofs"),
            "7.3.0", (7, 3), (11, 1, 3),
        )  # fmt: skip

    place = topology(where)
    placement = Placement("7.3", place, L1Setting.parse(l1), "7.2" if place.has_l0 else "")
    return Setup(
        placement, QemuProgram("debian", ("qemu",), (11, 1, 3)), boots("k"),
        boots("l0") if place.has_l0 else None, SimpleNamespace(public="KEY"), (), limits,
    )  # fmt: skip


class Pipe:
    """A console whose far end the test holds; lines go in whole. A limit for reading that is not given is
    short, as nobody knows how long a machine says nothing."""

    def __init__(self, directory, nonce=NONCE, outer=None, **more):
        directory.mkdir(parents=True, exist_ok=True)
        self.nonce = nonce
        reading, self.end = os.pipe()
        self.console = Console(
            fdspawn(reading, encoding="utf-8", timeout=0.02), directory / "console.log", nonce, outer, **more
        )

    def say(self, *lines):
        for line in lines:
            if self.end is not None:
                os.write(self.end, line.encode() + b"\n")

    def report(self, stage, **facts):
        self.say(f"kvmppc:{self.nonce}:{stage}:{json.dumps(facts)}")

    def hang_up(self):
        end, self.end = self.end, None
        if end is not None:
            os.close(end)

    def close(self):
        self.hang_up()
        self.console.close()


class Channel:
    """Of SSH, as far as ChannelSpawn and NestedMachine use it."""

    def __init__(self):
        self.ours, self.theirs = socket.socketpair()
        self.status_event = threading.Event()
        self.status = -1
        self.closed = False

    def settimeout(self, seconds):
        self.ours.settimeout(seconds)

    def recv(self, size):
        try:
            return self.ours.recv(size)
        except TimeoutError:
            raise
        except OSError:
            return b""

    def sendall(self, data):
        self.ours.sendall(data)

    def recv_exit_status(self):
        return self.status

    def exit_status_ready(self):
        return self.status_event.is_set()

    def close(self):
        self.closed = True
        for each in (self.theirs, self.ours):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        self.ours.close()

    # -- the far end

    def say(self, *lines):
        with contextlib.suppress(OSError):  # nobody reads any more
            for line in lines:
                self.theirs.sendall(line.encode() + b"\n")

    def end(self, status=None):
        """What was to be read ends; with a status, if the program ended."""
        if status is not None:
            self.status = status
            self.status_event.set()
        with contextlib.suppress(OSError):
            self.theirs.shutdown(socket.SHUT_WR)


class Connection:
    """answers: (pattern of a command, what it gives): a text, a status, Completed, an error to raise, or a
    function of the command that gives one of these; the first that matches. streams: what each stream()
    gives."""

    def __init__(self, *answers, streams=()):
        self.answers = list(answers)
        self.streams = list(streams)
        self.active = True
        self.asked, self.timeouts = [], []
        self.closed = False

    def run(self, command, timeout, stdin=b""):
        self.asked.append(command)
        assert timeout > 0, "whatever is asked has a limit"
        self.timeouts.append(timeout)
        for pattern, answer in self.answers:
            if re.search(pattern, command, re.S):
                if callable(answer):
                    answer = answer(command)
                if isinstance(answer, Exception):
                    raise answer
                if isinstance(answer, Completed):
                    return answer
                return Completed(answer, "", "") if isinstance(answer, int) else Completed(0, answer, "")
        raise InfrastructureError(f"over SSH, {command[:20]!r} failed: no answer within {timeout:g} s")

    def stream(self, command, timeout):
        self.asked.append(command)
        assert timeout > 0, "whatever is asked has a limit"
        self.timeouts.append(timeout)
        if not self.streams:
            raise InfrastructureError(f"over SSH, {command[:20]!r} failed: no channel")
        found = self.streams.pop(0)
        if isinstance(found, Exception):
            raise found
        return ChannelSpawn(found)

    def close(self):
        self.closed = True


class Machine:
    """A machine.Machine whose guest and QEMU the test plays. start: an error to raise; connections: what each
    connect() gives, an error or a Connection; typed: what is done with what is typed on its console."""

    def __init__(self, *connections, start=None, typed=None, outer=None):
        self.command = ["qemu", "-x"]
        self.enclosing_commands = []
        self.connections = list(connections)
        self.states = MachineState(process_state="S", monitor="running")
        self.exit_status = None
        self.share = 0.0  # starved now
        self.worst, self.moments = None, []  # starved at its worst, if that is another, and since when asked
        self.lost_time = 0.0
        self.registers = "NIP c000000000001000"
        self.pipe = None
        self.stopped = self.freed = 0
        self.waited = []
        self.on_start = lambda pipe: None
        self._start, self._typed, self._outer = start, typed, outer

    def start(self, nonce, directory, about):
        self.about = about
        if self._start is not None:
            raise self._start
        self.pipe = Pipe(directory, nonce.joined, self._outer, lag=lambda: self.lag())
        self.on_start(self.pipe)
        return self.pipe.console

    def connect(self, host_key, key, timeout):
        self.host_key, self.login = host_key, (key, timeout)
        found = self.connections.pop(0) if self.connections else InfrastructureError("SSH failed: nobody")
        if isinstance(found, Exception):
            raise found
        return found

    def state(self):
        return self.states

    def monitor_command(self, line):
        if isinstance(self.registers, Exception):
            raise self.registers
        return self.registers

    def lag(self):
        return self.lost_time

    def starved(self):
        return self.share

    def starved_since(self, moment):
        assert moment <= time.monotonic()
        self.moments.append(moment)
        return self.worst if self.worst is not None else self.share

    def type_on_console(self, text):
        if self._typed is None:
            return False
        self._typed(self.pipe, text)
        return True

    def wait(self, timeout):
        self.waited.append(timeout)
        return self.exit_status

    def stop(self):
        self.stopped += 1
        if self.pipe is not None:
            self.pipe.hang_up()

    def close(self):
        self.freed += 1


class Host:
    """A Linux that QEMU is started in: nested.Host and guest.GuestHost. losses: what loss() gives."""

    def __init__(self, connection=None, console=None, name="L1", loss=None):
        self.name = name
        self.console = console
        self.commands = [["qemu", "outer"]]
        self.setup = setup()
        self.page_kb = 64
        self.symbols = Symbols(None)
        self.gone = False
        self.share = 0.0  # starved now
        self.worst, self.moments = None, []  # starved at its worst, if that is another, and since when asked
        self.lost_time = 0.0
        self.registers = "NIP c000000000001000"
        self.asked = []
        self._connection, self._loss = connection, loss

    @property
    def connection(self):
        if self._connection is None:
            raise InfrastructureError(f"{self.name} is not up")
        return self._connection

    def run(self, command, timeout, stdin=b""):
        return self.connection.run(command, timeout, stdin)

    def loss(self, doing):
        self.asked.append(doing)
        return self._loss

    def lag(self):
        return self.lost_time

    def starved(self):
        return self.share

    def starved_since(self, moment):
        assert moment <= time.monotonic()
        self.moments.append(moment)
        return self.worst if self.worst is not None else self.share

    def monitor_command(self, line):
        if isinstance(self.registers, Exception):
            raise self.registers
        return self.registers


# -- whole levels, for what runs them --------------------------------------------------------------

DATA = Path(__file__).parent / "data"
PROBE = Probe.from_json(json.loads((DATA / "probe-7.3-papr-p11@p10.json").read_text()))


def well(mode=Mode.P10, **more):
    """An L2 that booted and left as it should."""
    return Boot(
        **{
            "outcome": Outcome.BOOTED, "rule": "marker", "proof": "up", "mode": GuestMode(mode),
            "release": "7.3", "build_id": "b", "taint": 0, "taint_left": 0, "uptime": 1.0, "elapsed": 1.0,
            "end": End("off", "status 0", Side.UNKNOWN), "phases": {"boot": 1.0}, **more,
        }
    )  # fmt: skip


class Level:
    """A level.Level that the test plays. plays: what each boot_guest() gives, by id of the setting: a Boot,
    or a function of this level that gives one; answers: of its ask.py: question to document, or an error to
    raise; lost_by: how it was lost, None while it is well; spoken: splats that nobody has looked at yet."""

    page_bytes = 65536
    monitor_command = None

    def __init__(self, name, directory, boot=1):
        self.name, self.directory, self.number = name, directory, boot
        self.boot = Boot(
            Outcome.BOOTED, "marker", "ready", GuestMode(Mode.P10, raw=name == "L0"), "7.3", build_id="b",
            phases={"boot": 2.0}, directory=directory.name,
        )  # fmt: skip
        self.probe, self.lost = PROBE, None
        self.at_boot, self.at_probe = (), ()  # splats
        self.plays = {}
        self.answers = lambda question: {"trouble": "not played"}
        self.spoken, self.taint, self.silent, self.starved = [], 0, "", 0.0
        self.lost_by = None
        self.unknown_loss = False  # it is gone, and loss() says that it is not
        self.diagnosis = Loss(Side.UNKNOWN, Outcome.UNKNOWN, "no-answer", "no answer")
        self.log = []  # what was done with it
        self.stops = 0

    def start(self):
        self.log.append("start")
        self.directory.mkdir(parents=True)
        looks = [Look(self.name, "boot", True, self.taint, self.at_boot, boot=self.number)]
        if self.boot.outcome is Outcome.BOOTED:
            looks.append(Look(self.name, "the probe", True, self.taint, self.at_probe, boot=self.number))
        probe = self.probe if self.boot.outcome is Outcome.BOOTED else None
        api = "" if self.name == "L0" else "v2"
        return LevelObservation(
            "7.3-papr-p11@p10", self.boot, api, "kvm_hv", probe, self.name, tuple(looks), self.lost
        )

    @property
    def gone(self):
        return self.lost_by is not None or self.unknown_loss

    def run(self, command, timeout, stdin=b""):
        raise AssertionError

    @contextlib.contextmanager
    def asking(self, program=None):
        self.log.append(f"asking {program.module}" if program else "asking")
        if isinstance(self.answers, Exception):
            raise self.answers
        yield SimpleNamespace(ask=self._ask)

    def _ask(self, questions):
        found = []
        for each in questions:
            answer = self.answers(each)
            if isinstance(answer, Exception):
                if isinstance(answer, NoAnswer):
                    answer.question, answer.answers = each, found
                raise answer
            found.append(answer)
        return found

    def boot_guest(self, setting, directory):
        self.log.append(setting.id)
        directory.mkdir(parents=True)
        found = self.plays.get(setting.id, well(setting.compat or Mode.P10))
        return found(self) if callable(found) else found

    def glance(self, when):
        self.log.append(f"glance {when}")
        return self._look(when, False, "")

    def look(self, when):
        self.log.append(f"look {when}")
        if self.gone or self.silent:
            return self._look(when, False, self.silent or "it is gone")
        return self._look(when, True, "")

    def _look(self, when, answered, reason):
        splats, self.spoken = self.spoken, []
        named = tuple(replace(each, level=self.name, when=when) for each in splats)
        return Look(
            self.name, when, answered, self.taint if answered else None, named, (), 5.0, self.number, reason,
            self.starved,
        )  # fmt: skip

    def diagnose(self, doing, ended="", ended_by=0):
        self.log.append(f"diagnose {doing} {ended}".rstrip())
        self.lost_by = self.lost_by or self.diagnosis
        return self.lost_by

    def loss(self, doing):
        self.log.append(f"loss {doing}")
        return self.lost_by

    def pause(self, seconds):
        self.log.append(f"pause {seconds:g}")

    def stop(self):
        self.stops += 1
