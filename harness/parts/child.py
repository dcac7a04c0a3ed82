# SPDX-License-Identifier: GPL-2.0-only
"""A program that ends with us, and all that it started with it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence

# mmdebstrap alone would not do: told to end, it waits for apt and dpkg; killed, it leaves them
# behind. So its whole process group is killed, by a guard in that group that sees the pipe from
# us close, however we ended. The guard is a grandchild: mmdebstrap must not find a child that
# it never started.
_GUARDED = 'exec 3<&0 </dev/null; ((cat <&3; kill -KILL 0) >/dev/null 2>&1 &); exec "$@" 3<&-'


def run_lines(command: Sequence[str], environment: Mapping[str, str], each: Callable[[str], None]) -> int:
    """Run *command*; *each* gets every line of its output, stderr included. Its exit status.

    Nothing of its process group survives an exception in here, or our own death.
    """
    process = subprocess.Popen(
        ["sh", "-c", _GUARDED, "sh", *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, errors="replace", env=dict(environment), start_new_session=True,
    )  # fmt: skip
    assert process.stdin is not None and process.stdout is not None
    try:
        for line in process.stdout:
            each(line)
        return process.wait()
    finally:
        # Also after a good end: the guard has to go. Its group still exists as long as it does.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        process.stdin.close()
        process.stdout.close()
