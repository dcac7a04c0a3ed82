# SPDX-License-Identifier: GPL-2.0-only
"""Nothing that we start outlives us."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness.levels.process import start

PARENT = """
import sys, time
from harness.levels.process import start
child = start([sys.executable, "-c", "import signal, time; signal.signal(1, signal.SIG_IGN); time.sleep(60)"])
print(child.process.pid, flush=True)
time.sleep(60)
"""


def gone(pid, seconds=5.0):
    """Whether the process ends (or is only waited for by init) within so many seconds."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except OSError:
            return True
        time.sleep(0.02)
    return False


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_child_dies_with_its_parent(how):
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True)
    child = int(parent.stdout.readline())
    assert not gone(child, 0.1)
    parent.send_signal(how)
    parent.wait()
    assert gone(child)


def test_kill_reaps():
    machine = start(["sleep", "60"])
    machine.kill()
    assert gone(machine.process.pid, 0.1)
    machine.kill()  # once more does no harm
    os.close(machine.terminal)


def test_a_program_that_is_not_there_is_an_error_and_leaks_no_descriptor():
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(OSError, match="No such file"):
        start(["/nonexistent/qemu"])
    assert len(os.listdir("/proc/self/fd")) == before
