# SPDX-License-Identifier: GPL-2.0-only
"""What is expected or observed of the registers: the one place that makes such a value. What each is in words
is in sentences.py."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from harness.features.dexcr.suite import Read, Run
from harness.model.cpu import Mode
from harness.model.fact import ErrnoNumber, Fact, Hex
from harness.model.facts import AllOf, Each, Errno, ExitReason, Hypercall, Register

# One for each vcpu or call, in their order.
Value = Each

_KVM_EXIT_PAPR_HCALL = 19
HCALL_DONE, HCALL_INTERRUPT = 0xF000, 0xF004
# GPRs that guest/dexcr.py's guests leave, beside that which microguest.py's INTERRUPT does.
SEEN, THEN, DID = 5, 6, 7
_NIP, _VECTOR = 8, 9


@dataclass(frozen=True)
class AnotherValue(Fact):
    """A value that is there by chance, and another one in each run."""

    kind = "dexcr-another-value"


@dataclass(frozen=True)
class SomeValue(Fact):
    """Whatever it is."""

    kind = "dexcr-some-value"


@dataclass(frozen=True)
class GuestDone(Fact):
    """A guest came to its end."""

    kind = "dexcr-guest-done"


@dataclass(frozen=True)
class GuestInterrupted(Fact):
    kind = "dexcr-guest-interrupted"

    vector: Hex
    nip: Hex


@dataclass(frozen=True)
class OlderPvr(Fact):
    """A guest that did nothing, for the machine's PVR has no such register."""

    kind = "dexcr-older-pvr"


@dataclass(frozen=True)
class HashLetter(Fact):
    """The same letter for the same hash; '' for no hash."""

    kind = "dexcr-hash"

    letter: str = ""


@dataclass(frozen=True)
class SizedCalls(Fact):
    """KVM_GET_ONE_REG and KVM_SET_ONE_REG with another size, in bytes. wrote: whether the first wrote
    something."""

    kind = "dexcr-sized-calls"

    size: int
    got: ErrnoNumber
    wrote: bool
    put: ErrnoNumber


@dataclass(frozen=True)
class RegisterOfGuest(Fact):
    """Expected where a guest is to have a register."""

    kind = "dexcr-register-of-guest"


@dataclass(frozen=True)
class NoneInMode(Fact):
    """L1 is in a mode that has none of the registers."""

    kind = "dexcr-none-in-mode"

    mode: Mode


@dataclass(frozen=True)
class NoneInKernel(Fact):
    """This kernel has no such register."""

    kind = "dexcr-none-in-kernel"


@dataclass(frozen=True)
class ReadableByL1(Fact):
    """Expected where L1's own register is to be compared."""

    kind = "dexcr-readable-by-l1"


def of(facts: Iterable[Fact]) -> Value:
    return Each(tuple(facts))


def both(one: Value, other: Value) -> AllOf:
    return AllOf((one, other))


def errnos(numbers: Sequence[int]) -> Value:
    return of(Errno(each) for each in numbers)


def read_values(found: Sequence[Read]) -> Value:
    """Of KVM_GET_ONE_REG."""
    return of(Errno(error) if value is None else Register(value) for error, value in found)


def seen_values(values: Sequence[int], known: set[int]) -> Value:
    """That a guest or L1 had in a register. One that is not *known* is there by chance, and another one in
    each run: it is not told, so that two runs have the same answer."""
    return of(Register(each) if each in known else AnotherValue() for each in values)


RAN = GuestDone()


def ends(runs: Sequence[Run]) -> Value:
    return of(map(_end, runs))


def ends_of_touching(runs: Sequence[Run]) -> Value:
    """Of guests that do nothing where the machine's PVR is older than POWER10's."""
    return of(OlderPvr() if _end(each) == RAN and each.gpr[DID] != 1 else _end(each) for each in runs)


NO_HASH = HashLetter()


def hashes(found: Sequence[int]) -> Value:
    """The same letter for the same hash: what they are depends on more than what is asked."""
    order = list(dict.fromkeys(each for each in found if each))
    return of(HashLetter(chr(ord("A") + order.index(each))) if each else NO_HASH for each in found)


def sized_calls(found: Sequence[tuple[int, int, bool, int]]) -> Value:
    """found: size in bytes, errno of KVM_GET_ONE_REG, whether that wrote something, errno of
    KVM_SET_ONE_REG."""
    return of(SizedCalls(size, got, bool(wrote), put) for size, got, wrote, put in found)


def _end(run: Run) -> Fact:
    if run.errno:
        return Errno(run.errno)
    if run.exit != _KVM_EXIT_PAPR_HCALL:
        return ExitReason(run.exit)
    if run.hcall == HCALL_DONE:
        return RAN
    if run.hcall == HCALL_INTERRUPT:
        return GuestInterrupted(run.gpr[_VECTOR], run.gpr[_NIP])
    return Hypercall(run.hcall or 0)
