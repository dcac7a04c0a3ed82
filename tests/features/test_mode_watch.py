# SPDX-License-Identifier: GPL-2.0-only
"""Looking at a CPU through a monitor that lies, stumbles or is not there."""

import re

import pytest

from harness.features.compat_caps import mode_watch as inforce
from harness.features.compat_caps.in_force import Seen, Spin
from harness.features.compat_caps.mode_watch import NO_MONITOR, look, observe
from harness.model.errors import InfrastructureError

MARK = 1 << 60 | 0x1234
PCR = 0x0FFFFFFFFFFFFFD1
SPINNING, REFUSED = ({"errno": error, "exit": 10, "hcall": None, "gpr": [0] * 12} for error in (4, 22))


class Cpu:
    """states: what r31, lpidr and pcr are at each command, over and over."""

    def __init__(self, *states):
        self.states = states
        self.commands = []

    def __call__(self, line):
        state = self.states[len(self.commands) % len(self.states)]
        self.commands.append(line)
        if isinstance(state, Exception):
            raise state
        name = re.fullmatch(r"p/x \$(lpidr|pcr)\^\$r31", line)[1]
        return f"{state[1 if name == 'lpidr' else 2] ^ state[0]:#x}\r\n"


GUEST, HOST = (MARK, 3, PCR), (0xC000000001C2640B, 0, 0)


@pytest.mark.parametrize("pcr", [PCR, 0, 0xFFFFFFFFFFFFFFCF, 0xF00000000000003F])
def test_it_looks_until_it_knows(pcr):
    cpu = Cpu((MARK, 3, pcr))
    assert look(cpu, MARK, 5) == {"samples": 8, "counts": [[3, pcr, 8]], "lost": ""}
    assert cpu.commands[:2] == ["p/x $lpidr^$r31", "p/x $pcr^$r31"]


SWAPPED = tuple(int.from_bytes(each.to_bytes(8, "big"), "little") for each in GUEST)


@pytest.mark.parametrize(
    "states",
    [
        (HOST,), ((MARK, 0, PCR),), ((MARK + (1 << 40), 3, PCR),), (GUEST, HOST), (HOST, GUEST), (SWAPPED,),
        ((MARK, 3, PCR ^ 1 << 20),), ((0, 3, 0),),
    ],
    ids=["L1", "no LPID", "another guest", "left", "came", "little-endian", "no PCR", "0"],
)  # fmt: skip
def test_what_is_not_the_guest_is_not_counted(states):
    found = look(Cpu(*states), MARK, 0.05)
    assert found["samples"] > 1 and found["counts"] == []


def test_a_few_samples_of_another_value_are_outvoted():
    other = [GUEST] * 40
    other[1] = (MARK, 3, 0)
    found = look(Cpu(*other), MARK, 5)
    assert found["counts"] == [[3, 0, 1], [3, PCR, 9]]


def test_samples_that_never_agree_end_with_the_time():
    found = look(Cpu(GUEST, GUEST, GUEST, (MARK, 3, 0)), MARK, 0.2)
    assert len(found["counts"]) == 2 and found["samples"] > 8


def test_a_monitor_that_fails_is_told_with_what_was_seen_before():
    cpu = Cpu(*[GUEST] * 4, InfrastructureError("QEMU did not answer"))
    assert look(cpu, MARK, 5) == {"samples": 3, "counts": [[3, PCR, 2]], "lost": "QEMU did not answer"}


def test_a_monitor_that_knows_no_such_register():
    found = look(lambda _line: 'unknown register\r\nTry "help p"\r\n', MARK, 5)
    assert found["samples"] == 1
    assert "does not tell $lpidr" in found["lost"] and "unknown register" in found["lost"]


class Session:
    """ask.py, as far as it is asked here."""

    def __init__(self, run=SPINNING, trouble=""):
        self.run = run
        self.trouble = trouble
        self.lines = []

    def ask(self, questions):
        (line,) = questions
        self.lines.append(line)
        if line == "spun":
            return [{"run": self.run if self.run is SPINNING else None, "after": 0xF000005}]
        if self.trouble:
            return [{"trouble": self.trouble}]
        return [{"steps": [{"set": 0, "stored": 0xF000005, "run": self.run}]}]

    @property
    def mark(self):
        return int(self.lines[0].split()[4], 0)


SPIN = Spin((0xF000006, 0xF000005), 1)


def test_a_spin_is_asked_looked_at_and_asked_what_became_of_it():
    session = Session()
    seen = Seen.from_json(observe(session, lambda line: Cpu((session.mark, 3, PCR))(line), SPIN))
    assert re.fullmatch(r"spin 0xf000006,0xf000005 1 \d+ 0x[0-9a-f]{16}", session.lines[0])
    assert session.lines[1:] == ["spun"]
    assert (seen.pcr(), seen.after, seen.run.errno) == ((PCR, 3), 0xF000005, 4)


def test_each_spin_has_a_mark_of_its_own():
    sessions = [Session(REFUSED) for _ in range(4)]
    for each in sessions:
        observe(each, Cpu(HOST), SPIN)
    assert len({each.mark for each in sessions}) == 4


def test_a_guest_that_did_not_get_in_is_not_looked_at():
    cpu = Cpu(GUEST)
    seen = Seen.from_json(observe(Session(REFUSED), cpu, Spin((None,))))
    assert (cpu.commands, seen.samples, seen.run) == ([], 0, None)


def test_without_a_monitor_it_is_said_why_nothing_was_seen():
    session = Session()
    seen = Seen.from_json(observe(session, None, SPIN))
    assert (seen.unseen, seen.counts) == (NO_MONITOR, {})
    assert session.lines[-1] == "spun"  # or the guest would go on


def test_what_cannot_be_started_is_told_as_ask_tells_it():
    session = Session(trouble="KVM_CREATE_VM: errno 22")
    assert observe(session, Cpu(GUEST), SPIN) == {"trouble": "KVM_CREATE_VM: errno 22"}
    assert len(session.lines) == 1


def test_a_guest_spins_longer_than_it_is_looked_at():
    assert inforce._SPIN_SECONDS > inforce._LOOK_SECONDS
