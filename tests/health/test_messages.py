# SPDX-License-Identifier: GPL-2.0-only
"""dmesg -r: what is the kernel's, and what of it says that something went wrong."""

from __future__ import annotations

import pytest

from harness.health.benign import Circumstances
from harness.health.messages import (
    WORDED,
    KernelMessage,
    complaint,
    complaints,
    parse_message,
    parse_messages,
)
from harness.model.topology import NestedApi

PAPR = Circumstances(kernel=(7, 2, 12), qemu=(11, 1, 3), nested_api=NestedApi.V2, level="L1")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("<3>[    1.234567] KVM: no", KernelMessage(3, "KVM: no", 1.234567)),
        ("<7>[    0.000000] ", KernelMessage(7, "", 0.0)),
        ("<4>no time", KernelMessage(4, "no time", 0.0)),
        ("<11>[    1.234567] systemd: no", None),
        ("<30>[    1.234567] systemd: no", None),
        ("[    1.234567] no level", None),
        ("# <3>[    1.234567] not at its beginning", None),
        ("text", None),
        ("", None),
        ("[    1.234567890,3] skiboot", None),
    ],
)
def test_a_line_of_dmesg(line, message):
    assert parse_message(line) == message


def test_all_that_the_kernel_wrote():
    text = "<3>[    1.000000] one\n<11>[    2.000000] of a program\n<4>[    3.000000] three\nTAINT 0\n"
    assert [each.text for each in parse_messages(text)] == ["one", "three"]


@pytest.mark.parametrize("level", range(8))
@pytest.mark.parametrize("booting", [False, True])
def test_level_and_time(level, booting):
    """Errors of any driver count once the level is up, those of KVM always."""
    driver = complaint(KernelMessage(level, "virtio_net: it went wrong", 1.0), booting)
    assert driver == (None if level > 3 or booting else "virtio_net: it went wrong")
    ours = complaint(KernelMessage(level, "KVM: CPU 3 seems to be stuck", 1.0), booting)
    assert ours == (None if level > 3 else "KVM: CPU N seems to be stuck")


@pytest.mark.parametrize(
    "text",
    [
        "KVM: Create Guest hcall failed, rc=-55",
        "KVM-NESTEDv2: couldn't set guest wide elements",
        "kvm-hv: Could not configure parent hypervisor capabilities (rc=-2)",
        "KVM-HV: Couldn't allocate",
        "OF: fdt: it went wrong",
        "xive-kvm: inconsistent save-restore setup for VCPU 3",
        "kvmppc_uvmem_init failed -12",
    ],
)
def test_what_counts_at_boot(text):
    assert complaint(KernelMessage(3, text, 0.1), booting=True) is not None


@pytest.mark.parametrize(
    "text",
    [
        "KVM Guest Run VCPU hcall failed",
        "KVM: Create Guest vcpu hcall failed, rc=-2",
        "KVM-NESTEDv2: couldn't fill vcpu run input buffer",
        "kvm-hv: Could not do it",
        "kvmppc_set_passthru_irq_hv: Could not assign IRQ map for (3,4)",
        "kvmppc_clr_passthru_irq (irq 3, gsi 4) fails: -22",
    ],
)
def test_what_counts_at_level_warning(text):
    assert complaint(KernelMessage(4, text, 100.0), booting=False) is not None
    assert complaint(KernelMessage(6, text, 100.0), booting=False) is not None


@pytest.mark.parametrize("row", WORDED, ids=lambda row: row.pattern.pattern)
def test_each_row_of_words_is_needed(row, monkeypatch):
    monkeypatch.setattr("harness.health.messages.WORDED", tuple(each for each in WORDED if each is not row))
    texts = ["KVM Guest Run VCPU hcall failed", "KVM: Create Guest vcpu hcall failed, rc=-2",
             "KVM-NESTEDv2: couldn't fill vcpu run input buffer", "kvm-hv: Could not do it",
             "kvmppc_clr_passthru_irq (irq 3, gsi 4) fails: -22"]  # fmt: skip
    assert None in [complaint(KernelMessage(4, text, 1.0), booting=False) for text in texts]


@pytest.mark.parametrize(
    "text",
    [
        "kvm: Nested Virtualization enabled",
        "WARNING: nvram corruption detected: 0-length partition",
        "random: crng init done",
        "systemd wants this: hcall failed",
    ],
)
def test_a_bare_printk_is_none(text):
    assert complaint(KernelMessage(4, text, 100.0), booting=False) is None


@pytest.mark.parametrize(
    "text",
    ["DEBUG: got here", "DEBUG", "dbg: vcpu 3", "kvm: DEBUG: x", "[debug] x", "*** debug: x", "kvm: dbg x",
     "XXX x", "kvm: trace x"],
)  # fmt: skip
def test_a_developers_print_is_none(text):
    assert complaint(KernelMessage(3, text, 100.0), booting=False) is None


@pytest.mark.parametrize("text", ["debugfs: file 'x' already present", "traceback of x", "no debug: x"])
def test_a_word_alone_does_not_make_it_one(text):
    assert complaint(KernelMessage(3, text, 100.0), booting=False) == text


@pytest.mark.parametrize(
    "text",
    ["", "   ", "Call Trace:", "BUG: Kernel NULL pointer dereference at 0x00000000", "OF: ERROR: of a kind",
     "[c000000003ebfb70] [c00000000062656c] f+0x9c/0xc0"],
)  # fmt: skip
def test_what_splats_are_made_of_is_none(text):
    assert complaint(KernelMessage(1, text, 100.0), booting=False) is None


def test_a_benign_one_is_none_where_it_is_benign():
    message = KernelMessage(3, "KVM: TLB LPID invalidation hcall failed, rc=-2", 100.0)
    assert complaint(message, False, PAPR) is None
    assert complaint(message, False) == "KVM: TLB LPID invalidation hcall failed, rc=N"


def test_those_of_a_splat_are_told_by_the_splat():
    lines = [
        (3, "rcu: INFO: rcu_preempt self-detected stall on CPU"),
        (3, "rcu: \t0-....: (2099 ticks this GP) idle=1234/1/0x4000000000000002 softirq=1/1 fqs=2"),
        (3, "rcu: \t(t=2100 jiffies g=1 q=2 ncpus=1)"),
        (4, "NIP [c000000000626104] f+0x10/0x90"),
    ]
    messages = [KernelMessage(level, text, 1.0) for level, text in lines]
    assert complaints(messages, booting=False) == []
    assert complaint(messages[1], booting=False) is not None  # by its looks alone it cannot be known
    assert complaints([*messages, KernelMessage(3, "KVM: CPU 3 seems to be stuck", 2.0)], False) == [
        "KVM: CPU N seems to be stuck"
    ]


def test_each_title_is_told_once():
    messages = [KernelMessage(3, f"KVM: CPU {number} seems to be stuck", 1.0) for number in range(5)]
    messages += [KernelMessage(3, "virtio_net: no", 1.0)]
    assert complaints(messages, booting=False) == ["KVM: CPU N seems to be stuck", "virtio_net: no"]
    assert complaints(messages, booting=True) == ["KVM: CPU N seems to be stuck"]
