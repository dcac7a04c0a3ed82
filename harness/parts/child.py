# SPDX-License-Identifier: GPL-2.0-only
"""A program that ends with us, and all that it started with it, read line by line."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping, Sequence

from harness.model.errors import InfrastructureError
from harness.processes import group


def run_lines(command: Sequence[str], environment: Mapping[str, str], each: Callable[[str], None]) -> int:
    """Run *command*; *each* gets every line of its output, stderr included. Its exit status.

    Nothing of its process group survives a good end, an exception in here, or our own death.
    InfrastructureError if it cannot be started.
    """
    try:
        program = group.start(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            errors="replace", env=dict(environment),
        )  # fmt: skip
    except OSError as error:
        raise InfrastructureError(f"{command[0]} cannot be started: {error.strerror or error}") from None
    assert program.process.stdout is not None
    try:
        for line in program.process.stdout:
            each(line)
        return program.process.wait()
    finally:
        program.kill()
        program.process.stdout.close()
