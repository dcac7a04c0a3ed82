# SPDX-License-Identifier: GPL-2.0-only
"""A kernel that does what the rules say, as far as a test of what judges it needs one."""

from harness.features.compat_caps.calls import Answer
from harness.features.compat_caps.caps_rules import expect


def answer(kernel, call):
    expected = expect(kernel, call)
    changed = {at: value for at, value in expected.writes if call.memory.byte(at) != value}
    return Answer(-1 if expected.errno else 0, expected.errno, changed)
