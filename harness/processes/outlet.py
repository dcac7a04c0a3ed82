# SPDX-License-Identifier: GPL-2.0-only
"""stdout and stderr whose reader may go, as in ``kvmppc run | head -1``.

A run is for its results, not for its words: it goes on, its files get written and its exit code is its own.
"""

from __future__ import annotations

import errno
import io
import os
import sys
from typing import Any, TextIO, cast

# Nobody reads the pipe any more; the terminal is gone.
_UNREAD = (errno.EPIPE, errno.EIO)


class _Outlet(io.FileIO):
    def write(self, data: Any) -> int:
        try:
            return super().write(data)
        except OSError as error:
            if error.errno not in _UNREAD:
                raise
            nothing = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nothing, self.fileno())
            os.close(nothing)
            return len(data)


def install() -> None:
    """For sys.stdout and sys.stderr. One that is closed becomes /dev/null, lest the next file that is opened
    gets its number and all that is printed."""
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free, which is this one
    sys.stdout = _outlet(1, sys.stdout)
    sys.stderr = _outlet(2, sys.stderr)


def _outlet(number: int, stream: TextIO | None) -> TextIO:
    encoding, errors = (stream.encoding, stream.errors) if stream is not None else ("utf-8", "replace")
    if stream is not None:
        stream.flush()
    return io.TextIOWrapper(
        io.BufferedWriter(cast(io.RawIOBase, _Outlet(number, "w", closefd=False))), encoding, errors,
        line_buffering=getattr(stream, "line_buffering", False),
        write_through=getattr(stream, "write_through", False),
    )  # fmt: skip
