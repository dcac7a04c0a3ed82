# SPDX-License-Identifier: GPL-2.0-only
"""What ``uname -r`` says of a kernel's version, and whether that version says what is in it.

Sources: Linux Makefile and scripts/setlocalversion (what is appended to a version, and when);
linux-next's localversion-next; Debian's debian/bin/gencontrol.py (``+deb14``, and no point release in
``7.3-powerpc64le-64k``, for which the banner has the package's version).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

# major, minor, point.
Version = tuple[int, int, int]

# What stands behind the version, where it says that there is more or less in the kernel than in the release.
_NOT_THE_RELEASE = tuple(
    (re.compile(pattern), why)
    for pattern, why in (
        (r"-next-\d{8}", "linux-next has what the next release will have"),
        (r"-\d{5}-g[0-9a-f]{7,}", "it has commits on top of the release"),
        (r"-g[0-9a-f]{7,}", "it is no tagged release"),
        (r"-dirty\b", "its source had changes that were not committed"),
        (r"\.el\d|\.ibm\d|-generic\b|-default\b", "its distribution takes patches without a new version"),
        (r"\+(?!deb\d|bpo)", "it is no tagged release"),
    )
)


@dataclass(frozen=True)
class Release:
    """text: as ``uname -r``; version: of 7.3-rc2 it is (7, 3, 0), and candidate 2; point_given: whether the
    point release was said, and is not a 0 for want of it; modified: why the version says little of what is
    in the kernel, '' where it is a release's."""

    text: str
    version: Version
    candidate: int | None = None
    point_given: bool = True
    modified: str = ""

    @property
    def short(self) -> str:
        """``7.2.5``, ``7.3.0-rc2``"""
        number = ".".join(map(str, self.version))
        return number if self.candidate is None else f"{number}-rc{self.candidate}"


def parse_release(text: str, banner: str = "") -> Release | None:
    """None for what is no version. banner: the "Linux version ..." line, which knows better for Debian."""
    match = re.match(r"(\d+)\.(\d+)(?:\.(\d+))?(?:-rc(\d+))?(?![\d.])(.*)", text, re.S)
    if match is None:
        return None
    major, minor = int(match[1]), int(match[2])
    point = int(match[3]) if match[3] else None
    candidate = int(match[4]) if match[4] else None
    if point is None or "powerpc64le" in match[5]:
        point, candidate = _of_debian(banner, major, minor) or (point, candidate)
    modified = next((why for pattern, why in _NOT_THE_RELEASE if pattern.search(match[5])), "")
    given = point is not None or candidate is not None
    return Release(text, (major, minor, point or 0), candidate, given, modified)


def _of_debian(banner: str, major: int, minor: int) -> tuple[int, int | None] | None:
    """Point release and candidate of ``Debian 7.3~rc7-1~exp1``; its compiler's version looks alike."""
    for match in re.finditer(r"\bDebian (\d+)\.(\d+)(?:\.(\d+))?(?:~rc(\d+))?[-+~]", banner):
        if (int(match[1]), int(match[2])) == (major, minor):
            return int(match[3] or 0), int(match[4]) if match[4] else None
    return None
