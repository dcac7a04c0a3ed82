# SPDX-License-Identifier: GPL-2.0-only
"""What there is to see of one record in its run's directory: console, commands, facts. Judges nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.model.record import Record

# Lines around the one that proves something.
_AROUND = 6
# A line of a console is cut there: a guest can print anything.
_WIDTH = 300


@dataclass(frozen=True)
class Line:
    """Of a console. proof: whether it is the one that decided."""

    text: str
    proof: bool


@dataclass(frozen=True)
class Byte:
    text: str
    changed: bool


@dataclass(frozen=True)
class Dump:
    """An ioctl's buffer afterwards. result: in words."""

    name: str
    result: str
    data: tuple[Byte, ...]


@dataclass(frozen=True)
class Phase:
    """share: per cent of all of them."""

    name: str
    seconds: float
    share: float


@dataclass(frozen=True)
class Details:
    console: tuple[Line, ...]
    log: str
    command: str
    repro: str
    dumps: tuple[Dump, ...]
    phases: tuple[Phase, ...]


def of(record: Record, run: Path) -> Details:
    """Whatever of it is there; a run's directory may have been thinned out."""
    folder = run / record.directory
    observation = _json(folder / "observation.json")
    probe = observation.get("probe") if isinstance(observation.get("probe"), dict) else None
    proofs = [each.proof for each in record.verdicts if each.proof]
    return Details(
        console=_context(_lines(folder / "console.log"), proofs),
        log=f"{record.directory}/console.log" if (folder / "console.log").exists() else "",
        command=_text(folder / "qemu-command.txt").strip(),
        repro=f"{record.directory}/repro.sh" if (folder / "repro.sh").exists() else "",
        dumps=_dumps(probe or {}) if record.topic in ("caps", "l0_caps") else (),
        phases=_phases(record.phases),
    )


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""


def _lines(path: Path) -> list[str]:
    return [line.rstrip()[:_WIDTH] for line in _text(path).splitlines()]


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(_text(path) or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _context(lines: Sequence[str], proofs: Sequence[str]) -> tuple[Line, ...]:
    """Around the last line that has one of *proofs* in it; the end of the console if none has."""
    wanted = [each for each in proofs if len(each) > 3]
    at = next((at for at in range(len(lines) - 1, -1, -1) if any(each in lines[at] for each in wanted)), None)
    if at is None:
        return tuple(Line(each, False) for each in lines[-2 * _AROUND :])
    first = max(0, at - _AROUND)
    return tuple(
        Line(each, number == at)
        for number, each in enumerate(lines[first : at + _AROUND + 1], first)
    )  # fmt: skip


def _dumps(probe: Mapping[str, Any]) -> tuple[Dump, ...]:
    found = []
    for each in probe.get("ioctls", ()):
        try:
            before, after = bytes.fromhex(each["before"]), bytes.fromhex(each["after"])
        except (ValueError, KeyError, TypeError):
            continue  # damaged; the verdicts are in the report itself
        result = f"{each['result']}" if each["result"] >= 0 else f"-1, errno {each['errno']}"
        data = tuple(Byte(f"{new:02x}", old != new) for old, new in zip(before, after, strict=False))
        found.append(Dump(f"{each['name']} ({each['request']:#010x})", result, data))
    return tuple(found)


def _phases(phases: Mapping[str, float]) -> tuple[Phase, ...]:
    total = sum(phases.values()) or 1.0
    return tuple(Phase(name, seconds, 100 * seconds / total) for name, seconds in phases.items())
