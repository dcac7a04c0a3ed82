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

from harness.health.cause import (
    STARVED,
    Loss,
    crash_words,
    deadly,
    ended_by,
    lacked_time,
    of_kvm,
    starved_words,
    where_of,
)  # fmt: skip
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
    stopped: whether somebody has stopped that process (SIGSTOP);
    stuck: where that process is caught in the kernel; host: how the level that runs it was lost, None if
    that is well; samples: where the vCPUs were; waited: seconds since the last byte on its console;
    starved: share of the time in which the outermost QEMU wanted a CPU and got none, 0 to 1.
    """

    ended: Ended
    gone: Ended | None = None
    up: Mapping[str, Any] | None = None
    left: Mapping[str, Any] | None = None
    finding: Finding | None = None
    splats: tuple[Splat, ...] = ()
    exit_status: int | None = None
    runs: bool | None = None
    stopped: bool = False
    stuck: str = ""
    host: Loss | None = None
    samples: tuple[str, ...] = ()
    waited: float = 0.0
    last_line: str = ""
    log_trouble: str = ""
    starved: float = 0.0

    def counts(self, splat: Splat) -> bool:
        """Whether it speaks against the kernel, and not against a machine that is too slow."""
        return not lacked_time(splat, self.starved)

    @property
    def last_splat(self) -> Splat | None:
        """The one after which no more was to be expected of the guest, None without."""
        return next((each for each in self.splats if each.final and self.counts(each)), None)

    @property
    def deadly_splat(self) -> Splat | None:
        """The first by which it may have been lost, None without."""
        return next((each for each in self.splats if deadly(each) and self.counts(each)), None)


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
    final, finding = seen.last_splat, seen.finding
    if finding is not None and finding.final:
        return finding.outcome, finding.key, finding.line
    if final is not None:
        return Outcome.PANIC, "panic", final.line
    if seen.host is not None:
        return seen.host.outcome, seen.host.rule, seen.host.proof
    spoken = seen.deadly_splat
    if spoken is not None:
        return Outcome.PANIC, "splat", f"{spoken.title}: {spoken.line}"
    crash = crash_words(seen.exit_status)
    if finding is not None and (of_kvm(finding) or (seen.ended is Ended.EOF and not crash)):
        # What is said of files or memory speaks neither against the kernel nor for it.
        return finding.outcome if of_kvm(finding) else Outcome.UNKNOWN, finding.key, finding.line
    if crash:
        return Outcome.QEMU_ERROR, "qemu-crashed", f"its QEMU {crash}"
    if seen.left is not None:
        return Outcome.UNKNOWN, "no-report", "the guest reported its power-off, but not that it was up"
    if seen.ended is Ended.EOF:
        if seen.exit_status is None:
            return Outcome.UNKNOWN, "exit", "its console ended, and QEMU's exit status is not known"
        if seen.exit_status < 0:
            return (
                Outcome.UNKNOWN,
                "killed",
                f"its QEMU {ended_by(seen.exit_status)}; the sender is not known",
            )
        if seen.exit_status == 0:
            words = f"the guest reset or powered off before it was up; last line: {seen.last_line or 'none'}"
            return Outcome.PANIC, "reset", words
        words = f"QEMU ended with status {seen.exit_status}: {seen.last_line or 'no output'}"
        return Outcome.UNKNOWN, "exit", words
    if seen.ended is Ended.OUTER:
        return Outcome.UNKNOWN, "outer", "the level around it was taken for lost, and answers"
    if seen.runs is False:
        return Outcome.UNKNOWN, "gone", _GONE
    if seen.stopped:
        return Outcome.INFRASTRUCTURE, "qemu-stopped", _STOPPED
    if seen.starved >= STARVED:
        return Outcome.INFRASTRUCTURE, "starved", _starved(seen)
    where = f"; the vCPU was in {where_of(seen.samples)}" if seen.samples else ""
    stuck = f"; its QEMU is in {seen.stuck}" if seen.stuck else ""
    words = "no console output" if seen.ended is Ended.SILENCE else "not up in time"
    waited = f" for {seen.waited:.0f} s" if seen.ended is Ended.SILENCE else f" ({seen.waited:.0f} s)"
    return (
        Outcome.HANG,
        seen.ended.value,
        f"{words}{waited}{where}{stuck}; last line: {seen.last_line or 'none'}",
    )


_GONE = "its QEMU is gone, and its console did not end"
_STOPPED = "its QEMU process is stopped (SIGSTOP)"


def _starved(seen: GuestSeen) -> str:
    return f"the outermost QEMU {starved_words(seen.starved)}"


# A module that does not fit its kernel was packed wrongly; anything else is the kernel's word.
_MISFIT = ("Unknown symbol", "unknown symbol", "invalid module format", "disagrees about version")


def trouble_of(level: str, step: str, lines: Sequence[str]) -> Decision:
    """Of a level whose first program could not do *step*. lines: of its console."""
    misfit = next((line.strip() for line in lines if any(each in line for each in _MISFIT)), None)
    if step.startswith("insmod") and misfit is not None:
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
    finding = seen.finding
    if finding is not None and finding.final:
        return End(finding.key, finding.line, _side_of(finding))
    final = seen.last_splat
    if final is not None:
        return End("panic", final.line, Side.KERNEL)
    if seen.left is not None and seen.gone is Ended.EOF and seen.exit_status == 0:
        # Whatever was said on the way is told by the health of L1 and L2.
        return End("off", "it reported its power-off, and its QEMU ended with status 0", Side.UNKNOWN)
    if seen.host is not None:
        return End(seen.host.rule, seen.host.proof, seen.host.side)
    spoken = seen.deadly_splat
    if spoken is not None:
        return End("splat", f"{spoken.title}: {spoken.line}", Side.KERNEL)
    crash = crash_words(seen.exit_status)
    if crash and not (finding is not None and of_kvm(finding)):
        return End("crash", f"its QEMU {crash}", Side.KERNEL)
    if finding is not None:
        return End(finding.key, finding.line, _side_of(finding))
    if seen.left is None:
        return _end_without_leave(seen)
    if seen.exit_status is not None:
        words = f"QEMU {_ended_words(seen.exit_status)}: {seen.last_line or 'no output'}"
        return End("exit", words, Side.UNKNOWN)
    if seen.runs is False:
        return End("gone", "the guest left; QEMU's exit status is not known", Side.UNKNOWN)
    if seen.stopped:
        return End("qemu-stopped", _STOPPED, Side.SURROUNDINGS)
    if seen.starved >= STARVED:
        return End("starved", _starved(seen), Side.SURROUNDINGS)
    if not seen.runs:
        what = "the guest left, its console did not end, and nobody could look at its QEMU"
        return End("stays", _still(what, seen), Side.UNKNOWN)
    return End("stays", _still("the guest left, and its QEMU stays", seen), Side.KERNEL)


def _side_of(finding: Finding) -> Side:
    if finding.outcome is Outcome.INFRASTRUCTURE:
        return Side.SURROUNDINGS
    return Side.KERNEL if finding.outcome is Outcome.PANIC or of_kvm(finding) else Side.UNKNOWN


def _end_without_leave(seen: GuestSeen) -> End:
    """Of one that was up and never said that it leaves."""
    if seen.gone is Ended.EOF:
        if seen.exit_status == 0:
            words = f"the guest reset or powered off without a message; last line: {seen.last_line or 'none'}"
            return End("reset", words, Side.KERNEL)
        words = f"its QEMU {_ended_words(seen.exit_status)} before the guest reported its power-off"
        return End("no-leave", words, Side.UNKNOWN)
    if seen.runs is False:
        return End("gone", _GONE, Side.UNKNOWN)
    if seen.stopped:
        return End("qemu-stopped", _STOPPED, Side.SURROUNDINGS)
    if seen.starved >= STARVED:
        return End("starved", _starved(seen), Side.SURROUNDINGS)
    return End("hang", _still("the guest was up and did not leave", seen), Side.KERNEL)


def _ended_words(status: int | None) -> str:
    if status is None:
        return "ended, with a status that is not known,"
    return ended_by(status) if status < 0 else f"ended with status {status}"


def _still(words: str, seen: GuestSeen) -> str:
    stuck = f"; QEMU is in {seen.stuck}" if seen.stuck else ""
    where = f"; the vCPU was in {where_of(seen.samples)}" if seen.samples else ""
    return f"{words} within {seen.waited:.0f} s{stuck}{where}; last line: {seen.last_line or 'none'}"
