# SPDX-License-Identifier: GPL-2.0-only
"""What printk, skiboot and dmesg put in front of a line, taken off, and whose line it is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto

# What is kept of a line. A kernel's own record has at most 1024 bytes (LOG_LINE_MAX in
# kernel/printk/printk.c); more is a broken console.
LONGEST_LINE = 1000


class Writer(Enum):
    """Who wrote a line, as far as its prefix says."""

    KERNEL = auto()  # printk, with its time in front
    FIRMWARE = auto()  # skiboot, whose times have a level in them
    USER = auto()  # user space, through /dev/kmsg: only dmesg -r shows the difference
    UNKNOWN = auto()  # no prefix: a kernel without printk times, xmon, firmware, QEMU or a program


@dataclass(frozen=True)
class ConsoleLine:
    """text: without the prefix; raw: as printed, without white space at its end and cut; writer: of it;
    level: 0 to 7 where dmesg -r said it; time: of printk, seconds since boot."""

    text: str
    raw: str
    writer: Writer
    level: int | None = None
    time: float | None = None


# ``<4>`` of dmesg -r: level in three bits, facility above them (include/linux/syslog.h; syslog(2)).
_LEVEL = r"<(?P<level>\d{1,4})>"
# ``[   12.345678]`` (print_time in kernel/printk/printk.c, "[%5lu.%06lu]"), with PRINTK_CALLER
# ``[   12.345678][    T1]`` or ``[ C0]`` (print_caller).
_TIME = r"\[ *(?P<time>\d+\.\d{6})\](?:\[ *[TC]\d+\])?"
_PREFIX = re.compile(rf"(?:{_LEVEL})?(?:{_TIME})(?: |$)")
_LEVEL_ONLY = re.compile(rf"{_LEVEL}(?=\S)")
# skiboot core/console-log.c, vprlog: "[%5lu.%09lu,%d] ".
_SKIBOOT = re.compile(r"\[ *\d+\.\d{9},(?P<level>\d)\](?: |$)")


def read_line(line: str) -> ConsoleLine:
    """*line*: without terminal escapes. A prefix in the middle counts, after what a program left without a
    newline (a prompt): what follows it is the kernel's."""
    raw = line.rstrip()[:LONGEST_LINE]
    match = _SKIBOOT.match(raw)
    if match:
        return ConsoleLine(raw[match.end() :], raw, Writer.FIRMWARE, int(match["level"]))
    match = _PREFIX.search(raw)
    if match:
        level, writer = _split(match["level"])
        return ConsoleLine(raw[match.end() :], raw, writer, level, float(match["time"]))
    match = _LEVEL_ONLY.match(raw)
    if match:
        level, writer = _split(match["level"])
        return ConsoleLine(raw[match.end() :], raw, writer, level)
    return ConsoleLine(raw, raw, Writer.UNKNOWN)


def _split(number: str | None) -> tuple[int | None, Writer]:
    if number is None:
        return None, Writer.KERNEL
    return int(number) & 7, Writer.USER if int(number) >> 3 else Writer.KERNEL
