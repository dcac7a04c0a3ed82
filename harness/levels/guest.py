# SPDX-License-Identifier: GPL-2.0-only
"""Boot an L2 in a running L1, to its end."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Protocol

from harness.levels import commands
from harness.levels.console import Console, Ended
from harness.levels.limits import LIMITS
from harness.levels.nested import Host, NestedMachine
from harness.levels.setup import Setup
from harness.model.cpu import mode_of_cpuinfo, mode_of_pvr
from harness.model.errors import InfrastructureError
from harness.model.observation import Boot
from harness.model.outcome import Outcome
from harness.model.scenario import L2Setting


class GuestHost(Host, Protocol):
    """An L1. page_kb: its page size in KiB."""

    setup: Setup
    page_kb: int


def boot(level: GuestHost, setting: L2Setting, directory: Path) -> Boot:
    """Boot one L2 to its end. Whatever happens, it is gone afterwards or L1 is."""
    directory.mkdir(parents=True)
    machine = NestedMachine(
        level, "L2", lambda nonce: commands.l2_command(level.setup, setting, level.page_kb, nonce)
    )
    began = time.monotonic()
    phases: dict[str, float] = {}
    try:
        console = machine.start(
            commands.Nonce.new(), directory, f"L2 ({setting}) in L1 of {level.setup.placement.full_id}"
        )
    except InfrastructureError as error:
        return _lost(level, machine, directory, phases, str(error))
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
            status = machine.wait(LIMITS.stop) if off is Ended.EOF else None
            phases["power off"] = time.monotonic() - began
        elif console.finding is not None and ended is Ended.MET:
            # A refusal: let QEMU end by itself if it is about to, so that its exit status is
            # known; a QEMU that stays (kvm run failed) is ended below.
            status = machine.wait(0.3)
        elif ended is Ended.EOF:
            status = machine.wait(LIMITS.stop)
        return _judge(level, machine, console, ended, status, phases, directory)
    finally:
        machine.stop()
        console.close()


def _judge(
    level: GuestHost, machine: NestedMachine, console: Console, ended: Ended, status: int | None,
    phases: dict[str, float], directory: Path,
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
    if ended is Ended.OUTER or not level.answers():
        return _lost(level, machine, directory, phases, "stopped answering while L2 booted")
    if ended is Ended.EOF:
        words = f"QEMU ended with status {status}: {console.last_line or 'no output'}"
        return Boot(Outcome.QEMU_ERROR, "exit", words, None, "", status, phases, directory.name, warnings)
    words = "no console output" if ended is Ended.SILENCE else "not up in time"
    return Boot(
        Outcome.HANG, ended.value, f"{words}; last line: {console.last_line}", None, "", status, phases,
        directory.name, warnings,
    )  # fmt: skip


def _lost(
    level: GuestHost, machine: NestedMachine, directory: Path, phases: dict[str, float], words: str
) -> Boot:
    """A level went while L2 booted: say what became of it. A panic of L0 or L1 is told as that."""
    outcome, rule, proof = machine.death() or (Outcome.HANG, "l1-silent", f"L1: {words}")
    level.lost = True
    return Boot(outcome, rule, proof, phases=phases, directory=directory.name)
