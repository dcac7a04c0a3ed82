# SPDX-License-Identifier: GPL-2.0-only
"""The ends that others bring about: Ctrl-C, SIGTERM, SIGHUP. All of them clean up and leave the files that
Ctrl-C leaves."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from types import FrameType
from typing import TYPE_CHECKING

from harness.processes import sampling

if TYPE_CHECKING:  # it takes longer to import than kvmppc --help to run
    import pytest

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Endings:
    """first: the signal that came first, 0 if none did."""

    def __init__(self) -> None:
        self.first = 0
        self._held = False

    def install(self) -> None:
        """From now on these signals raise KeyboardInterrupt in the main thread. One that is ignored, by
        nohup for instance, or that somebody else handles, stays so."""
        for each in _SIGNALS:
            if signal.getsignal(each) in (signal.SIG_DFL, signal.default_int_handler):
                signal.signal(each, self._end)

    def remove(self) -> None:
        """What comes now ends us as it ends any program."""
        for each in _SIGNALS:
            if signal.getsignal(each) == self._end:
                signal.signal(each, signal.SIG_DFL)

    def _end(self, number: int, _frame: FrameType | None) -> None:
        if self.first and number != signal.SIGINT:
            return  # it ends already; a second Ctrl-C is a person who does not want to wait
        self.first = self.first or number
        if not self._held:
            raise KeyboardInterrupt

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """A signal that comes inside raises KeyboardInterrupt at its end.

        For what must be done whole, such as to start a program and to note that it must be ended.
        """
        self._held = True
        try:
            yield
        finally:
            self._held = False
        if self.first:
            raise KeyboardInterrupt

    @property
    def words(self) -> str:
        """For people."""
        return f"ended by {signal.Signals(self.first).name}" if self.first else "interrupted"

    @property
    def exit_code(self) -> int:
        """As a shell has it: 128 and the signal. 130 for an interrupt of another origin."""
        return 128 + (self.first or signal.SIGINT)


def shorten(excinfo: pytest.ExceptionInfo[BaseException]) -> None:
    """Leave of a signal's traceback the handler alone. pytest would first read the source of every function
    on the way: seconds on a loaded machine, when whoever ends us may not wait that long for our files."""
    last = excinfo.traceback[-1:]
    if last and last[0].frame.code.raw is Endings._end.__code__:
        excinfo.traceback = last


def end_workers() -> None:
    """Have the worker processes of this one end: a signal that was for us alone has not reached them."""
    for pid in sampling.children(os.getpid()):
        with contextlib.suppress(ProcessLookupError):
            # Machines have groups of their own, and are the workers' affair.
            if os.getpgid(pid) == os.getpgrp():
                os.kill(pid, signal.SIGTERM)
