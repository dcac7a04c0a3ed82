# SPDX-License-Identifier: GPL-2.0-only
"""Boot an L2 in a running L1: QEMU in L1, started over SSH, its console read by pexpect."""

from __future__ import annotations

import shlex
import time
from pathlib import Path

from harness.levels import commands, repro
from harness.levels.console import Console, Ended
from harness.levels.level import GuestHost
from harness.levels.limits import LIMITS
from harness.levels.ssh import ChannelSpawn
from harness.model.cpu import mode_of_cpuinfo, mode_of_pvr
from harness.model.errors import InfrastructureError
from harness.model.observation import Boot
from harness.model.outcome import Outcome
from harness.model.scenario import L2Setting

_PIDFILE = "/run/l2.pid"


def boot(level: GuestHost, setting: L2Setting, directory: Path) -> Boot:
    """Boot one L2 to its end. Whatever happens, it is gone afterwards or L1 is."""
    directory.mkdir(parents=True)
    nonce = commands.Nonce.new()
    command = commands.l2_command(
        level.boot_set, level.placement.l1, setting, level.kernel, level.page_kb, nonce, level.switched_off
    )
    repro.write(
        directory, command, f"L2 ({setting}) in L1 of {level.placement.full_id}", inside=level.command
    )
    began = time.monotonic()
    phases: dict[str, float] = {}
    try:
        stream = level.connection.stream(
            f"exec {shlex.join([*command, '-pidfile', _PIDFILE])} </dev/null", LIMITS.l2_boot
        )
    except InfrastructureError as error:
        return _lost(level, directory, phases, str(error))
    console = Console(stream, directory / "console.log", nonce.joined)
    try:
        ended = console.wait(
            lambda seen: "up" in seen.reports or (seen.finding is not None and seen.finding.final),
            LIMITS.l2_boot,
            LIMITS.l2_silence,
        )
        phases["boot"] = time.monotonic() - began
        status: int | None = None
        if "up" in console.reports:
            began = time.monotonic()
            off = console.wait(lambda _seen: False, LIMITS.l2_power_off, LIMITS.l2_power_off)
            status = stream.exit_status(LIMITS.stop) if off is Ended.EOF else None
            phases["power off"] = time.monotonic() - began
        elif console.finding is not None and ended is Ended.MET:
            # A refusal: let QEMU end by itself if it is about to, so that its exit status is
            # known; a QEMU that stays (kvm run failed) is ended below.
            status = stream.exit_status(0.3)
        elif ended is Ended.EOF:
            status = stream.exit_status(LIMITS.stop)
        return _judge(level, console, ended, status, phases, directory)
    finally:
        _end(level, console, stream)


def _judge(
    level: GuestHost, console: Console, ended: Ended, status: int | None, phases: dict[str, float],
    directory: Path,
) -> Boot:  # fmt: skip
    warnings = tuple(console.warnings)
    if console.log_trouble:
        return Boot(
            Outcome.INFRASTRUCTURE, "log", console.log_trouble, phases=phases, directory=directory.name
        )
    report = console.reports.get("up")
    finding = console.finding
    if report is not None:
        version = report["cpu_version"]
        mode = mode_of_pvr(int(version, 16)) if version else mode_of_cpuinfo(f"cpu : {report['cpu']}")
        return Boot(
            Outcome.BOOTED, "marker", f"up: {report['release']}, {report['cpu']}", mode, report["release"],
            status, phases, directory.name, warnings,
        )  # fmt: skip
    if finding is not None and (finding.final or ended is not Ended.MET):
        return Boot(
            finding.outcome, finding.key, finding.line, None, "", status, phases, directory.name, warnings
        )
    if not level.answers():
        return _lost(level, directory, phases, "L1 stopped answering while L2 booted")
    if ended is Ended.EOF:
        words = f"QEMU ended with status {status}: {console.last_line or 'no output'}"
        return Boot(Outcome.QEMU_ERROR, "exit", words, None, "", status, phases, directory.name, warnings)
    words = "no console output" if ended is Ended.SILENCE else "not up in time"
    return Boot(
        Outcome.HANG, ended.value, f"{words}; last line: {console.last_line}", None, "", status, phases,
        directory.name, warnings,
    )  # fmt: skip


def _lost(level: GuestHost, directory: Path, phases: dict[str, float], words: str) -> Boot:
    """L1 went while L2 booted: say what became of L1. A panic of L1 is told as that."""
    outcome, rule, proof = level.death() or (Outcome.HANG, "l1-silent", words)
    level.lost = True
    return Boot(
        outcome,
        f"l1-{rule}".replace("l1-l1-", "l1-"),
        f"L1: {proof}",
        phases=phases,
        directory=directory.name,
    )


def _end(level: GuestHost, console: Console, stream: ChannelSpawn) -> None:
    """Kill L2's QEMU if it is still there, then close its console."""
    if not stream.channel.exit_status_ready() and level.alive:
        try:
            level.run(f"kill -9 $(cat {_PIDFILE}); rm -f {_PIDFILE}", LIMITS.stop)
        except InfrastructureError:
            level.lost = True
    stream.channel.close()
    console.close()
