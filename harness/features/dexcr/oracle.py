# SPDX-License-Identifier: GPL-2.0-only
"""Judges the three registers: whether KVM keeps what is set, before and after a run, and whether a guest has
it. What is expected of which kernel is in registers.py.

Measured 2026-11-26 under QEMU 11.1.3, Debian's 6.12.95 and 7.3-rc7 and a small 7.2.12, L1 p11, p11@p10 and p9
(7.2.12: also p10) on pseries-papr and pseries-hv, 7.2.12 also on powernv10 and powernv11; the same in each:

- Set and read: each register keeps what is set, on each vcpu its own, also on POWER9.
- Nested API v2: a guest has what was set, what it writes is read from its vcpu, hashes depend on their key.
- Nested API v1: NOT_LOADED. L1's DEXCR is 0x4000000 (reg.h, DEXCR_INIT); its guest reads that, whatever was
  set, and what the guest writes is L1's DEXCR when it has ended.
- A 7.2.12 that sends no DEXCR to L0 (nested API v2; planted): only a guest shows it. L0 is asked by a buffer
  that the same function fills, gets an empty one, and what was set stays in L1.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from harness.features.dexcr import facts, suite
from harness.features.dexcr.facts import Value
from harness.features.dexcr.registers import DEXCR, HASHKEYR, NOT_LOADED, REGISTERS, Register
from harness.features.dexcr.suite import Read, reads, runs
from harness.features.feature import Evidence
from harness.model.cpu import Mode
from harness.model.fact import Fact
from harness.model.facts import Absent, Errno, NoAnswer, OneOf, Quote, SomeAnswer
from harness.model.verdict import Kind, Verdict, by_any_kernel

# Topics.
ONE_REG, IN_GUEST = "dexcr", "dexcr-in-guest"

_INITIAL = "book3s_hv.c, kvmppc_core_vcpu_create_hv: a vcpu begins with all registers 0"
_SIZES = "powerpc.c, kvm_vcpu_ioctl_get_one_reg: the size is part of the id, and there is one id for each"
_UNMAPPED = "powerpc.c: kvm_vcpu_ioctl_set_one_reg copies the value first, kvm_vcpu_ioctl_get_one_reg last"
_HASHES = "Power ISA 3.1B, hashst and hashstp: the hash depends on the key, HASHKEYR or HASHPKEYR"
_SWITCHED = "each vcpu has its own; KVM loads it for a run and takes it back afterwards"
_OWN = "KVM gives L1 its own DEXCR back when a guest has run"


def judge(topic: str, evidence: Evidence) -> list[Verdict]:
    """topic: ONE_REG or IN_GUEST."""
    found = _one_reg(evidence) if topic == ONE_REG else _in_guest(evidence)
    return found if evidence.expected.known else by_any_kernel(found)


def _one_reg(evidence: Evidence) -> list[Verdict]:
    found: list[Verdict] = []
    for register in REGISTERS:
        has = register.name in evidence.expected.data["has"]
        for name, values in suite.PAIRS[register]:
            asked = _Asked(evidence, suite.onereg(register, values), f"{register.name} {name}")
            found += asked.verdicts(_kept_twice(register, has, values))
        asked = _Asked(evidence, suite.odd(register), f"{register.name} odd calls")
        found += asked.verdicts(_odd(has))
    return found


def _in_guest(evidence: Evidence) -> list[Verdict]:
    found: list[Verdict] = []
    for register in suite.TOUCHED:
        asked = _Asked(evidence, suite.guest(register), f"{register.name} in a guest", in_guest=True)
        found += asked.verdicts(_touched(register))
    for register in suite.HASHED:
        asked = _Asked(evidence, suite.hashes(register), f"{register.name} hashes", in_guest=True)
        found += asked.verdicts(_hashed(register))
    return found


# -- claims ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Claim:
    """right: as Verdict's, None for what could not be seen, and is skipped; any_kernel: likewise; defect:
    whether what was observed is NOT_LOADED's doing."""

    what: str
    expected: Fact
    observed: Fact
    source: str
    right: bool | None
    any_kernel: Fact | None = None
    defect: bool = False


_Claims = Callable[[dict[str, Any]], Sequence[_Claim]]


