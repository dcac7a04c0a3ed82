# SPDX-License-Identifier: GPL-2.0-only
"""What the user sees while something takes long: one plain line at a time."""

from __future__ import annotations

import sys
from collections.abc import Callable

Progress = Callable[[str], None]


def to_stderr(text: str) -> None:
    """A Progress for callers that have no better one."""
    print(text, file=sys.stderr, flush=True)
