# SPDX-License-Identifier: GPL-2.0-only
"""Which record is due of which test: workers write it into the run's directory, the controller reads it."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Sequence
from pathlib import Path

NAME = "planned.json"


def write(run: Path, identities: Sequence[tuple[str, str]]) -> None:
    """identities: name of each test, and identity of its record. All workers write the same."""
    partial = run / f"{NAME}.{os.getpid()}"
    # A run that cannot be written to fails with its first record, in words.
    with contextlib.suppress(OSError):
        partial.write_text(json.dumps(list(identities)))
        partial.replace(run / NAME)


def read(run: Path) -> list[tuple[str, str]] | None:
    """Inverse of write; None if nothing was written."""
    try:
        return [(test, identity) for test, identity in json.loads((run / NAME).read_text())]
    except (OSError, ValueError):
        return None
