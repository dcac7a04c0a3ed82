# SPDX-License-Identifier: GPL-2.0-only
"""Features of KVM that are tested: one folder each."""
