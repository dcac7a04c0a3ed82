# SPDX-License-Identifier: GPL-2.0-only
"""What is no splat, whose line a line is, which lines are one report, and how much is kept."""

from __future__ import annotations

import pytest

from harness.health.splats import SplatReader, is_part_of_a_report, read_splats

STAMP = "[   12.345678] "

WARNING = "WARNING: arch/powerpc/kvm/book3s_hv.c:1 at kvmppc_vcpu_run_hv+0x1/0x2, CPU#0: qemu/12"
CUT = "------------[ cut here ]------------"
END = "---[ end trace 0000000000000000 ]---"
NULL = "BUG: Kernel NULL pointer dereference on read at 0x00000000"
TRACE = (
    "Call Trace:",
    "[c000000003ebfb40] [c000000000829488] dump_stack_lvl+0x138/0x150 (unreliable)",
    "[c000000003ebfb70] [c00000000062656c] caught+0x9c/0xc0",
    "[c000000003ebfbd0] [c000000000627b40] caller+0x278/0x3a0",
)


def console(*lines: str) -> list[str]:
    """Lines as a kernel with printk times prints them; those that begin with a bar are printed by others."""
    return [line[1:] if line.startswith("|") else STAMP + line for line in lines]


def titles(*lines: str) -> list[str]:
    return [each.title for each in read_splats(console(*lines))]


@pytest.mark.parametrize(
    "line",
    [
        "DEBUG: got here",
        "DEBUG: BUG: no",
        "kvm: DEBUG: Oops: no, sig: 11 [#1]",
        "WARNING: nvram corruption detected: 0-length partition",
        "WARNING: Flushing system-wide workqueues will be prohibited in near future.",
        "OPAL core: WARNING: Failed to read OPAL base & entry values",
        "kvm: no BUG: here",
        "lkdtm: this is not a kernel BUG at all",
        "Kernel command line: console=hvc0 panic=-1 BUG: x=WARNING: CPU: 0 PID: 1 at y",
        "Command line: Kernel panic - not syncing: x",
        "00000000: 42 55 47 3a 20 4f 6f 70 73 3a 20 57 41 52 4e 49  BUG: Oops: WARNI",
        " BUG: with a space in front, as a dump has it",
        "Oops, I did it again",
        "Oops: something without a signal",
        "watchdog: enabled",
        "rcu: Hierarchical RCU implementation.",
        "rcu: INFO: rcu_sched is nothing to worry about",
        "INFO: lockdep is turned off.",
        "INFO: task kworker is fine",
        "systemd[1]: Kernel panic is not what this is",
        "note: sh[80] exited with irqs disabled",
        "Modules linked in: kvm_hv kvm",
        "Code: e8010010 7c0803a6 4e800020 <e8890002> 4bbe433d",
        END,
        "---[ end Kernel panic - not syncing: x ]---",
        "Call Trace:",
        "[c000000003ebfb70] [c00000000062656c] provoke_harmless+0x9c/0xc0",
        "NIP [c00000000062656c] provoke_harmless+0x9c/0xc0",
        "MCE: CPU0: machine check (Harmless)  Unknown  [Recovered]",
        "busybox[80]: segfault (11) at 0 nip 100bb2e8 lr 100bb2e8 code 1 in busybox[10000000+200000]",
        "busybox[80]: User access of kernel address (c000000000000000) - exploit attempt? (uid: 0)",
        "workqueue: kvm_work hogged CPU for >10000us 4 times, consider switching to WQ_UNBOUND",
        "hrtimer: interrupt took 12345678 ns",
        "kmemleak: Kernel memory leak detector initialized (mem pool available: 15831)",
        "OF: ERROR: next of_node_put() on this node will result in a kobject warning 'refcount_t: underflow'",
        "RTAS: event: 1, Type: Unknown (0), Severity: 0",
        "opal: no Hardware platform error",
        "watchdog: CPU 1 became unstuck TB:123",
        "sched: RT throttling activated",
        "oom_reaper: reaped process 80 (tail), now anon-rss:0kB, file-rss:0kB, shmem-rss:0kB",
        "lkdtm: WARNING: CPU: 0 PID: 1 at no place",
        "KVM: warning: at last",
        "WARNING: at last",
        "KASAN: null-ptr-deref in range [0x0000000000000000-0x0000000000000007]",
        "FAULT_INJECTION: forcing a failure.",
        "=============================================",
    ],
)
def test_a_line_is_no_splat(line):
    assert titles(line) == []


@pytest.mark.parametrize(
    "line",
    [
        "qemu-system-ppc64: warning: TCG doesn't support requested feature, cap-cfpc=workaround",
        "qemu-system-ppc64: warning: WARNING: CPU: 0 PID: 1 at x",
        "qemu-system-ppc64: OS terminated is not what happened",
        "0 > boot",
        "1:monday",
        "( 300 ) lines of text",
        "KVM: unknown exit, hardware reason ffffffffffffffea",
        "NIP c000000000627b40   LR c000000000626104 CTR 0000000000000000",
    ],
)
def test_a_line_of_qemu_or_firmware_is_no_splat(line):
    assert titles("Linux version 7.2.12", f"|{line}") == []
    assert read_splats([line]) == []


