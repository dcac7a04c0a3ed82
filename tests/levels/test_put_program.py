# SPDX-License-Identifier: GPL-2.0-only
"""A program of a feature's is put into a level, started there and asked; the shell and Python are real."""

import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from fakelevels import LIMITS, Channel, Machine, setup

from harness.features.feature import GuestProgram
from harness.levels import asking, linux
from harness.levels.asking import MORE_PROGRAMS, OUR_PROGRAMS, NoAnswer, QuerySession, put, start_of
from harness.levels.linux import LinuxLevel
from harness.levels.remote import RemoteLevel
from harness.levels.ssh import ChannelSpawn, Completed
from harness.levels.symbols import Symbols
from harness.levels.userssh import Target
from harness.model.errors import InfrastructureError
from harness.model.program import Program

# A Python starts here, on a loaded computer.
PATIENT = replace(LIMITS, suite=20)

ECHO = Program(
    "echo_twice",
    b"import sys\nfrom levelfacts import to_json\n\n\ndef main():\n    for line in sys.stdin:\n"
    b"        print(to_json({'to': line.strip(), 'from': __file__}), flush=True)\n",
)


class Here:
    """A connection to this machine; where a level has its directories, this has them below its own."""

    def __init__(self, root):
        self.root, self.commands, self.processes, self.channels = root, [], [], []
        self.active, self.lose = True, None

    def _local(self, command):
        for directory in (MORE_PROGRAMS, OUR_PROGRAMS):
            command = command.replace(directory, f"{self.root}{directory}")
        return command.replace("python3 ", f"{sys.executable} ")

    def run(self, command, timeout, stdin=b""):
        self.commands.append(command)
        assert timeout > 0
        if self.lose is not None:
            stdin = stdin[: self.lose]
        done = subprocess.run(["sh", "-c", self._local(command)], input=stdin, capture_output=True)
        return Completed(done.returncode, done.stdout.decode(), done.stderr.decode())

    def stream(self, command, timeout):
        self.commands.append(command)
        channel = Channel()
        words = ["sh", "-c", self._local(command)]
        process = subprocess.Popen(words, stdin=channel.theirs, stdout=channel.theirs)
        self.processes.append(process)
        self.channels.append(channel)

        def ended():
            channel.end(process.wait())

        threading.Thread(target=ended, daemon=True).start()
        return ChannelSpawn(channel)

    def close(self):
        for each in self.channels:
            each.close()
        for each in self.processes:
            each.wait(10)


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.setattr(asking, "_REST_SECONDS", 0.1)
    programs = tmp_path / OUR_PROGRAMS.lstrip("/")
    programs.mkdir(parents=True)
    guest = Path(linux.__file__).parent.parent / "images" / "guest"
    for name in ("levelfacts.py", "microguest.py", "vcpus.py", "ask.py"):
        (programs / name).write_bytes((guest / name).read_bytes())
    made = Here(tmp_path)
    yield made
    made.close()


def linux_level(here):
    level = LinuxLevel("L1", setup(limits=PATIENT), Machine(), here.root / "l1", Symbols(None), 1)
    level._ssh = here
    return level


def remote_level(here):
    level = RemoteLevel(Target("root@lpar"), {}, here.root / "l1", limits=PATIENT)
    level._connection, level._there = here, OUR_PROGRAMS
    return level


@pytest.mark.parametrize("make", [linux_level, remote_level])
def test_it_answers_with_what_it_imports_of_ours(here, make):
    with make(here).asking(ECHO) as session:
        answers = session.ask(["a b", "c"])
    assert [each["to"] for each in answers] == ["a b", "c"]
    assert all(each["from"].endswith(f"/{ECHO.directory}/echo_twice.py") for each in answers)


@pytest.mark.parametrize("make", [linux_level, remote_level])
def test_without_one_it_is_ask_py_where_that_is(here, make):
    with make(here).asking() as session:
        (answer,) = session.ask(["spun"])
    assert "trouble" in answer
    assert len(here.commands) == 1  # nothing is written
    assert "ask.main()" in here.commands[0] and "PYTHONPATH" not in here.commands[0]


def test_a_changed_program_is_another_one(here):
    level = linux_level(here)
    other = Program("echo_twice", ECHO.content.replace(b"'to'", b"'TO'"))
    assert other.directory != ECHO.directory
    for program, name in ((ECHO, "to"), (other, "TO"), (ECHO, "to")):
        with level.asking(program) as session:
            assert session.ask(["x"])[0][name] == "x"


def test_what_it_says_when_it_dies_is_told_by_its_name(here):
    broken = Program("broken", b"def main():\n    raise SystemExit('no such thing')\n")
    words = r"broken\.py failed at 'x': no such thing"
    with pytest.raises(NoAnswer, match=words) as error, linux_level(here).asking(broken) as session:
        session.ask(["x"])
    assert error.value.ended == "broken.py: no such thing"


@pytest.mark.parametrize("arrived", [0, 10, len(ECHO.content) - 1])
def test_one_that_is_cut_off_is_not_started(here, arrived):
    here.lose = arrived
    with pytest.raises(
        InfrastructureError, match=rf"cannot write echo_twice\.py .*: {arrived} bytes arrived"
    ):
        linux_level(here).asking(ECHO)
    assert len(here.commands) == 1


def test_a_directory_that_cannot_be_written_is_told(here):
    (here.root / "run").write_text("a file in its way")
    with pytest.raises(InfrastructureError, match=r"cannot write echo_twice\.py into .*: .*directory"):
        linux_level(here).asking(ECHO)


def test_a_lost_connection_is_no_answer(here):
    level = remote_level(here)
    level._connection = None
    with pytest.raises(InfrastructureError, match="no connection"):
        level.asking(ECHO)


def test_the_commands_and_their_limits():
    asked = []

    def run(command, timeout, stdin):
        asked.append((command, timeout, stdin))
        return Completed(0, f"{len(stdin)}\n", "")

    there = put(run, ECHO, "/run/kvmppc", 7)
    assert there == f"/run/kvmppc/{ECHO.directory}"
    assert asked == [(asked[0][0], 7, ECHO.content)]
    streamed = []
    connection = SimpleNamespace(stream=lambda *words: streamed.append(words))
    QuerySession(connection, there, 3, "echo_twice", "/usr/lib/kvmppc")
    assert streamed == [(f"({start_of('echo_twice', there, '/usr/lib/kvmppc')}) 2>&1", 3)]
    assert "PYTHONPATH=/usr/lib/kvmppc python3" in streamed[0][0]


def test_a_features_program_is_read_when_it_is_needed(tmp_path):
    program = GuestProgram("echo_twice", tmp_path / "echo_twice.py")
    (tmp_path / "echo_twice.py").write_bytes(ECHO.content)
    assert program.read() == ECHO
