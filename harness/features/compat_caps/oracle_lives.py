# SPDX-License-Identifier: GPL-2.0-only
"""Judges arch_compat of several vcpus, and of one over its life: what is read after runs and after
KVM_SET_SREGS, and a mode that is set when a guest has run. What must be there is ModelVm's."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from harness.features.compat_caps.micro_run import Run, judge_run
from harness.features.compat_caps.oracle_ioctl import Subject
from harness.features.compat_caps.oracle_vcpu import name_of
from harness.features.compat_caps.suite import Answers
from harness.features.compat_caps.suite_vcpus import (
    ALL,
    LIVES,
    SEVERAL,
    VCPUS,
    Life,
    Several,
    life_question,
    several_question,
)
from harness.features.compat_caps.vcpu_facts import Reads
from harness.features.compat_caps.vm_model import Host, ModelVm, Values, fits, is_defect, values_fact
from harness.model.cpu import Mode
from harness.model.fact import Fact
from harness.model.facts import Each, Errno, NoAnswer, Register, SomeAnswer, Steps
from harness.model.verdict import Kind, Verdict

_SREGS = (
    "book3s_hv.c, kvm_arch_vcpu_ioctl_set_sregs_hv: takes the PVR that it gave, changes nothing of a mode"
)
_SEVERAL = (
    "book3s_hv.c, kvmppc_set_arch_compat: of the vcpu's own vcore; threads_per_vcore is 1 from ISA 3.0 on"
)
_READ = "book3s_hv.c, kvmppc_get_one_reg_hv; nested API v2: book3s_hv_nestedv2.c asks L0 after a run"
TOLD_LESS = "L1's own mode is told to L0 as POWER10"
_LATER = "book3s_hv.c, kvmppc_set_arch_compat: nothing there asks whether the vcpu has run"


def judge(subject: Subject, host: Host, answers: Answers) -> list[Verdict]:
    found: list[Verdict] = []
    for which, value in SEVERAL:
        found += _several(subject, host, which, value, answers)
    for first, later in LIVES:
        found += _life(subject, host, first, later, answers)
    return found


def _granted(subject: Subject, *values: int) -> bool:
    """Whether any kernel has to take these modes, keep them and run a guest in them: L1's own or older ones,
    from POWER9 on."""
    modes = {each.logical_pvr for each in Mode if Mode.P9 <= each <= subject.l1_mode}
    return modes.issuperset(values)


def _verdict(
    name: str, right: bool, expected: Fact, observed: Fact, question: str, source: str, defect: str = "",
    *, of_any: bool = False,
) -> Verdict:  # fmt: skip
    """defect: the known one that shows, '' without any; of_any: whether any kernel should do so."""
    kind = Kind.FAIL if not right else Kind.DEFECT if defect else Kind.OK
    return Verdict(
        name, kind, expected, observed, question, source, right=right if of_any and not defect else None,
        defect=defect,
    )  # fmt: skip


# -- several vcpus ---------------------------------------------------------------------------


def _several(subject: Subject, host: Host, which: str, value: int, answers: Answers) -> list[Verdict]:
    name = f"{VCPUS} vcpus, {name_of(value)} on {'all' if which == ALL else f'vcpu {which} only'}"
    question = several_question(which, value)
    document = answers.document(question)
    if document is None:
        missing = answers.missing(question) or NoAnswer()
        return [Verdict(f"{name}: set", Kind.FAIL, SomeAnswer(), missing, question)]
    got = Several.from_json(document)
    vm = ModelVm(subject, host, VCPUS)
    chosen = [which in (ALL, str(number)) for number in range(VCPUS)]
    errors = [vm.set(number, value) if yes else None for number, yes in enumerate(chosen)]
    stored = [vm.get(number) for number in range(VCPUS)]
    runs = []
    for number, run in enumerate(got.run):
        entered = vm.run(number)
        runs.append(judge_run(run, entered, vm.mode(number), host.raw_pvr))
    after = [vm.get(number) for number in range(VCPUS)]
    row = vm.row(value)
    of_any = which == ALL and _granted(subject, value)
    complete = all(len(each) == VCPUS for each in (got.set, got.stored, got.run, got.after))
    return [
        _verdict(
            f"{name}: set", complete and list(got.set) == errors, _each(Errno(each) for each in errors),
            _each(Errno(each) for each in got.set), question, row.source, row.defect, of_any=of_any,
        ),
        _reads(f"{name}: stored", stored, got.stored, question, _SEVERAL, of_any),
        _verdict(
            f"{name}: KVM_RUN", complete and all(right for right, _, _ in runs),
            _each(expected for _, expected, _ in runs), _each(observed for _, _, observed in runs),
            question, _SEVERAL, of_any=of_any,
        ),
        _reads(f"{name}: after KVM_RUN", after, got.after, question, _READ, of_any),
    ]  # fmt: skip


def _reads(
    name: str, wanted: Sequence[Values], got: Sequence[int | None], question: str, source: str, of_any: bool
) -> Verdict:
    pairs = list(zip(wanted, got, strict=False))
    right = len(got) == len(wanted) and all(fits(*each) for each in pairs)
    return _verdict(
        name, right, _each(values_fact(each) for each in wanted), _each(Register(each) for each in got),
        question, source, TOLD_LESS if any(is_defect(*each) for each in pairs) else "", of_any=of_any,
    )  # fmt: skip


def _each(facts: Iterable[Fact]) -> Each:
    """Each vcpu's, in order."""
    return Each(tuple(facts))


