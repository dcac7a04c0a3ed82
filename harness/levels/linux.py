# SPDX-License-Identifier: GPL-2.0-only
"""A level with our userland on it, on whatever machine: boot it, log in, probe it, start guests in it."""

from __future__ import annotations

import contextlib
import json
import secrets
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from harness.health.cause import Evidence, Loss, Reach, decide
from harness.health.ending import mode_of, trouble_of
from harness.levels import guest
from harness.levels.asking import MORE_PROGRAMS, OUR_PROGRAMS, ProgramEnded, QuerySession, put, start_of
from harness.levels.commands import Nonce
from harness.levels.console import Console, Ended
from harness.levels.healthlook import HealthWatch
from harness.levels.machine import Machine
from harness.levels.nip_samples import sample
from harness.levels.patience import wait_for
from harness.levels.setup import Setup
from harness.levels.ssh import Completed, Connection
from harness.levels.stuck import stuck
from harness.levels.symbols import Symbols
from harness.model.errors import InfrastructureError
from harness.model.looks import Look
from harness.model.observation import Boot, End, LevelObservation, Probe
from harness.model.outcome import Outcome
from harness.model.program import Program
from harness.model.scenario import L2Setting
from harness.model.splat import Splat

# Processes of ours in a level: what is asked of its KVM is asked by one of them.
_OUR_PIDS = "pidof python3"


