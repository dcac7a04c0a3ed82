# SPDX-License-Identifier: GPL-2.0-only
"""How a guest's boot ended, and how the guest went: two pure functions of what was seen.

A boot needs positive proof: the guest's own report, with the nonce of this boot. A guest that was up needs
positive proof of its end as well: its report that it leaves, the end of its console, and QEMU's status 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from harness.health.cause import Loss, deadly, where_of
from harness.model.classify import Finding
from harness.model.cpu import GuestMode, mode_of_cpuinfo, mode_of_pvr
from harness.model.observation import End
from harness.model.outcome import Outcome, Side
from harness.model.splat import Splat


class Ended(Enum):
    """Why a wait for a console ended."""

    MET = "met"
    TIMEOUT = "timeout"
    SILENCE = "silence"
    EOF = "eof"
    OUTER = "outer"  # a level that this machine runs in has died


@dataclass(frozen=True)
class GuestSeen:
    """ended: why the wait for its report ended; gone: why the wait for its end did, None if there was
    none; up, left: its reports, None without; finding: the line of its console that decides, of
    model/classify.py; splats: of its console; exit_status: its QEMU's, None if that runs or is not known;
    runs: whether its QEMU process is still there in the level that runs it, None if nobody could look;
    stuck: where that process is caught in the kernel; host: how the level that runs it was lost, None if
    that is well; samples: where the vCPUs were; waited: seconds since the last byte on its console.
    """

    ended: Ended
    gone: Ended | None = None
    up: Mapping[str, Any] | None = None
    left: Mapping[str, Any] | None = None
    finding: Finding | None = None
    splats: tuple[Splat, ...] = ()
    exit_status: int | None = None
    runs: bool | None = None
    stuck: str = ""
    host: Loss | None = None
    samples: tuple[str, ...] = ()
    waited: float = 0.0
    last_line: str = ""
    log_trouble: str = ""


# outcome, rule, proof
Decision = tuple[Outcome, str, str]


def mode_of(report: Mapping[str, Any]) -> GuestMode | None:
    """The mode that a guest says it is in: its device tree's cpu-version, else /proc/cpuinfo."""
    version = report["cpu_version"]
    return mode_of_pvr(int(version, 16)) if version else mode_of_cpuinfo(f"cpu : {report['cpu']}")


def outcome_of(seen: GuestSeen) -> Decision:
    """How the boot ended. The guest's report first, then the line that decides, then what was lost."""
    if seen.log_trouble:
        return Outcome.INFRASTRUCTURE, "log", seen.log_trouble
    if seen.up is not None:
        return Outcome.BOOTED, "marker", f"up: {seen.up['release']}, {seen.up['cpu']}"
    final = next((each for each in seen.splats if each.final), None)
    if seen.finding is not None and seen.finding.final:
        return seen.finding.outcome, seen.finding.key, seen.finding.line
    if final is not None:
        return Outcome.PANIC, "panic", final.line
    if seen.host is not None:
        return seen.host.outcome, seen.host.rule, seen.host.proof
    spoken = next((each for each in seen.splats if deadly(each)), None)
    if spoken is not None:
        return Outcome.PANIC, "splat", f"{spoken.title}: {spoken.line}"
    if seen.finding is not None:
        return seen.finding.outcome, seen.finding.key, seen.finding.line
    if seen.ended is Ended.EOF:
        if seen.exit_status is None:
            return Outcome.UNKNOWN, "exit", "its console ended, and QEMU's exit status is not known"
        if seen.exit_status < 0:
            return Outcome.UNKNOWN, "killed", "its QEMU was killed, and nothing shows by whom"
        if seen.exit_status == 0:
            words = f"the guest reset or powered off before it was up; last line: {seen.last_line or 'none'}"
            return Outcome.PANIC, "reset", words
        words = f"QEMU ended with status {seen.exit_status}: {seen.last_line or 'no output'}"
        return Outcome.QEMU_ERROR, "exit", words
    if seen.runs is False:
        return Outcome.UNKNOWN, "gone", "its QEMU is gone, and its console did not end"
    where = f"; the vCPU was in {where_of(seen.samples)}" if seen.samples else ""
    stuck = f"; its QEMU is in {seen.stuck}" if seen.stuck else ""
    words = "no console output" if seen.ended is Ended.SILENCE else "not up in time"
    waited = f" for {seen.waited:.0f} s" if seen.ended is Ended.SILENCE else f" ({seen.waited:.0f} s)"
    return (
        Outcome.HANG,
        seen.ended.value,
        f"{words}{waited}{where}{stuck}; last line: {seen.last_line or 'none'}",
    )


# A module that does not fit its kernel was packed wrongly; anything else is the kernel's word.
_MISFIT = ("Unknown symbol", "unknown symbol", "invalid module format", "disagrees about version")


def trouble_of(level: str, step: str, lines: Sequence[str]) -> Decision:
    """Of a level whose first program could not do *step*. lines: of its console."""
    misfit = next((line.strip() for line in lines if any(each in line for each in _MISFIT)), "")
    if step.startswith("insmod") and misfit:
        return Outcome.INFRASTRUCTURE, "trouble", f"in {level}, {step} failed: {misfit}"
    if step.startswith("insmod kvm"):
        # As judged where KVM is built in: a kernel with which no guest can be started.
        said = next((line.strip() for line in reversed(lines) if "insmod: " in line), "no reason given")
        return Outcome.PANIC, "no-kvm", f"KVM does not start in {level}: {step}: {said}"
    return (
        Outcome.UNKNOWN,
        "trouble",
        f"in {level}, {step} failed: the kernel lacks what it takes, or is wrong",
    )


def end_of(seen: GuestSeen) -> End | None:
    """How a guest that was up went; None for one that never was."""
    if seen.up is None:
        return None
    if seen.host is not None:
        return End(seen.host.rule, seen.host.proof, seen.host.side)
    spoken = next((each for each in seen.splats if deadly(each)), None)
    if spoken is not None:
        return End("splat", f"{spoken.title}: {spoken.line}", Side.KERNEL)
    finding = seen.finding
    if finding is not None and finding.final:
        return End(finding.key, finding.line, Side.KERNEL)
    if seen.left is None:
        if seen.gone is Ended.EOF:
            return End("no-leave", "its QEMU ended before the guest said that it leaves", Side.UNKNOWN)
        return End("hang", _still("the guest was up and did not leave", seen), Side.KERNEL)
    if seen.gone is not Ended.EOF and seen.runs is not False:
        what = (
            "the guest left, and its QEMU stays"
            if seen.runs
            else "the guest left, and its console stays open"
        )
        return End("stays", _still(what, seen), Side.KERNEL if seen.runs else Side.UNKNOWN)
    if seen.exit_status is None:
        if seen.runs:
            return End("stays", _still("its console ended, and its QEMU stays", seen), Side.KERNEL)
        return End("exit", "QEMU's exit status is not known", Side.UNKNOWN)
    if seen.exit_status:
        words = f"QEMU ended with status {seen.exit_status}: {seen.last_line or 'no output'}"
        return End("exit", words, Side.UNKNOWN if seen.exit_status < 0 else Side.KERNEL)
    return End("off", "it said that it leaves, and its QEMU ended with status 0", Side.UNKNOWN)


def _still(words: str, seen: GuestSeen) -> str:
    stuck = f"; QEMU is in {seen.stuck}" if seen.stuck else ""
    where = f"; the vCPU was in {where_of(seen.samples)}" if seen.samples else ""
    return f"{words} within {seen.waited:.0f} s{stuck}{where}; last line: {seen.last_line or 'none'}"
