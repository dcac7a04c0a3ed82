# SPDX-License-Identifier: GPL-2.0-only
"""Judges the three registers: whether KVM keeps what is set, before and after a run, and whether a guest has
it.

Measured 2026-11-26 under QEMU 11.1.3 with L1 p11, p10, p9 and p11@p10 on pseries-papr and pseries-hv, small
kernel 7.2.12: see docs, and tests/data/dexcr-*.json.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from harness.features.dexcr import suite
from harness.features.dexcr.registers import DEXCR, HASHKEYR, NOT_LOADED, REGISTERS, Register
from harness.features.dexcr.suite import Read, Run, reads, runs
from harness.features.feature import Evidence
from harness.model.cpu import Mode
from harness.model.verdict import Kind, Verdict, by_any_kernel

# Topics.
ONE_REG, IN_GUEST = "dexcr", "dexcr-in-guest"

_KVM_EXIT_PAPR_HCALL = 19
_HCALL_DONE, _HCALL_INTERRUPT = 0xF000, 0xF004
# GPRs that guest/dexcr.py's guests leave.
_SEEN, _THEN, _DID = 5, 6, 7

_INITIAL = "book3s_hv.c, kvmppc_core_vcpu_create_hv: a vcpu begins with all registers 0"
_SIZES = "powerpc.c, kvm_vcpu_ioctl_get_one_reg: the size is part of the id, and there is one id for each"
_UNMAPPED = "powerpc.c, kvm_vcpu_ioctl_set_one_reg copies the value first, kvm_vcpu_ioctl_get_one_reg last"
_HASHES = "Power ISA 3.1B, hashst and hashstp: the hash depends on the key, HASHKEYR or HASHPKEYR"
_SWITCHED = "each vcpu has its own; KVM loads it for a run and takes it back afterwards"
_OWN = "KVM gives L1 its own DEXCR back when a guest has run"


def judge(topic: str, evidence: Evidence) -> list[Verdict]:
    """topic: ONE_REG or IN_GUEST."""
    found: list[Verdict] = []
    if topic == ONE_REG:
        for register in REGISTERS:
            for name, values in suite.PAIRS[register]:
                question = suite.onereg(register, values)
                found += _answered(
                    evidence, question, f"{register.name} {name}", _onereg(evidence, register, values)
                )
            question = suite.odd(register)
            found += _answered(evidence, question, f"{register.name} odd calls", _odd(evidence, register))
    else:
        for register in suite.TOUCHED:
            name, question = f"{register.name} in a guest", suite.guest(register)
            found += _answered(evidence, question, name, _guest(register), in_guest=True)
        for register in suite.HASHED:
            name, question = f"{register.name} hashes", suite.hashes(register)
            found += _answered(evidence, question, name, _hashed(register), in_guest=True)
    return found if evidence.expected.known else by_any_kernel(found)


# -- claims ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Claim:
    """expected, observed: compared as they are; right: see Verdict; any_kernel: likewise; defect: whether
    what was observed is NOT_LOADED's doing."""

    what: str
    expected: Any
    observed: Any
    source: str
    right: bool | None
    any_kernel: str = ""
    defect: bool = False


_Claims = Callable[[dict[str, Any]], Sequence[_Claim]]


def _answered(
    evidence: Evidence, question: str, name: str, claims: _Claims, in_guest: bool = False
) -> list[Verdict]:
    answer = evidence.answers.get(question)
    if answer is None:
        return [Verdict(f"{name}: asked", Kind.UNKNOWN, "an answer", "not asked, or not answered", question)]
    if "trouble" in answer:
        words = str(answer["trouble"])
        return [Verdict(f"{name}: asked", Kind.FAIL, "an answer", words, question, right=False)]
    if in_guest:
        why = _no_guest(evidence, answer)
        if why:
            return [Verdict(name, Kind.SKIP, "a register that a guest has", why, question)]
    return [_verdict(evidence, name, question, each) for each in claims(answer)]


def _no_guest(evidence: Evidence, answer: dict[str, Any]) -> str:
    """Why there is nothing that a guest could see; '' if there is."""
    mode = evidence.placement.l1.mode
    if mode < Mode.P10:
        return f"L1 is in {mode.name}'s mode, which has none of the registers"
    if not evidence.expected.data["has"] and all(each == errno.EINVAL for each in answer["set"]):
        return "this kernel has no such register"
    return ""


def _verdict(evidence: Evidence, name: str, question: str, claim: _Claim) -> Verdict:
    known = NOT_LOADED.name in evidence.expected.data["defects"]
    known = known and evidence.placement.topology.nested_api is NOT_LOADED.api
    matches = claim.expected == claim.observed
    defect = not matches and claim.defect and known
    source = claim.source
    if defect:
        source = f"known defect: {NOT_LOADED.words} ({NOT_LOADED.reason})"
    return Verdict(
        f"{name}: {claim.what}",
        Kind.OK if matches else Kind.DEFECT if defect else Kind.FAIL,
        _expected(claim.expected),
        _observed(claim.observed),
        question,
        source,
        right=claim.right,
        any_kernel=claim.any_kernel,
    )


