# SPDX-License-Identifier: GPL-2.0-only
"""The lines at the bottom of a terminal while a run goes on: what each level does, and its console."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from typing import IO, Any, Protocol

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

_PER_SECOND = 4


class Activity(Protocol):
    """See engine/activity.py."""

    @property
    def place(self) -> str: ...

    @property
    def what(self) -> str: ...

    @property
    def since(self) -> float: ...

    @property
    def last(self) -> str: ...


class LiveView:
    """For a terminal only. activities: what goes on, asked four times a second by a thread of rich's."""

    def __init__(self, target: IO[str], activities: Callable[[], Sequence[Activity]]):
        self._activities = activities
        self._seconds: dict[str, list[float]] = {}
        self._done: dict[tuple[str, str, float], float] = {}
        self.console = Console(file=target, highlight=False, emoji=False)
        self._live = Live(
            console=self.console, get_renderable=self.render, refresh_per_second=_PER_SECOND, transient=True,
            redirect_stdout=False, redirect_stderr=False,
        )  # fmt: skip

    def start(self) -> None:
        self._live.start()

    def stop(self) -> None:
        self._live.stop()

    def print(self, line: str) -> None:
        """Above what is live."""
        self.console.print(line, markup=False, soft_wrap=True)

    def render(self) -> Table:
        table = Table.grid(padding=(0, 2))
        now = time.time()
        going = self._activities()
        self._learn(going, now)
        width = self.console.width
        for each in going:
            expected = self._expected(each.what)
            elapsed = f"{now - each.since:.0f} s" + (f" of about {expected:.0f}" if expected else "")
            room = max(10, width - len(each.place) - len(each.what) - len(elapsed) - 8)
            table.add_row(
                Text(each.place, style="bold"), each.what, Text(elapsed, style="cyan"),
                Text(each.last[:room], style="dim", no_wrap=True),
            )  # fmt: skip
        return table

    def _learn(self, going: Sequence[Activity], now: float) -> None:
        """How long the same took before, in this run: what is gone has ended."""
        keys = {(each.place, each.what, each.since) for each in going}
        for key in [key for key in self._done if key not in keys]:
            self._seconds.setdefault(key[1], []).append(self._done.pop(key) - key[2])
        for key in keys:
            self._done[key] = now

    def _expected(self, what: str) -> float:
        return statistics.median(self._seconds[what]) if what in self._seconds else 0.0


def view_for(target: Any, activities: Callable[[], Sequence[Activity]]) -> LiveView | None:
    """None where nobody watches: plain lines are for logs."""
    return LiveView(target, activities) if target.isatty() else None
