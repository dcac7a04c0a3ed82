# SPDX-License-Identifier: GPL-2.0-only
"""The ways in which a command ends before a kernel is judged.

A user of the command line sees one line for each: what failed, with which
input, and what to do next.
"""

from __future__ import annotations

from pathlib import Path


class HarnessError(Exception):
    """Base of all errors the harness raises on purpose.

    what: what failed, with the input in it, e.g. ``kernel 'foo' is not a ppc64le ELF image``
    hint: what the user does next, a sentence without a full stop, or ''
    log:  the full log of the step, if it has one
    """

    exit_code = 3

    def __init__(self, what: str, hint: str = "", log: Path | None = None):
        super().__init__(what)
        self.what = what
        self.hint = hint
        self.log = log

    def __str__(self) -> str:
        text = self.what
        if self.hint:
            text += f"; {self.hint}"
        if self.log is not None:
            text += f" (log: {self.log})"
        return text


class UsageError(HarnessError):
    """The user's input is wrong (exit code 2)."""

    exit_code = 2


class BuildError(HarnessError):
    """A kernel does not build (exit code 1): that is an answer about the kernel."""

    exit_code = 1


class InfrastructureError(HarnessError):
    """The machinery around the kernel failed: archive, disk, QEMU, network (exit code 3).

    Never a statement about the kernel under test.
    """

    exit_code = 3
