# SPDX-License-Identifier: GPL-2.0-only
"""Avocado's resolver and runner."""