def _expected(value: Any) -> str:
    return _said(value)


def _observed(value: Any) -> str:
    return _said(value)


def _said(value: Any) -> str:
    """Of a string, or of a tuple of them."""
    return value if isinstance(value, str) else ", ".join(value)


# -- one_reg ---------------------------------------------------------------------------------


def _onereg(evidence: Evidence, register: Register, values: tuple[int, ...]) -> _Claims:
    has = register.name in evidence.expected.data["has"]

    def claims(answer: dict[str, Any]) -> list[_Claim]:
        initial = reads(answer["initial"])
        began = _Claim(
            "holds at first",
            _read_words(((0, 0),) * len(values) if has else _refused(values)),
            _read_words(initial),
            _INITIAL if has else _unknown_id(register),
            all(each == 0 for each, _ in initial) or initial == _refused(values),
            "a value, or EINVAL",
        )
        later = answer["again"], answer["again_stored"], answer["again_run"], answer["again_after"]
        return [
            began,
            *_kept(register, has, values, answer["set"], answer["stored"], answer["run"], answer["after"]),
            *_kept(register, has, values[::-1], *later, when=", set anew"),
        ]

    return claims


def _kept(
    register: Register, has: bool, values: tuple[int, ...], errors: list[int], stored: list[list[Any]],
    run: list[dict[str, Any]], after: list[list[Any]], when: str = "",
) -> list[_Claim]:  # fmt: skip
    """Of one register on several vcpus: set, read, run, read."""
    wanted = tuple((0, value) for value in values) if has else _refused(values)
    source = _kept_by(register) if has else _unknown_id(register)
    refused = all(each == errno.EINVAL for each in errors)
    right = _refused(values) if refused else tuple((0, value) for value in values)
    words = "EINVAL, as to setting it" if refused else _said(_read_words(right))

    def read(what: str, found: list[list[Any]]) -> _Claim:
        got = reads(found)
        return _Claim(f"{what}{when}", _read_words(wanted), _read_words(got), source, got == right, words)

    ran = tuple(map(_run_words, runs(run)))
    fine = (_RAN,) * len(values)
    return [
        _Claim(
            f"set{when}",
            _errno_words([0] * len(values) if has else [errno.EINVAL] * len(values)),
            _errno_words(errors),
            source,
            refused or not any(errors),
            "0, or EINVAL",
        ),
        read("read before a run", stored),
        _Claim(f"KVM_RUN{when}", fine, ran, "a guest of a few instructions", ran == fine),
        read("read after a run", after),
    ]


def _odd(evidence: Evidence, register: Register) -> _Claims:
    has = register.name in evidence.expected.data["has"]

    def claims(answer: dict[str, Any]) -> list[_Claim]:
        sizes = tuple(
            f"{size} bytes: get {_errno_word(got)}{', and something written' if changed else ''}, set "
            f"{_errno_word(put)}"
            for size, got, changed, put in answer["sizes"]
        )
        wanted = tuple(f"{size} bytes: get EINVAL, set EINVAL" for size, *_ in answer["sizes"])
        got, put = answer["unmapped"]
        taken = answer["set"] == 0
        get_errno = errno.EFAULT if has else errno.EINVAL
        before, after = reads([answer["stored"], answer["after"]])
        return [
            _Claim("other sizes", wanted, sizes, _SIZES, sizes == wanted),
            _Claim(
                "an address that is not mapped",
                _errno_words([get_errno, errno.EFAULT]),
                _errno_words([got, put]),
                _UNMAPPED,
                got == (errno.EFAULT if taken else errno.EINVAL) and put == errno.EFAULT,
                _said(_errno_words([errno.EFAULT if taken else errno.EINVAL, errno.EFAULT])),
            ),
            _Claim(
                "read after these calls",
                _read_words((before,)),
                _read_words((after,)),
                "none of them sets the register",
                before == after,
            ),
        ]

    return claims


# -- guests ----------------------------------------------------------------------------------


