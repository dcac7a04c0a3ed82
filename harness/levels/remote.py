# SPDX-License-Identifier: GPL-2.0-only
"""A real machine over SSH: an L1 that somebody else booted. Read, asked, and left as it was."""

from __future__ import annotations

import contextlib
import json
import re
import secrets
import shlex
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from harness.health.cause import Evidence, Loss, Reach, decide
from harness.health.splats import read_splats
from harness.levels.asking import ProgramEnded, QuerySession, put, start_of
from harness.levels.limits import LIMITS, Limits
from harness.levels.ssh import Completed, Connection
from harness.levels.stuck import stuck
from harness.levels.userssh import Target, connect
from harness.model.cpu import GuestMode, mode_of_pvr
from harness.model.errors import InfrastructureError, UsageError
from harness.model.looks import Look
from harness.model.observation import Boot, LevelObservation, Probe
from harness.model.outcome import Outcome
from harness.model.program import Program
from harness.model.scenario import L2Setting
from harness.model.topology import NestedApi

_FALLEN_BACK = re.compile(r"falling back to nestedv1")
_NO_NESTING = re.compile(r"Parent hypervisor does not support nesting")


@dataclass(frozen=True)
class Facts:
    """What a remote Linux is. mode: it runs in; cpu: of its PVR, raw; nested_api: that its guests use, None
    where it is no pseries, or its log has lost its beginning; build_id: hex, '' if its kernel has none."""

    release: str
    banner: str
    build_id: str
    mode: GuestMode | None
    cpu: GuestMode | None
    nested_api: NestedApi | None
    probe: Probe


