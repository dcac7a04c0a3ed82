# SPDX-License-Identifier: GPL-2.0-only
"""Three levels: whatever dies, it is told as what it is, and nobody waits for what is in it."""

import os
import threading
import time

import pytest
from pexpect.fdpexpect import fdspawn

from harness.levels.commands import Nonce
from harness.levels.console import Console, Ended
from harness.levels.nested import NestedMachine
from harness.model.outcome import Outcome

PANIC = "Kernel panic - not syncing: Fatal exception"


class Pipe:
    """A console whose far end the test holds."""

    def __init__(self, path, outer=None):
        path.mkdir()
        reading, self.end = os.pipe()
        spawn = fdspawn(reading, encoding="utf-8")
        self.console = Console(spawn, path / "console.log", "nonce", outer)

    def say(self, text):
        os.write(self.end, text.encode() + b"\n")


@pytest.fixture
def chain(tmp_path):
    """Consoles of L0, L1 in it, L2 in that."""
    l0 = Pipe(tmp_path / "l0")
    l1 = Pipe(tmp_path / "l1", l0.console)
    l2 = Pipe(tmp_path / "l2", l1.console)
    pipes = [l0, l1, l2]
    yield pipes
    for pipe in reversed(pipes):
        os.close(pipe.end)
        pipe.console.close()


@pytest.mark.parametrize("who", [0, 1])
def test_a_panic_further_out_ends_the_wait_for_l2_at_once(chain, who):
    l2 = chain[2].console
    began = time.monotonic()
    threading.Timer(0.2, lambda: chain[who].say(PANIC)).start()
    assert l2.wait(lambda _seen: False, timeout=30, silence=30) is Ended.OUTER
    assert 0.1 < time.monotonic() - began < 5


def test_a_panic_of_l2_is_nobody_elses(chain):
    chain[2].say(PANIC)
    assert chain[2].console.wait(lambda seen: seen.finding is not None, 30, 30) is Ended.MET
    assert chain[1].console.wait(lambda _seen: False, timeout=0.2, silence=30) is Ended.TIMEOUT


class FakeHost:
    """A Linux that died so, or that does or does not answer."""

    console, commands, lost = None, [["qemu"]], False

    def __init__(self, name, death=None, answer=True):
        self.name, self._death, self._answer = name, death, answer

    def death(self):
        return self._death

    def answers(self):
        return self._answer


def dead(host):
    return NestedMachine(host, "L2", lambda _nonce: ["qemu"]).death()


def test_a_machine_in_a_host_that_lives_is_not_dead():
    assert dead(FakeHost("L1")) is None


def test_a_panic_of_the_host_is_told_as_that():
    host = FakeHost("L1", (Outcome.PANIC, "panic", PANIC))
    assert dead(host) == (Outcome.PANIC, "l1-panic", f"L1: {PANIC}")
    assert host.lost


def test_what_befell_l0_is_told_as_l0s_seen_from_l2_too():
    """L1 says of itself what its own machine, which is in L0, says."""
    in_l0 = dead(FakeHost("L0", (Outcome.INFRASTRUCTURE, "qemu-hdsi-recursion", "QEMU is deaf: ...")))
    assert in_l0 == (Outcome.INFRASTRUCTURE, "l0-qemu-hdsi-recursion", "L0: QEMU is deaf: ...")
    assert dead(FakeHost("L1", in_l0)) == in_l0


def test_a_host_that_does_not_answer_hangs():
    assert dead(FakeHost("L0", answer=False)) == (Outcome.HANG, "l0-silent", "L0: stopped answering")


def test_nonces_differ():
    assert Nonce.new() != Nonce.new()
