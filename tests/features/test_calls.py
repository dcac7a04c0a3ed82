# SPDX-License-Identifier: GPL-2.0-only
"""Calls as lines, there and back."""

import pytest

from harness.features.compat_caps.calls import POISON, Answer, Call, Memory
from harness.model.errors import UsageError


def plain(text):
    """What ask.py makes of a memory's text (see test_guest_programs.py for its own)."""
    return b"".join(
        bytes.fromhex(run.partition("*")[0]) * int(run.partition("*")[2] or 1) for run in text.split(",")
    )


@pytest.mark.parametrize(
    "memory",
    [
        Memory(b"\x18" + bytes(7)),
        Memory(b"abc", 64),
        Memory(b"abc", 65536, 0),
        Memory(b"abc", 65536, 0, 1),
        Memory(bytes(20), 24, 0, 7),
        Memory(b"ab", 3, 0, 7),
        Memory(b"\0" * 30 + b"x", 40, 0),
    ],
)
def test_a_memory_is_its_text(memory):
    data = plain(str(memory))
    assert len(data) == memory.length
    assert bytes(memory.byte(at) for at in range(memory.length)) == data
    again = Memory.parse(str(memory))
    assert bytes(again.byte(at) for at in range(again.length)) == data


@pytest.mark.parametrize(
    ("memory", "start", "end", "expected"),
    [
        (Memory(bytes(24), 32, 0), 24, 32, None),
        (Memory(bytes(24), 32, 0, 5), 24, 32, 31),
        (Memory(bytes(24), 32, 0, 5), 24, 31, None),
        (Memory(bytes(24), 32, POISON), 24, 32, 24),
        (Memory(bytes(26) + b"x", 32, 0), 24, 32, 26),
        (Memory(bytes(24), 25, POISON, 0), 24, 25, None),
        (Memory(bytes(24), 26, POISON, 0), 24, 26, 24),
        (Memory(bytes(24), 40, POISON, 0), 24, 32, 24),
    ],
)
def test_the_first_byte_that_is_set(memory, start, end, expected):
    assert memory.first_set(start, end) == expected


@pytest.mark.parametrize("last", [None, 0, 7])
@pytest.mark.parametrize("fill", [0, POISON])
@pytest.mark.parametrize("size", [0, 10, 12, 20])
@pytest.mark.parametrize("head", [b"", bytes(10), b"ab" + bytes(8), bytes(9) + b"x", bytes(range(10))])
def test_what_is_asked_of_a_memory_is_true_of_its_bytes(head, size, fill, last):
    memory = Memory(head, size, fill, last)
    data = bytes(memory.byte(at) for at in range(memory.length))
    for start in range(memory.length + 1):
        for end in range(memory.length + 1):
            there = [at for at in range(start, end) if data[at]]
            assert memory.first_set(start, end) == (there[0] if there else None), (start, end)
        if start + 8 <= memory.length:
            assert memory.field64(start) == int.from_bytes(data[start : start + 8], "little"), start


def test_a_call_is_its_line():
    call = Call("vm+vcpu", 0x2000AEB8, "end:23", Memory(b"\x18", 24, 0), 100, 2)
    again = Call.parse(call.line)
    assert (again.fd, again.request, again.place, again.times, again.threads) == (
        call.fd, call.request, call.place, 100, 2,
    )  # fmt: skip
    assert again.line.split()[:4] == call.line.split()[:4]


@pytest.mark.parametrize(
    "line",
    ["", "cap vm 250", "ioctl vm", "ioctl tun 1 plain 00", "ioctl vm x plain 00", "ioctl vm 1 nowhere 00",
     "ioctl vm 1 plain zz", "ioctl vm 1 plain 00 1 1 1", "ioctl vm 1 plain 0", "ioctl vm 1 plain ",
     "ioctl vm 1 plain 00*99999999999", "ioctl vm 1 plain 00*-1", "ioctl vm 1 plain 00 0",
     "ioctl vm -1 plain 00",
     "ioctl vm 0x2000aeb8 plain 18,00*7", "ioctl vm 0x2000aeb8 plain 20,00*23",
     "ioctl vm 0x2000ae41 plain 00*24",
     "ioctl vm 1 plain 00 1 99999", "ioctl vm 1 end:9 00*8", "ioctl vm 1 plain:3 00"],
)  # fmt: skip
def test_what_is_no_call_is_one_line(line):
    with pytest.raises(UsageError, match="is no call"):
        Call.parse(line)


@pytest.mark.parametrize(
    ("place", "readable", "writable"),
    [("plain", 40, 40), ("readonly", 40, 0), ("null", 0, 0), ("unmapped", 0, 0), ("kernel", 0, 0),
     ("end:23", 23, 23), ("roend:8", 40, 8)],
)  # fmt: skip
def test_what_of_an_argument_the_kernel_can_reach(place, readable, writable):
    call = Call("vm", 1, place, Memory(bytes(40)))
    assert (call.readable, call.writable) == (readable, writable)


def test_an_answer_tells_what_is_there_afterwards():
    answer = Answer.from_json({"result": 0, "errno": 0, "changed": [[-2, "ff"], [16, "0000000000000060"]]})
    assert answer.changed[-2] == 0xFF
    assert answer.after64(Memory(bytes(24)), 16) == 0x6000000000000000
    assert Answer.from_json(answer.to_json()) == answer
