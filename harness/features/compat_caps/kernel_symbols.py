# SPDX-License-Identifier: GPL-2.0-only
"""What the symbol table of a prebuilt kernel says of the series."""

from __future__ import annotations

from collections.abc import Collection

# What kvmppc_ops points to in KVM HV, so that no compiler can inline it away: in Linux 7.3 and the mails of
# v4 and v5, in those of v1 to v3, and in our own series (kernel-patches/).
BACKENDS = ("kvmppc_get_compat_caps", "kvmppc_get_compat_cpu_caps", "kvmhv_get_compat_caps")

# Beside them in the same struct of the same file, in 6.12 to 7.3: a table without it would not
# show the others either.
WITNESS = "kvmppc_hash_v3_possible"

SYMBOLS = (WITNESS, *BACKENDS)


def has_ioctl(names: Collection[str]) -> bool | None:
    """Whether the kernel has an implementation of KVM_PPC_GET_COMPAT_CAPS in KVM HV. names: those of SYMBOLS
    that its table has. None if the table would not show it."""
    if WITNESS not in names:
        return None
    return any(each in names for each in BACKENDS)
