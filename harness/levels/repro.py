# SPDX-License-Identifier: GPL-2.0-only
"""Every machine can be had by hand: the exact command, and a script that starts just that machine."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path


def write(
    directory: Path, command: Sequence[str], about: str, *, inside: Sequence[Sequence[str]] = ()
) -> None:
    """Write ``qemu-command.txt`` and ``repro.sh`` into *directory*.

    about: one line that says which machine it is. inside: commands of the machines it runs in,
    outermost first; the script then starts the outermost and says what to type in each.
    """
    (directory / "qemu-command.txt").write_text(shlex.join(command) + "\n")
    lines = ["#!/bin/sh", f"# {about}", "# Leave QEMU with Ctrl-a x."]
    *outer, innermost = [*inside, command]
    if outer:
        lines.append("cat <<'KVMPPC'")
        for number, inner in enumerate([*outer[1:], innermost]):
            where = "the shell that comes up" if number == 0 else "the shell in that"
            lines += [f"In {where}, type this:", shlex.join(inner)]
        lines += ["KVMPPC", f"exec {shlex.join(outer[0])}"]
    else:
        lines.append(f"exec {shlex.join(innermost)}")
    script = directory / "repro.sh"
    script.write_text("\n".join(lines) + "\n")
    script.chmod(0o755)
