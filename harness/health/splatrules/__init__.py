# SPDX-License-Identifier: GPL-2.0-only
"""Which line begins a splat, and what it is called: one row for each form in which a kernel, or the firmware
below it, complains. The forms were read in Linux 6.12, 7.2 and 7.3; each row names who prints it.

To add one, add a row in the file of its kind, and a console to tests/data/consoles/.
"""

from __future__ import annotations

import functools
import re

from harness.health.splatrules import faults, stalls
from harness.health.splatrules import machine_check as machine
from harness.health.splatrules import memory_errors as memory
from harness.health.splatrules import self_checks as checks
from harness.health.splatrules.machine_check import CONSEQUENCES
from harness.health.splatrules.rule import End, Rule, Where, rule
from harness.health.splatrules.self_checks import SHARED_CHECKS, SharedCheck

__all__ = ["CONSEQUENCES", "RULES", "SHARED_CHECKS", "End", "Rule", "SharedCheck", "Where", "any_rule"]

# The first that matches: those that take anything of their kind come last.
RULES = (
    *checks.RULES,
    *memory.RULES,
    *stalls.RULES,
    *faults.RULES,
    *machine.RULES,
    rule(
        "of-error",
        r"OF: ERROR: (?!next of_node_put\(\))(?P<what>\S.*)",
        "OF: ERROR: {what}",
        "drivers/of/",
        where=Where.NOWHERE,
        end=End.LINE,
    ),
    rule(
        "bug", r"BUG: (?P<what>\S.*)", "BUG: {what}", "anywhere that a kernel says BUG", where=Where.NOWHERE
    ),
)


@functools.cache
def any_rule() -> re.Pattern[str]:
    """What begins any of them. Nearly all lines of a console begin none, and to ask all rules one by one is
    13 times the work."""
    forms = (re.sub(r"\(\?P<\w+>", "(?:", each.pattern.pattern) for each in RULES)
    return re.compile("|".join(f"(?:{form})" for form in forms))
