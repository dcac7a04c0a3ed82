# SPDX-License-Identifier: GPL-2.0-only
"""Waiting for what a console will say, as long as its kernel gets on: a slow one is no hanging one."""

from __future__ import annotations

import time
from collections.abc import Callable

from harness.levels.console import Console, Ended
from harness.levels.nip_samples import moves, sample
from harness.levels.symbols import Symbols

# A machine that was stopped for a while and goes on says something within this time, in seconds.
_ONCE_MORE = 3.0

# Share of the silence after which the level that runs the machine is asked whether it lives. A guest in a
# host that died says nothing either, and finding out how the host was lost takes another twenty seconds.
_HOST_ASKED = 1 / 3


def wait_for(
    console: Console, met: Callable[[Console], bool], seconds: float, silence: float, *,
    lag: Callable[[], float], monitor: Callable[[str], str], symbols: Symbols,
    host_answers: Callable[[], bool] | None = None, kept_out: Callable[[], bool] = lambda: False,
) -> Ended:  # fmt: skip
    """Console.wait, and again after *silence* if the vCPUs are seen to get on. seconds: the limit for all of
    it, in which time that the machine was kept from running does not count; monitor: a human monitor command
    to its output; host_answers: whether the level that runs the machine gives a sign of life. One that does
    not, while no vCPU gets on, ends the silence early; kept_out: whether vCPUs that get on do so without ever
    running the machine that is waited for."""
    deadline, before = time.monotonic() + seconds, lag()

    def left() -> float:
        return max(0.0, deadline + lag() - before - time.monotonic())

    def gets_on() -> bool:
        return moves(sample(monitor, symbols)) and not kept_out()

    def host_died() -> bool:
        return host_answers is not None and not gets_on() and not host_answers()

    while True:
        ended = _wait(console, met, left, silence, host_died if host_answers is not None else None)
        if ended is not Ended.SILENCE:
            return ended
        if gets_on():
            continue
        ended = console.wait(met, 2 * _ONCE_MORE, _ONCE_MORE)
        if ended is not Ended.TIMEOUT:
            return ended


def _wait(
    console: Console, met: Callable[[Console], bool], left: Callable[[], float], silence: float,
    host_died: Callable[[], bool] | None,
) -> Ended:  # fmt: skip
    """Console.wait; where there is a host to ask, in two parts, and it is asked between them."""
    if host_died is None:
        return console.wait(met, left(), silence)
    first = silence * _HOST_ASKED
    while True:
        ended = console.wait(met, left(), first)
        if ended is not Ended.SILENCE:
            return ended
        heard = console.last_heard
        if host_died():
            return Ended.SILENCE
        ended = console.wait(met, left(), silence - first)
        if ended is not Ended.SILENCE or console.last_heard == heard:
            return ended
