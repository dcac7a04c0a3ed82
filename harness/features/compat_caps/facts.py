# SPDX-License-Identifier: GPL-2.0-only
"""Facts about the ioctl, its capability, arch_compat and L2's mode, beside the general ones of harness/model.
What each is in words is in sentences.py."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from harness.model.cpu import Mode
from harness.model.fact import ErrnoNumber, Fact, Hex, MeasuredCount
from harness.model.level_facts import Ended

# -- arch_compat -----------------------------------------------------------------------------


class Effect(Enum):
    """What a register holds after it was set. Values appear in JSON."""

    STORED = "stored"  # what was set
    UNTOUCHED = "untouched"  # what it held before
    OTHER = "other"
    UNREADABLE = "unreadable"


@dataclass(frozen=True)
class ArchCompatSet(Fact):
    """KVM_SET_ONE_REG(ARCH_COMPAT). holds: only with Effect.OTHER, so that the answer to one value is the
    same whatever was held before."""

    kind = "arch-compat-set"

    errno: ErrnoNumber
    effect: Effect
    holds: Hex | None = None


@dataclass(frozen=True)
class ArchCompatRefused(Fact):
    """Refused, with nothing stored, or this value."""

    kind = "arch-compat-refused"

    errno: ErrnoNumber
    or_holds: Hex


# -- capability and ioctl --------------------------------------------------------------------


@dataclass(frozen=True)
class CapabilityTruthful(Fact):
    """1 where the ioctl has an answer, else 0."""

    kind = "capability-truthful"


@dataclass(frozen=True)
class CompatCaps(Fact):
    """What KVM_PPC_GET_COMPAT_CAPS left in its struct. result: its return value; size: None of a revision
    that has none; beyond: so many bytes behind the struct are not as they were."""

    kind = "compat-caps"

    result: int
    caps: Hex
    flags: Hex = 0
    size: int | None = None
    beyond: int = 0


@dataclass(frozen=True)
class AbsentOrGranted(Fact):
    """Not there (ENOTTY), or these modes."""

    kind = "absent-or-granted"

    caps: Hex


@dataclass(frozen=True)
class CapabilitySays(Fact):
    """Of a probe whose ioctls have no answer. yes: whether KVM_CHECK_EXTENSION says that there is one."""

    kind = "capability-says"

    yes: bool


@dataclass(frozen=True)
class ModeBits(Fact):
    """Bits of the ioctl's bitmap."""

    kind = "mode-bits"

    bits: Hex


@dataclass(frozen=True)
class InCalls(Fact):
    """The same answer to all of so many calls."""

    kind = "in-calls"

    answer: Fact
    calls: int


@dataclass(frozen=True)
class BothOrNone(Fact):
    """The capability and an answer of the ioctl."""

    kind = "both-or-none"


@dataclass(frozen=True)
class CapabilityAndIoctl(Fact):
    """capabilities: numbers that KVM_CHECK_EXTENSION says; served: whether some request has an answer."""

    kind = "capability-and-ioctl"

    capabilities: tuple[int, ...]
    served: bool


@dataclass(frozen=True)
class Capabilities(Fact):
    """(number, what KVM_CHECK_EXTENSION answers)"""

    kind = "capabilities"

    values: tuple[tuple[int, int | None], ...]


@dataclass(frozen=True)
class SameOnEach(Fact):
    """The same answer on each VM."""

    kind = "same-on-each"


@dataclass(frozen=True)
class VmOfKvmPr(Fact):
    """Expected where KVM PR is to be asked."""

    kind = "vm-of-kvm-pr"


@dataclass(frozen=True)
class NoKvmPr(Fact):
    """reason: what creating the VM said."""

    kind = "no-kvm-pr"

    reason: str


@dataclass(frozen=True)
class IoctlToAsk(Fact):
    """Expected where the ioctl's answer is needed."""

    kind = "ioctl-to-ask"


@dataclass(frozen=True)
class NoIoctl(Fact):
    """This kernel has no answer of the ioctl."""

    kind = "no-ioctl"


@dataclass(frozen=True)
class Revisions(Fact):
    """names: of abi.REVISIONS, any of which it may be; none for no ioctl."""

    kind = "revisions"

    names: tuple[str, ...]


@dataclass(frozen=True)
class NothingToTellBy(Fact):
    """No request has an answer by which its revision could be told."""

    kind = "nothing-to-tell-by"


@dataclass(frozen=True)
class ByTheRules(Fact):
    """All answers are as caps_rules.py says. calls: that were made, None for what is expected."""

    kind = "by-the-rules"

    calls: MeasuredCount | None = None


# -- modes that userspace chooses ------------------------------------------------------------


@dataclass(frozen=True)
class SomeMode(Fact):
    """Expected of a bitmap: that it names one, or several."""

    kind = "some-mode"

    several: bool = False


@dataclass(frozen=True)
class NoModeIn(Fact):
    kind = "no-mode-in"

    bits: Hex


@dataclass(frozen=True)
class ModeWorks(Fact):
    """Expected of a mode that userspace chooses: it is accepted, and a guest runs in it."""

    kind = "mode-works"


@dataclass(frozen=True)
class ModeIs(Fact):
    """accepted: and a guest runs in it; else refused when it is set."""

    kind = "mode-is"

    accepted: bool


@dataclass(frozen=True)
class SetAndRun(Fact):
    """set: errno of setting a mode; run: how KVM_RUN ended then."""

    kind = "set-and-run"

    set: ErrnoNumber
    run: Fact


# -- L2 --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class RefusedOrAtMost(Fact):
    """The mode that was asked for is refused, or L2 boots in this one or an older one."""

    kind = "refused-or-at-most"

    mode: Mode


@dataclass(frozen=True)
class NoDpdes(Fact):
    """An L2 whose L0 is a QEMU that knows no DPDES in the guest state buffer. qemu: its version."""

    kind = "no-dpdes"

    end: Ended
    qemu: str