@dataclass(frozen=True)
class _Asked:
    """name: of the checks that are made of its answer."""

    evidence: Evidence
    question: str
    name: str
    in_guest: bool = False

    def verdicts(self, claims: _Claims) -> list[Verdict]:
        answer = self.evidence.answers.get(self.question)
        if answer is None:
            name = f"{self.name}: asked"
            return [Verdict(name, Kind.UNKNOWN, SomeAnswer(), NoAnswer(), self.question)]
        if "trouble" in answer:
            said = Quote(str(answer["trouble"]))
            name = f"{self.name}: asked"
            return [Verdict(name, Kind.FAIL, SomeAnswer(), said, self.question, right=False)]
        why = self._no_guest(answer) if self.in_guest else None
        if why is not None:
            return [Verdict(self.name, Kind.SKIP, facts.RegisterOfGuest(), why, self.question)]
        return [self._verdict(each) for each in claims(answer)]

    def _no_guest(self, answer: dict[str, Any]) -> Fact | None:
        """Why there is nothing that a guest could see; None if there is."""
        mode = self.evidence.placement.l1.mode
        if mode < Mode.P10:
            return facts.NoneInMode(mode)
        if not self.evidence.expected.data["has"] and _refused(answer["set"]):
            return facts.NoneInKernel()
        return None

    def _verdict(self, claim: _Claim) -> Verdict:
        known = NOT_LOADED.name in self.evidence.expected.data["defects"]
        known = known and self.evidence.placement.topology.nested_api is NOT_LOADED.api
        matches = claim.expected == claim.observed
        defect = not matches and claim.defect and known
        kind = Kind.OK if matches else Kind.DEFECT if defect else Kind.FAIL
        return Verdict(
            f"{self.name}: {claim.what}",
            Kind.SKIP if claim.right is None else kind,
            claim.expected,
            claim.observed,
            self.question,
            NOT_LOADED.reason if defect else claim.source,
            right=claim.right,
            any_kernel=claim.any_kernel,
            defect=NOT_LOADED.words if defect else "",
        )


def _refused(errors: Sequence[int]) -> bool:
    return all(each == errno.EINVAL for each in errors)


# -- one_reg ---------------------------------------------------------------------------------


def _kept_twice(register: Register, has: bool, values: tuple[int, ...]) -> _Claims:
    """The values in the order of the vcpus, and then the other way round."""

    def claims(answer: dict[str, Any]) -> list[_Claim]:
        initial = reads(answer["initial"])
        began = _Claim(
            "holds at first",
            facts.read_values(_held((0,) * len(values), has)),
            facts.read_values(initial),
            _INITIAL if has else _source(register, has),
            not any(error for error, _ in initial) or _refused([error for error, _ in initial]),
            OneOf((facts.SomeValue(), Errno(errno.EINVAL))),
        )
        first = {step: answer[step] for step in ("set", "stored", "run", "after")}
        later = {step: answer[f"again_{step}"] for step in ("stored", "run", "after")}
        return [
            began,
            *_kept(register, has, values, first),
            *_kept(register, has, values[::-1], {"set": answer["again"], **later}, ", set anew"),
        ]

    return claims


def _kept(
    register: Register, has: bool, values: tuple[int, ...], answer: dict[str, Any], when: str = ""
) -> list[_Claim]:
    """Of one register on several vcpus: set, read, run, read."""
    source = _source(register, has)
    refused = _refused(answer["set"])
    # Whatever the kernel: what is taken is kept, and a register that is refused is not there.
    right = _held(values, not refused)

    def read(what: str, step: str) -> _Claim:
        found = reads(answer[step])
        expected = facts.read_values(_held(values, has))
        return _Claim(
            f"{what}{when}", expected, facts.read_values(found), source, found == right,
            facts.read_values(right),
        )  # fmt: skip

    expected = facts.errnos([0 if has else errno.EINVAL] * len(values))
    either = OneOf((Errno(0), Errno(errno.EINVAL)))
    taken = refused or not any(answer["set"])
    ran, fine = facts.ends(runs(answer["run"])), facts.of((facts.RAN,) * len(values))
    return [
        _Claim(f"set{when}", expected, facts.errnos(answer["set"]), source, taken, either),
        read("read before a run", "stored"),
        _Claim(f"KVM_RUN{when}", fine, ran, "a guest of a few instructions", ran == fine),
        read("read after a run", "after"),
    ]


def _held(values: Sequence[int], has: bool) -> tuple[Read, ...]:
    """What is read of a register with these values, and of one that there is not."""
    return tuple((0, each) if has else (errno.EINVAL, None) for each in values)


def _source(register: Register, has: bool) -> str:
    since = f"Linux {register.since[0]}.{register.since[1]}"
    if not has:
        return f"no {register.macro} before {since}: an id that nobody knows"
    return f"{register.macro}, {since}, {register.commit}; book3s_hv.c, kvmppc_set_one_reg_hv"