# -- one vcpu's life -------------------------------------------------------------------------


class _Step(NamedTuple):
    """One thing that was done. defect: the known one that it shows."""

    right: bool
    expected: Fact
    observed: Fact
    defect: str = ""


def _life(subject: Subject, host: Host, first: int, later: int, answers: Answers) -> list[Verdict]:
    name = f"{name_of(first)}, then {name_of(later)}"
    question = life_question(first, later)
    document = answers.document(question)
    if document is None:
        return [
            Verdict(
                f"{name}: after KVM_RUN",
                Kind.FAIL,
                SomeAnswer(),
                answers.missing(question) or NoAnswer(),
                question,
            )
        ]
    got = Life.from_json(document)
    vm, of_any = ModelVm(subject, host), _granted(subject, first, later)

    def phase(what: str, steps: Sequence[_Step], source: str, defect: str = "") -> Verdict:
        shown = next((each.defect for each in steps if each.defect), defect)
        return _verdict(
            f"{name}: {what}", all(each.right for each in steps),
            Steps(tuple(each.expected for each in steps)), Steps(tuple(each.observed for each in steps)),
            question, source, shown, of_any=of_any,
        )  # fmt: skip

    def ran(run: Run) -> _Step:
        entered = vm.run(0)
        return _Step(*judge_run(run, entered, vm.mode(0), host.raw_pvr))

    def read(value: int | None) -> _Step:
        wanted = vm.get(0)
        facts = Reads(values_fact(wanted)), Reads(Register(value))
        return _Step(fits(wanted, value), *facts, TOLD_LESS if is_defect(wanted, value) else "")

    def error(wanted: int, value: int) -> _Step:
        return _Step(value == wanted, Errno(wanted), Errno(value))

    row = vm.row(first)
    started = phase("set", [error(vm.set(0, first), got.set), read(got.stored)], row.source, row.defect)
    lives = [
        phase("after KVM_RUN", [ran(got.run), read(got.after_run)], _READ),
        phase("after SET_SREGS", [*(error(0, each) for each in got.sregs), read(got.after_sregs)], _SREGS),
        phase("after a second KVM_RUN", [ran(got.second_run), read(got.after_second_run)], _READ),
    ]
    row = vm.row(later)
    set_later = [error(vm.set(0, later), got.set_later), read(got.stored_later)]
    return [
        started,
        *lives,
        phase("set after a run", set_later, f"{_LATER}; {row.source}", row.defect),
        phase("KVM_RUN with what was set later", [ran(got.later_run), read(got.after_later_run)], _READ),
    ]
