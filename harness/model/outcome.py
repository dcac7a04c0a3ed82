# SPDX-License-Identifier: GPL-2.0-only
"""How a boot ends, in words."""

from __future__ import annotations

from enum import Enum


class Side(Enum):
    """Whose fault it is that something was lost. Values appear in JSON."""

    KERNEL = "kernel"
    SURROUNDINGS = "surroundings"
    UNKNOWN = "unknown"


class Outcome(Enum):
    """End of one boot. Values appear in JSON and reports."""

    BOOTED = "booted"
    REFUSED_EARLY = "refused early"  # KVM refuses the mode when it is set; no guest instruction has run
    REFUSED_LATE = "refused late"  # KVM_RUN fails
    QEMU_ERROR = "QEMU error"  # QEMU gives up for a reason of its own
    PANIC = "panic"
    HANG = "hang"
    INFRASTRUCTURE = "infrastructure error"  # says nothing about the kernel
    UNKNOWN = "not known"  # no evidence against the kernel, and none against the surroundings

    @property
    def short(self) -> str:
        """At most 8 characters, for the grid."""
        return _SHORT[self]


_SHORT = {
    Outcome.BOOTED: "boots",
    Outcome.REFUSED_EARLY: "early",
    Outcome.REFUSED_LATE: "late",
    Outcome.QEMU_ERROR: "qemu-err",
    Outcome.PANIC: "panic",
    Outcome.HANG: "hang",
    Outcome.INFRASTRUCTURE: "infra",
    Outcome.UNKNOWN: "unknown",
}