class LinuxLevel:
    """One L0 or L1. A level that has died is not started again: make a new one.

    name: ``L1``; directory: made by start(), for its own logs; boot: which start of this level in
    its placement, from 1.
    """

    def __init__(
        self, name: str, setup: Setup, machine: Machine, directory: Path, symbols: Symbols, boot: int
    ):
        self.name = name
        self.setup = setup
        self.machine = machine
        self.directory = directory
        self.symbols = symbols
        self.console: Console | None = None
        self.page_kb: int  # known once it is up
        self._host_key = ""
        self._ssh: Connection | None = None
        self._loss: Loss | None = None
        self._watch = HealthWatch(name, boot)
        self._before: tuple[Splat, ...] = ()  # on the console when what goes on now began
        self._began = time.monotonic()

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
        except InfrastructureError as error:
            outer = self.machine.state().outer
            if outer is not None:
                return self._observation(self._lost(decide(Evidence(self.name, outer=outer)), {}))
            boot = Boot(Outcome.INFRASTRUCTURE, "harness", str(error), directory=self.directory.name)
            return self._observation(boot)
        boot = self._wait_until_ready(self.console, phases, began)
        if boot.outcome is not Outcome.BOOTED:
            return self._observation(boot, looks=[self.glance("boot")])
        looks: list[Look] = []
        try:
            began = time.monotonic()
            self._host_key = self.console.reports["ready"]["hostkey"]
            self._ssh = self.machine.connect(self._host_key, self.setup.key, self.setup.limits.ssh)
            phases["ssh"] = time.monotonic() - began
            looks.append(self.look("boot"))
            began = time.monotonic()
            probe = self._probe()
            phases["probe"] = time.monotonic() - began
        except InfrastructureError as error:
            signal = error.signal if isinstance(error, ProgramEnded) else 0
            loss = self.diagnose("the probe of its KVM" if looks else "the first login", str(error), signal)
            looks.append(self.glance("the probe"))
            return self._observation(boot, lost=End(loss.rule, loss.proof, loss.side), looks=looks)
        looks.append(self.look("the probe"))
        return self._observation(boot, probe, looks)

    def _wait_until_ready(self, console: Console, phases: dict[str, float], began: float) -> Boot:
        limits = self.setup.limits
        ended = wait_for(
            console, lambda seen: bool(seen.reports) or seen.panicked, limits.l1_boot, limits.l1_silence,
            lag=self.lag, monitor=self.monitor_command, symbols=self.symbols,
        )  # fmt: skip
        phases["boot"] = time.monotonic() - began
        report, trouble = console.reports.get("ready"), console.reports.get("trouble")
        if report is not None and trouble is None and not console.log_trouble:
            self.page_kb = report["page_kb"]
            return Boot(
                Outcome.BOOTED, "marker", f"ready: {report['release']}, {report['cpu']}", mode_of(report),
                release=report["release"], build_id=report["build_id"], phases=phases,
                directory=self.directory.name,
            )  # fmt: skip
        if trouble is not None and not console.log_trouble:
            outcome, rule, words = trouble_of(self.name, trouble["step"], console.lines)
            return Boot(outcome, rule, words, phases=phases, directory=self.directory.name)
        if ended is Ended.EOF:
            self.machine.wait(limits.stop)
        words = "no console output" if ended is Ended.SILENCE else "not ready in time"
        return self._lost(self.diagnose(f"{self.name} boots: {words}"), phases)

    def _probe(self) -> Probe:
        done = self.run(start_of("levelfacts", OUR_PROGRAMS), self.setup.limits.probe)
        (self.directory / "probe.json").write_text(done.stdout)
        if done.status:
            raise ProgramEnded("the probe", done)
        try:
            return Probe.from_json(json.loads(done.stdout))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise InfrastructureError(
                f"the probe's output is not valid: {error}", log=self.directory / "probe.json"
            ) from None

    def _observation(
        self, boot: Boot, probe: Probe | None = None, looks: Sequence[Look] = (), lost: End | None = None
    ) -> LevelObservation:
        report = self.console.reports.get("ready", {}) if self.console else {}
        return LevelObservation(
            self.setup.placement.full_id, boot, report.get("nested_api", ""), report.get("kvm", ""), probe,
            self.name, tuple(looks), lost,
        )  # fmt: skip

    def _lost(self, loss: Loss, phases: dict[str, float]) -> Boot:
        splats = (loss.splat,) if loss.splat is not None else ()
        return Boot(
            loss.outcome, loss.rule, loss.proof, phases=phases, directory=self.directory.name, splats=splats
        )

    # -- health --------------------------------------------------------------------------

    def glance(self, when: str) -> Look:
        return self._looked(self._watch.glance(self._settled_splats(), when))

    def _settled_splats(self) -> tuple[Splat, ...]:
        return self.console.settled_splats() if self.console else ()

    def look(self, when: str) -> Look:
        if self.gone:
            words = self._loss.proof if self._loss else "it is gone"
            return replace(self.glance(when), reason=words)
        seen = self._watch.look(self._settled_splats, self.run, when, self.setup.limits.health)
        return self._looked(seen)

    def _looked(self, look: Look) -> Look:
        starved = self.starved_since(self._began)
        self._begin()
        return replace(look, starved=starved)

    def _begin(self) -> None:
        """What comes from now on belongs to what goes on next."""
        self._before = self.console.splats() if self.console else ()
        self._began = time.monotonic()

    # -- how it was lost -----------------------------------------------------------------

    def loss(self, doing: str) -> Loss | None:
        if self._loss is None and (self.gone or not self._answers()):
            self._loss = self.diagnose(doing)
        return self._loss

    def diagnose(self, doing: str, ended: str = "", ended_by: int = 0) -> Loss:
        machine = self.machine.state()
        known = machine.outer or machine.hdsi or machine.killed_by_signal or machine.exit_status is not None
        over = machine.process_state in ("T", "t") or (self.console is not None and self.console.panicked)
        evidence = Evidence(self.name)
        if not (known or over):
            evidence = self._asked()
            # A QEMU that is about to end answers nothing, and is seen to have ended a moment later.
            machine = self.machine.state()
        evidence = replace(
            self._with_console(evidence),
            doing=doing,
            exit_status=machine.exit_status,
            killed_by_signal=machine.killed_by_signal,
            signal=machine.signal,
            shutdown=machine.shutdown,
            process_state=machine.process_state,
            monitor=machine.monitor,
            caught=machine.caught,
            hdsi=machine.hdsi,
            ended=ended,
            ended_by=ended_by,
            starved=machine.starved,
            outer=machine.outer,
        )
        self._loss = decide(evidence)
        return self._loss

    def _with_console(self, evidence: Evidence) -> Evidence:
        """And what its console shows by now."""
        console = self.console
        if console is None:
            return replace(evidence, never_spoke=True)
        splats = console.splats()
        return replace(
            evidence,
            splats=splats[len(self._before) :],
            before=splats[: len(self._before)],
            qemu_line=console.qemu_line,
            finding=console.finding,
            panic_line=console.panic_line,
            disk_line=console.disk_line,
            never_spoke=not console.spoke,
            # One that was up is silent until it is asked.
            waited=0.0 if self._host_key else console.silent_for,
            log_trouble=console.log_trouble,
            last_line=console.last_line,
        )

    def _asked(self) -> Evidence:
        """What it answers, and where it is caught if it does."""
        samples = sample(self.machine.monitor_command, self.symbols)
        evidence = replace(self._reach(), samples=samples)
        if evidence.reach in (Reach.ANSWERS, Reach.RECONNECTED):
            return replace(evidence, stuck=stuck(self.run, _OUR_PIDS, self.setup.limits.answer))
        return self._asked_on_console(evidence) if self._host_key else evidence

    def _answers(self) -> bool:
        """Whether its userland still runs a command."""
        try:
            return self.run("true", self.setup.limits.answer).status == 0
        except InfrastructureError:
            return False

    def _reach(self) -> Evidence:
        """Over the connection there is, else over a new one. It has broken only where this end knows it: a
        level that takes long to answer has not lost it."""
        seen = Evidence(self.name)
        try:
            if self.run("true", self.setup.limits.answer).status == 0:
                return replace(seen, reach=Reach.ANSWERS)
            words = "it answers, and not as it should"
        except InfrastructureError as error:
            words = str(error)
        if not self._host_key:
            return seen
        broken = self._ssh is not None and not self._ssh.active
        try:
            fresh = self.machine.connect(self._host_key, self.setup.key, self.setup.limits.answer)
        except InfrastructureError as error:
            return replace(seen, reach=Reach.SILENT, reach_words=f"{words}; {error}")
        if self._ssh is not None:
            self._ssh.close()
        self._ssh = fresh
        if not self._answers():
            return replace(seen, reach=Reach.SILENT, reach_words=words)
        return replace(seen, reach=Reach.RECONNECTED if broken else Reach.ANSWERS, reach_words=words)

    def _asked_on_console(self, evidence: Evidence) -> Evidence:
        """And whether the shell on its console does a sum, if anybody can type there; and whether it says
        that its network device has no link (Linux Documentation/ABI/testing/sysfs-class-net, carrier)."""
        assert self.console is not None
        first, second = (secrets.randbits(24) for _ in range(2))
        asked = f"echo kvmppc-sum-$(({first}+{second}))-link-$link"
        if not self.machine.type_on_console(f"\nread -r link </sys/class/net/eth0/carrier; {asked}\n"):
            return evidence
        wanted = f"kvmppc-sum-{first + second}-link-"
        met = self.console.wait(
            lambda seen: any(wanted in line for line in seen.lines[-50:]),
            self.setup.limits.answer, self.setup.limits.answer,
        )  # fmt: skip
        down = any(f"{wanted}0" in line for line in self.console.lines)
        return replace(evidence, console_answers=met is Ended.MET, link_down=down)

    # -- use -----------------------------------------------------------------------------

    @property
    def gone(self) -> bool:
        if self._loss is not None or self._ssh is None or self.console is None:
            return True
        return self.console.over or self.machine.exit_status is not None

    def run(self, command: str, timeout: float, stdin: bytes = b"") -> Completed:
        return self.connection.run(command, timeout, stdin)

    @property
    def connection(self) -> Connection:
        """InfrastructureError before it is ready and after it was stopped."""
        if self._ssh is None:
            raise InfrastructureError(f"{self.name} of {self.setup.placement.full_id} is not up")
        return self._ssh

    def lag(self) -> float:
        return self.machine.lag()

    def starved(self) -> float:
        return self.machine.starved()

    def starved_since(self, moment: float) -> float:
        return self.machine.starved_since(moment)

    def monitor_command(self, line: str) -> str:
        return self.machine.monitor_command(line)

    def pause(self, seconds: float) -> None:
        """Let it go on for so long by its own clock. Never raises."""
        with contextlib.suppress(InfrastructureError):
            self.run(f"sleep {seconds:g}", self.setup.limits.health + seconds)

    @property
    def page_bytes(self) -> int:
        return self.page_kb * 1024

    def asking(self, program: Program | None = None) -> QuerySession:
        connection, seconds = self.connection, self.setup.limits.suite
        if program is None:
            return QuerySession(connection, OUR_PROGRAMS, seconds)
        there = put(self.run, program, MORE_PROGRAMS, self.setup.limits.ssh)
        return QuerySession(connection, there, seconds, program.module, OUR_PROGRAMS)

    @property
    def commands(self) -> list[list[str]]:
        """Of its machine and of all that run it, outermost first."""
        return [*self.machine.enclosing_commands, self.machine.command]

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
