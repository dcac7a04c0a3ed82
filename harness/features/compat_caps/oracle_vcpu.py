# SPDX-License-Identifier: GPL-2.0-only
"""Judges arch_compat on vcpus that run: before and after KVM_ENABLE_CAP(PAPR), what is stored, whether
KVM_RUN follows, and whether the vcpu is still of use; and userspace's two ways to choose a mode.

Expectations come from the rows of oracle_arch_compat.py. Sources: Linux book3s_hv.c, kvmppc_set_arch_compat
and kvmppc_vcpu_run_hv; powerpc.c, kvmppc_sanity_check.
"""

from __future__ import annotations

import errno
from dataclasses import dataclass

from harness.features.compat_caps.abi import CAP_BIT
from harness.features.compat_caps.behaviour import Refusal
from harness.features.compat_caps.caps_checks import right_call
from harness.features.compat_caps.facts import (
    IoctlToAsk,
    ModeIs,
    ModeWorks,
    NoIoctl,
    NoModeIn,
    SetAndRun,
    SomeMode,
)
from harness.features.compat_caps.micro_run import judge_run, ran, run_fact
from harness.features.compat_caps.oracle_arch_compat import VALUES, Case, Stored, expect, is_granted
from harness.features.compat_caps.oracle_ioctl import Subject
from harness.features.compat_caps.suite import Answers, RegisterAsked, register_question
from harness.features.compat_caps.vcpu_facts import ZeroSet
from harness.model.cpu import PVR_INVALID, Mode
from harness.model.fact import Fact
from harness.model.facts import Errno, Named, NoAnswer, OneOf, Register, SomeAnswer, one_of
from harness.model.verdict import Kind, Verdict

_SANITY = "powerpc.c, kvmppc_sanity_check: KVM HV runs PAPR guests only, and none with PVR_ARCH_INVALID"


def judge(subject: Subject, raw_pvr: int | None, answers: Answers) -> list[Verdict]:
    """raw_pvr: of the machine, None if L1 does not know it."""
    found: list[Verdict] = []
    for papr in (True, False):
        for value in VALUES:
            found += _judge_value(subject, raw_pvr, papr, value, answers)
    return found


def name_of(value: int) -> str:
    mode = next((each for each in Mode if each.logical_pvr == value), None)
    return mode.name if mode else "0" if value == 0 else "junk"


def _judge_value(
    subject: Subject, raw_pvr: int | None, papr: bool, value: int, answers: Answers
) -> list[Verdict]:
    when = "" if papr else " before PAPR"
    name = f"arch_compat {name_of(value)}{when}"
    question = register_question(papr, value)
    got = answers.register(papr, value)
    if got is None:
        missing = answers.missing(question) or NoAnswer()
        return [Verdict(f"{name}: set", Kind.FAIL, SomeAnswer(), missing, question, "", right=False)]
    case = Case(subject.behaviour, subject.api, subject.l1_mode, value)
    row = expect(case)
    want_errno, initial = row.errno, got.initial or 0
    stored = {Stored.VALUE: value, Stored.UNTOUCHED: initial, Stored.INVALID: PVR_INVALID}[row.stored]
    source = row.source
    # Linux 7.2 lets kvmppc_sanity_check decide, after it has stored the value.
    checked = subject.behaviour.refusal is Refusal.STORED
    if not papr and checked and not want_errno:
        want_errno, source = errno.EINVAL, "7.2: stored, then kvmppc_sanity_check says EINVAL without PAPR"
    sane = papr and stored != PVR_INVALID
    defect = row.defect if papr else ""

    anyway = _Anyway(subject, raw_pvr, papr, value, is_granted(case), got)

    def verdict(
        what: str, matches: bool, expected: Fact, observed: Fact, why: str, anything: _Answer
    ) -> Verdict:
        kind = Kind.FAIL if not matches else Kind.DEFECT if defect and what == "set" else Kind.OK
        right, of_any = anything
        return Verdict(
            f"{name}: {what}", kind, expected, observed, question, why, right=right, any_kernel=of_any
        )

    again = errno.EINVAL if not papr and checked else 0
    run = judge_run(got.run, sane, _mode(subject, stored), raw_pvr)
    again_run = judge_run(got.again_run, papr, subject.l1_mode, raw_pvr)
    return [
        verdict("set", got.set == want_errno, Errno(want_errno), Errno(got.set), source, anyway.set),
        verdict(
            "stored", got.stored == stored, Register(stored), Register(got.stored), source, anyway.stored
        ),
        verdict("KVM_RUN", *run, _SANITY, anyway.run),
        verdict(
            "usable afterwards",
            (got.again, got.again_stored) == (again, 0),
            ZeroSet(again, 0),
            ZeroSet(got.again, got.again_stored),
            source,
            anyway.usable,
        ),
        # A vcpu that holds 0 runs in L1's mode, on any kernel.
        verdict("KVM_RUN afterwards", *again_run, _SANITY, (again_run[0], None)),
    ]


