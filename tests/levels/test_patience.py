# SPDX-License-Identifier: GPL-2.0-only
"""Slow is told from stuck: by vCPUs that get on, and by a console that speaks again."""

import time

import pytest

from harness.levels import patience
from harness.levels.console import Ended
from harness.levels.patience import wait_for
from harness.levels.symbols import Symbols

STUCK = ["NIP c000000000001000"] * 6
BUSY = [f"NIP c0000000000{number}0000" for number in range(6)]


class Console:
    """Waits end as they are told to."""

    def __init__(self, *ends):
        self.ends = list(ends)
        self.waits = []
        self.last_heard = 5.0
        self.speaks_in = ()

    def wait(self, met, seconds, silence):
        self.waits.append((met, seconds, silence))
        self.last_heard += len(self.waits) in self.speaks_in
        return self.ends.pop(0)


def waited(console, registers, lag=lambda: 0.0, **more):
    registers = list(registers)
    return wait_for(
        console, "met", 100, 45, lag=lag, monitor=lambda _line: registers.pop(0) if registers else "",
        symbols=Symbols(None), **more,
    )  # fmt: skip


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    monkeypatch.setattr(time, "sleep", lambda _seconds: None)


@pytest.mark.parametrize("ended", [Ended.MET, Ended.EOF, Ended.TIMEOUT, Ended.OUTER])
def test_what_ends_a_wait_ends_it(ended):
    console = Console(ended)
    assert waited(console, BUSY) is ended
    met, seconds, silence = console.waits[0]
    assert (met, silence) == ("met", 45)
    assert 99 < seconds <= 100


def test_a_silent_kernel_that_gets_on_is_waited_for():
    console = Console(Ended.SILENCE, Ended.SILENCE, Ended.MET)
    assert waited(console, BUSY + BUSY) is Ended.MET
    assert [silence for _, _, silence in console.waits] == [45, 45, 45]


def test_one_that_gets_on_without_the_machine_is_not():
    console = Console(Ended.SILENCE, Ended.SILENCE)
    assert waited(console, BUSY, kept_out=lambda: True) is Ended.SILENCE
    assert [silence for _, _, silence in console.waits] == [45, patience._ONCE_MORE]
    assert waited(Console(Ended.SILENCE, Ended.MET), BUSY, kept_out=lambda: False) is Ended.MET


def test_one_that_does_not_is_given_a_moment():
    """It may have been stopped for a while."""
    console = Console(Ended.SILENCE, Ended.SILENCE)
    assert waited(console, STUCK) is Ended.SILENCE
    assert console.waits[1] == ("met", 2 * patience._ONCE_MORE, patience._ONCE_MORE)


@pytest.mark.parametrize("ended", [Ended.MET, Ended.EOF, Ended.OUTER])
def test_which_may_be_all_it_needs(ended):
    assert waited(Console(Ended.SILENCE, ended), STUCK) is ended


def test_one_that_speaks_again_is_waited_for():
    console = Console(Ended.SILENCE, Ended.TIMEOUT, Ended.MET)
    assert waited(console, STUCK) is Ended.MET
    assert console.waits[2][2] == 45


def test_the_limit_is_one_for_all_waits(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])

    class Slow(Console):
        def wait(self, met, seconds, silence):
            now[0] += 60
            return super().wait(met, seconds, silence)

    console = Slow(Ended.SILENCE, Ended.SILENCE, Ended.TIMEOUT)
    assert waited(console, BUSY + BUSY) is Ended.TIMEOUT
    assert [seconds for _, seconds, _ in console.waits] == [100, 40, 0]


def test_what_a_machine_lost_meanwhile_is_added(monkeypatch):
    now, lost = [1000.0], [7.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])

    class Starved(Console):
        def wait(self, met, seconds, silence):
            now[0] += 60
            lost[0] += 50
            return super().wait(met, seconds, silence)

    console = Starved(Ended.SILENCE, Ended.MET)
    waited(console, BUSY, lag=lambda: lost[0])
    assert [seconds for _, seconds, _ in console.waits] == [100, 90]


# -- a machine in a level that can be asked --------------------------------------------------------


def silences(console):
    return [silence for _, _, silence in console.waits]


def test_a_host_that_died_ends_the_silence_early():
    """Measured: an L1 that spun with interrupts off was called a hang 70 s after its last sign of life."""
    console, asked = Console(Ended.SILENCE, Ended.SILENCE), []
    assert waited(console, STUCK + STUCK, host_answers=lambda: asked.append(1)) is Ended.SILENCE
    assert silences(console) == [15, patience._ONCE_MORE]
    assert asked == [1]


def test_a_host_that_answers_does_not():
    console = Console(Ended.SILENCE, Ended.SILENCE, Ended.SILENCE)
    assert waited(console, STUCK + STUCK, host_answers=lambda: True) is Ended.SILENCE
    assert silences(console) == [15, 30, patience._ONCE_MORE]


def test_a_host_whose_vcpus_get_on_is_not_asked():
    """A slow one takes long to answer."""
    console = Console(Ended.SILENCE, Ended.MET)
    assert waited(console, BUSY, host_answers=lambda: pytest.fail("asked")) is Ended.MET
    assert silences(console) == [15, 30]


def test_a_silence_that_was_broken_begins_anew():
    console = Console(Ended.SILENCE, Ended.SILENCE, Ended.SILENCE, Ended.MET)
    console.speaks_in = (2,)
    assert waited(console, STUCK + STUCK, host_answers=lambda: True) is Ended.MET
    assert silences(console) == [15, 30, 15, 30]


@pytest.mark.parametrize("ended", [Ended.MET, Ended.EOF, Ended.TIMEOUT, Ended.OUTER])
@pytest.mark.parametrize("before", [(), (Ended.SILENCE,)])
def test_what_ends_a_wait_ends_it_with_a_host_as_well(before, ended):
    assert waited(Console(*before, ended), STUCK, host_answers=lambda: True) is ended
