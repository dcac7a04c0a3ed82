# SPDX-License-Identifier: GPL-2.0-only
"""Which mode is in force, by what was seen of the outermost CPU."""

import errno

import pytest
from quoting import said, wanted
from rulebook import answer

from harness.features.compat_caps import behaviour as b
from harness.features.compat_caps import oracle_inforce
from harness.features.compat_caps.abi import MERGED
from harness.features.compat_caps.caps_checks import right_call
from harness.features.compat_caps.in_force import SINGLE, SPINS, Seen, Spin, settled
from harness.features.compat_caps.oracle_caps import expected_bitmap
from harness.features.compat_caps.oracle_ioctl import Subject
from harness.features.compat_caps.suite import Answers
from harness.features.compat_caps.vm_model import Host, ModelVm
from harness.model.cpu import PVR_INVALID, Mode
from harness.model.facts import NotAsked
from harness.model.topology import NestedApi
from harness.model.verdict import Kind

P9, P10, P11 = (mode.logical_pvr for mode in (Mode.P9, Mode.P10, Mode.P11))
RAW = {Mode.P9: 0x004E1202, Mode.P10: 0x00801200, Mode.P11: 0x00821200}
MASK = 0x0FFFFFFFFFFFFFC1  # of Linux 7.3: reserved bits, which are set in every PCR that is handed over
SPINNING, REFUSED = ({"errno": error, "exit": 10, "hcall": None, "gpr": [0] * 12} for error in (4, 22))

# Seen with Linux 7.3 under QEMU 11.1.3.
V1_PCR = {Mode.P8: 0x18, Mode.P9: 0x10, Mode.P10: 0, Mode.P11: 0}
V2_PCR = {Mode.P9: 0xFFFFFFFFFFFFFFEF, Mode.P10: 0xFFFFFFFFFFFFFFCF, Mode.P11: 0xFFFFFFFFFFFFFFCF}


def document(subject, host, spin, pcr=None):
    """As the kernel that the model describes answers. pcr: another one that is seen."""
    vm, steps = ModelVm(subject, host, spin.vcpu + 1), []
    for value in spin.values:
        error = None if value is None else vm.set(spin.vcpu, value)
        stored = vm.get(spin.vcpu)[0]
        runs = vm.run(spin.vcpu)
        steps.append({"set": error, "stored": stored, "run": SPINNING if runs else REFUSED})
    if subject.api is NestedApi.V1:
        right = MASK | (V1_PCR[vm.mode(spin.vcpu)] - V1_PCR[subject.l1_mode] if runs else 0)
    else:
        right = V2_PCR[vm.mode(spin.vcpu)] if vm.sent else 0
    after = vm.get(spin.vcpu)[0]
    return {
        "steps": steps, "samples": 10 if runs else 0, "unseen": "", "lost": "",
        "counts": [[3, right if pcr is None else pcr, 8]] if runs else [],
        "spun": {"run": SPINNING if runs else None, "after": after},
    }  # fmt: skip


def answers(subject, host):
    found = {spin.question: document(subject, host, spin) for spin in SPINS}
    call = right_call(MERGED)
    found[call.line] = {"answers": [answer(subject.kernel(65536), call).to_json()]}
    return found


def judged(subject, host, found):
    return {each.check: each for each in oracle_inforce.judge(subject, host, Answers(65536, found))}


PLACES = [(Mode.P11, Mode.P11), (Mode.P11, Mode.P10), (Mode.P10, Mode.P10), (Mode.P11, Mode.P9),
          (Mode.P10, Mode.P9), (Mode.P9, Mode.P9)]  # fmt: skip


def place(api, cpu, mode, behaviour=b.MERGED_SERIES):
    return Subject(behaviour, api, mode), Host(RAW[cpu], qemu=True)


@pytest.mark.parametrize("cpu, mode", PLACES)
@pytest.mark.parametrize("api", NestedApi)
def test_what_the_sources_say_is_as_expected(api, cpu, mode):
    subject, host = place(api, cpu, mode)
    found = judged(subject, host, answers(subject, host))
    assert not [each for each in found.values() if each.kind not in (Kind.OK, Kind.DEFECT)]
    assert found["each mode that the ioctl names can be put in force"].kind is Kind.OK
    assert found["no mode above them can"].kind is Kind.OK
    # Nested API v1 leaves L2 what L1 has not; v2 does so only if it was told nothing.
    defects = [name for name, each in found.items() if each.kind is Kind.DEFECT]
    older = mode is Mode.P9 and cpu is not Mode.P9
    names = ("nothing set",) if api is NestedApi.V2 else ("nothing set", "0", "P9")
    assert defects == [f"{name}: in force: no more than L1 itself may" for name in names if older]


