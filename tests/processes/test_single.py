# SPDX-License-Identifier: GPL-2.0-only
"""A program that starts no others dies with whoever started it."""

import os
import signal
import subprocess
import sys

import living
import pytest

from harness.processes import single

PARENT = """
import sys
from harness.processes import single
single.run([sys.executable, "-c", "import os, time; print(os.getpid(), flush=True); time.sleep(60)"])
"""


def test_it_dies_with_its_parent():
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True)
    child = int(parent.stdout.readline())
    assert living.alive(child)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    assert living.gone([child])


def test_a_parent_that_is_gone_already_is_told(monkeypatch):
    killed = []
    monkeypatch.setattr(os, "kill", lambda pid, how: killed.append((pid, how)))
    before = os.getppid()
    single.die_with_parent(before)
    assert killed == []
    single.die_with_parent(before + 1)
    assert killed == [(os.getpid(), signal.SIGKILL)]
    single._libc.prctl(1, 0)  # and the tests are left as they were


def test_settings_are_subprocess_runs():
    done = single.run(["sh", "-c", "echo out; exit 3"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (3, "out\n")
    with pytest.raises(subprocess.TimeoutExpired):
        single.run(["sleep", "60"], timeout=0.1)