@pytest.mark.parametrize("line", [NULL, WARNING, "Kernel panic - not syncing: x", "kernel BUG at a.c:1!"])
def test_a_program_that_prints_such_a_line_is_no_kernel(line):
    """Once the kernel was seen to print times, a line without one is not its own."""
    assert titles("kvm: ready", f"|{line}") == []
    assert len(read_splats([line])) == 1


def test_a_kernel_whose_times_are_switched_off_is_heard():
    early = [f"{STAMP}Kernel command line: console=hvc0 printk.time=0 panic=-1", f"{STAMP}early"]
    assert [each.title for each in read_splats([*early, NULL])] == ["BUG: NULL dereference"]
    early[0] = early[0].replace("=0", "=1")
    assert read_splats([*early, NULL]) == []


def test_the_next_kernel_may_have_no_times():
    assert titles("kvm: ready", "|Linux version 6.12 (x)", f"|{NULL}") == ["BUG: NULL dereference"]
    assert titles("kvm: ready", "|Linux version 6.12 (x)", "kvm: ready", f"|{NULL}") == []


def test_a_program_in_between_does_not_join_in():
    program = "|[c000000003ebfb70] [c00000000062656c] of_a_program+0x9c/0xc0"
    lines = (CUT, "|NIP [c0] x", WARNING, program, *TRACE, f"|{END}", f"|{NULL}", "Code: 00000000", END)
    found = read_splats(console(*lines))
    assert [each.title for each in found] == ["WARNING in kvmppc_vcpu_run_hv"]
    assert found[0].trace == ("caught", "caller")


def test_user_space_that_writes_to_kmsg_is_told_by_its_facility():
    assert read_splats([f"<9>[    1.000000] {NULL}", f"<8>{NULL}"]) == []
    assert [each.title for each in read_splats([f"<1>{NULL}"])] == ["BUG: NULL dereference"]


def test_a_dump_stack_of_a_developer_is_none():
    assert titles("CPU: 0 UID: 0 PID: 38 Comm: init", "Hardware name: IBM pSeries", *TRACE, "done") == []


def test_a_trace_after_a_finished_report_is_not_its_own():
    found = read_splats(console(CUT, WARNING, END, *TRACE))
    assert found[0].trace == ()


# -- one report or two -------------------------------------------------------------------------------------


def test_the_text_of_a_warning_may_look_like_anything():
    assert titles(CUT, NULL, "Kernel panic - not syncing: no", WARNING, END) == [
        "WARNING in kvmppc_vcpu_run_hv"
    ]


def test_what_looks_like_a_text_and_has_no_warning_is_read_after_all():
    reader = SplatReader()
    for line in console(CUT, "Kernel panic - not syncing: x", *(f"line {number}" for number in range(11))):
        reader.feed(line)
        assert reader.reading and reader.final is None
    reader.feed(STAMP + "one too many")
    assert reader.final is not None
    for line in console(CUT, "Linux version 7", "Kernel panic - not syncing: y"):
        reader.feed(line)
    found = reader.take(flush=True)
    assert [each.title for each in found] == ["kernel panic: x", "kernel panic: y"]


def test_xmon_does_not_wait_for_a_warning():
    reader = SplatReader()
    for line in console(CUT, "|cpu 0x0: Vector: 300 (Data Access) at [c000000003ed78d0]"):
        reader.feed(line)
    assert reader.final is not None and reader.final.title == "xmon: data access"


def test_two_warnings_are_two():
    assert titles(CUT, WARNING, CUT, WARNING, END) == ["WARNING in kvmppc_vcpu_run_hv"] * 2


def test_an_oops_after_a_warning_without_its_end_is_another():
    assert titles(CUT, WARNING, NULL, "Oops: Kernel access of bad area, sig: 11 [#1]") == [
        "WARNING in kvmppc_vcpu_run_hv",
        "BUG: NULL dereference",
    ]


def test_a_panic_that_follows_is_told_by_its_cause():
    found = read_splats(console(NULL, "Oops: Kernel access of bad area, sig: 11 [#1]", END,
                                "Kernel panic - not syncing: Fatal exception in interrupt"))  # fmt: skip
    assert [(each.title, each.final) for each in found] == [("BUG: NULL dereference", True)]


def test_a_panic_that_follows_long_after_is_told_by_its_cause_alone():
    reader = SplatReader()
    for line in console(NULL, "Oops: Kernel access of bad area, sig: 11 [#1]", END):
        reader.feed(line)
    assert [each.final for each in reader.take()] == [False]
    assert reader.final is None
    reader.feed(STAMP + "Kernel panic - not syncing: Fatal exception")
    assert reader.final is not None
    assert (reader.final.title, reader.final.final) == ("BUG: NULL dereference", True)
    assert reader.take(flush=True) == []


