# SPDX-License-Identifier: GPL-2.0-only
"""L1 on a QEMU TCG pseries machine; L0 is QEMU itself, which implements the nested hypercalls."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import time
from collections.abc import Collection
from pathlib import Path

from pexpect.fdpexpect import fdspawn

from harness.levels import commands, guest, repro
from harness.levels.console import Console, Ended
from harness.levels.deaf import hdsi_recursion
from harness.levels.limits import LIMITS
from harness.levels.process import TerminalProcess, start
from harness.levels.qmp import Monitor
from harness.levels.ssh import ClientKey, Completed, Connection
from harness.model.cpu import mode_of_cpuinfo, mode_of_pvr
from harness.model.errors import InfrastructureError
from harness.model.machine import BootSet, QemuProgram
from harness.model.observation import Boot, L1Observation, Probe
from harness.model.outcome import Outcome
from harness.model.scenario import L2Setting, Placement

_FORWARD = re.compile(r"TCP\[HOST_FORWARD\]\s+\d+\s+127\.0\.0\.1\s+(\d+)")


class PseriesLevel:
    """One L1. A level that has died is not started again: make a new one."""

    def __init__(
        self,
        placement: Placement,
        kernel: tuple[int, int],
        boot_set: BootSet,
        qemu: QemuProgram,
        key: ClientKey,
        directory: Path,
        switched_off: Collection[str] = (),
    ):
        """kernel: version of the kernel under test; directory: made here, for L1's own logs."""
        self.placement = placement
        self.directory = directory
        self.kernel = kernel
        self.boot_set = boot_set
        self.switched_off = switched_off
        self._qemu = qemu
        self._key = key
        self._process: TerminalProcess | None = None
        self._monitor: Monitor | None = None
        self._console: Console | None = None
        self._ssh: Connection | None = None
        self.command: list[str] = []
        self.page_kb = 0
        self.deaf = False  # QEMU itself is caught; it would not hear a "quit" either
        self.lost = False  # set when it was found not to answer any more

    # -- start ---------------------------------------------------------------------------

    def start(self) -> L1Observation:
        """Boot, log in, probe. The level must be stopped afterwards whatever this returns."""
        self.directory.mkdir(parents=True)
        nonce = commands.Nonce.new()
        self.command = commands.l1_command(
            self._qemu, self.boot_set, self.placement.topology, self.placement.l1, self.kernel, nonce,
            self._key.public, self.switched_off,
        )  # fmt: skip
        repro.write(self.directory, self.command, f"L1 of {self.placement.full_id}")
        phases: dict[str, float] = {}
        try:
            console = self._launch(nonce)
            boot = self._wait_until_ready(console, phases)
            if boot.outcome is not Outcome.BOOTED:
                return self._observation(boot)
            began = time.monotonic()
            self._ssh = Connection(self._port(), console.reports["ready"]["hostkey"], self._key, LIMITS.ssh)
            phases["ssh"] = time.monotonic() - began
            began = time.monotonic()
            probe = self._probe()
            phases["probe"] = time.monotonic() - began
        except InfrastructureError as error:
            return self._observation(self._failed(str(error), phases))
        return self._observation(boot, probe)

    def _launch(self, nonce: commands.Nonce) -> Console:
        self._monitor = Monitor()
        command = [*self.command, *self._monitor.arguments]
        try:
            self._process = start(command, pass_fds=[self._monitor.theirs.fileno()])
        except OSError as error:
            raise InfrastructureError(f"cannot start {command[0]}: {error.strerror}") from None
        spawn = fdspawn(
            self._process.terminal, encoding="utf-8", codec_errors="replace", maxread=65536, use_poll=True
        )
        self._console = Console(spawn, self.directory / "console.log", nonce.joined)
        return self._console

    def _wait_until_ready(self, console: Console, phases: dict[str, float]) -> Boot:
        ended = console.wait(
            lambda seen: bool(seen.reports) or (seen.finding is not None and seen.finding.final),
            LIMITS.l1_boot,
            LIMITS.l1_silence,
        )
        phases["boot"] = time.monotonic() - console.started
        if console.log_trouble:
            return self._failed(console.log_trouble, phases)
        trouble = console.reports.get("trouble")
        report = console.reports.get("ready")
        if report is None:
            if trouble is not None:
                words = f"this kernel lacks what the harness needs in L1: {trouble['step']} failed"
                return Boot(
                    Outcome.INFRASTRUCTURE, "trouble", words, phases=phases, directory=self.directory.name
                )
            return self._ended_badly(ended, phases)
        version = report["cpu_version"]
        mode = mode_of_pvr(int(version, 16)) if version else mode_of_cpuinfo(f"cpu : {report['cpu']}")
        self.page_kb = report["page_kb"]
        return Boot(
            Outcome.BOOTED, "marker", f"ready: {report['release']}, {report['cpu']}", mode,
            release=report["release"], build_id=report["build_id"], phases=phases,
            directory=self.directory.name,
        )  # fmt: skip

    def _qmp(self) -> Monitor:
        """The monitor, connected. InfrastructureError if QEMU does not answer it."""
        if self._monitor is None:
            raise InfrastructureError("QEMU was not started")
        if not self._monitor.connected:
            self._monitor.connect(LIMITS.stop)
        return self._monitor

    def _port(self) -> int:
        match = _FORWARD.search(self._qmp().human("info usernet"))
        if match is None:
            raise InfrastructureError("QEMU shows no forwarded SSH port (info usernet)")
        return int(match[1])

    def _probe(self) -> Probe:
        done = self.run("python3 -S /usr/lib/kvmppc/probe.py", LIMITS.probe)
        (self.directory / "probe.json").write_text(done.stdout)
        if done.status:
            last = (done.stderr.strip().splitlines() or ["no output"])[-1]
            raise InfrastructureError(f"the probe ended with {done.status} in L1: {last}")
        try:
            return Probe.from_json(json.loads(done.stdout))
        except (ValueError, KeyError, TypeError) as error:
            raise InfrastructureError(
                f"the probe's answer is no such document: {error}", log=self.directory / "probe.json"
            ) from None

    def _observation(self, boot: Boot, probe: Probe | None = None) -> L1Observation:
        report = self._console.reports.get("ready", {}) if self._console else {}
        return L1Observation(
            self.placement.full_id, boot, report.get("nested_api", ""), report.get("kvm", ""), probe
        )

    # -- how it died ---------------------------------------------------------------------

    def _failed(self, words: str, phases: dict[str, float]) -> Boot:
        """An infrastructure failure, unless the machine itself tells more."""
        decided = self.death()
        if decided is not None:
            return Boot(*decided, phases=phases, directory=self.directory.name)
        return Boot(Outcome.INFRASTRUCTURE, "harness", words, phases=phases, directory=self.directory.name)

    def _ended_badly(self, ended: Ended, phases: dict[str, float]) -> Boot:
        decided = self.death()
        assert self._console is not None
        if decided is None and ended is Ended.EOF:
            assert self._process is not None
            status = self._process.process.wait(timeout=LIMITS.stop)
            decided = (
                Outcome.INFRASTRUCTURE,
                "exit",
                f"QEMU ended with status {status}: {self._console.last_line or 'no output'}",
            )
        if decided is None:
            words = "no console output" if ended is Ended.SILENCE else "not ready in time"
            proof = f"{words}; QEMU says {self._status()}; last line: {self._console.last_line}"
            decided = (Outcome.HANG, ended.value, proof)
        return Boot(*decided, phases=phases, directory=self.directory.name)

    def _status(self) -> str:
        """QEMU's own word for the machine's state: running, paused, internal-error, ..."""
        try:
            return str(self._qmp().execute("query-status", timeout=LIMITS.quit)["status"])
        except InfrastructureError as error:
            return f"nothing ({error})"

    def death(self) -> tuple[Outcome, str, str] | None:
        """(outcome, rule, proof) when the machine as a whole is lost; None while it may live."""
        if self._console is None or self._process is None:
            return None
        finding = self._console.finding
        if finding is not None and finding.final:
            # QEMU's own words on L1's machine are about our command line or host.
            ours = finding.outcome is Outcome.QEMU_ERROR
            return (Outcome.INFRASTRUCTURE if ours else finding.outcome), finding.key, finding.line
        if self._process.process.poll() is not None:
            return None
        with contextlib.suppress(InfrastructureError):
            spinning = hdsi_recursion(self._qmp(), self.directory)
            if spinning:
                self.deaf = True
                return Outcome.INFRASTRUCTURE, "qemu-hdsi-recursion", f"QEMU is deaf: {spinning}"
        return None

    # -- use -----------------------------------------------------------------------------

    @property
    def alive(self) -> bool:
        if (
            self.lost
            or self._ssh is None
            or self._process is None
            or self._process.process.poll() is not None
        ):
            return False
        assert self._console is not None
        return not (self._console.finding is not None and self._console.finding.final)

    def answers(self) -> bool:
        """Whether its userland still runs a command; takes at most a few seconds."""
        try:
            return self.alive and self.run("true", LIMITS.stop).status == 0
        except InfrastructureError:
            return False

    def run(self, command: str, timeout: float, stdin: bytes = b"") -> Completed:
        return self.connection.run(command, timeout, stdin)

    @property
    def connection(self) -> Connection:
        """InfrastructureError before it is ready and after it was stopped."""
        if self._ssh is None:
            raise InfrastructureError(f"L1 of {self.placement.full_id} is not up")
        return self._ssh

    def boot_guest(self, setting: L2Setting, directory: Path) -> Boot:
        return guest.boot(self, setting, directory)

    # -- stop ----------------------------------------------------------------------------

    def _quit(self) -> None:
        """Ask QEMU to end; one that is deaf or was never spoken to is left to SIGKILL."""
        assert self._process is not None
        if self._monitor is None or not self._monitor.connected or self.deaf:
            return
        with contextlib.suppress(InfrastructureError, subprocess.TimeoutExpired):
            self._monitor.execute("quit", timeout=LIMITS.quit)
            self._process.process.wait(LIMITS.quit)

    def stop(self) -> None:
        """A level is thrown away, not shut down: what must be kept has been written."""
        if self._ssh is not None:
            self._ssh.close()
            self._ssh = None
        if self._process is not None:
            self._quit()
            self._process.kill()
        if self._monitor is not None:
            self._monitor.close()
            self._monitor = None
        if self._console is not None:
            self._console.close()
            self._console = None
        if self._process is not None:
            os.close(self._process.terminal)
            self._process = None
