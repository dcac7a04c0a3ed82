# SPDX-License-Identifier: GPL-2.0-only
"""``kvmppc boot``: the machines of a scenario, started as a run starts them, for whoever debugs."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from harness.engine.environment import LocalEnvironment, boots_of
from harness.engine.options import RunOptions
from harness.engine.resolve import resolve
from harness.engine.rundir import claim
from harness.engine.wanted import wanted
from harness.levels import commands
from harness.levels.attach import attach
from harness.levels.choose import levels_for
from harness.levels.linux import LinuxLevel
from harness.levels.setup import Setup
from harness.levels.ssh import new_key
from harness.model.errors import InfrastructureError, UsageError
from harness.model.outcome import Outcome
from harness.model.scenario import L2Setting, Placement
from harness.model.topology import topology
from harness.parts.cache import Cache
from harness.reports.sentences import say


def run(where: str, level: int, gdb: bool, options: RunOptions, progress: Callable[[str], None]) -> int:
    """Exit status of the shell that the user was put on. *options* may have one of each setting."""
    for flag, values in (("--kernel", options.kernels), ("--l1", options.l1), ("--l2", options.l2)):
        if len(values) > 1:
            raise UsageError(f"kvmppc boot takes one {flag}", "start it twice for two machines")
    place = topology(where)
    if level == 0 and not place.has_l0:
        raise UsageError(f"L0 of {place.name} is QEMU itself", "give --level 1 or 2")
    if level == 2 and not sys.stdin.isatty():
        raise UsageError("L2's console needs a terminal to type on", "give --level 1 for a script")
    l1 = options.l1 or ((place.l0_cpu.short,) if place.l0_cpu else ("p11",))
    l2 = options.l2 or ("host",)
    kernels = options.kernels or ("debian:7.3",)
    options = replace(options, topologies=(place.name,), kernels=kernels, l1=l1, l2=l2)
    plan = resolve(wanted(options), options, progress)
    environment = LocalEnvironment(plan, Cache.default())
    placement = plan.scenarios[0].placement
    lacking = environment.lacks(placement)
    if lacking:
        raise UsageError(lacking, "give another with --qemu")
    directory = claim(options.run_dir).resolve()
    # Short, for a socket's name has room for 107 bytes; and the key in it is nobody else's to read.
    private = Path(tempfile.mkdtemp(prefix="kvmppc-"))
    try:
        return _boot(placement, environment, level, gdb, L2Setting.parse(l2[0]), options, directory, private,
                     progress)  # fmt: skip
    finally:
        shutil.rmtree(private, ignore_errors=True)


def _boot(
    placement: Placement, environment: LocalEnvironment, level: int, gdb: bool, l2: L2Setting,
    options: RunOptions, directory: Path, private: Path, progress: Callable[[str], None],
) -> int:  # fmt: skip
    plan = environment.plan
    kernel, l0_kernel = plan.kernels[placement.kernel], plan.l0_kernel(placement)
    key = new_key()
    setup = environment.setup(placement, key, options.no_workaround)
    extra: list[str] = []
    if gdb:
        outermost = l0_kernel or kernel
        socket = private / "gdb"
        extra = [
            "-chardev",
            f"socket,id=gdb,path={commands.escaped(socket)},server=on,wait=off",
            "-gdb",
            "chardev:gdb",
        ]
        progress(_gdb_line(outermost.symbols or boots_of(outermost).vmlinux, socket))
        if outermost.symbols is None:
            progress(f"{outermost.info.label} has no symbols here; a kernel built from source has")
    levels = levels_for(setup, [directory / "l0", directory / "l1"], outermost=extra)
    if level == 0:
        levels = levels[:1]
    try:
        for each in levels:
            about = _about(each, placement)
            progress(f"starting {each.name} ({about}); its console: {each.directory}/console.log")
            seen = each.start()
            if seen.boot.outcome is not Outcome.BOOTED:
                raise InfrastructureError(
                    f"{each.name} did not come up: {say(seen.boot.ended)}: {seen.boot.proof}",
                    log=each.directory / "console.log",
                )
        _give_guest(levels[-1], setup, l2)
        (private / "key").touch(0o600)
        (private / "key").write_text(key.text)
        _write_ssh_config(levels, private)
        for line in _doors(levels, level, l2, private):
            progress(line)
        return attach(levels[-1].connection, "/run/l2" if level == 2 else "")
    finally:
        for each in reversed(levels):
            each.stop()


def _about(level: LinuxLevel, placement: Placement) -> str:
    if level.name == "L0":
        return f"kernel {placement.l0}, {placement.l1.cpu.name}"
    return f"kernel {placement.kernel}, {placement.l1}"


def _gdb_line(vmlinux: Path, socket: Path) -> str:
    program = next((each for each in ("gdb-multiarch", "gdb") if shutil.which(each)), "gdb-multiarch")
    return f"to debug: {shlex.join([program, str(vmlinux), '-ex', f'target remote {socket}'])}"


def _give_guest(level: LinuxLevel, setup: Setup, l2: L2Setting) -> None:
    """Leave a command in the level that starts the next one on its terminal."""
    nonce = commands.Nonce.new()
    if level.name == "L0":
        name, command = "l1", commands.l1_in_l0_command(setup, level.page_kb, nonce)
    else:
        name, command = "l2", commands.l2_command(setup, l2, level.page_kb, nonce, shell=True)
    command = ["mon:stdio" if word == "stdio" else word for word in command]
    script = f"#!/bin/sh\nexec {shlex.join(command)}\n"
    done = level.run(f"cat >/run/{name} && chmod 755 /run/{name}", 10, script.encode())
    if done.status:
        raise InfrastructureError(f"cannot write /run/{name} in {level.name}: {done.stderr.strip()}")


def _write_ssh_config(levels: Sequence[LinuxLevel], private: Path) -> None:
    blocks, known = [], []
    for number, level in enumerate(levels):
        assert level.console is not None
        name = level.name.lower()
        known.append(f"kvmppc-{name} ssh-ed25519 {level.console.reports['ready']['hostkey']}")
        words = {
            "HostName": "127.0.0.1", "Port": level.machine.ssh_port, "User": "root",
            "HostKeyAlias": f"kvmppc-{name}",
            "IdentityFile": _quoted(private / "key"), "IdentitiesOnly": "yes", "StrictHostKeyChecking": "yes",
            "UserKnownHostsFile": _quoted(private / "known_hosts"), "LogLevel": "ERROR",
        }  # fmt: skip
        if number:
            words["ProxyJump"] = levels[number - 1].name.lower()
        blocks.append("\n".join([f"Host {name}", *(f"  {key} {value}" for key, value in words.items())]))
    (private / "ssh_config").write_text("\n".join(blocks) + "\n")
    (private / "known_hosts").write_text("\n".join(known) + "\n")


def _quoted(path: Path) -> str:
    """As ssh_config(5) wants a name with spaces."""
    return f'"{path}"' if " " in str(path) else str(path)


def _doors(levels: Sequence[LinuxLevel], level: int, l2: L2Setting, private: Path) -> list[str]:
    """How to get into each level, one command each; levels that are not up are started by theirs."""
    config = shlex.quote(os.fspath(private / "ssh_config"))
    lines = [f"{each.name}: ssh -F {config} {each.name.lower()}" for each in levels]
    if level == 0:
        lines.append("L1: type /run/l1 in L0")
    elif level == 1:
        lines.append(f"L2 ({l2}): type /run/l2 in L1")
    here = f"L{level}" + (", leave QEMU with Ctrl-a x" if level == 2 else "")
    return [*lines, f"you are in {here}; all of it ends when you leave"]
