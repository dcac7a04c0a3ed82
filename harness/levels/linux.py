# SPDX-License-Identifier: GPL-2.0-only
"""A level with our userland on it, on whatever machine: boot it, log in, probe it, start guests in it."""

from __future__ import annotations

import json
import time
from pathlib import Path

from harness.levels import guest
from harness.levels.asking import OUR_PROGRAMS, Asking, start_of
from harness.levels.commands import Nonce
from harness.levels.console import Console, Ended
from harness.levels.limits import LIMITS
from harness.levels.machine import Death, Machine
from harness.levels.setup import Setup
from harness.levels.ssh import Completed, Connection
from harness.model.classify import Finding
from harness.model.cpu import mode_of_cpuinfo, mode_of_pvr
from harness.model.errors import InfrastructureError
from harness.model.observation import Boot, LevelObservation, Probe
from harness.model.outcome import Outcome
from harness.model.scenario import L2Setting


class LinuxLevel:
    """One L0 or L1. A level that has died is not started again: make a new one.

    name: ``L1``; directory: made by start(), for its own logs.
    """

    def __init__(self, name: str, setup: Setup, machine: Machine, directory: Path):
        self.name = name
        self.setup = setup
        self.machine = machine
        self.directory = directory
        self.console: Console | None = None
        self.page_kb = 0
        self.lost = False  # set when it was found not to answer any more
        self._ssh: Connection | None = None

    # -- start ---------------------------------------------------------------------------

    def start(self) -> LevelObservation:
        """Boot, log in, probe. The level must be stopped afterwards whatever this returns."""
        self.directory.mkdir(parents=True)
        phases: dict[str, float] = {}
        began = time.monotonic()
        try:
            self.console = self.machine.start(
                Nonce.new(), self.directory, f"{self.name} of {self.setup.placement.full_id}"
            )
            boot = self._wait_until_ready(self.console, phases, began)
            if boot.outcome is not Outcome.BOOTED:
                return self._observation(boot)
            began = time.monotonic()
            host_key = self.console.reports["ready"]["hostkey"]
            self._ssh = self.machine.connect(host_key, self.setup.key, LIMITS.ssh)
            phases["ssh"] = time.monotonic() - began
            began = time.monotonic()
            probe = self._probe()
            phases["probe"] = time.monotonic() - began
        except InfrastructureError as error:
            return self._observation(self._failed(str(error), phases))
        return self._observation(boot, probe)

    def _wait_until_ready(self, console: Console, phases: dict[str, float], began: float) -> Boot:
        ended = console.wait(
            lambda seen: bool(seen.reports) or (seen.finding is not None and seen.finding.final),
            LIMITS.l1_boot,
            LIMITS.l1_silence,
        )
        phases["boot"] = time.monotonic() - began
        if console.log_trouble:
            return self._failed(console.log_trouble, phases)
        trouble = console.reports.get("trouble")
        report = console.reports.get("ready")
        if report is None:
            if trouble is not None:
                words = f"this kernel lacks what the harness needs in {self.name}: {trouble['step']} failed"
                return Boot(
                    Outcome.INFRASTRUCTURE, "trouble", words, phases=phases, directory=self.directory.name
                )
            return self._ended_badly(console, ended, phases)
        version = report["cpu_version"]
        mode = mode_of_pvr(int(version, 16)) if version else mode_of_cpuinfo(f"cpu : {report['cpu']}")
        self.page_kb = report["page_kb"]
        return Boot(
            Outcome.BOOTED, "marker", f"ready: {report['release']}, {report['cpu']}", mode,
            release=report["release"], build_id=report["build_id"], phases=phases,
            directory=self.directory.name,
        )  # fmt: skip

    def _probe(self) -> Probe:
        done = self.run(start_of("probe", OUR_PROGRAMS), LIMITS.probe)
        (self.directory / "probe.json").write_text(done.stdout)
        if done.status:
            last = (done.stderr.strip().splitlines() or ["no output"])[-1]
            raise InfrastructureError(f"the probe ended with {done.status} in {self.name}: {last}")
        try:
            return Probe.from_json(json.loads(done.stdout))
        except (ValueError, KeyError, TypeError) as error:
            raise InfrastructureError(
                f"the probe's answer is no such document: {error}", log=self.directory / "probe.json"
            ) from None

    def _observation(self, boot: Boot, probe: Probe | None = None) -> LevelObservation:
        report = self.console.reports.get("ready", {}) if self.console else {}
        return LevelObservation(
            self.setup.placement.full_id, boot, report.get("nested_api", ""), report.get("kvm", ""), probe
        )

    # -- how it died ---------------------------------------------------------------------

    def _failed(self, words: str, phases: dict[str, float]) -> Boot:
        """An infrastructure failure, unless the machine itself tells more."""
        decided = self.death() or (Outcome.INFRASTRUCTURE, "harness", words)
        return Boot(*decided, phases=phases, directory=self.directory.name)

    def _ended_badly(self, console: Console, ended: Ended, phases: dict[str, float]) -> Boot:
        decided = self.death()
        if decided is None and ended is Ended.EOF:
            status = self.machine.wait(LIMITS.stop)
            decided = (
                Outcome.INFRASTRUCTURE,
                "exit",
                f"QEMU ended with status {status}: {console.last_line or 'no output'}",
            )
        if decided is None:
            words = "no console output" if ended is Ended.SILENCE else "not ready in time"
            proof = f"{words}; QEMU says {self.machine.condition()}; last line: {console.last_line}"
            decided = (Outcome.HANG, ended.value, proof)
        return Boot(*decided, phases=phases, directory=self.directory.name)

    def death(self) -> Death | None:
        """How this level was lost, by its own last words or by what befell what runs it."""
        if self.console is None:
            return None
        finding = self.console.finding
        if finding is not None and finding.final:
            self.lost = True
            # QEMU's own words on such a machine are about our command line or host.
            ours = finding.outcome is Outcome.QEMU_ERROR
            return (Outcome.INFRASTRUCTURE if ours else finding.outcome), finding.key, finding.line
        decided = self.machine.death()
        self.lost = self.lost or decided is not None
        return decided

    @property
    def finding(self) -> Finding | None:
        return self.console.finding if self.console is not None else None

    # -- use -----------------------------------------------------------------------------

    @property
    def alive(self) -> bool:
        """As far as is known without asking it."""
        if self.lost or self._ssh is None or self.console is None or self.machine.exit_status is not None:
            return False
        return not (self.console.finding is not None and self.console.finding.final)

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
            raise InfrastructureError(f"{self.name} of {self.setup.placement.full_id} is not up")
        return self._ssh

    @property
    def page_bytes(self) -> int:
        return self.page_kb * 1024

    def asking(self) -> Asking:
        return Asking(self.connection, OUR_PROGRAMS, LIMITS.suite)

    @property
    def commands(self) -> list[list[str]]:
        """Of its machine and of all that run it, outermost first."""
        return [*self.machine.around, self.machine.command]

    def boot_guest(self, setting: L2Setting, directory: Path) -> Boot:
        return guest.boot(self, setting, directory)

    # -- stop ----------------------------------------------------------------------------

    def stop(self) -> None:
        """A level is thrown away, not shut down: what must be kept has been written."""
        if self._ssh is not None:
            self._ssh.close()
            self._ssh = None
        self.machine.stop()
        if self.console is not None:
            self.console.close()
            self.console = None
        self.machine.close()