def _guest(register: Register) -> _Claims:
    values, writes = suite.TOUCHED[register]

    def claims(answer: dict[str, Any]) -> list[_Claim]:
        done = runs(answer["run"])
        seen = [each.gpr[_SEEN] for each in done]
        wrong = [each for each in map(_touch_words, done) if each != _RAN]
        if wrong or any(answer["set"]):
            words = _said(_errno_words(answer["set"])), *map(_touch_words, done)
            return [_Claim("runs", ("0, 0", _RAN, _RAN), words, _SWITCHED, False)]
        then = [each.gpr[_THEN] for each, write in zip(done, writes, strict=True) if write is not None]
        after = reads(answer["after"])
        wanted = tuple((0, v if w is None else w) for v, w in zip(values, writes, strict=True))
        known = {0, *values, *(each for each in (*writes, *answer["own"]) if each is not None)}
        return [
            _Claim(
                "sees what was set", _words(values, known), _words(seen, known), _SWITCHED,
                tuple(seen) == values, defect=len(set(seen)) == 1 and seen[0] not in values,
            ),
            _Claim(
                "reads what it wrote", _words([each for each in writes if each is not None], known),
                _words(then, known), "mtspr and mfspr", then == [each for each in writes if each is not None],
            ),
            _Claim(
                "its write is read from its vcpu", _read_words(wanted), _read_words(after), _SWITCHED,
                after == wanted, defect=after == tuple((0, value) for value in values),
            ),
            *(_own(answer["own"], writes) if register is DEXCR else []),
        ]  # fmt: skip

    return claims


def _own(own: list[int | None], writes: Sequence[int | None]) -> list[_Claim]:
    """L1's DEXCR before and after each guest has run."""
    if own[0] is None:
        return []
    left = [own[0]]  # what there is if nobody switches it
    for write in writes:
        left.append(left[-1] if write is None else write & 0xFFFFFFFF)
    same = [own[0]] * len(own)
    return [
        _Claim(
            "L1's own afterwards", _words(same), _words(own), _OWN, own == same, defect=own == left,
        )
    ]  # fmt: skip


def _hashed(register: Register) -> _Claims:
    def claims(answer: dict[str, Any]) -> list[_Claim]:
        done = runs(answer["run"])
        wrong = [each for each in map(_touch_words, done) if each != _RAN]
        errors = [*answer["dexcr"], *answer["set"]]
        if wrong or any(errors):
            words = _said(_errno_words(errors)), *map(_touch_words, done)
            return [_Claim("runs", ("0, 0, 0, 0, 0, 0", _RAN, _RAN, _RAN), words, _HASHES, False)]
        mine, other = (_SEEN, _THEN) if register is HASHKEYR else (_THEN, _SEEN)
        by_key = _letters([each.gpr[mine] for each in done])
        without = _letters([each.gpr[other] for each in done])
        # Without the aspects of DEXCR there is no hash at all; with L1's key, one for all.
        flat = len(set(by_key)) == 1
        return [
            _Claim(
                "by its key", ("A", "B", "A"), by_key, _HASHES, by_key == ("A", "B", "A"), defect=flat
            ),
            _Claim(
                "the other key's", ("A", "A", "A"), without, _HASHES, without == ("A", "A", "A"),
                defect=set(without) == {_NO_HASH},
            ),
        ]  # fmt: skip

    return claims


_NO_HASH = "none"


def _letters(hashes: Sequence[int]) -> tuple[str, ...]:
    """The same letter for the same hash: what they are depends on more than what is asked."""
    order = list(dict.fromkeys(each for each in hashes if each))
    return tuple(chr(ord("A") + order.index(each)) if each else _NO_HASH for each in hashes)


# -- words -----------------------------------------------------------------------------------

_RAN = "runs to its end"


def _refused(values: Sequence[int]) -> tuple[Read, ...]:
    return ((errno.EINVAL, None),) * len(values)


def _kept_by(register: Register) -> str:
    since = f"{register.since[0]}.{register.since[1]}"
    return f"{register.macro}, Linux {since}, {register.commit}; book3s_hv.c, kvmppc_set_one_reg_hv"


def _unknown_id(register: Register) -> str:
    return f"no {register.macro} before Linux {register.since[0]}.{register.since[1]}: an unknown id"


def _errno_word(error: int) -> str:
    return "0" if error == 0 else errno.errorcode.get(error, str(error))


def _errno_words(errors: Sequence[int]) -> tuple[str, ...]:
    return tuple(map(_errno_word, errors))


def _read_words(found: Sequence[Read]) -> tuple[str, ...]:
    return tuple(_errno_word(error) if value is None else f"{value:#x}" for error, value in found)


def _words(values: Sequence[int | None], known: set[int] | None = None) -> tuple[str, ...]:
    """known: another value is one by chance, and is not told, so that reports of two runs compare."""
    return tuple(
        "nothing" if each is None else f"{each:#x}" if known is None or each in known else "another value"
        for each in values
    )


def _run_words(run: Run) -> str:
    if run.errno:
        return _errno_word(run.errno)
    if run.exit != _KVM_EXIT_PAPR_HCALL:
        return f"exit {run.exit}"
    if run.hcall == _HCALL_DONE:
        return _RAN
    if run.hcall == _HCALL_INTERRUPT:
        return f"interrupt {run.gpr[9]:#x} at {run.gpr[8]:#x}"
    return f"hypercall {run.hcall or 0:#x}"


def _touch_words(run: Run) -> str:
    """Of one that does nothing where the machine's PVR is older than POWER10's."""
    words = _run_words(run)
    return "sees a PVR that has no such register" if words == _RAN and run.gpr[_DID] != 1 else words
