# SPDX-License-Identifier: GPL-2.0-only
"""A console log kept whole, each line with the second it began at."""

from __future__ import annotations

import time
from pathlib import Path


class TimedLog:
    """File-like object for pexpect's ``logfile_read``. Times are seconds since *start*."""

    def __init__(self, path: Path, start: float):
        self._file = path.open("w", encoding="utf-8", errors="replace", newline="")
        self._start = start
        self._at_line_start = True
        self.last_output = start  # time.monotonic() of the newest byte

    def write(self, text: str) -> None:
        self.last_output = time.monotonic()
        stamp = f"{self.last_output - self._start:9.3f} "
        for line in text.splitlines(keepends=True):
            if self._at_line_start:
                self._file.write(stamp)
            self._file.write(line)
            self._at_line_start = line.endswith("\n")

    def flush(self) -> None:
        if not self._file.closed:
            self._file.flush()

    def close(self) -> None:
        self._file.close()