class RemoteLevel:
    """programs: name -> content of guestfiles.PROGRAMS; directory: for its logs, made by start()."""

    name = "L1"
    monitor_command = None

    def __init__(
        self, target: Target, programs: Mapping[str, bytes], directory: Path, placement: str = "",
        limits: Limits = LIMITS,
    ):  # fmt: skip
        self.directory = directory
        self._limits = limits
        self._target = target
        self._programs = programs
        self._placement = placement
        self._connection: Connection | None = None
        self._there = ""  # a directory of ours on that machine
        self._marker = f"kvmppc-harness came {secrets.token_hex(8)}"  # in its kernel's log
        self._page = 0
        self._told = 0  # lines of its log
        self._taint_before = 0

    def facts(self) -> Facts:
        """Connect, if that was not done, and see what it is. UsageError for one that cannot be asked."""
        if self._connection is None:
            self._connection = connect(self._target, self._limits.ssh)
            self._upload()
            # Lines of a full log go as others come: only a mark tells what is new.
            self.run(f"echo '<6>{self._marker}' >/dev/kmsg", self._limits.stop)
            with contextlib.suppress(ValueError):
                self._taint_before = int(self.run("cat /proc/sys/kernel/tainted", self._limits.stop).stdout)
        done = self.run(start_of("levelfacts", self._there), self._limits.probe)
        if done.status:
            raise ProgramEnded(f"the probe on {self._target.text}", done)
        try:
            probe = Probe.from_json(json.loads(done.stdout))
        except (ValueError, KeyError, TypeError) as error:
            raise InfrastructureError(f"the probe's output is not valid: {error}") from None
        self._page = probe.page
        return Facts(
            probe.release, self.run("cat /proc/version", self._limits.stop).stdout.strip(), self._build_id(),
            probe.mode, mode_of_pvr(probe.raw_pvr) if probe.raw_pvr is not None else None,
            self._nested_api(probe), probe,
        )  # fmt: skip

    def _upload(self) -> None:
        made = self.run("command -v python3 >/dev/null && mktemp -d /tmp/kvmppc.XXXXXX", self._limits.stop)
        if made.status:
            raise UsageError(f"{self._target.text} has no python3, or no /tmp", "install python3 there")
        self._there = made.stdout.strip()
        for name, content in self._programs.items():
            done = self.run(f"cat >{shlex.quote(f'{self._there}/{name}')}", self._limits.ssh, content)
            if done.status:
                raise InfrastructureError(f"cannot write {self._there} on {self._target.text}: {done.stderr}")

    def _build_id(self) -> str:
        notes = self.run("od -An -v -tx1 /sys/kernel/notes | tr -d ' \\n'", self._limits.stop).stdout
        found = re.search(r"040000001400000003000000474e5500([0-9a-f]{40})", notes)
        return found[1] if found else ""

    def _nested_api(self, probe: Probe) -> NestedApi | None:
        """As its kernel said when KVM was loaded; silence is v2 (book3s_hv_nested.c, kvmhv_nested_init)."""
        if probe.kvm != "hv" or self.run("test -d /proc/device-tree/ibm,opal", self._limits.stop).status == 0:
            return None
        lines = self._log()
        if not any("Linux version " in line for line in lines):
            return None  # the beginning is gone: silence means nothing
        log = "\n".join(lines)
        if _NO_NESTING.search(log):
            return None
        return NestedApi.V1 if _FALLEN_BACK.search(log) else NestedApi.V2

    def _log(self) -> list[str]:
        return self.run("dmesg", self._limits.ssh).stdout.splitlines()

    # -- as every level ------------------------------------------------------------------

    def start(self) -> LevelObservation:
        self.directory.mkdir(parents=True)
        began = time.monotonic()
        try:
            facts = self.facts()
        except InfrastructureError as error:
            return LevelObservation(
                self._placement,
                Boot(Outcome.INFRASTRUCTURE, "ssh", str(error), directory=self.directory.name),
            )
        (self.directory / "probe.json").write_text(json.dumps(facts.probe.__dict__, default=vars, indent=1))
        boot = Boot(
            Outcome.BOOTED, "ssh", f"{self._target.text}: {facts.banner}", facts.mode, facts.release,
            phases={"ssh and probe": time.monotonic() - began}, directory=self.directory.name,
            build_id=facts.build_id,
        )  # fmt: skip
        api = facts.nested_api.value if facts.nested_api else ""
        looks = (self.look("the probe"),)
        return LevelObservation(self._placement, boot, api, facts.probe.kvm, facts.probe, self.name, looks)

    @property
    def gone(self) -> bool:
        return self._connection is None or not self._connection.active

    def run(self, command: str, timeout: float, stdin: bytes = b"") -> Completed:
        if self._connection is None:
            raise InfrastructureError(f"there is no connection to {self._target.text}")
        return self._connection.run(command, timeout, stdin)

    def asking(self, program: Program | None = None) -> QuerySession:
        if self._connection is None:
            raise InfrastructureError(f"there is no connection to {self._target.text}")
        if program is None:
            return QuerySession(self._connection, self._there, self._limits.suite)
        there = put(self.run, program, self._there, self._limits.ssh)
        return QuerySession(self._connection, there, self._limits.suite, program.module, self._there)

    @property
    def page_bytes(self) -> int:
        return self._page

    def boot_guest(self, setting: L2Setting, directory: Path) -> Boot:
        raise UsageError(
            f"L2 ({setting}, {directory}) on a machine over SSH", "use kvmppc probe, which boots none"
        )

    # -- health --------------------------------------------------------------------------

    def glance(self, when: str) -> Look:
        """Nobody else's console is ours to read."""
        return Look(self.name, when, False)

    def look(self, when: str) -> Look:
        """Of its kernel's log since we came; not answered if that cannot be told from what was before."""
        try:
            lines = self._log()
            taint = int(self.run("cat /proc/sys/kernel/tainted", self._limits.stop).stdout)
        except (InfrastructureError, ValueError) as error:
            return Look(self.name, when, False, reason=str(error))
        (self.directory / "dmesg.log").write_text("\n".join(lines) + "\n")
        at = next((number for number, line in enumerate(lines) if self._marker in line), None)
        if at is None:
            words = "dmesg does not show what was written to /dev/kmsg when we came"
            return Look(self.name, when, False, reason=words)
        splats = read_splats(lines[max(at, self._told) :])
        self._told = len(lines)
        # What it was tainted by before we came is not for us to judge.
        fresh = taint & ~self._taint_before
        named = tuple(replace(each, level=self.name, when=when) for each in splats)
        return Look(self.name, when, True, fresh, named)

    def diagnose(self, doing: str, ended: str = "", ended_by: int = 0) -> Loss:
        """Its console and its hypervisor are not ours to look at: what is not in its log stays unknown."""
        reach, words, caught = Reach.ANSWERS, "", ""
        try:
            self.run("true", self._limits.answer)
            caught = stuck(self.run, "pidof python3", self._limits.answer)
        except InfrastructureError as error:
            reach, words = Reach.SILENT, str(error)
        look = self.look(f"during {doing}")
        return decide(
            Evidence(
                self.name, doing, splats=look.splats, reach=reach, reach_words=words, stuck=caught,
                ended=ended, ended_by=ended_by, ours=False,
            )
        )  # fmt: skip

    def loss(self, doing: str) -> Loss | None:
        try:
            self.run("true", self._limits.answer)
        except InfrastructureError:
            return self.diagnose(doing)
        return None

    def pause(self, seconds: float) -> None:
        with contextlib.suppress(InfrastructureError):
            self.run(f"sleep {seconds:g}", self._limits.health + seconds)

    def stop(self) -> None:
        """Nothing of ours stays there."""
        if self._connection is None:
            return
        try:
            if self._there:
                self.run(f"rm -rf {shlex.quote(self._there)}", self._limits.stop)
        except InfrastructureError:
            pass
        self._connection.close()
        self._connection = None
