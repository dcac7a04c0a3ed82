# SPDX-License-Identifier: GPL-2.0-only
"""What this feature's facts are in words. For reports/sentences.py alone: see there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from harness.features.dexcr import facts
from harness.model.fact import Fact
from harness.model.facts import Errno

_Say = Callable[[Fact], str]


def _sized_calls(fact: facts.SizedCalls, tell: _Say) -> str:
    wrote = ", and something written" if fact.wrote else ""
    return f"{fact.size} bytes: get {tell(Errno(fact.got))}{wrote}, set {tell(Errno(fact.put))}"


SENTENCES: Mapping[type[Fact], Callable[[Any, _Say], str]] = {
    facts.AnotherValue: lambda _, __: "another value",
    facts.SomeValue: lambda _, __: "a value",
    facts.GuestDone: lambda _, __: "runs to its end",
    facts.GuestInterrupted: lambda fact, _: f"interrupt {fact.vector:#x} at {fact.nip:#x}",
    facts.OlderPvr: lambda _, __: "sees a PVR that has no such register",
    facts.HashLetter: lambda fact, _: fact.letter or "none",
    facts.SizedCalls: _sized_calls,
    facts.RegisterOfGuest: lambda _, __: "a register that a guest has",
    facts.NoneInMode: lambda fact, _: f"L1 is in {fact.mode.name}'s mode, which has none of the registers",
    facts.NoneInKernel: lambda _, __: "this kernel has no such register",
    facts.ReadableByL1: lambda _, __: "a register that L1 can read",
}
