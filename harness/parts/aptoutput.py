# SPDX-License-Identifier: GPL-2.0-only
"""From the many lines of apt and mmdebstrap to the few that a waiting user wants."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

# "Get:5 http://... forky/main ppc64el libc6 ppc64el 2.43-7 [1866 kB]"; an index has fewer words.
_PACKAGE = re.compile(r"Get:\d+ \S+ \S+ \S+ (\S+) \S+ \S+ \[([\d.]+) ([kM]?B)\]")
_NEW = re.compile(r"\d+ upgraded, (\d+) newly installed")
# "Need to get 500 kB/5491 kB of archives.": the second is with those that are here already.
_NEED = re.compile(r"Need to get ([\d.,]+ [kMG]?B)(?:/[\d.,]+ [kMG]?B)? of archives")
_MEGABYTES = {"B": 1e-6, "kB": 1e-3, "MB": 1.0}


class AptOutput:
    """Fed with all lines, gives something to show now and then.

    pause: seconds between two lines of a count; clock: seconds, for tests.
    """

    def __init__(self, pause: float = 2.0, clock: Callable[[], float] = time.monotonic):
        self._pause = pause
        self._clock = clock
        self._shown = clock()
        self._packages = 0
        self._megabytes = 0.0
        self._of = ""

    def feed(self, line: str) -> str:
        """What to show after *line*, '' for nothing."""
        if line.startswith("I: extracting archives"):
            return "unpacking" if self._packages or self._of else ""
        if match := _NEW.match(line):
            self._of = match[1]
        elif match := _NEED.match(line):
            self._shown = self._clock()
            return "" if match[1] == "0 B" else f"downloading {match[1]} for {self._of} packages"
        elif match := _PACKAGE.match(line):
            self._packages += 1
            self._megabytes += float(match[2]) * _MEGABYTES[match[3]]
            if not self._of:
                return f"downloading {match[1]} ({match[2]} {match[3]})"
            if self._clock() - self._shown >= self._pause:
                self._shown = self._clock()
                return f"{self._packages} of {self._of} packages, {self._megabytes:.1f} MB"
        return ""