def test_the_first_final_one_stays():
    reader = SplatReader()
    for line in console(
        "Kernel panic - not syncing: one", "Linux version 7", "Kernel panic - not syncing: two"
    ):
        reader.feed(line)
    assert reader.final is not None and reader.final.title == "kernel panic: one"
    reader.take(flush=True)
    assert reader.final.title == "kernel panic: one"


def test_a_panic_is_told_from_its_first_line_on():
    reader = SplatReader()
    reader.feed(STAMP + "Kernel panic - not syncing: x")
    assert reader.final is not None and reader.final.final
    assert reader.take() == []
    for line in console(*TRACE):
        reader.feed(line)
    assert reader.final.trace == ("caught", "caller")


# -- when it has ended ---------------------------------------------------------------------------------------


def test_nothing_is_taken_while_it_is_being_told():
    reader = SplatReader()
    for line in console(CUT, WARNING, *TRACE):
        reader.feed(line)
    assert reader.reading and reader.take() == []
    reader.feed(STAMP + END)
    assert not reader.reading
    assert [each.title for each in reader.take()] == ["WARNING in kvmppc_vcpu_run_hv"]
    assert reader.take() == [] and reader.take(flush=True) == []


def test_a_report_without_an_end_ends_with_what_is_none_of_it():
    reader = SplatReader()
    sleeping = "BUG: sleeping function called from invalid context at kernel/locking/mutex.c:1"
    for line in console(sleeping, "in_atomic(): 1, irqs_disabled(): 0", *TRACE):
        reader.feed(line)
    assert reader.take() == []
    for number in range(7):
        assert reader.take() == []
        reader.feed(f"{STAMP}kvm: line {number}")
    assert [each.title for each in reader.take()] == [
        "BUG: sleeping function called from invalid context in caught"
    ]


def test_a_report_that_never_gets_a_trace_ends_too():
    reader = SplatReader()
    reader.feed(STAMP + NULL)
    for number in range(40):
        assert reader.take() == []
        reader.feed(f"{STAMP}kvm: line {number}")
    reader.feed(STAMP + "kvm: last")
    assert [each.title for each in reader.take()] == ["BUG: NULL dereference"]


def test_lockdep_shows_many_others_before_its_own():
    chain = ["-> #1 (a){+.+.}-{3:3}:"] + ["       of_another+0x1/0x2", "", "holding it"] * 200
    found = titles(
        "WARNING: possible circular locking dependency detected", *chain, "stack backtrace:", *TRACE
    )
    assert found == ["lockdep: possible circular locking dependency in caught"]
    endless = ["       of_another+0x1/0x2", "holding it"] * 1001
    reader = SplatReader()
    for line in console("WARNING: possible circular locking dependency detected", *endless):
        reader.feed(line)
    assert len(reader.take()) == 1


# -- how much is kept ----------------------------------------------------------------------------------------


def test_a_trace_has_sixty_functions():
    frames = [f"[c000000003ebfb70] [c00000000062656c] f{number}+0x9c/0xc0" for number in range(100)]
    (found,) = read_splats(console(CUT, WARNING, "Call Trace:", *frames, END))
    assert found.trace == tuple(f"f{number}" for number in range(60))


def test_a_line_has_a_thousand_characters():
    (found,) = read_splats([STAMP + "BUG: " + "x" * 5000])
    assert len(found.line) == 1000 and len(found.title) <= 130


def test_one_title_does_not_push_out_another():
    reader = SplatReader()
    for _ in range(500):
        for line in console(CUT, WARNING, END):
            reader.feed(line)
    for line in console(CUT, WARNING.replace("kvmppc_vcpu_run_hv", "another"), END):
        reader.feed(line)
    found = [each.title for each in reader.take()]
    assert found == ["WARNING in kvmppc_vcpu_run_hv"] * 8 + ["WARNING in another"]
    for line in console(CUT, WARNING, END):
        reader.feed(line)
    assert len(reader.take()) == 1  # counted anew


def test_not_more_than_a_hundred_are_kept_but_a_final_one():
    reader = SplatReader()
    for number in range(200):
        for line in console(CUT, WARNING.replace("run_hv", f"run_{number}"), END):
            reader.feed(line)
    reader.feed(STAMP + "Kernel panic - not syncing: x")
    found = reader.take(flush=True)
    assert len(found) == 101 and found[-1].final


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (CUT, True), (END, True), (WARNING, True), ("=" * 40, True), ("Call Trace:", True), (TRACE[1], True),
        ("GPR00: c000000000627b40 c000000003ed7b70", True), ("KVM: Create Guest hcall failed, rc=-55", False),
        ("c0000000 of something", False),
    ],
)  # fmt: skip
def test_lines_that_reports_are_made_of(text, expected):
    assert is_part_of_a_report(text) is expected
