# SPDX-License-Identifier: GPL-2.0-only
"""Boot an L2 in a running L1, to its end."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from harness.health.cause import STARVED, Loss, deadly, of_host
from harness.health.ending import GuestSeen, end_of, mode_of, outcome_of
from harness.levels import commands
from harness.levels.console import Console, Ended
from harness.levels.nested import QEMU_PIDS, Host, NestedMachine
from harness.levels.nip_samples import leaves_guest_alone, sample
from harness.levels.patience import wait_for
from harness.levels.setup import Setup
from harness.levels.stuck import stuck
from harness.levels.symbols import Symbols
from harness.model.errors import InfrastructureError
from harness.model.observation import Boot
from harness.model.outcome import Outcome, Side
from harness.model.scenario import L2Setting
from harness.model.splat import Splat


class GuestHost(Host, Protocol):
    """An L1. page_kb: its page size in KiB; symbols: of the kernel that L1 and L2 run."""

    setup: Setup
    page_kb: int
    symbols: Symbols


# A refused L2's QEMU is about to end, or stays for ever: it shows within this time, in seconds.
_REFUSED_ENDS = 0.3


def boot(level: GuestHost, setting: L2Setting, directory: Path) -> Boot:
    """Boot one L2 to its end. Whatever happens, it is gone afterwards or L1 is."""
    directory.mkdir(parents=True)
    limits = level.setup.limits
    machine = NestedMachine(
        level, "L2", lambda nonce: commands.l2_command(level.setup, setting, level.page_kb, nonce), limits
    )
    began = time.monotonic()
    phases: dict[str, float] = {}
    before = len(_splats(level))
    try:
        console = machine.start(
            commands.Nonce.new(), directory, f"L2 ({setting}) in L1 of {level.setup.placement.full_id}"
        )
    except InfrastructureError as error:
        words = f"L2 could not be started in {level.name}: {error}"
        return _not_started(_loss_of(level, "the start of L2"), words, directory)
    try:
        ended = _wait_until_up(level, console)
        phases["boot"] = time.monotonic() - began
        gone: Ended | None = None
        if "up" in console.reports:
            began = time.monotonic()
            gone = console.wait(lambda _seen: False, limits.l2_power_off, limits.l2_power_off)
            status = machine.wait(limits.stop) if gone is Ended.EOF else None
            phases["power off"] = time.monotonic() - began
        elif ended is Ended.MET:
            status = machine.wait(_REFUSED_ENDS)
        else:
            status = machine.wait(limits.stop) if ended is Ended.EOF else None
        seen = _observe(level, machine, console, ended, gone, status, before)
    finally:
        machine.stop()
        console.close()
    return replace(_boot_of(seen, console, phases, directory), stays=_why_it_stays(level, machine))


def _not_started(host: Loss | None, words: str, directory: Path) -> Boot:
    if host is not None:
        return Boot(host.outcome, host.rule, host.proof, directory=directory.name)
    return Boot(Outcome.UNKNOWN, "start", words, directory=directory.name)


def _why_it_stays(level: GuestHost, machine: NestedMachine) -> str:
    """Where its QEMU is caught, which SIGKILL has not ended; '' if it is gone, or had no CPU to end on."""
    if not machine.stays or level.starved() >= STARVED:
        return ""
    caught = stuck(level.run, QEMU_PIDS, level.setup.limits.answer)
    return f"SIGKILL does not end its QEMU: {caught or 'nothing shows where it is'}"


def _wait_until_up(level: GuestHost, console: Console) -> Ended:
    """Until its report, or a line after which there will be none. A slow guest is no hanging one: it is
    waited for as long as it gets on."""
    limits = level.setup.limits
    return wait_for(
        console, lambda seen: "up" in seen.reports or seen.final, limits.l2_boot, limits.l2_silence,
        lag=level.lag, monitor=level.monitor_command, symbols=level.symbols,
        host_answers=lambda: _answers(level), kept_out=lambda: _kept_out(level),
    )  # fmt: skip


def _kept_out(level: GuestHost) -> bool:
    """Whether KVM_RUN is called again and again and never runs L2. An L0 that is a Linux has LPIDs of its
    own, by which nothing is told."""
    if level.setup.placement.topology.has_l0:
        return False
    return leaves_guest_alone(level.monitor_command, level.symbols)


def _answers(level: GuestHost) -> bool:
    """Whether L1 still runs a command."""
    try:
        return level.run("true", level.setup.limits.answer).status == 0
    except InfrastructureError:
        return False


def _observe(
    level: GuestHost, machine: NestedMachine, console: Console, ended: Ended, gone: Ended | None,
    status: int | None, before: int,
) -> GuestSeen:  # fmt: skip
    """All that is known, before anything is ended."""
    well = ended is Ended.MET if gone is None else status == 0
    host = _host_failure(level, before)
    if host is None and not well:
        host = _loss_of(level, "L2 ran in it")
    seen = GuestSeen(
        ended=ended,
        gone=gone,
        up=console.reports.get("up"),
        left=console.reports.get("left"),
        finding=console.finding,
        splats=console.splats(),
        exit_status=status,
        host=host,
        waited=console.silent_for,
        last_line=console.last_line,
        log_trouble=console.log_trouble,
        starved=level.starved_since(console.started),
    )
    return seen if well or host is not None or status is not None else _with_process(level, machine, seen)


def _with_process(level: GuestHost, machine: NestedMachine, seen: GuestSeen) -> GuestSeen:
    """And what its QEMU process does, of which no end is known."""
    runs = machine.runs()
    if not runs:
        return replace(seen, runs=runs)
    caught = stuck(level.run, QEMU_PIDS, level.setup.limits.answer)
    samples = sample(level.monitor_command, level.symbols)
    return replace(seen, runs=runs, stopped=machine.stopped(), stuck=caught, samples=samples)


def _loss_of(level: GuestHost, doing: str) -> Loss | None:
    """How L1 was lost, in words that say that it was L1; None while it answers."""
    loss = level.loss(doing)
    return of_host(level.name, loss) if loss is not None else None


def _splats(level: GuestHost) -> tuple[Splat, ...]:
    """On the console of L1 so far."""
    return level.console.splats() if level.console else ()


def _host_failure(level: GuestHost, before: int) -> Loss | None:
    """A failure of L1's kernel while L2 ran in it, whether or not L1 lives on."""
    splat = next((each for each in _splats(level)[before:] if deadly(each)), None)
    if splat is None:
        return None
    rule = f"{level.name.lower()}-{'panic' if splat.final else 'splat'}"
    return Loss(Side.KERNEL, Outcome.PANIC, rule, f"{level.name}: {splat.title}: {splat.line}")


def _boot_of(seen: GuestSeen, console: Console, phases: dict[str, float], directory: Path) -> Boot:
    outcome, rule, proof = outcome_of(seen)
    up, left = seen.up or {}, seen.left or {}
    return Boot(
        outcome,
        rule,
        proof,
        mode_of(seen.up) if seen.up is not None else None,
        up.get("release", ""),
        seen.exit_status,
        phases,
        directory.name,
        tuple(console.warnings),
        up.get("build_id", ""),
        splats=seen.splats,
        end=end_of(seen),
        taint=up.get("taint"),
        taint_left=left.get("taint"),
        uptime=up.get("uptime", 0.0),
        elapsed=console.report_times.get("up", 0.0),
        samples=seen.samples,
        starved=seen.starved,
    )
