# SPDX-License-Identifier: GPL-2.0-only
"""Lines of ``dmesg -r``, and which of them say that something went wrong, without being a splat."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from harness.health.benign import Circumstances, is_benign
from harness.health.consoleline import LONGEST_LINE, Writer, read_line
from harness.health.splats import SplatReader, is_part_of_a_report
from harness.health.titles import plain

# include/linux/kern_levels.h. A bare printk() has the default, warning.
ERROR, WARNING = 3, 4


@dataclass(frozen=True)
class KernelMessage:
    """level: 0 (emergency) to 7 (debug); text: a line; time: seconds since boot, 0.0 where none is given."""

    level: int
    text: str
    time: float


def parse_message(line: str) -> KernelMessage | None:
    """A line of ``dmesg -r``: ``<4>[    1.234567] text``. None for one that user space wrote to /dev/kmsg
    (its facility is not 0: kernel/printk/printk.c, devkmsg_write), and for what is no such line."""
    read = read_line(line)
    if read.writer is not Writer.KERNEL or read.level is None or not line.startswith("<"):
        return None
    return KernelMessage(read.level, read.text[:LONGEST_LINE], read.time or 0.0)


def parse_messages(text: str) -> list[KernelMessage]:
    """All that the kernel itself wrote of an output of ``dmesg -r``."""
    return [found for found in map(parse_message, text.splitlines()) if found is not None]


@dataclass(frozen=True)
class Worded:
    """A message that counts whatever its level: pattern, of its beginning."""

    pattern: re.Pattern[str]
    source: str


# Whose messages count while a level boots, where drivers of any configuration complain harmlessly.
_OURS = re.compile(r"(?:kvm|KVM|xive-kvm|kvmppc)[\w-]*\b|OF: ")

WORDED = (
    Worded(re.compile(r"(?:KVM|kvm)[\w-]*:? .*\bhcall failed\b"), "arch/powerpc/kvm/book3s_hv*.c"),
    Worded(re.compile(r"(?:KVM|kvm)[\w-]*: .*\b[Cc]ouldn't\b"), "arch/powerpc/kvm/book3s_hv_nestedv2.c"),
    Worded(re.compile(r"(?:KVM|kvm)[\w-]*: .*\b[Cc]ould not\b"), "arch/powerpc/kvm/book3s_hv_nested.c"),
    Worded(re.compile(r"kvmppc_\w+ \(.*\) fails: "), "arch/powerpc/kvm/book3s_hv.c"),
)

# What a developer prints while looking for something.
_DEBUGGING = re.compile(r"(?i)\W*(?:[\w-]+: )?\W*(?:debug|dbg|trace|xxx+)\b")


def complaint(message: KernelMessage, booting: bool, at: Circumstances | None = None) -> str | None:
    """A title for a message that says that something went wrong; None for one that does not, is benign, or
    looks like part of a splat (see complaints). booting: it was printed before the level was ready."""
    text = message.text.strip()
    worded = any(row.pattern.match(text) for row in WORDED)
    if not (message.level <= ERROR or worded):
        return None
    if booting and not _OURS.match(text):
        return None
    if (
        not text
        or _DEBUGGING.match(text)
        or is_part_of_a_report(text)
        or is_benign(text, at or Circumstances())
    ):
        return None
    return plain(text)


def complaints(
    messages: Iterable[KernelMessage], booting: bool, at: Circumstances | None = None
) -> list[str]:
    """The titles of all that are no part of a splat among them, each once, in their order."""
    reader = SplatReader()
    found: dict[str, None] = {}
    for message in messages:
        reader.feed(f"[{message.time:12.6f}] {message.text}")
        # What KVM says while a report is still open is its own, not the report's.
        told = reader.reading and not _OURS.match(message.text)
        title = None if told else complaint(message, booting, at)
        if title:
            found[title] = None
        reader.take()
    return list(found)
