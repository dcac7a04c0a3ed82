# SPDX-License-Identifier: GPL-2.0-only
"""Observations, shortened for a cell of a table."""

from __future__ import annotations

import re

_RULES = (
    (r"^-1 (E\w+), 0 bytes changed$", r"\1"),
    (r"^0, caps 0x[0-9a-f]{16} \(([^)]*)\)(?:, size \d+)?$", r"\1"),
    (r"^(0x[0-9a-f]{4})0{12}$", r"\1..."),
    (r"^booted as ", ""),
    (r"^refused (early|late)$", r"\1"),
)


def short(words: str) -> str:
    """``P9 P10`` for an ioctl's whole answer, ``0x7000...`` for a bitmap, and the like; other words as
    they are."""
    for pattern, replacement in _RULES:
        words = re.sub(pattern, replacement, words)
    return words
