# SPDX-License-Identifier: GPL-2.0-only
"""What a run imports, for preloaded processes: all but the plugin and standin.py, which pytest rewrites."""

import importlib

MODULES = (
    "pytest", "_pytest.junitxml", "_pytest.main", "_pytest.terminal", "execnet.gateway_io", "harness.cli",
    "harness.engine.activity", "harness.engine.running_l1", "harness.engine.rundir", "harness.entry",
    "harness.engine.resolve_environment", "harness.reports.live", "jsonschema",
)  # fmt: skip

for each in MODULES:
    importlib.import_module(each)

from harness.reports import html, jsonfile  # noqa: E402

jsonfile._validator()
html._template()
