# SPDX-License-Identifier: GPL-2.0-only
"""What we start ends with us: also what it started itself, and also by SIGKILL."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import living
import pytest

from harness.processes import group

# A user's script that starts the real program.
WRAPPER = ["sh", "-c", "sleep 60 & echo $!; wait"]

PARENT = """
import subprocess, sys, time
from harness.processes import group
program = group.start(sys.argv[1:], stdout=subprocess.PIPE, text=True)
print(program.process.pid, program.process.stdout.readline(), flush=True)
time.sleep(60)
"""


def begin(command, **settings):
    return group.start(command, stdout=subprocess.PIPE, text=True, **settings)


def guard_of(program):
    """In the group without being a child of the program's, or the program. It may not be itself yet: a short
    program can end before."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        for pid in living.group(program.process.pid):
            if "kill -KILL 0" in Path(f"/proc/{pid}/cmdline").read_text():
                return pid
        time.sleep(0.01)
    return None


def test_kill_ends_the_whole_group_before_it_returns():
    program = begin(WRAPPER)
    inner = int(program.process.stdout.readline())
    assert living.alive(inner)
    program.kill()
    assert not living.alive(inner)
    assert living.group(program.process.pid) == []  # not even a zombie
    assert program.process.returncode == -signal.SIGKILL
    program.kill()  # once more does no harm


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_the_whole_group_ends_when_we_are_killed(how):
    parent = subprocess.Popen([sys.executable, "-c", PARENT, *WRAPPER], stdout=subprocess.PIPE, text=True)
    outer, inner = map(int, parent.stdout.readline().split())
    assert living.alive(outer) and living.alive(inner)
    parent.send_signal(how)
    parent.wait()
    assert living.gone([outer, inner, *living.group(outer)])


def test_what_a_program_leaves_when_it_ends_is_ended_by_kill():
    program = begin(["sh", "-c", "sleep 60 >/dev/null & echo $!"])
    inner = int(program.process.stdout.readline())
    assert program.process.wait() == 0  # reaped: from here on only the guard keeps the group's number
    assert living.alive(inner)
    program.kill()
    assert living.gone([inner])
    assert program.process.returncode == 0


def test_a_stopped_group_is_killed():
    program = begin(WRAPPER)
    program.process.stdout.readline()
    os.killpg(program.process.pid, signal.SIGSTOP)
    program.kill()
    assert living.group(program.process.pid) == []


def test_without_its_guard_it_is_killed_as_long_as_the_number_is_its_own():
    program = begin(WRAPPER)
    inner = int(program.process.stdout.readline())
    os.kill(guard_of(program), signal.SIGKILL)
    program.kill()
    assert living.gone([inner])


def test_a_number_that_may_be_somebody_elses_by_now_is_left_alone(monkeypatch):
    program = begin(["true"])
    program.process.wait()
    guard = guard_of(program)
    os.kill(guard, signal.SIGKILL)
    assert living.gone([guard])
    monkeypatch.setattr(os, "killpg", lambda *_: pytest.fail("the group is gone"))
    program.kill()


def test_the_guard_has_none_of_the_programs_files():
    """Whoever reads the program's output, or talks to it, sees it end although the guard lives on."""
    ours, theirs = socket.socketpair()
    program = begin(["true"], pass_fds=[theirs.fileno()])
    theirs.close()
    assert program.process.stdout.read() == ""
    ours.settimeout(5)
    assert ours.recv(1) == b""
    assert living.alive(guard_of(program))
    program.kill()
    ours.close()


def test_the_program_has_no_child_that_it_never_started():
    code = "import os\ntry: os.waitpid(-1, os.WNOHANG)\nexcept ChildProcessError: print('none')"
    program = begin([sys.executable, "-c", code])
    assert program.process.stdout.read() == "none\n"
    program.kill()


def test_status_and_process_id_are_the_programs():
    program = begin(["sh", "-c", "echo $$; exit 7"])
    assert int(program.process.stdout.read()) == program.process.pid
    assert program.process.wait() == 7
    program.kill()
    assert program.process.returncode == 7


def test_a_program_that_is_not_there_leaves_nothing():
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(FileNotFoundError):
        group.start(["/nonexistent/qemu"])
    assert len(os.listdir("/proc/self/fd")) == before


def test_nothing_starts_without_a_guard(monkeypatch):
    def no_process():
        raise BlockingIOError

    monkeypatch.setattr(os, "fork", no_process)
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(OSError, match="guard"):
        group.start(["true"])
    assert len(os.listdir("/proc/self/fd")) == before


def test_nothing_starts_with_half_a_guard(monkeypatch):
    """The process that should start the guard cannot."""
    fork, forks = os.fork, []

    def once():
        forks.append(1)
        if len(forks) == 2:
            raise BlockingIOError
        return fork()

    monkeypatch.setattr(os, "fork", once)
    with pytest.raises(OSError, match="guard"):
        group.start(["true"])
