# SPDX-License-Identifier: GPL-2.0-only
"""What an L2 boot must show. The first row whose condition holds decides.

How an L2 gets its mode, from the sources: QEMU in L1 takes the CPU of ``-cpu host``
from the raw PVR (QEMU target/ppc/kvm.c, kvm_ppc_get_host_cpu_class). With max-cpu-compat
it sets that mode before the guest runs (hw/ppc/spapr.c, spapr_machine_reset, ppc_set_compat_all:
an error is fatal). Without, the mode is settled when the guest asks through CAS
(hw/ppc/spapr_hcall.c, do_client_architecture_support: the best mode that both know;
an error is only returned to the guest, which goes on in raw mode). Either way KVM hears of it
by KVM_SET_ONE_REG(ARCH_COMPAT), so the table follows oracle_arch_compat.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from harness.features.compat_caps.abi import MERGED
from harness.features.compat_caps.behaviour import Behaviour, Refusal
from harness.features.compat_caps.facts import NoDpdes, RefusedOrAtMost
from harness.model.cpu import GuestMode, Mode
from harness.model.fact import Fact
from harness.model.level_facts import Ended, InMode
from harness.model.observation import Boot
from harness.model.outcome import Outcome
from harness.model.scenario import L1Setting, L2Setting
from harness.model.topology import NestedApi
from harness.model.verdict import Kind, Verdict

# QEMU's companion series: -cpu host takes the mode from the ioctl where the kernel has it.
QEMU_ASKS_IOCTL = (11, 2, 0)

# First QEMU whose nested API v2 knows DPDES and the Power11 capability: commits 1d7e6318afcf and
# 6fb6f3096a3c, in the pull request of 2024-11-04; 9.1.2, of two weeks later, has neither.
QEMU_KNOWS_DPDES = (9, 2, 0)

# Rules (classify.RULES) of lines by which KVM or QEMU refuses a mode; any other error is none about it.
REFUSALS = ("compat-refused", "run-refused", "guest-wide-refused", "mode-not-for-cpu")


@dataclass(frozen=True)
class Case:
    """Everything the expectation depends on. l0_qemu: of the QEMU that is L0, None where L0 is a Linux."""

    behaviour: Behaviour
    api: NestedApi
    l1: L1Setting
    l2: L2Setting
    l1_qemu: tuple[int, int, int]
    l0_qemu: tuple[int, int, int] | None = None

    @property
    def asked(self) -> Mode:
        """The mode QEMU asks KVM for."""
        return self.l2.compat or self.l1.cpu

    @property
    def too_new(self) -> bool:
        """L2 would run in a mode above the one L1 was granted."""
        return self.asked > self.l1.mode

    @property
    def qemu_asks_ioctl(self) -> bool:
        answers = self.behaviour.revision is MERGED and self.api in self.behaviour.served
        return answers and self.l1_qemu >= QEMU_ASKS_IOCTL

    @property
    def l0_lacks_dpdes(self) -> bool:
        """Then every H_GUEST_RUN_VCPU of a kernel with DPDES in its guest state buffer (Linux 6.11 and later)
        fails, whatever the mode: the hypercall refuses an element that it does not know."""
        return self.api is NestedApi.V2 and self.l0_qemu is not None and self.l0_qemu < QEMU_KNOWS_DPDES

    @property
    def dawr1_hides_the_mode(self) -> bool:
        """KVM in a POWER9-mode L1 has no DAWR1, and QEMU stops on that before the mode is asked for."""
        return self.l1.mode is Mode.P9 and self.l1.cpu >= Mode.P10

    @property
    def refused_without_trace(self) -> bool:
        """KVM answers EINVAL and keeps its old value, so that QEMU's CAS goes on in raw mode.

        So it is where the PCR comparison refuses (a mode of a newer ISA), and for POWER11
        under POWER10 with the series' v1. 7.2 and later store PVR_ARCH_INVALID instead.
        """
        if self.asked is Mode.P11:
            return self.behaviour.refusal is not Refusal.STORED
        return True


@dataclass(frozen=True)
class Row:
    """rules: keys of classify.RULES that may prove the outcome, () for any;
    mode: what L2 must report, None where it does not boot;
    defect: what is wrong, where the expectation is a known defect.
    """

    when: Callable[[Case], bool]
    outcome: Outcome
    source: str
    rules: tuple[str, ...] = ()
    mode: Callable[[Case], GuestMode] | None = None
    defect: str = ""
    measured: bool = False


ROWS = (
    Row(
        lambda case: case.l2.compat is not None and case.l2.compat > case.l1.cpu,
        Outcome.QEMU_ERROR,
        "QEMU target/ppc/compat.c, ppc_check_compat: a CPU has no mode newer than itself",
        rules=("mode-not-for-cpu",),
    ),
    Row(
        lambda case: case.l2.compat is None and case.qemu_asks_ioctl,
        Outcome.BOOTED,
        "QEMU 11.2's companion: -cpu host takes the best mode of KVM_PPC_GET_COMPAT_CAPS",
        mode=lambda case: GuestMode(case.l1.mode),
    ),
    Row(
        lambda case: not case.too_new,
        Outcome.BOOTED,
        "Linux book3s_hv.c, kvmppc_set_arch_compat: own mode and older are accepted (PCR)",
        mode=lambda case: GuestMode(case.asked),
    ),
    # From here on, L2 asks for a mode above L1's.
    Row(
        lambda case: (
            case.behaviour.refusal is Refusal.NONE and case.asked is Mode.P11 and case.l1.mode is Mode.P10
        ),
        Outcome.BOOTED,
        "Linux 6.12 book3s_hv.c, kvmppc_set_arch_compat: POWER10 and POWER11 share one PCR bit",
        mode=lambda case: GuestMode(case.asked),
        defect="L2 runs in a mode above L1's; TCG lets it, PowerVM would not",
    ),
    Row(
        lambda case: case.l2.compat is not None,
        Outcome.REFUSED_EARLY,
        "Linux book3s_hv.c, kvmppc_set_arch_compat: EINVAL; QEMU hw/ppc/spapr.c stops on it",
        rules=("compat-refused",),
    ),
    Row(
        lambda case: case.refused_without_trace,
        Outcome.BOOTED,
        "QEMU do_client_architecture_support goes on in raw mode after EINVAL; KVM stored nothing",
        mode=lambda case: GuestMode(case.asked, raw=True),
        defect="L2 runs in raw mode, above L1's",
        measured=True,
    ),
    Row(
        lambda _case: True,
        Outcome.REFUSED_LATE,
        "Linux 7.2 book3s_hv.c: PVR_ARCH_INVALID is stored, kvmppc_vcpu_run_hv answers EINVAL",
        rules=("run-refused",),
    ),
)


def expect(case: Case) -> Row:
    """The row that decides for this case."""
    return next(row for row in ROWS if row.when(case))


def judge(case: Case, boot: Boot) -> Verdict:
    """Verdict on one L2 boot, by the mode L2 itself reported and not only that it booted."""
    row = expect(case)
    mode = row.mode(case) if row.mode else None
    proved = boot.proof or "(no line)"
    matches = boot.outcome is row.outcome and boot.mode == mode and (not row.rules or boot.rule in row.rules)
    of_l0 = boot.rule == "guest-wide-refused" and case.l0_lacks_dpdes
    if boot.outcome is Outcome.INFRASTRUCTURE or of_l0:
        kind = Kind.INFRASTRUCTURE
    elif boot.outcome is Outcome.UNKNOWN:
        kind = Kind.UNKNOWN
    elif not matches:
        kind = Kind.FAIL
    else:
        kind = Kind.DEFECT if row.defect else Kind.OK
    observed: Fact = boot.ended
    if kind is Kind.FAIL and boot.outcome is row.outcome and boot.mode == mode:
        observed = replace(boot.ended, rule=boot.rule)  # it is by another line
    if of_l0 and case.l0_qemu is not None:
        observed = NoDpdes(boot.ended, ".".join(map(str, case.l0_qemu)))
    return Verdict(
        check="L2 outcome",
        kind=kind,
        expected=Ended(row.outcome, InMode.of(mode) if mode else None),
        observed=observed,
        proof=proved,
        source=row.source,
        measured=row.measured,
        right=None if kind in (Kind.INFRASTRUCTURE, Kind.UNKNOWN) else is_right(case, boot),
        any_kernel=RefusedOrAtMost(case.l1.mode)
        if case.too_new
        else Ended(Outcome.BOOTED, InMode(case.asked)),
        defect=row.defect,
    )


def is_right(case: Case, boot: Boot) -> bool:
    """Whether an L2 should end so, on any kernel: in the mode it asked for where L1 may grant that,
    otherwise refused for it, or in a mode that L1 may grant."""
    if boot.outcome is Outcome.BOOTED:
        if case.too_new:
            return boot.mode is not None and not boot.mode.raw and boot.mode.mode <= case.l1.mode
        return boot.mode == GuestMode(case.asked)
    ends = (Outcome.REFUSED_EARLY, Outcome.REFUSED_LATE, Outcome.QEMU_ERROR)
    about_the_mode = boot.rule in REFUSALS or (boot.rule == "dawr1" and case.dawr1_hides_the_mode)
    return case.too_new and boot.outcome in ends and about_the_mode
