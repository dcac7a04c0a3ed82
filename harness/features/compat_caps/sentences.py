# SPDX-License-Identifier: GPL-2.0-only
"""What this series' facts are in words. For reports/sentences.py alone: see there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from harness.features.compat_caps import docs_facts as docs
from harness.features.compat_caps import facts
from harness.features.compat_caps import vcpu_facts as vcpu
from harness.features.compat_caps.abi import cap_names
from harness.features.compat_caps.uapi import IOCTL
from harness.model.fact import Fact
from harness.model.facts import Errno

_Say = Callable[[Fact], str]
_Sentence = Callable[[Any, _Say], str]


def _arch_compat_set(fact: facts.ArchCompatSet, tell: _Say) -> str:
    name, effect = tell(Errno(fact.errno)), fact.effect
    if effect is facts.Effect.UNREADABLE:
        return f"{name}, holds nothing readable"
    if effect is facts.Effect.STORED:
        return f"{name}, stored"
    if effect is facts.Effect.UNTOUCHED:
        return f"{name}, nothing stored"
    held = f"{fact.holds or 0:#x}"
    return f"{name}, {held} stored" if fact.errno else f"{name}, holds {held}"


def _compat_caps(fact: facts.CompatCaps, _: _Say) -> str:
    words = f"{fact.result}, caps {fact.caps:#018x} ({cap_names(fact.caps)})"
    words += f", flags {fact.flags:#x}" if fact.flags else ""
    words += f", size {fact.size}" if fact.size is not None else ""
    return words + (f", {fact.beyond} bytes behind the struct changed" if fact.beyond else "")


def _capability_and_ioctl(fact: facts.CapabilityAndIoctl, _: _Say) -> str:
    numbers = ", ".join(map(str, fact.capabilities)) or "none"
    return f"capability {numbers}; {'an answer' if fact.served else 'no answer'} of the ioctl"


def _capabilities(fact: facts.Capabilities, _: _Say) -> str:
    return ", ".join(f"{number}: {value}" for number, value in fact.values)


def _revisions(fact: facts.Revisions, _: _Say) -> str:
    """``v1, v2 or v3``"""
    if not fact.names:
        return "none"
    return " or ".join(filter(None, [", ".join(fact.names[:-1]), fact.names[-1]]))


def _by_the_rules(fact: facts.ByTheRules, _: _Say) -> str:
    return "all as the rules say" if fact.calls is None else f"{fact.calls} calls, all as the rules say"


def _runs_to_end(fact: vcpu.RunsToEnd, _: _Say) -> str:
    words = "runs to its end, or to ISA 3.1" if fact.or_isa31 else "runs to its end"
    return words if fact.pvr is None else f"{words}, reads PVR {fact.pvr:#010x}"


def _interrupt_at(fact: vcpu.InterruptAt, _: _Say) -> str:
    where = "ISA 3.1" if fact.at is None else f"{fact.at:#x}"
    return f"interrupt {fact.vector:#x} at {where}, reads PVR {fact.pvr:#010x}"


def _hex(value: int | None) -> str:
    return "nothing readable" if value is None else f"{value:#x}"


def _pcr_bits(fact: vcpu.PcrBits, tell: _Say) -> str:
    words = f"PCR version bits {fact.bits:#x}"
    return words if fact.arch_compat is None else f"{words}, arch_compat {tell(fact.arch_compat)}"


def _set_then_run(fact: vcpu.SetThenRun, tell: _Say) -> str:
    end = "the guest runs" if fact.run is None else f"{tell(fact.run)} of KVM_RUN"
    return f"set {tell(Errno(fact.set))}, {end}"


def _not_seen(fact: vcpu.NotSeen, _: _Say) -> str:
    counts = ", ".join(f"PCR {pcr:#x} {count} times" for pcr, count in fact.counts) or "none"
    why = fact.reason or f"{fact.shown} of {fact.samples} samples show the guest: {counts}"
    return f"not seen: {why}"


def _clock_differs(fact: vcpu.ClockDiffers, _: _Say) -> str:
    return f"L2's is too {'fast' if fact.fast else 'slow'}: {fact.l2:.1f} ms of L2 are {fact.l1:.1f} ms of L1"


def _fires_after(fact: vcpu.FiresAfter, _: _Say) -> str:
    return f"after {fact.first:.1f} to {fact.last:.1f} ms of L2, set to {fact.set_to:.0f} ms"


def _bits_wrong(fact: docs.BitsWrong, _: _Say) -> str:
    words = [f"{name} has another value" for name in fact.values]
    words += [f"{name} is missing" for name in fact.missing]
    return "; ".join([*words, *(f"{name} is unknown" for name in fact.unknown)])


def _error_names(fact: docs.ErrorNames, _: _Say) -> str:
    words = " ".join(fact.names) or ("none" if fact.listed else "none seen")
    return words + (f"; not {' '.join(fact.missing)}" if fact.missing else "")


def _bits_answered(fact: docs.BitsAnswered, _: _Say) -> str:
    if fact.unknown:
        return f"{fact.unknown:#018x} as well"
    return "none but those of the header" if fact.some else "none at all"


def _modes(modes: Iterable[Any]) -> str:
    return ", ".join(mode.name for mode in modes)


SENTENCES: Mapping[type[Fact], _Sentence] = {
    facts.ArchCompatSet: _arch_compat_set,
    facts.ArchCompatRefused: lambda fact, tell: (
        f"{tell(Errno(fact.errno))}, nothing stored or {fact.or_holds:#x}"
    ),
    facts.CapabilityTruthful: lambda _, __: "1 where the ioctl has an answer, else 0",
    facts.CompatCaps: _compat_caps,
    facts.AbsentOrGranted: lambda _, __: "ENOTTY, or the modes L1 may grant",
    facts.CapabilitySays: lambda fact, _: "cap 1, no ioctl" if fact.yes else "cap 0",
    facts.ModeBits: lambda fact, _: cap_names(fact.bits),
    facts.InCalls: lambda fact, tell: f"{tell(fact.answer)}, in {fact.calls} calls",
    facts.BothOrNone: lambda _, __: "both or none",
    facts.CapabilityAndIoctl: _capability_and_ioctl,
    facts.Capabilities: _capabilities,
    facts.SameOnEach: lambda _, __: "the same on each",
    facts.VmOfKvmPr: lambda _, __: "a VM of KVM PR to ask",
    facts.NoKvmPr: lambda fact, _: f"there is none: {fact.reason}",
    facts.IoctlToAsk: lambda _, __: "an ioctl to ask",
    facts.NoIoctl: lambda _, __: "this kernel has no answer",
    facts.Revisions: _revisions,
    facts.NothingToTellBy: lambda _, __: "no answer to tell it by",
    facts.ByTheRules: _by_the_rules,
    facts.SomeMode: lambda fact, _: "modes" if fact.several else "a mode",
    facts.NoModeIn: lambda fact, _: f"no mode in {fact.bits:#018x}",
    facts.ModeWorks: lambda _, __: "a mode that is accepted and runs",
    facts.ModeIs: lambda fact, _: "accepted and runs" if fact.accepted else "refused",
    facts.SetAndRun: lambda fact, tell: f"set {tell(Errno(fact.set))}, KVM_RUN {tell(fact.run)}",
    facts.RefusedOrAtMost: lambda fact, _: f"its mode refused, or booted as {fact.mode.name} or an older one",
    facts.NoDpdes: lambda fact, tell: (
        f"{tell(fact.end)}: QEMU {fact.qemu} as L0 has no DPDES in its guest state buffer (9.2 has); "
        "no L2 can run"
    ),
    vcpu.RunsToEnd: _runs_to_end,
    vcpu.InterruptAt: _interrupt_at,
    vcpu.Interrupt: lambda fact, _: f"interrupt {fact.vector:#x}",
    vcpu.ZeroSet: lambda fact, tell: f"0 set: {tell(Errno(fact.errno))}, {_hex(fact.stored)} stored",
    vcpu.Reads: lambda fact, tell: f"reads {tell(fact.value)}",
    vcpu.NoGuestRan: lambda fact, tell: f"no guest ran: {tell(fact.run)}",
    vcpu.NotSetFirst: lambda fact, tell: f"{fact.mode.name} was not set: {tell(Errno(fact.errno))}",
    vcpu.PcrBits: _pcr_bits,
    vcpu.RunRefused: lambda fact, tell: f"{tell(Errno(fact.errno))} of KVM_RUN",
    vcpu.SetThenRun: _set_then_run,
    vcpu.DidNotRun: lambda _, __: "did not run",
    vcpu.WhileLookedAt: lambda fact, tell: f"while it was looked at: {tell(fact.problem)}",
    vcpu.NotSeen: _not_seen,
    vcpu.NoMonitor: lambda _, __: "no QEMU of ours emulates this machine, so there is no CPU to look at",
    vcpu.IsaUpTo: lambda fact, _: (
        f"ISA of {fact.mode.name}{' and newer (known defect)' if fact.newer else ''}"
    ),
    vcpu.ModesInForce: lambda fact, _: f"in force: {_modes(fact.modes)}",
    vcpu.ModesRefused: lambda fact, _: f"refused: {_modes(fact.modes) or 'there is none'}",
    vcpu.SameTime: lambda _, __: "the same time by both",
    vcpu.ClockDiffers: _clock_differs,
    vcpu.Runs: lambda fact, _: f"{fact.count or 'no'} run{'' if fact.count < 2 else 's'}",
    vcpu.RunsEnd: lambda _, __: "runs that end",
    vcpu.Decrementer: lambda fact, _: f"interrupt {fact.vector:#x}, within {fact.within:.0f} ms",
    vcpu.FiresAfter: _fires_after,
    vcpu.NotEarly: lambda _, __: "not before its time",
    vcpu.EarlyByQemu: lambda _, __: "too early, by QEMU",
    docs.SourceFiles: lambda fact, _: f"the kernel's {', '.join(fact.names)}",
    docs.NoSource: lambda _, __: "a prebuilt kernel: its source is not at hand",
    docs.KernelWithIoctl: lambda _, __: "a kernel with the ioctl",
    docs.SaysItHasNone: lambda _, __: "this kernel has none, and says so",
    docs.Section: lambda fact, _: f"a section {IOCTL}" if fact.present else "there is none",
    docs.StructFields: lambda fact, _: ", ".join(f"{kind} {name}" for kind, name in fact.fields),
    docs.SomeStruct: lambda _, __: "a struct",
    docs.BitNames: lambda fact, _: ", ".join(fact.names) or "no bits",
    docs.BitsWrong: _bits_wrong,
    docs.ErrorNames: _error_names,
    docs.ErrorsUnlisted: lambda fact, _: f"not {' '.join(fact.names)}",
    docs.BitsAnswered: _bits_answered,
}


def _short_caps(fact: facts.CompatCaps, tell: _Say) -> str:
    """``P9 P10`` for an answer with nothing odd in it."""
    odd = fact.result or fact.flags or fact.beyond
    return tell(fact) if odd else cap_names(fact.caps)


# For cells of a table, where they are shorter than in a sentence.
SHORT: Mapping[type[Fact], _Sentence] = {facts.CompatCaps: _short_caps}
