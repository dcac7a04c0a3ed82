# SPDX-License-Identifier: GPL-2.0-only
"""A console log kept whole, each line with the second it began at."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path


class TimedLog:
    """File-like object for pexpect's ``logfile_read``. Times are seconds since *start*.

    error: the first failure to write, a full disk for instance. It must not look like the end
    of the console, so it is kept for whoever judges the boot.
    """

    def __init__(self, path: Path, start: float):
        self._file = path.open("w", encoding="utf-8", errors="replace", newline="")
        self.start = start
        self._at_line_start = True
        self.error: OSError | None = None
        self.last_output = start  # time.monotonic() of the newest byte

    def write(self, text: str) -> None:
        self.last_output = time.monotonic()
        stamp = f"{self.last_output - self.start:9.3f} "
        with self._kept():
            for line in text.splitlines(keepends=True):
                if self._at_line_start:
                    self._file.write(stamp)
                self._file.write(line)
                self._at_line_start = line.endswith("\n")

    def flush(self) -> None:
        with self._kept():
            if not self._file.closed:
                self._file.flush()

    def close(self) -> None:
        with self._kept():
            self._file.close()

    @contextlib.contextmanager
    def _kept(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self.error = self.error or error
