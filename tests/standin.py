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
from types import SimpleNamespace

from quoting import quoted

from harness.engine import plugin
from harness.features.compat_caps.behaviour import MERGED_SERIES
from harness.features.compat_caps.expectation import Expected
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


class Prepared:
    notes = ("a note",)
    qemu_text = "QEMU 11.1.3"
    l1_qemu_text = "11.1.3"
    qemu_version = (11, 1, 3)

    def __init__(self, plan):
        build = SimpleNamespace(
            release="7.3", banner="", identity="x", build_id="b", origin="", texts={}, found_running=False
        )
        boots = SimpleNamespace(l1_qemu=(11, 1, 3))
        kernel = SimpleNamespace(build=build, expected=Expected(MERGED_SERIES), boot_set=boots)
        self.kernels = dict.fromkeys(plan.kernels, kernel)
        self.l0_kernels = dict.fromkeys(plan.l0_kernels, kernel)

    def damage(self, placement):
        return ""

    def lacks(self, placement):
        return SCRIPT.get("lacks", {}).get(placement.full_id, "")

    def l0_of(self, placement):
        return None

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

    def __init__(self, placement, prepared, key, run, off, allowed):
        self.placement = placement
        # A second L1 of a placement fails here, unless its worker is to be killed.
        run.joinpath(placement.full_id).mkdir(exist_ok="die" in SCRIPT.values())

    def stop(self):
        if self.machine:
            self.machine.kill()
        if self.placement.full_id in SCRIPT.get("stop", ()):
            raise RuntimeError("it cannot be stopped")

    def record(self, topic, l2=""):
        at = self.placement
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

    def record_of_l0(self):
        return self.record("l0")

    def record_of_l0_caps(self):
        return self.record("l0_caps")

    def record_of_l1(self):
        return self.record("l1")

    def record_of_caps(self):
        return self.record("caps")

    def record_of_arch_compat(self):
        return self.record("arch_compat")

    def record_of_l2(self, setting):
        return self.record("l2", setting.id)

    def record_of_health(self):
        return self.record("health")


plugin.ready = lambda plan, options, progress: Prepared(plan)
if "levels" not in SCRIPT:
    plugin.RunningL1 = L1
