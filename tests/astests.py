# SPDX-License-Identifier: GPL-2.0-only
"""Records as the project's own tests give them: the functions of testcases/, without pytest around them."""

import importlib.util
import inspect
from functools import partial
from pathlib import Path

from harness.engine.about import About
from harness.engine.checks import Checks
from harness.engine.handles import L1Handle, L2Handle, LevelHandle

TESTCASES = Path(__file__).parent.parent / "testcases"


def functions():
    """Topic -> test function of the project's."""
    found = {}
    for path in sorted(TESTCASES.glob("test_*.py")):
        spec = importlib.util.spec_from_file_location(path.stem, path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        for name, function in inspect.getmembers(module, inspect.isfunction):
            if name.startswith("test_") and hasattr(function, "pytestmark"):
                found[function.pytestmark[0].args[0]] = function
    return found


FUNCTIONS = functions()


class AsTests:
    """running: a RunningL1; all else is asked of it."""

    def __init__(self, running):
        self.running = running

    def __getattr__(self, name):
        return getattr(self.running, name)

    def record_of(self, topic, l2=None, **fixtures):
        function = FUNCTIONS[topic]
        names = inspect.signature(function).parameters
        level = "L2" if "l2" in names else "L0" if "l0" in names else "L1"
        settings = {"level": level, **function.pytestmark[0].kwargs}
        about = About(topic, l2=l2.id if l2 else "", **settings)
        checks = Checks(about)
        l1 = L1Handle(self.running)
        every = {
            "check": checks, "levels": self.running, "l0": LevelHandle(self.running, "L0"), "l1": l1,
            "l2": L2Handle(l1, l2), **fixtures,
        }  # fmt: skip
        body = partial(function, **{name: every[name] for name in names})
        return self.running.record(about, lambda: checks.of(body))

    def record_of_l0(self):
        return self.record_of("l0")

    def record_of_l0_caps(self):
        return self.record_of("l0_caps")

    def record_of_l1(self):
        return self.record_of("l1")

    def record_of_caps(self):
        return self.record_of("caps")

    def record_of_arch_compat(self):
        return self.record_of("arch_compat")

    def record_of_l2(self, setting):
        return self.record_of("l2", setting)

    def record_of_suite(self, topic):
        return self.record_of(topic)

    def record_of_calls(self, calls):
        return self.record_of("calls", calls=calls)

    def record_of_fuzz(self, seconds, seed):
        return self.record_of("fuzz", fuzz=(seconds, seed))

    def record_of_health(self):
        return self.record_of("health")
