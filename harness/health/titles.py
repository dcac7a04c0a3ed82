# SPDX-License-Identifier: GPL-2.0-only
"""Words of a kernel's message that are the same each time: without addresses, numbers and process ids."""

from __future__ import annotations

import re

_OFFSET = re.compile(r"(?<=[\w\]])\+0x[0-9a-f]+(?:/0x[0-9a-f]+)?")
_BUILD = re.compile(r" \[[\w-]+(?: [0-9a-f]{40})?\]")
_HEX = re.compile(r"\b0[xX][0-9a-fA-F]+\b|\b(?=[0-9a-f]*\d)[0-9a-f]{8,16}\b")
_NUMBER = re.compile(r"(?<![\w-])-?\d+(?:\.\d+)?(?=\b|[a-z]{1,2}\b)")
_SPACES = re.compile(r"\s+")
LONGEST_TITLE = 120


def plain(text: str) -> str:
    """*text* with N for each number and address, without offsets of functions."""
    text = _BUILD.sub("", text) if _OFFSET.search(text) else text
    text = _OFFSET.sub("", text)
    text = _HEX.sub("N", text)
    text = _NUMBER.sub("N", text)
    return _SPACES.sub(" ", text).strip(" .:,-")[:LONGEST_TITLE]
