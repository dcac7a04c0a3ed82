# SPDX-License-Identifier: GPL-2.0-only
"""Nothing that we start outlives us."""

import os
import signal
import subprocess
import sys

import living
import pytest

from harness.levels.process import start

PARENT = """
import sys, time
from harness.levels.process import start
child = start([sys.executable, "-c", "import signal, time; signal.signal(1, signal.SIG_IGN); time.sleep(60)"])
print(child.process.pid, flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_child_dies_with_its_parent(how):
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True)
    child = int(parent.stdout.readline())
    assert living.alive(child)
    parent.send_signal(how)
    parent.wait()
    assert living.gone([child])


def test_kill_reaps():
    machine = start(["sleep", "60"])
    machine.kill()
    assert not living.alive(machine.process.pid)
    machine.kill()  # once more does no harm
    os.close(machine.terminal)


def test_a_program_that_is_not_there_is_an_error_and_leaks_no_descriptor():
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(OSError, match="No such file"):
        start(["/nonexistent/qemu"])
    assert len(os.listdir("/proc/self/fd")) == before


def test_it_is_sampled_and_ended_with_all_that_it_started():
    machine = start(["sh", "-c", "sleep 60 & echo $!; wait"])
    inner = int(os.read(machine.terminal, 100))
    assert machine.state() in ("R", "S")
    assert machine.cpu_seconds() >= 0.0 and machine.wait_seconds() >= 0.0
    os.kill(inner, signal.SIGSTOP)
    while machine.state() != "T":
        assert living.alive(inner)
    machine.kill()
    assert not living.alive(inner)
    assert (machine.state(), machine.cpu_seconds(), machine.wait_seconds()) == ("", 0.0, 0.0)
    os.close(machine.terminal)


def test_its_terminal_ends_when_it_does():
    """Nobody else holds it: a console must see the end."""
    machine = start(["sh", "-c", "echo said"])
    assert os.read(machine.terminal, 100) == b"said\n"
    with pytest.raises(OSError, match="Input/output error"):
        os.read(machine.terminal, 100)
    machine.kill()
    os.close(machine.terminal)
