# SPDX-License-Identifier: GPL-2.0-only
"""Every machine can be had by hand: the exact command, and a script that starts just that machine."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path


def write(directory: Path, command: Sequence[str], about: str, *, inside: Sequence[str] = ()) -> None:
    """Write ``qemu-command.txt`` and ``repro.sh`` into *directory*.

    about: one line that says which machine it is. inside: for an L2, the command of the L1
    it runs in; the script then starts that L1 and says what to type there.
    """
    (directory / "qemu-command.txt").write_text(shlex.join(command) + "\n")
    lines = ["#!/bin/sh", f"# {about}", "# Leave QEMU with Ctrl-a x."]
    if inside:
        text = shlex.join(command)
        lines += [
            "cat <<'KVMPPC'",
            "In L1's shell, type this to start L2:",
            text,
            "KVMPPC",
            f"exec {shlex.join(inside)}",
        ]
    else:
        lines.append(f"exec {shlex.join(command)}")
    script = directory / "repro.sh"
    script.write_text("\n".join(lines) + "\n")
    script.chmod(0o755)
