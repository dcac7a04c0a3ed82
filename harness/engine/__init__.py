# SPDX-License-Identifier: GPL-2.0-only
"""From a plan to records: resolving, pytest, fixtures, the run's directory."""
