# SPDX-License-Identifier: GPL-2.0-only
"""Words as QEMU's human monitor reads them (QEMU monitor/hmp.c, get_str)."""

from __future__ import annotations

import os
from pathlib import Path

# A word ends up in a buffer of 1024 bytes with its end mark; what is longer is cut, silently.
_LONGEST = 1023

_ESCAPED = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r"})


def quoted(word: str) -> str:
    """*word* as one argument of a command. Its four escapes are all there are."""
    return f'"{word.translate(_ESCAPED)}"'


def can_be_a_log(path: Path) -> bool:
    """Whether ``logfile`` can be told *path*. It is a template, in which % has a meaning and no escape
    (QEMU util/log.c, valid_filename_template), and it travels as JSON, which is UTF-8."""
    try:
        size = len(str(path).encode())
    except UnicodeEncodeError:
        return False
    return size <= _LONGEST and "%" not in os.fspath(path)