@pytest.mark.parametrize("api", NestedApi)
@pytest.mark.parametrize("spin", SPINS, ids=lambda each: each.question)
def test_another_pcr_than_that_of_the_mode_is_wrong(api, spin):
    subject, host = place(api, Mode.P11, Mode.P11)
    found = answers(subject, host)
    right = found[spin.question]["counts"][0][1]
    other = MASK | 0x10 if api is NestedApi.V1 else V2_PCR[Mode.P9]
    if right == other:
        other = MASK if api is NestedApi.V1 else V2_PCR[Mode.P10]
    found[spin.question]["counts"] = [[3, other, 8]]
    wrong = [name for name, each in judged(subject, host, found).items() if each.kind is Kind.FAIL]
    single = spin in SINGLE and spin.values[0] in (P9, P10, P11)
    assert len(wrong) == (2 if single else 1)
    assert wrong[0].endswith(": in force")


def test_the_register_after_the_run_counts_too():
    subject, host = place(NestedApi.V2, Mode.P11, Mode.P10)
    found = answers(subject, host)
    found[Spin((P10,)).question]["spun"]["after"] = P11  # L0 holds another mode with the same PCR
    verdict = judged(subject, host, found)["P10: in force"]
    assert (verdict.kind, said(verdict)) == (Kind.FAIL, "PCR version bits 0xe, arch_compat 0xf000007")


def test_a_refused_mode_that_runs_and_one_that_should_and_does_not():
    subject, host = place(NestedApi.V1, Mode.P11, Mode.P10)
    found = answers(subject, host)
    refused, taken = Spin((P11,)).question, Spin((P10,)).question
    found[refused], found[taken] = found[taken], found[refused]
    verdicts = judged(subject, host, found)
    assert said(verdicts["P11: in force"]) == "set 0, the guest runs"
    assert said(verdicts["P10: in force"]) == "set EINVAL, EINVAL of KVM_RUN"
    kinds = {name: each.kind for name, each in verdicts.items()}
    assert kinds["P11: in force"] is kinds["P10: in force"] is Kind.FAIL
    assert kinds["each mode that the ioctl names can be put in force"] is Kind.FAIL
    assert kinds["no mode above them can"] is Kind.FAIL


def test_a_mode_that_is_refused_in_a_kernel_that_lets_it_run_untouched():
    """Refused, nothing stored: L1's own mode stays in force, which is no proof of the mode that was asked."""
    subject, host = place(NestedApi.V1, Mode.P9, Mode.P9)
    found = answers(subject, host)
    assert judged(subject, host, found)["no mode above them can"].kind is Kind.OK
    found[Spin((P10,)).question]["steps"][0]["set"] = 0
    assert judged(subject, host, found)["no mode above them can"].kind is Kind.FAIL


@pytest.mark.parametrize("end", [{"errno": errno.EIO}, {"errno": 0, "exit": 17}])
def test_a_run_that_fails_for_another_reason_is_no_refusal(end):
    """A kernel that stores PVR_ARCH_INVALID lets no guest run: by EINVAL, and by nothing else."""
    subject, host = place(NestedApi.V1, Mode.P11, Mode.P10)
    found = answers(subject, host)
    step = found[Spin((P11,)).question]["steps"][0]
    assert step["run"] == REFUSED and judged(subject, host, found)["P11: in force"].kind is Kind.OK
    step["run"] = {**REFUSED, **end}
    assert judged(subject, host, found)["P11: in force"].kind is Kind.FAIL


@pytest.mark.parametrize(
    "change, kind, words",
    [
        ({"counts": []}, Kind.UNKNOWN, "not seen: 0 of 10 samples show the guest: none"),
        ({"counts": [[3, MASK | 0x10, 7]]}, Kind.UNKNOWN, "not seen: 7 of 10 samples"),
        ({"counts": [[3, MASK | 0x10, 4], [3, 0, 4]]}, Kind.UNKNOWN, "not seen: 8 of 10 samples"),
        ({"counts": [], "lost": "QEMU is gone"}, Kind.UNKNOWN, "not seen: QEMU is gone"),
        ({"counts": [], "samples": 0, "unseen": "no monitor"}, Kind.SKIP, "no QEMU of ours emulates"),
        ({"spun": {"run": None, "after": P9}}, Kind.FAIL, "while it was looked at: did not run"),
        ({"spun": {"trouble": "gone"}}, Kind.FAIL, "while it was looked at: gone"),
        ({"spun": {"run": REFUSED, "after": P9}}, Kind.FAIL, "while it was looked at: EINVAL"),
    ],
)  # fmt: skip
def test_nothing_is_fine_that_was_not_seen(change, kind, words):
    subject, host = place(NestedApi.V1, Mode.P11, Mode.P11)
    found = answers(subject, host)
    question = Spin((P9,)).question
    found[question] = {**found[question], **change}
    verdicts = judged(subject, host, found)
    assert verdicts["P9: in force"].kind is kind
    assert said(verdicts["P9: in force"]).startswith(words)
    assert verdicts["each mode that the ioctl names can be put in force"].kind is kind


