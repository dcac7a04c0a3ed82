# SPDX-License-Identifier: GPL-2.0-only
"""``python -m harness``: the same as ``kvmppc``, for a process of ours that starts another."""

from harness.entry import main

main()
