# SPDX-License-Identifier: GPL-2.0-only
"""A QEMU that was killed, looked at before the kernel is through with ending it."""

import dataclasses
import sys

import pytest

from harness.levels.commands import Nonce
from harness.levels.limits import LIMITS
from harness.levels.tcg import TcgMachine

# A QEMU on its way out: its descriptors are closed, its memory is not free yet.
_LEAVES = """
import os, signal, time
for number in range(0, 100):
    try:
        os.close(number)
    except OSError:
        pass
time.sleep(0.5)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def machine(tmp_path):
    limits = dataclasses.replace(LIMITS, qemu_start=0.2, monitor=0.2, quit=10)
    made = TcgMachine(lambda _nonce: [sys.executable, "-c", _LEAVES], limits=limits)
    console = made.start(Nonce.new(), tmp_path, "a QEMU that ends")
    yield made
    made.stop()
    console.close()
    made.close()


def test_it_ended_by_a_signal_and_is_not_merely_silent(machine):
    seen = machine.state()
    assert (seen.exit_status, seen.monitor) == (-9, "")
