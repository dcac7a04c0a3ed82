# SPDX-License-Identifier: GPL-2.0-only
"""What a run imports, for preloaded processes: all but the plugin and standin.py, which pytest rewrites."""

import importlib

MODULES = (
    "pytest", "_pytest.junitxml", "_pytest.main", "_pytest.terminal", "execnet.gateway_io",
    "needed_by_commands",
    "harness.engine.controller", "harness.engine.fixtures", "harness.engine.items", "harness.engine.rundir",
    "harness.entry", "harness.features.compat_caps.conformance", "harness.features.compat_caps.registration",
    "harness.features.dexcr", "harness.reports.live", "jsonschema", "plans",
)  # fmt: skip

for each in MODULES:
    importlib.import_module(each)

from harness.reports import html, jsonfile  # noqa: E402

jsonfile._validator()
jsonfile._record_validator()
html._template()
