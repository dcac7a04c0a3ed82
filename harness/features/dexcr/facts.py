# SPDX-License-Identifier: GPL-2.0-only
"""What was expected or observed, as a verdict has it: the one place that says how such a value looks. Two of
these are the same if they are the same answer."""

from __future__ import annotations

import errno
from collections.abc import Sequence

from harness.features.dexcr.suite import Read, Run

# One for each vcpu or call, in their order.
Value = tuple[str, ...]

_KVM_EXIT_PAPR_HCALL = 19
HCALL_DONE, HCALL_INTERRUPT = 0xF000, 0xF004
# GPRs that guest/dexcr.py's guests leave, beside that which microguest.py's INTERRUPT does.
SEEN, THEN, DID = 5, 6, 7
_NIP, _VECTOR = 8, 9


def said(value: Value) -> str:
    """One line."""
    return ", ".join(value)


def errnos(numbers: Sequence[int]) -> Value:
    return tuple(map(_errno, numbers))


def read_values(found: Sequence[Read]) -> Value:
    """Of KVM_GET_ONE_REG."""
    return tuple(_errno(error) if value is None else f"{value:#x}" for error, value in found)


def seen_values(values: Sequence[int], known: set[int]) -> Value:
    """That a guest or L1 had in a register. One that is not *known* is there by chance, and another one in
    each run: it is not told, so that two runs have the same answer."""
    return tuple(f"{each:#x}" if each in known else "another value" for each in values)


RAN = "runs to its end"


def ends(runs: Sequence[Run]) -> Value:
    return tuple(map(_end, runs))


def ends_of_touching(runs: Sequence[Run]) -> Value:
    """Of guests that do nothing where the machine's PVR is older than POWER10's."""
    return tuple(
        "sees a PVR that has no such register" if _end(each) == RAN and each.gpr[DID] != 1 else _end(each)
        for each in runs
    )


NO_HASH = "none"


def hashes(found: Sequence[int]) -> Value:
    """The same letter for the same hash: what they are depends on more than what is asked."""
    order = list(dict.fromkeys(each for each in found if each))
    return tuple(chr(ord("A") + order.index(each)) if each else NO_HASH for each in found)


def sized_calls(found: Sequence[tuple[int, int, bool, int]]) -> Value:
    """found: size in bytes, errno of KVM_GET_ONE_REG, whether that wrote something, errno of
    KVM_SET_ONE_REG."""
    return tuple(
        f"{size} bytes: get {_errno(got)}{', and something written' if wrote else ''}, set {_errno(put)}"
        for size, got, wrote, put in found
    )


def _errno(number: int) -> str:
    return "0" if number == 0 else errno.errorcode.get(number, str(number))


def _end(run: Run) -> str:
    if run.errno:
        return _errno(run.errno)
    if run.exit != _KVM_EXIT_PAPR_HCALL:
        return f"exit {run.exit}"
    if run.hcall == HCALL_DONE:
        return RAN
    if run.hcall == HCALL_INTERRUPT:
        return f"interrupt {run.gpr[_VECTOR]:#x} at {run.gpr[_NIP]:#x}"
    return f"hypercall {run.hcall or 0:#x}"
