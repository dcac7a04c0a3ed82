# SPDX-License-Identifier: GPL-2.0-only
"""Calls of an ioctl, and what came of them, as plain data. The guest's half is images/guest/ask.py."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass, field
from typing import Any

from harness.features.compat_caps.abi import REVISIONS
from harness.model.errors import UsageError

POISON = 0xA5

# ask.py looks at so many bytes before and behind the argument.
GUARD = 64

# Of an argument, in bytes, of repetitions and of threads: a word mistyped must not eat a machine.
_LARGEST, _TIMES, _THREADS = 1 << 20, 100_000, 64

_SMALLEST_PAGE, _LARGEST_PAGE = 4 << 10, 64 << 10

DESCRIPTORS = ("vm", "vm+vcpu", "vcpu", "kvm", "pr")


@dataclass(frozen=True)
class Memory:
    """What an argument holds: bytes, then *fill* repeated up to *size* bytes in all. last: the last byte,
    if it is another one."""

    head: bytes = b""
    size: int = 0
    fill: int = POISON
    last: int | None = None

    @property
    def length(self) -> int:
        return max(len(self.head), self.size)

    def byte(self, offset: int) -> int:
        if offset == self.length - 1 and self.last is not None:
            return self.last
        return self.head[offset] if offset < len(self.head) else self.fill

    def field64(self, offset: int) -> int:
        if offset + 8 <= len(self.head) and (self.last is None or offset + 8 < self.length):
            return int.from_bytes(self.head[offset : offset + 8], "little")
        return int.from_bytes(bytes(self.byte(at) for at in range(offset, offset + 8)), "little")

    def first_set(self, start: int, end: int) -> int | None:
        """Offset of the first byte in start..end-1 that is not 0, None if all are."""
        head = self.head
        if self.last is not None and self.length == len(head):
            head = head[:-1] + bytes((self.last,))
        looked_at = head[start:end]
        set_there = looked_at.lstrip(b"\0")
        if set_there:
            return start + len(looked_at) - len(set_there)
        final = self.length - 1 if self.last is not None else self.length
        rest = max(start, len(self.head))
        if rest < min(end, final) and self.fill:
            return rest
        return final if self.last and start <= final < end else None

    def __str__(self) -> str:
        """As ask.py reads it: ``1800000000000000,a5*48``."""
        runs = [(value, 1) for value in self.head]
        rest = self.length - len(self.head)
        if self.last is not None:
            rest -= 1
        if rest > 0:
            runs.append((self.fill, rest))
        if self.last is not None:
            runs.append((self.last, 1))
        words: list[str] = []
        plain = ""
        for value, count in runs:
            if count < 8:
                plain += f"{value:02x}" * count
                continue
            if plain:
                words.append(plain)
                plain = ""
            words.append(f"{value:02x}*{count}")
        return ",".join([*words, plain] if plain else words) or "-"

    @classmethod
    def parse(cls, text: str) -> Memory:
        """ValueError for what is no memory. The words may be any that ask.py reads."""
        data = b""
        for run in text.split(","):
            digits, _, count = run.partition("*")
            if not re.fullmatch(r"(?:[0-9a-fA-F]{2})+", digits) or not 0 < int(count or 1) <= _LARGEST:
                raise ValueError(run)
            data += bytes.fromhex(digits) * int(count or 1)
            if len(data) > _LARGEST:
                raise ValueError("more than anybody asks")
        return cls(data)


@dataclass(frozen=True)
class Call:
    """fd: see ask.py; request: ioctl number; place: see ask.py; times: in each of *threads* threads."""

    fd: str
    request: int
    place: str
    memory: Memory
    times: int = 1
    threads: int = 1

    @functools.cached_property
    def line(self) -> str:
        """What makes ask.py do it, and what ``kvmppc probe --call`` takes to do it again."""
        words = ["ioctl", self.fd, f"{self.request:#010x}", self.place, str(self.memory)]
        if (self.times, self.threads) != (1, 1):
            words += [str(self.times), str(self.threads)]
        return " ".join(words)

    @classmethod
    def parse(cls, line: str) -> Call:
        """Inverse of line. UsageError for anything else."""
        words = line.split()
        try:
            if words[0] != "ioctl" or words[1] not in DESCRIPTORS or not 5 <= len(words) <= 7:
                raise ValueError
            if not re.fullmatch(r"plain|odd|cross|null|unmapped|kernel|readonly|(?:ro)?end:\d+", words[3]):
                raise ValueError
            times, threads = (int(word) for word in [*words[5:], *["1", "1"][len(words) - 5 :]])
            memory = Memory.parse(words[4])
            call = cls(words[1], int(words[2], 0), words[3], memory, times, threads)
            if not (0 < times <= _TIMES and 0 < threads <= _THREADS and 0 <= call.request < 1 << 32):
                raise ValueError
            if not _rules_know(call):
                raise ValueError
            return call
        except (ValueError, IndexError):
            raise UsageError(
                f"{line!r} is no call",
                "write it as: ioctl vm 0x2000aeb8 plain 18,00*23 (some revision's request, its whole struct)",
            ) from None

    @property
    def readable(self) -> int:
        """So many bytes of the argument can be read."""
        kind, _, number = self.place.partition(":")
        if kind in ("null", "unmapped", "kernel"):
            return 0
        return int(number) if kind == "end" else self.memory.length

    @property
    def writable(self) -> int:
        """So many bytes of it can be written."""
        kind, _, number = self.place.partition(":")
        if kind == "roend":
            return int(number)
        return 0 if kind == "readonly" else self.readable


def _rules_know(call: Call) -> bool:
    """Whether all that the kernel will look at is said: its request is some revision's, and no byte of the
    struct, or of a tail that is looked at, is left to what ask.py has there."""
    revision = next((each for each in REVISIONS if each.request == call.request), None)
    kind, _, number = call.place.partition(":")
    length = call.memory.length
    if revision is None or (number and int(number) > length):
        return False
    if kind in ("null", "unmapped", "kernel", "end"):
        return True
    size = 0
    if revision.offset_size is not None and length >= revision.offset_size + 8:
        size = call.memory.field64(revision.offset_size)
    looked_at = max(revision.struct_size, size if size <= _LARGEST_PAGE else 0)
    return length >= looked_at and (kind != "cross" or length <= _SMALLEST_PAGE)


@dataclass(frozen=True)
class Answer:
    """result: -1 on error; errno: 0 otherwise; changed: offset -> byte, relative to the argument, of what
    is not as it was, also before and behind it."""

    result: int
    errno: int
    changed: dict[int, int] = field(default_factory=dict)

    def after64(self, memory: Memory, offset: int) -> int:
        """The little-endian value at *offset* afterwards."""
        values = (self.changed.get(at, memory.byte(at)) for at in range(offset, offset + 8))
        return int.from_bytes(bytes(values), "little")

    def to_json(self) -> dict[str, Any]:
        changed = [[offset, f"{value:02x}"] for offset, value in self.changed.items()]
        return {"result": self.result, "errno": self.errno, "changed": changed}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Answer:
        changed = {
            offset + at: value
            for offset, text in data["changed"]
            for at, value in enumerate(bytes.fromhex(text))
        }
        return cls(data["result"], data["errno"], changed)
