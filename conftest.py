# SPDX-License-Identifier: GPL-2.0-only
"""Makes ``pytest testcases`` know the scenarios."""

pytest_plugins = ["harness.engine.plugin"]