# (whether it is right, what would be), as Verdict.right and Verdict.any_kernel.
_Answer = tuple[bool | None, Fact | None]


@dataclass(frozen=True)
class _Anyway:
    """What any kernel should do with one value, whatever is expected of this one: take the modes L1 may give,
    let no guest run in another, and stay usable. Before KVM_ENABLE_CAP(PAPR) it may take a value or not."""

    subject: Subject
    raw_pvr: int | None
    papr: bool
    value: int
    granted: bool
    got: RegisterAsked

    @property
    def _initial(self) -> int:
        return self.got.initial or 0

    @property
    def set(self) -> _Answer:
        if not self.granted:
            return self.got.set == errno.EINVAL, Errno(errno.EINVAL)
        if self.papr:
            return self.got.set == 0, Errno(0)
        return self.got.set in (0, errno.EINVAL), OneOf((Errno(0), Errno(errno.EINVAL)))

    @property
    def stored(self) -> _Answer:
        if not self.granted:
            allowed = {self._initial, PVR_INVALID}
        elif self.got.set == 0:
            allowed = {self.value}
        else:
            allowed = {self.value, self._initial}
        return self.got.stored in allowed, one_of([Register(each) for each in sorted(allowed)])

    @property
    def run(self) -> _Answer:
        """By what is stored, which is judged by itself. A mode that is not L1's to give has no right way to
        run."""
        stored = self.got.stored
        sane = self.papr and stored != PVR_INVALID
        if sane and stored is not None and not self._may_run(stored):
            return None, None
        right, expected, _ = judge_run(self.got.run, sane, _mode(self.subject, stored or 0), self.raw_pvr)
        return right, expected

    def _may_run(self, stored: int) -> bool:
        return is_granted(Case(self.subject.behaviour, self.subject.api, self.subject.l1_mode, stored))

    @property
    def usable(self) -> _Answer:
        if self.papr:
            return (self.got.again, self.got.again_stored) == (0, 0), ZeroSet(0, 0)
        taken = (self.got.again, self.got.again_stored) == (0, 0)
        return taken or self.got.again == errno.EINVAL, OneOf((ZeroSet(0, 0), Errno(errno.EINVAL)))


def _mode(subject: Subject, stored: int) -> Mode:
    return next((each for each in Mode if each.logical_pvr == stored), subject.l1_mode)


# -- which mode userspace chooses ------------------------------------------------------------


def judge_userspace(subject: Subject, raw_mode: Mode | None, answers: Answers) -> list[Verdict]:
    """A VMM that takes the newest mode of the ioctl, and one that takes that of the PVR (QEMU up to 11.1).
    raw_mode: of the machine's PVR."""
    return [_asks(subject, answers), *([_trusts(subject, raw_mode, answers)] if raw_mode else [])]


def _asks(subject: Subject, answers: Answers) -> Verdict:
    name = "userspace that asks the ioctl gets a working guest"
    revision = subject.behaviour.revision
    source = "QEMU 11.2's companion takes the newest mode that the ioctl names"
    if revision is None or subject.api not in subject.behaviour.served:
        return Verdict(name, Kind.SKIP, IoctlToAsk(), NoIoctl(), "", source)
    call = right_call(revision)
    got = answers.calls(call)
    caps = got[0].after64(call.memory, revision.offset_caps) if got and not got[0].errno else 0
    mode = max((each for each, bit in CAP_BIT.items() if caps & bit), default=None)
    if mode is None:
        return Verdict(name, Kind.FAIL, SomeMode(), NoModeIn(caps), call.line, source, right=False)
    register = answers.register(True, mode.logical_pvr)
    right = register is not None and not register.set and ran(register.run)
    return Verdict(
        name, Kind.OK if right else Kind.FAIL, ModeWorks(),
        Named(mode.name, _both(register)), register_question(True, mode.logical_pvr), source, right=right,
    )  # fmt: skip


def _trusts(subject: Subject, raw_mode: Mode, answers: Answers) -> Verdict:
    register = answers.register(True, raw_mode.logical_pvr)
    too_new = raw_mode > subject.l1_mode
    row = expect(Case(subject.behaviour, subject.api, subject.l1_mode, raw_mode.logical_pvr))
    name = "userspace that trusts the PVR " + ("is refused" if too_new else "gets a working guest")
    refused = register is not None and register.set != 0
    runs = register is not None and register.set == 0 and ran(register.run)
    wanted = ModeIs(accepted=not too_new)
    matches = refused if too_new and not row.defect else runs
    kind = Kind.FAIL if not matches else Kind.DEFECT if row.defect else Kind.OK
    expected = ModeIs(accepted=True) if row.defect else wanted
    return Verdict(
        name, kind, expected, Named(raw_mode.name, _both(register)),
        register_question(True, raw_mode.logical_pvr), row.source,
        right=refused if too_new else runs, any_kernel=wanted, defect=row.defect,
    )  # fmt: skip


def _both(register: RegisterAsked | None) -> Fact:
    return NoAnswer() if register is None else SetAndRun(register.set, run_fact(register.run))