def _odd(has: bool) -> _Claims:
    def claims(answer: dict[str, Any]) -> list[_Claim]:
        sizes = facts.sized_calls(answer["sizes"])
        refused = facts.sized_calls(
            [(size, errno.EINVAL, False, errno.EINVAL) for size, *_ in answer["sizes"]]
        )
        unmapped = facts.errnos(answer["unmapped"])
        right = facts.errnos([errno.EINVAL if _refused([answer["set"]]) else errno.EFAULT, errno.EFAULT])
        before, after = (
            facts.read_values(reads([answer["stored"]])),
            facts.read_values(reads([answer["after"]])),
        )
        return [
            _Claim("other sizes", refused, sizes, _SIZES, sizes == refused),
            _Claim(
                "an address that is not mapped",
                facts.errnos([errno.EFAULT if has else errno.EINVAL, errno.EFAULT]),
                unmapped,
                _UNMAPPED,
                unmapped == right,
                right,
            ),
            _Claim(
                "read after these calls", before, after, "none of them sets the register", before == after
            ),
        ]

    return claims


# -- guests ----------------------------------------------------------------------------------


def _touched(register: Register) -> _Claims:
    values, writes = suite.TOUCHED[register]
    written = [each for each in writes if each is not None]

    def claims(answer: dict[str, Any]) -> list[_Claim]:
        done = runs(answer["run"])
        missed = _missed(answer["set"], facts.ends_of_touching(done), _SWITCHED)
        if missed:
            return missed
        seen = [each.gpr[facts.SEEN] for each in done]
        then = [each.gpr[facts.THEN] for each, write in zip(done, writes, strict=True) if write is not None]
        after = reads(answer["after"])
        wanted = _held([v if w is None else w for v, w in zip(values, writes, strict=True)], True)
        own = [each for each in answer["own"] if each is not None]
        known = {0, *values, *written, *own}
        return [
            _Claim(
                "sees what was set", facts.seen_values(values, known), facts.seen_values(seen, known),
                _SWITCHED, tuple(seen) == values, defect=len(set(seen)) == 1 and seen[0] not in values,
            ),
            _Claim(
                "reads what it wrote", facts.seen_values(written, known), facts.seen_values(then, known),
                "mtspr and mfspr", then == written,
            ),
            _Claim(
                "its write is read from its vcpu", facts.read_values(wanted), facts.read_values(after),
                _SWITCHED, after == wanted, defect=after == _held(values, True),
            ),
            *([_own(answer["own"], writes)] if register is DEXCR else []),
        ]  # fmt: skip

    return claims


def _missed(errors: list[int], ended: Value, source: str) -> list[_Claim]:
    """The claim that fails where a guest has not shown what it was to show; none if it has."""
    observed = facts.both(facts.errnos(errors), ended)
    expected = facts.both(facts.errnos([0] * len(errors)), facts.of(facts.RAN for _ in ended.facts))
    return [] if observed == expected else [_Claim("runs", expected, observed, source, False)]


def _own(own: list[int | None], writes: Sequence[int | None]) -> _Claim:
    """L1's DEXCR, of problem state, before and after each guest has run."""
    known = [each for each in own if each is not None]
    if len(known) < len(own):
        return _Claim(
            "L1's own afterwards", facts.of([facts.ReadableByL1()]), facts.of([Absent()]), _OWN, None
        )
    same, left = known[:1] * len(known), known[:1]
    for write in writes:  # what there is if nobody switches it
        left.append(left[-1] if write is None else write & 0xFFFFFFFF)
    told = {*known, *same}
    return _Claim(
        "L1's own afterwards", facts.seen_values(same, told), facts.seen_values(known, told), _OWN,
        known == same, defect=known == left,
    )  # fmt: skip


def _hashed(register: Register) -> _Claims:
    def claims(answer: dict[str, Any]) -> list[_Claim]:
        done = runs(answer["run"])
        errors = [*answer["dexcr"], *answer["set"]]
        missed = _missed(errors, facts.ends_of_touching(done), _HASHES)
        if missed:
            return missed
        mine, other = (facts.SEEN, facts.THEN) if register is HASHKEYR else (facts.THEN, facts.SEEN)
        by_key = facts.hashes([each.gpr[mine] for each in done])
        others = facts.hashes([each.gpr[other] for each in done])
        keys, one_key = facts.hashes(suite.HASH_KEYS), facts.hashes((1,) * len(done))
        # Not loaded: without DEXCR's aspects there is no hash at all, and with L1's key there is one for all.
        return [
            _Claim(
                "differ as the keys do", keys, by_key, _HASHES, by_key == keys,
                defect=len(set(by_key.facts)) == 1,
            ),
            _Claim(
                "those of the other key do not", one_key, others, _HASHES, others == one_key,
                defect=set(others.facts) == {facts.NO_HASH},
            ),
        ]  # fmt: skip

    return claims
