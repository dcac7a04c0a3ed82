# SPDX-License-Identifier: GPL-2.0-only
"""Outcomes from console logs recorded in real runs (tests/data/*.log)."""

from pathlib import Path

import pytest

from harness.health.ending import Ended, GuestSeen, outcome_of
from harness.health.splats import read_splats
from harness.model.classify import BENIGN, RULES, classify, first_finding
from harness.model.outcome import Outcome

DATA = Path(__file__).parent.parent / "data"

# file -> (rule, outcome); None: nothing in it decides, however it looks.
RECORDED = {
    "l2-refused-late.log": ("run-refused", Outcome.REFUSED_LATE),
    "l2-refused-early.log": ("compat-refused", Outcome.REFUSED_EARLY),
    "l2-mode-not-for-cpu.log": ("mode-not-for-cpu", Outcome.QEMU_ERROR),
    "l2-dawr1.log": ("dawr1", Outcome.QEMU_ERROR),
    "l1-panic.log": ("panic", Outcome.PANIC),
    "l2-booted.log": None,
    "l1-fine-papr.log": None,
    "l1-fine-hv.log": None,
}


def lines(name):
    # Each line carries the harness's time stamp before the console's own text.
    return [line[10:] for line in (DATA / name).read_text(errors="replace").splitlines()]


@pytest.mark.parametrize("name", RECORDED)
def test_recorded_logs(name):
    found = first_finding(lines(name))
    assert (found and (found.key, found.outcome)) == RECORDED[name]


def test_recorded_logs_contain_the_benign_lines_that_must_not_count():
    text = "\n".join(line for name in RECORDED for line in lines(name))
    for pattern in BENIGN:
        assert pattern.search(text), f"{pattern.pattern} is in no recorded log"


@pytest.mark.parametrize(
    ("line", "key"),
    [
        # Not reproducible under TCG: as the series' author and reviewers report them from PowerVM.
        ("KVM: unknown exit, hardware reason ffffffffffffffea", "guest-wide-refused"),
        ("error: kvm run failed Bad address", "run-failed"),
        # Of an exit_reason, or a hw_reason, that no QEMU serves; the last is no line of QEMU's.
        ("KVM: unknown exit reason 99", "unknown-exit"),
        ("KVM: unknown exit, hardware reason c00", "unknown-exit"),
        ("KVM internal error. Suberror: 1", "unknown-exit"),
        ("[    1.000000] KVM: unknown exit reason 99", None),
        ("qemu-system-ppc64: OS terminated: ", "os-terminated"),
        ("qemu-system-ppc64: could not load kernel '/kernel/vmlinux'", "qemu"),
        # A kernel's complaint is a splat, of harness/health/splats.py, and no line of QEMU's.
        ("[    1.000000] Oops: Kernel access of bad area, sig: 11 [#1]", None),
        ("qemu-system-ppc64: warning: kernel_irqchip allowed but unavailable", None),
        ("qemu-system-ppc64: -mon x: warning: '-mon' is deprecated", None),
        ("[    0.0] Kernel command line: panic=-1", None),
    ],
)
def test_single_lines(line, key):
    found = classify(line)
    assert (found and found.key) == key


OOPS = "[    1.000000] Oops: Kernel access of bad area, sig: 11 [#1]"
OOPS_WAS = "Oops: bad access: [    1.000000] Oops: Kernel access of bad area, sig: 11 [#1]"
PANIC = "Kernel panic - not syncing: Fatal exception"
REFUSED = "error: kvm run failed Invalid argument"


@pytest.mark.parametrize(
    ("console", "outcome", "rule", "proof"),
    [
        ([OOPS], Outcome.PANIC, "splat", OOPS_WAS),
        ([OOPS, PANIC], Outcome.PANIC, "panic", PANIC),
        ([OOPS, REFUSED], Outcome.REFUSED_LATE, "run-refused", REFUSED),
        ([OOPS, "KVM: TLB LPID invalidation hcall failed, rc=-2"], Outcome.PANIC, "splat", OOPS_WAS),
        (["nothing of interest"], Outcome.HANG, "silence", "no console output for 0 s; last line: none"),
    ],
)
def test_an_oops_decides_only_if_nothing_final_follows(console, outcome, rule, proof):
    """Of a guest that then said no more: the lines that decide, and the kernel's own complaints."""
    seen = GuestSeen(Ended.SILENCE, finding=first_finding(console), splats=tuple(read_splats(console)))
    assert outcome_of(seen) == (outcome, rule, proof)


def test_every_rule_names_its_source_and_keys_are_unique():
    assert all(rule.source for rule in RULES)
    assert len({rule.key for rule in RULES}) == len(RULES)
