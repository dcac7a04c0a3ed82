# SPDX-License-Identifier: GPL-2.0-only
"""kvmppc bisect and bisect-step."""
