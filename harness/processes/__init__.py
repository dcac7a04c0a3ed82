# SPDX-License-Identifier: GPL-2.0-only
"""Starting programs so that none of them outlives us. Imports nothing of ours."""
