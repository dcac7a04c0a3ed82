# SPDX-License-Identifier: GPL-2.0-only
"""What the commands import when they run, for preloaded processes: all that does the work."""

import importlib

from harness.cli import COMMANDS

for row in COMMANDS:
    row.load()
for each in (
    "harness.commands.bisect.request", "harness.commands.boot", "harness.commands.compare",
    "harness.commands.each_patch", "harness.commands.mutants", "harness.commands.probe",
    "harness.commands.report", "harness.commands.run_plan", "harness.entry",
):  # fmt: skip
    importlib.import_module(each)