def test_a_few_samples_of_another_value_do_not_count():
    subject, host = place(NestedApi.V1, Mode.P11, Mode.P11)
    found = answers(subject, host)
    found[Spin((P9,)).question]["counts"] = [[3, MASK | 0x10, 9], [3, 0, 1]]
    assert judged(subject, host, found)["P9: in force"].kind is Kind.OK


def test_what_was_not_asked_is_told_as_that():
    subject, host = place(NestedApi.V1, Mode.P11, Mode.P11)
    verdicts = judged(subject, host, {})
    of_spins = {each.observed for name, each in verdicts.items() if name.endswith(": in force")}
    assert of_spins == {NotAsked()}
    assert {each.kind for each in verdicts.values()} == {Kind.FAIL}
    # Of a suite that ended early: none of these may be held against the kernel.
    found = answers(subject, host)
    del found[Spin((P11,)).question]
    wrong = [each for each in judged(subject, host, found).values() if each.kind is Kind.FAIL]
    assert [each.observed for each in wrong] == [NotAsked()] * 2


def test_a_kernel_without_the_ioctl_has_nothing_to_compare_with():
    subject, host = place(NestedApi.V2, Mode.P11, Mode.P10, b.NONE)
    found = answers(subject, host)
    verdicts = judged(subject, host, found)
    assert verdicts["no mode above them can"].kind is Kind.SKIP
    # 6.12 takes POWER11 in a POWER10 L1: L0 is told so.
    assert verdicts["P11: in force"].kind is Kind.DEFECT
    assert "a mode above L1's is accepted" in wanted(verdicts["P11: in force"])


def test_612_tells_l0_less_than_l1s_own_mode():
    subject, host = place(NestedApi.V2, Mode.P11, Mode.P11, b.NONE)
    found = answers(subject, host)
    question = Spin((0,)).question
    assert judged(subject, host, found)["0: in force"].kind is Kind.OK
    found[question]["spun"]["after"] = P10
    verdict = judged(subject, host, found)["0: in force"]
    assert (verdict.kind, "told to L0 as POWER10" in wanted(verdict)) == (Kind.DEFECT, True)
    found[question]["spun"]["after"] = P9
    assert judged(subject, host, found)["0: in force"].kind is Kind.FAIL


def test_the_ioctls_modes_are_those_that_it_names():
    subject, host = place(NestedApi.V1, Mode.P11, Mode.P10)
    found = answers(subject, host)
    assert expected_bitmap(MERGED, subject.api, subject.l1_mode)[0] == 0x6 << 60
    call = right_call(MERGED)
    for error, caps in ((22, 0), (0, 0)):
        found[call.line] = {
            "answers": [{"result": 0, "errno": error, "changed": [[16, caps.to_bytes(8, "little").hex()]]}]
        }
        assert judged(subject, host, found)["no mode above them can"].kind is Kind.FAIL
    # One that names POWER11 as well: which cannot be put in force.
    found[call.line] = {
        "answers": [{"result": 0, "errno": 0, "changed": [[16, (0x7 << 60).to_bytes(8, "little").hex()]]}]
    }
    verdict = judged(subject, host, found)["each mode that the ioctl names can be put in force"]
    assert (verdict.kind, "P11: in force" in said(verdict)) == (Kind.FAIL, True)
    # One that does not name POWER10: which can.
    found[call.line] = {
        "answers": [{"result": 0, "errno": 0, "changed": [[16, (0x4 << 60).to_bytes(8, "little").hex()]]}]
    }
    assert judged(subject, host, found)["no mode above them can"].kind is Kind.FAIL


def test_samples_settle():
    assert not settled([]) and not settled([7]) and not settled([7, 1]) and not settled([16, 2])
    assert settled([8]) and settled([9, 1])
    assert Seen.from_json(document(*place(NestedApi.V1, Mode.P11, Mode.P11), Spin((P9,)))).pcr() == (
        MASK | 0x10,
        3,
    )
    assert PVR_INVALID == 0xFFFFFFFF
