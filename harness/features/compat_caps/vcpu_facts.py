# SPDX-License-Identifier: GPL-2.0-only
"""Facts about vcpus that run: how KVM_RUN ends, what is in force meanwhile, and L2's clocks. What each is in
words is in sentences.py."""

from __future__ import annotations

from dataclasses import dataclass

from harness.model.cpu import Mode
from harness.model.fact import ErrnoNumber, Fact, Hex, Measured, MeasuredCount, MeasuredCounts
from harness.model.facts import Register

# -- how KVM_RUN ends ------------------------------------------------------------------------


@dataclass(frozen=True)
class RunsToEnd(Fact):
    """The micro-guest does all that it has to do. pvr: that it reads, None if that does not matter; or_isa31:
    it may as well stop at an instruction of ISA 3.1."""

    kind = "runs-to-end"

    pvr: Hex | None = None
    or_isa31: bool = False


@dataclass(frozen=True)
class InterruptAt(Fact):
    """at: address, None for that of the instruction of ISA 3.1; pvr: that the guest read."""

    kind = "interrupt-at"

    vector: Hex
    at: Hex | None
    pvr: Hex


@dataclass(frozen=True)
class Interrupt(Fact):
    kind = "interrupt"

    vector: Hex


@dataclass(frozen=True)
class ZeroSet(Fact):
    """What became of setting arch_compat to 0. stored: None where it cannot be read."""

    kind = "zero-set"

    errno: ErrnoNumber
    stored: Hex | None


@dataclass(frozen=True)
class Reads(Fact):
    """What a register is read as."""

    kind = "reads"

    value: Fact


@dataclass(frozen=True)
class NoGuestRan(Fact):
    """run: how KVM_RUN ended."""

    kind = "no-guest-ran"

    run: Fact


@dataclass(frozen=True)
class NotSetFirst(Fact):
    """A mode that had to be set before the question was not."""

    kind = "not-set-first"

    mode: Mode
    errno: ErrnoNumber


# -- what is in force ------------------------------------------------------------------------


@dataclass(frozen=True)
class PcrBits(Fact):
    """Version bits of PCR while a guest runs. arch_compat: as it is read then, None where that is as it
    should be."""

    kind = "pcr-bits"

    bits: Hex
    arch_compat: Register | None = None


@dataclass(frozen=True)
class RunRefused(Fact):
    """errno: of KVM_RUN."""

    kind = "run-refused"

    errno: ErrnoNumber


@dataclass(frozen=True)
class SetThenRun(Fact):
    """set: errno, None where nothing was set; run: how KVM_RUN ended, None if the guest runs."""

    kind = "set-then-run"

    set: ErrnoNumber | None
    run: Fact | None


@dataclass(frozen=True)
class DidNotRun(Fact):
    kind = "did-not-run"


@dataclass(frozen=True)
class WhileLookedAt(Fact):
    """What went wrong while the guest was looked at."""

    kind = "while-looked-at"

    problem: Fact


@dataclass(frozen=True)
class NotSeen(Fact):
    """shown: so many samples show the guest; counts: (PCR, so many of them)."""

    kind = "not-seen"

    shown: MeasuredCount = 0
    samples: MeasuredCount = 0
    counts: MeasuredCounts = ()
    reason: str = ""


@dataclass(frozen=True)
class NoMonitor(Fact):
    """No QEMU of ours emulates the machine, so there is no CPU to look at."""

    kind = "no-monitor"


@dataclass(frozen=True)
class IsaUpTo(Fact):
    """mode: that has this ISA; newer: and all newer ones."""

    kind = "isa-up-to"

    mode: Mode
    newer: bool = False


@dataclass(frozen=True)
class ModesInForce(Fact):
    kind = "modes-in-force"

    modes: tuple[Mode, ...]


@dataclass(frozen=True)
class ModesRefused(Fact):
    kind = "modes-refused"

    modes: tuple[Mode, ...]


# -- clocks ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class SameTime(Fact):
    """By L1's and by L2's clock."""

    kind = "same-time"


@dataclass(frozen=True)
class ClockDiffers(Fact):
    """fast: whether L2's is; l2, l1: the same time by both, in ms."""

    kind = "clock-differs"

    fast: bool
    l2: Measured
    l1: Measured


@dataclass(frozen=True)
class Runs(Fact):
    """So many runs of a guest."""

    kind = "runs"

    count: int


@dataclass(frozen=True)
class RunsEnd(Fact):
    """Expected of runs that measure something."""

    kind = "runs-end"


@dataclass(frozen=True)
class Decrementer(Fact):
    """Its interrupt comes within so many ms."""

    kind = "decrementer"

    vector: Hex
    within: Measured


@dataclass(frozen=True)
class FiresAfter(Fact):
    """first, last: of all runs, in ms of L2's clock; set_to: ms."""

    kind = "fires-after"

    first: Measured
    last: Measured
    set_to: Measured


@dataclass(frozen=True)
class NotEarly(Fact):
    """The decrementer does not interrupt before its time."""

    kind = "not-early"


@dataclass(frozen=True)
class EarlyByQemu(Fact):
    """It does, and that is QEMU's."""

    kind = "early-by-qemu"
