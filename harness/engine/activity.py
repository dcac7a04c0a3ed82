# SPDX-License-Identifier: GPL-2.0-only
"""What each L1 of a run is doing right now, in a file: workers write it, whoever shows it reads."""

from __future__ import annotations

import contextlib
import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_NAME = "now.json"


@dataclass(frozen=True)
class Activity:
    """place: Placement.full_id; what: ``L1 starts``; since: of time.time(); last: line of its console."""

    place: str
    what: str
    since: float
    last: str


@contextlib.contextmanager
def doing(directory: Path, what: str, log: Path | None) -> Iterator[None]:
    """directory: of the placement; log: the console to watch. Never fails: it is for people only."""
    path = directory / _NAME
    with contextlib.suppress(OSError):
        directory.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".part")
        partial.write_text(json.dumps({"what": what, "since": time.time(), "log": str(log or "")}))
        partial.replace(path)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            path.unlink()


def activities(run: Path) -> list[Activity]:
    """All that go on in a run's directory."""
    found = []
    for path in sorted(run.glob(f"*/{_NAME}")):
        with contextlib.suppress(OSError, ValueError, KeyError):
            document = json.loads(path.read_text())
            last = _last_line(Path(document["log"])) if document["log"] else ""
            found.append(Activity(path.parent.name, document["what"], document["since"], last))
    return found


def _last_line(log: Path) -> str:
    """Of what it has so far; '' if there is nothing."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 2000))
            lines = file.read().decode(errors="replace").splitlines()
    except OSError:
        return ""
    whole = [line for line in map(_plain, lines) if line]
    return whole[-1] if whole else ""


def _plain(line: str) -> str:
    """Without what a guest tells a terminal to do, and the seconds that our log has before it."""
    line = re.sub(r"\x1b\[[0-9;?]*[ -/]*[@-~]", "", line)
    return re.sub(r"^ *\d+\.\d{3} ", "", "".join(letter for letter in line if letter.isprintable())).strip()
