# SPDX-License-Identifier: GPL-2.0-only
"""Faults of the surroundings, injected into real runs: see bench/faults.py."""
