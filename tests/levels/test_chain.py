# SPDX-License-Identifier: GPL-2.0-only
"""Three levels: whatever dies, it is told as what it is, and nobody waits for what is in it."""

import os
import threading
import time
from types import SimpleNamespace

import pytest
from pexpect.fdpexpect import fdspawn

from harness.health.cause import Evidence, Reach, decide, of_host
from harness.levels import guest
from harness.levels.commands import Nonce
from harness.levels.console import Console, Ended
from harness.levels.limits import LIMITS
from harness.levels.machine import MachineState
from harness.levels.nested import NestedMachine
from harness.model.errors import InfrastructureError
from harness.model.outcome import Outcome, Side
from harness.model.scenario import L2Setting

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
    """A Linux of which this is known; None: it answers."""

    console, commands = None, [["qemu"]]

    def __init__(self, name, evidence=None):
        self.name, self.evidence, self.asked = name, evidence, []

    def loss(self, doing):
        self.asked.append(doing)
        return decide(self.evidence) if self.evidence is not None else None


def inside(host, level):
    """What is known, of all that could be, of a level in *host*."""
    state = NestedMachine(host, level, lambda _nonce: ["qemu"], LIMITS).state()
    assert host.asked == [f"{host.name} runs its guest's QEMU"]
    return Evidence(level, outer=state.outer)


def test_a_machine_in_a_host_that_lives_is_not_dead():
    host = FakeHost("L1")
    assert NestedMachine(host, "L2", lambda _nonce: ["qemu"], LIMITS).state() == MachineState()


def test_a_panic_of_the_host_is_told_as_that():
    loss = decide(inside(FakeHost("L0", Evidence("L0", panic_line=PANIC)), "L1"))
    assert (loss.side, loss.outcome) == (Side.KERNEL, Outcome.PANIC)
    assert (loss.rule, loss.proof) == ("l0-panic", f"L0: {PANIC}")


def test_what_befell_l0_is_told_as_l0s_seen_from_l2_too():
    """L1 says of itself what its own machine, which is in L0, says; L2's outcome is told by L1's loss."""
    of_l1 = decide(inside(FakeHost("L0", Evidence("L0", hdsi="HDSI (69) error=00 at 1234")), "L1"))
    assert (of_l1.side, of_l1.outcome) == (Side.SURROUNDINGS, Outcome.INFRASTRUCTURE)
    assert of_l1.rule == "l0-qemu-hdsi-recursion"
    assert of_l1.proof.startswith("L0: QEMU's vCPU is stuck") and "HDSI (69)" in of_l1.proof
    assert of_host("L1", of_l1) == of_l1


def test_a_host_that_does_not_answer_hangs():
    silent = Evidence("L0", "L0 runs its guest's QEMU", reach=Reach.SILENT, last_line="so far")
    loss = decide(inside(FakeHost("L0", silent), "L1"))
    assert (loss.side, loss.outcome, loss.rule) == (Side.KERNEL, Outcome.HANG, "l0-hang")
    assert loss.proof.startswith("L0: L0 runs and does not answer") and "so far" in loss.proof


class FakeL1(FakeHost):
    """As far as a boot of an L2 looks at it before there is one: SSH to it is lost."""

    setup = SimpleNamespace(limits=LIMITS, placement=SimpleNamespace(full_id="7.3-papr-p11"))
    page_kb, symbols = 64, None

    @property
    def connection(self):
        raise InfrastructureError("over SSH, nothing answers")

    def lag(self):
        return 0.0


@pytest.mark.parametrize(
    ("evidence", "outcome", "rule", "proof"),
    [
        (Evidence("L1", panic_line=PANIC), Outcome.PANIC, "l1-panic", f"L1: {PANIC}"),
        (Evidence("L1", exit_status=-9), Outcome.INFRASTRUCTURE, "l1-qemu-killed", "L1: QEMU of L1 ended by"),
        (Evidence("L1", outer=decide(Evidence("L0", panic_line=PANIC))), Outcome.PANIC, "l0-panic", "L0: K"),
        (None, Outcome.UNKNOWN, "start", "L2 could not be started in L1: over SSH, nothing answers"),
    ],
)
def test_an_l2_that_cannot_be_started_tells_what_befell_its_host(
    tmp_path, monkeypatch, evidence, outcome, rule, proof
):
    monkeypatch.setattr(guest.commands, "l2_command", lambda *_: ["qemu"])
    boot = guest.boot(FakeL1("L1", evidence), L2Setting.parse("p10"), tmp_path / "l2p10")
    assert (boot.outcome, boot.rule) == (outcome, rule)
    assert boot.proof.startswith(proof)


def test_nonces_differ():
    assert Nonce.new() != Nonce.new()
