# SPDX-License-Identifier: GPL-2.0-only
"""Stands in for what fetches and boots, in a pytest process of its own: ``-p standin``.

What each test comes to is told by SCRIPT, JSON in the environment:
by record, ``7.3-papr-p11@p10-l2host`` or ``7.3-papr-p11@p10 caps``, a value of Kind, "bug", "wait", "die",
or "until", until there is a file "go";
"lacks": by L1, why no machine can be it; "stop": L1s that cannot be stopped;
"levels": by L1, "panic" or "die". With it RunningL1 is the real one, and its levels are stood in for.
"""

import json
import os
import signal
import time
from pathlib import Path

import plans
from quoting import quoted

from harness.engine import fixtures, state
from harness.engine.environment import LocalEnvironment
from harness.health.cause import Evidence, decide
from harness.levels.process import start
from harness.model.cpu import GuestMode, Mode
from harness.model.looks import Look
from harness.model.observation import Boot, End, LevelObservation, Probe
from harness.model.outcome import Outcome, Side
from harness.model.record import Record
from harness.model.verdict import Kind

SCRIPT = json.loads(os.environ["SCRIPT"])
PROBE = Path(__file__).parent / "data/probe-7.3-papr-p11@p10.json"


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def resolve(wanted, options, progress):
    with Path("resolved").open("a") as file:
        file.write(f"{os.getpid()}\n")
    return plans.resolve(wanted, options, progress, SCRIPT.get("lacks", {}))


class Environment(LocalEnvironment):
    def circumstances(self, placement):
        return {}

    def levels(self, placement, directories, boot, key, switched_off):
        return (Level(placement, directories[-1], boot),)


class Level:
    """An L1 on papr, as P11 in the mode of P10, of a kernel that has the merged series."""

    name = "L1"
    page_bytes = 65536
    monitor_command = None

    def __init__(self, placement, directory, boot):
        self.placement, self.directory, self.boot = placement, directory, boot
        self.script = SCRIPT["levels"].get(placement.full_id, "")
        self.gone = True

    def start(self):
        first = not list(self.directory.parent.glob("l1*"))
        self.directory.mkdir(parents=True)
        if self.script == "panic":
            lost = Boot(Outcome.PANIC, "panic", "Kernel panic - not syncing: x", directory="l1")
            return LevelObservation(self.placement.full_id, lost, looks=(Look("L1", "boot", False),))
        if self.script == "die" and first:
            die()
        self.gone = False
        boot = Boot(Outcome.BOOTED, "marker", "ready", GuestMode(Mode.P10), "7.3", build_id="b")
        probe = Probe.from_json(json.loads(PROBE.read_text()))
        looks = (self.look("boot"), self.look("the probe"))
        return LevelObservation(self.placement.full_id, boot, "v2", "kvm_hv", probe, looks=looks)

    def look(self, when):
        return Look("L1", when, True, 0, uptime=1.0, boot=self.boot)

    def glance(self, when):
        return Look("L1", when, False, boot=self.boot)

    def loss(self, doing):
        return (
            decide(Evidence("L1", doing, panic_line="Kernel panic - not syncing: x")) if self.gone else None
        )

    def pause(self, seconds):
        pass

    def boot_guest(self, setting, directory):
        directory.mkdir(parents=True)
        if setting.compat is None:  # POWER11, which is above L1's mode
            return Boot(Outcome.REFUSED_LATE, "run-refused", "error: kvm run failed Invalid argument")
        return Boot(
            Outcome.BOOTED, "marker", "up", GuestMode(Mode.P10), "7.3", 0, build_id="b",
            directory=directory.name, end=End("off", "it left", Side.UNKNOWN), taint=0, taint_left=0,
        )  # fmt: skip

    def stop(self):
        self.gone = True


class L1:
    """In the place of RunningL1."""

    machine = None

    def __init__(self, placement, environment, key, run):
        self.placement = placement
        # A second L1 of a placement fails here, unless its worker is to be killed.
        run.joinpath(placement.full_id).mkdir(exist_ok="die" in SCRIPT.values())

    def stop(self):
        if self.machine:
            self.machine.kill()
        if self.placement.full_id in SCRIPT.get("stop", ()):
            raise RuntimeError("it cannot be stopped")

    def record(self, about, body, so_far=tuple):
        at, topic, l2 = self.placement, about.topic, about.l2
        record = Record(at.kernel, at.topology.short, at.l1.id, l2, topic, None, (), at.full_id, l0=at.l0)
        kind = SCRIPT.get(record.id + ("" if l2 else " " + topic), "as expected")
        if at.full_id in SCRIPT.get("lacks", {}):
            words = SCRIPT["lacks"][at.full_id]
            skip = quoted("machine available", Kind.SKIP, "yes", words)
            return Record(**{**record.__dict__, "verdicts": (skip,)})
        if kind == "bug":
            raise RuntimeError("a bug of ours")
        if kind == "die":
            die()
        if kind == "until":
            while not Path("go").exists():
                time.sleep(0.02)
            kind = "as expected"
        if kind == "wait":
            self.machine = start(["sleep", "60"])
            Path("waiting.part").write_text(str(self.machine.process.pid))
            Path("waiting.part").rename("waiting")
            time.sleep(60)
        verdict = quoted("check", Kind(kind), "this", "that", "a line")
        return Record(**{**record.__dict__, "verdicts": (verdict,)})


state.resolve = resolve
if "levels" in SCRIPT:
    state.environment_of = Environment
else:
    fixtures.RunningL1 = L1
