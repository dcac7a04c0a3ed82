# SPDX-License-Identifier: GPL-2.0-only
"""Linux series "KVM: PPC: Handle CPU compatibility mode for nested guests"."""
