# SPDX-License-Identifier: GPL-2.0-only
"""Waiting for what a console will say, as long as its kernel gets on: a slow one is no hanging one."""

from __future__ import annotations

import time
from collections.abc import Callable

from harness.levels.console import Console, Ended
from harness.levels.sampling import moves, sample
from harness.levels.symbols import Symbols

# A machine that was stopped for a while and goes on says something within this time, in seconds.
_ONCE_MORE = 3.0


def wait_for(
    console: Console, met: Callable[[Console], bool], seconds: float, silence: float, *,
    lag: Callable[[], float], monitor: Callable[[str], str], symbols: Symbols,
) -> Ended:  # fmt: skip
    """Console.wait, and again after *silence* if the vCPUs are seen to get on. seconds: the limit for all of
    it, in which time that the machine was kept from running does not count; monitor: a human monitor command
    to its output."""
    deadline, before = time.monotonic() + seconds, lag()
    while True:
        left = deadline + lag() - before - time.monotonic()
        ended = console.wait(met, max(0.0, left), silence)
        if ended is not Ended.SILENCE:
            return ended
        if moves(sample(monitor, symbols)):
            continue
        ended = console.wait(met, 2 * _ONCE_MORE, _ONCE_MORE)
        if ended is not Ended.TIMEOUT:
            return ended
