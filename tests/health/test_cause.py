# SPDX-License-Identifier: GPL-2.0-only
"""Why a level was lost: one row for each rule, and for each order of two rules that matters."""

from dataclasses import replace

import pytest

from harness.health.cause import (
    STARVED,
    Evidence,
    Loss,
    Reach,
    by_the_clock,
    deadly,
    decide,
    lacked_time,
    of_host,
    of_kvm,
    where_of,
)
from harness.model.classify import classify
from harness.model.level_facts import Lost
from harness.model.outcome import Outcome, Side
from harness.model.splat import Splat
from harness.reports.sentences import say

KERNEL, SURROUNDINGS, UNKNOWN = Side.KERNEL, Side.SURROUNDINGS, Side.UNKNOWN

OOPS = Splat("BUG: NULL dereference in kvmppc_x", "BUG: Kernel NULL pointer dereference at 0x8")
WARNING = Splat("WARNING in kvmppc_x", "WARNING: book3s_hv.c:1 at kvmppc_x+0x4/0x8, CPU#0: qemu/1")
PANIC = Splat("kernel panic: Fatal exception", "Kernel panic - not syncing: Fatal exception", final=True)
STALL = Splat("RCU stall in kvmppc_x", "rcu: INFO: rcu_sched self-detected stall on CPU")
NO_INIT = Splat(
    "kernel panic: x", "Kernel panic - not syncing: Attempted to kill init! exitcode=0x100", final=True
)
EIO = "Buffer I/O error on dev vda, logical block 7"
ERROR = "qemu-system-ppc64: could not load kernel"
SIGNAL = "qemu-system-ppc64: terminating on signal 15 from pid 7 (kill)"

# A level in which nothing is known to be wrong but that it was waited for in vain.
L1 = Evidence("L1", "l2p10", monitor="running", last_line="the last")


def of(**what):
    return what


def lost(**what):
    return decide(replace(L1, **what))


# what is known; rule, side, outcome; the whole proof
ROWS = (
    # a console that is not whole
    (of(log_trouble="disk full"), "log", SURROUNDINGS, Outcome.INFRASTRUCTURE, "disk full"),
    # what the kernel said last
    (of(splats=(PANIC,)), "panic", KERNEL, Outcome.PANIC, PANIC.line),
    (of(before=(PANIC,)), "panic", KERNEL, Outcome.PANIC, PANIC.line),
    (of(splats=(WARNING, OOPS, PANIC)), "panic", KERNEL, Outcome.PANIC, PANIC.line),
    (of(panic_line="Kernel panic - x"), "panic", KERNEL, Outcome.PANIC, "Kernel panic - x"),
    (of(panic_line="other", splats=(PANIC,)), "panic", KERNEL, Outcome.PANIC, PANIC.line),
    # what it is started from cannot be read
    (of(disk_line=EIO, splats=(NO_INIT,)), "disk", UNKNOWN, Outcome.UNKNOWN, EIO),
    (of(disk_line=EIO, panic_line=NO_INIT.line), "disk", UNKNOWN, Outcome.UNKNOWN, EIO),
    (of(disk_line=EIO), "disk", UNKNOWN, Outcome.UNKNOWN, EIO),
    (of(disk_line=EIO, reach=Reach.SILENT), "hang", KERNEL, Outcome.HANG, None),
    (of(disk_line=EIO, splats=(PANIC,)), "panic", KERNEL, Outcome.PANIC, PANIC.line),
    (of(disk_line=EIO, panic_line="Kernel panic - not syncing: x"), "panic", KERNEL, Outcome.PANIC, None),
    (of(splats=(NO_INIT,)), "panic", KERNEL, Outcome.PANIC, NO_INIT.line),
    # KVM of the kernel around it
    (
        of(finding=classify("error: kvm run failed Invalid argument")), "run-refused", KERNEL,
        Outcome.REFUSED_LATE, "error: kvm run failed Invalid argument",
    ),
    (
        of(finding=classify("qemu-system-ppc64: ioctl(KVM_CREATE_VM) failed: 22"), exit_status=1,
             qemu_line="x"),
        "qemu", KERNEL, Outcome.QEMU_ERROR, "qemu-system-ppc64: ioctl(KVM_CREATE_VM) failed: 22",
    ),
    (
        of(finding=classify(ERROR), exit_status=1, qemu_line=ERROR), "qemu-error", SURROUNDINGS,
        Outcome.INFRASTRUCTURE, f"{ERROR} (exit status 1)",
    ),
    # QEMU's own bug
    (
        of(hdsi="one line"), "qemu-hdsi-recursion", SURROUNDINGS, Outcome.INFRASTRUCTURE,
        "QEMU's vCPU is stuck in QEMU's HDSI bug; this says nothing about the kernel: one line",
    ),
    # QEMU has ended: by whom
    (
        of(exit_status=0, finding=classify(SIGNAL)), "qemu-ended", SURROUNDINGS, Outcome.INFRASTRUCTURE,
        SIGNAL,
    ),
    (
        of(exit_status=-9), "qemu-killed", SURROUNDINGS, Outcome.INFRASTRUCTURE,
        "QEMU of L1 ended by signal 9 (SIGKILL)",
    ),
    (
        of(exit_status=-99), "qemu-killed", SURROUNDINGS, Outcome.INFRASTRUCTURE,
        "QEMU of L1 ended by signal 99",
    ),
    (
        of(exit_status=-6, qemu_line="qemu-system-ppc64: assertion"), "qemu-killed", SURROUNDINGS,
        Outcome.INFRASTRUCTURE, "QEMU of L1 ended by signal 6 (SIGABRT): qemu-system-ppc64: assertion",
    ),
    (
        of(exit_status=1, qemu_line=ERROR), "qemu-error", SURROUNDINGS, Outcome.INFRASTRUCTURE,
        f"{ERROR} (exit status 1)",
    ),
    (
        of(killed_by_signal=True), "qemu-killed", UNKNOWN, Outcome.UNKNOWN,
        "QEMU of L1 ended by a signal, and its host's log does not say why",
    ),
    (
        of(killed_by_signal=True, signal=9), "qemu-killed", UNKNOWN, Outcome.UNKNOWN,
        "QEMU of L1 ended by signal 9 (SIGKILL), and its host's log does not say why",
    ),
    (
        of(killed_by_signal=True, signal=11), "l0-qemu-crashed", KERNEL, Outcome.QEMU_ERROR,
        "L0: QEMU of L1 crashed by signal 11 (SIGSEGV): the kernel that runs it gave it a wrong page, "
        "register or answer, or a signal it should not have, unless QEMU is wrong",
    ),
    # the outermost QEMU runs on a kernel that is not ours
    (
        of(exit_status=-11), "qemu-killed", SURROUNDINGS, Outcome.INFRASTRUCTURE,
        "QEMU of L1 ended by signal 11 (SIGSEGV)",
    ),
    (
        of(exit_status=3), "qemu-exit", SURROUNDINGS, Outcome.INFRASTRUCTURE,
        "QEMU of L1 ended with status 3; last line: the last",
    ),
    (
        of(exit_status=3, last_line=""), "qemu-exit", SURROUNDINGS, Outcome.INFRASTRUCTURE,
        "QEMU of L1 ended with status 3; it printed nothing",
    ),
    (
        of(exit_status=0), "reset", KERNEL, Outcome.PANIC,
        "L1 reset or powered off by itself (QEMU ended with status 0); last line: the last",
    ),
    (
        of(exit_status=0, shutdown="guest-reset", last_line=""), "reset", KERNEL, Outcome.PANIC,
        "L1 reset or powered off by itself (guest-reset); last line: none",
    ),
    (
        of(exit_status=0, splats=(WARNING, OOPS)), "splat", KERNEL, Outcome.PANIC,
        f"{OOPS.title}: {OOPS.line}",
    ),
    (
        of(exit_status=0, splats=(WARNING,)), "reset", KERNEL, Outcome.PANIC,
        "L1 reset or powered off by itself (QEMU ended with status 0); last line: the last",
    ),
    (
        of(exit_status=0, never_spoke=True, last_line=""), "qemu-exit", SURROUNDINGS,
        Outcome.INFRASTRUCTURE, "QEMU of L1 ended with status 0 before it printed anything",
    ),
    (
        of(exit_status=0, never_spoke=True, last_line="", shutdown="guest-reset"), "reset", KERNEL,
        Outcome.PANIC, "L1 reset or powered off by itself (guest-reset); last line: none",
    ),
    # QEMU is there, and does not go on
    (
        of(process_state="T"), "qemu-stopped", SURROUNDINGS, Outcome.INFRASTRUCTURE,
        "the QEMU process of L1 is stopped (SIGSTOP)",
    ),
    (
        of(process_state="t"), "qemu-stopped", SURROUNDINGS, Outcome.INFRASTRUCTURE,
        "the QEMU process of L1 is stopped (SIGSTOP)",
    ),
    (
        of(monitor="silent"), "qemu-silent", SURROUNDINGS, Outcome.INFRASTRUCTURE,
        "QEMU of L1 does not answer its monitor any more",
    ),
    (
        of(monitor="silent", never_spoke=True), "qemu-silent", SURROUNDINGS, Outcome.INFRASTRUCTURE,
        "QEMU of L1 never answered its monitor",
    ),
    (
        of(monitor="paused"), "qemu-paused", SURROUNDINGS, Outcome.INFRASTRUCTURE,
        "QEMU says of L1: paused",
    ),
    (
        of(monitor="io-error"), "qemu-paused", SURROUNDINGS, Outcome.INFRASTRUCTURE,
        "QEMU says of L1: io-error",
    ),
    (
        of(monitor="prelaunch"), "qemu-silent", SURROUNDINGS, Outcome.INFRASTRUCTURE,
        "QEMU of L1 started no guest",
    ),
    (of(monitor="", never_spoke=True), "qemu-mute", UNKNOWN, Outcome.UNKNOWN, "QEMU of L1 gave no output"),
    (
        of(monitor="", never_spoke=True, caught="thread qemu in state D in x"), "l0-stuck", KERNEL,
        Outcome.HANG, "L0: QEMU of L1 gave no output: thread qemu in state D in x",
    ),
    (of(never_spoke=True), "hang", KERNEL, Outcome.HANG, None),
    (of(monitor=""), "hang", KERNEL, Outcome.HANG, None),
    # its kernel complained, and then it was lost
    (of(splats=(WARNING, OOPS)), "splat", KERNEL, Outcome.PANIC, f"{OOPS.title}: {OOPS.line}"),
    (of(splats=(STALL,), starved=0.39), "splat", KERNEL, Outcome.PANIC, None),
    (of(splats=(STALL,), starved=STARVED), "starved", SURROUNDINGS, Outcome.INFRASTRUCTURE, None),
    (
        of(splats=(STALL, OOPS), starved=STARVED), "splat", KERNEL, Outcome.PANIC,
        f"{OOPS.title}: {OOPS.line}",
    ),
    (
        of(splats=(replace(STALL, final=True),), starved=STARVED), "starved", SURROUNDINGS,
        Outcome.INFRASTRUCTURE, None,
    ),
    (of(splats=(replace(STALL, final=True),)), "panic", KERNEL, Outcome.PANIC, STALL.line),
    # it answers: what was lost is something else
    (
        of(reach=Reach.ANSWERS, stuck="thread x in state D"), "stuck", KERNEL, Outcome.HANG,
        "l2p10 never ends: thread x in state D",
    ),
    (
        of(reach=Reach.RECONNECTED, stuck="thread x in state D"), "stuck", KERNEL, Outcome.HANG,
        "l2p10 never ends: thread x in state D",
    ),
    (
        of(reach=Reach.RECONNECTED, reach_words="reset by peer", ended="ask.py: no output"), "ssh-broke",
        SURROUNDINGS, Outcome.INFRASTRUCTURE,
        "the SSH connection broke (reset by peer); L1 answers on a new one",
    ),
    (
        of(reach=Reach.ANSWERS, ended="ask.py: Segmentation fault", ended_by=11), "program-crashed", KERNEL,
        Outcome.PANIC,
        "in L1: ask.py: Segmentation fault; it crashed by signal 11 (SIGSEGV): the kernel that runs it gave "
        "it a wrong page, register or answer, or a signal it should not have, unless Python is wrong",
    ),
    (
        of(reach=Reach.ANSWERS, ended="ask.py: Killed", ended_by=9), "program-ended", UNKNOWN,
        Outcome.UNKNOWN, "in L1: ask.py: Killed",
    ),
    (
        of(reach=Reach.ANSWERS, ended="ask.py: Killed"), "program-ended", UNKNOWN, Outcome.UNKNOWN,
        "in L1: ask.py: Killed",
    ),
    (
        of(reach=Reach.ANSWERS), "no-answer", UNKNOWN, Outcome.UNKNOWN,
        "l2p10: no answer, but L1 answers",
    ),
    (
        of(reach=Reach.ANSWERS, stuck="thread x runs", starved=STARVED), "starved", SURROUNDINGS,
        Outcome.INFRASTRUCTURE, None,
    ),
    (
        of(reach=Reach.ANSWERS, ended="ask.py: Killed", starved=STARVED), "program-ended", UNKNOWN,
        Outcome.UNKNOWN, None,
    ),
    # its console answers, its network does not
    (
        of(reach=Reach.SILENT, console_answers=True, link_down=True, reach_words="timed out", before=(OOPS,)),
        "link-down", SURROUNDINGS, Outcome.INFRASTRUCTURE,
        "L1 answers on its console, and its network device has no link: timed out",
    ),
    (
        of(reach=Reach.SILENT, console_answers=True, reach_words="timed out"), "network", UNKNOWN,
        Outcome.UNKNOWN, "L1 answers on its console and not over the network: timed out",
    ),
    (of(reach=Reach.SILENT, console_answers=True, before=(OOPS,)), "splat", KERNEL, Outcome.PANIC, None),
    (of(reach=Reach.SILENT, console_answers=False, link_down=True), "hang", KERNEL, Outcome.HANG, None),
    # long ago it complained, and now it is silent
    (
        of(reach=Reach.SILENT, before=(OOPS, replace(OOPS, title="BUG: x"), WARNING)), "splat", KERNEL,
        Outcome.PANIC, f"BUG: x: {OOPS.line}",
    ),
    (of(reach=Reach.SILENT, before=(STALL,)), "splat", KERNEL, Outcome.PANIC, None),
    (
        of(reach=Reach.SILENT, before=(OOPS,), starved=STARVED), "starved", SURROUNDINGS,
        Outcome.INFRASTRUCTURE, None,
    ),
    # this computer is too slow
    (
        of(starved=STARVED), "starved", SURROUNDINGS, Outcome.INFRASTRUCTURE,
        "QEMU of L1 got no CPU 80 % of the time: others had it, or it was stopped; see --timeout-scale",
    ),
    # nothing is wrong around it
    (
        of(), "hang", KERNEL, Outcome.HANG, "L1 runs and does not answer (l2p10); last line: the last",
    ),
    (
        of(doing="", waited=45.4, samples=("a", "b", "a"), last_line="", reach=Reach.SILENT), "hang", KERNEL,
        Outcome.HANG,
        "L1 runs and does not answer for 45 s; it is in a (2 of 3 samples), b (1 of 3 samples); "
        "last line: none",
    ),
    (
        of(caught="thread qemu in state D"), "hang", KERNEL, Outcome.HANG,
        "L1 runs and does not answer (l2p10); its QEMU: thread qemu in state D; last line: the last",
    ),
    (of(starved=STARVED - 0.01), "hang", KERNEL, Outcome.HANG, None),
    (of(splats=(WARNING,), before=(WARNING,), reach=Reach.SILENT), "hang", KERNEL, Outcome.HANG, None),
    (of(before=(OOPS,)), "hang", KERNEL, Outcome.HANG, None),
    # a machine of somebody else's: nobody saw what QEMU or the hypervisor did
    (
        of(ours=False), "unknown", UNKNOWN, Outcome.UNKNOWN,
        "L1 stopped answering; no cause found; last line: the last",
    ),
    (
        of(ours=False, last_line="", reach=Reach.SILENT), "unknown", UNKNOWN, Outcome.UNKNOWN,
        "L1 stopped answering; no cause found; last line: none",
    ),
)  # fmt: skip


@pytest.mark.parametrize("number", range(len(ROWS)))
def test_rule(number):
    what, rule, side, outcome, proof = ROWS[number]
    found = lost(**what)
    assert (found.rule, found.side, found.outcome) == (rule, side, outcome)
    if proof is not None:
        assert found.proof == proof


@pytest.mark.parametrize(
    "shutdown", ["host-error", "host-qmp-quit", "host-qmp-system-reset", "host-signal", "host-ui"]
)
def test_a_qemu_that_somebody_ended(shutdown):
    found = lost(exit_status=0, shutdown=shutdown)
    assert (found.rule, found.side) == ("qemu-ended", SURROUNDINGS)
    assert found.proof == f"QEMU of L1 was ended from outside ({shutdown})"


@pytest.mark.parametrize("shutdown", ["guest-shutdown", "guest-reset", "guest-panic", "subsystem-reset"])
def test_a_qemu_that_its_guest_ended(shutdown):
    assert lost(exit_status=0, shutdown=shutdown).side is KERNEL


@pytest.mark.parametrize("monitor", ["", "running", "guest-panicked", "shutdown", "inmigrate"])
def test_a_monitor_that_says_nothing_is_wrong(monitor):
    assert lost(monitor=monitor).rule == "hang"


# Each holds by itself. Of two that hold, the one that stands further up decides.
ORDER = (
    ("log", of(log_trouble="x")),
    ("panic", of(splats=(PANIC,))),
    ("qemu-hdsi-recursion", of(hdsi="x")),
    ("run-refused", of(finding=classify("error: kvm run failed Invalid argument"))),
    ("qemu-ended", of(exit_status=0, shutdown="host-signal")),
    ("qemu-killed", of(exit_status=-9)),
    ("qemu-stopped", of(process_state="T")),
    ("qemu-silent", of(monitor="silent")),
    ("qemu-paused", of(monitor="paused")),
    ("splat", of(splats=(OOPS,))),
    ("ssh-broke", of(reach=Reach.RECONNECTED)),
    ("starved", of(starved=0.9)),
    ("hang", of()),
)  # fmt: skip


@pytest.mark.parametrize("lower", range(1, len(ORDER)))
def test_order_of_rules(lower):
    below = ORDER[lower][1]
    for rule, above in ORDER[:lower]:
        if not set(above) & set(below):
            assert lost(**below, **above).rule == rule
        assert lost(**above).rule == rule


def test_what_qemu_was_told_comes_before_what_it_said():
    told = of(exit_status=1, qemu_line=ERROR, splats=(OOPS,))
    assert lost(**told, shutdown="host-signal").rule == "qemu-ended"
    assert lost(**told).rule == "qemu-error"
    assert lost(**told, finding=classify(SIGNAL)).rule == "qemu-ended"
    assert lost(**{**told, "exit_status": -6}).rule == "qemu-killed"
    assert lost(exit_status=None, killed_by_signal=True, qemu_line=ERROR).rule == "qemu-error"


def test_what_the_kernel_said_comes_before_the_monitor_of_a_qemu_that_ended_well():
    ended = of(exit_status=0, monitor="silent", process_state="T")
    assert lost(**ended, splats=(OOPS,)).rule == "splat"
    assert lost(**ended).rule == "reset"


def test_a_stall_long_ago_says_nothing_of_a_level_that_gets_no_cpu():
    silent = of(before=(STALL,), reach=Reach.SILENT)
    assert lost(**silent).rule == "splat"
    assert lost(**silent, starved=STARVED).rule == "starved"


def test_what_nobody_says_is_not_known():
    assert Evidence("L1") == Evidence(
        "L1", "", (), (), "", None, "", "", None, False, 0, "", "", "", False, "", "", Reach.NOT_TRIED, "",
        None, False, "", "", 0, (), 0.0, 0.0, "", None, "", True,
    )  # fmt: skip


def test_a_loss_has_the_splat_that_decided():
    assert lost(splats=(OOPS,)).splat == OOPS
    assert lost(splats=(PANIC,)).splat == PANIC
    assert lost(before=(OOPS,), reach=Reach.SILENT).splat == OOPS
    assert lost().splat is None


@pytest.mark.parametrize(
    ("line", "kvm"),
    [
        ("error: kvm run failed Invalid argument", True),
        ("error: kvm run failed Cannot allocate memory", True),
        ("KVM: unknown exit, hardware reason ffffffffffffffea", True),
        ("qemu-system-ppc64: Unable to set CPU compatibility mode in KVM: Invalid argument", True),
        ('qemu-system-ppc64: Register sync failed... only "-cpu host" is possible', True),
        ("qemu-system-ppc64: -accel kvm: failed to initialize kvm: No such device", True),
        ("qemu-system-ppc64: Could not access KVM kernel module: No such file or directory", True),
        ("qemu-system-ppc64: ioctl(KVM_CREATE_VM) failed: 22 Invalid argument", True),
        ("qemu-system-ppc64: kvm_init_vcpu: kvm_create_vcpu failed (0)", True),
        ("qemu-system-ppc64: Compatibility PVR 0x0f000007 not valid for CPU", False),
        ("qemu-system-ppc64: could not load kernel '/root/.cache/kvmppc-harness/vmlinux'", False),
        ("qemu-system-ppc64: could not load kernel '/home/kvm/vmlinux'", False),
        ("qemu-system-ppc64: could not load kernel 'my-kvm/vmlinux'", False),
        ("qemu-system-ppc64: terminating on signal 15 from pid 7 (kvm)", False),
        ("qemu-system-ppc64: cannot set up guest memory 'ppc_spapr.ram': Cannot allocate memory", False),
        ("Kernel panic - not syncing: KVM", False),
    ],
)  # fmt: skip
def test_which_lines_of_qemu_speak_against_the_kernel_below_it(line, kvm):
    found = classify(line)
    assert found is not None
    assert of_kvm(found) is kvm


@pytest.mark.parametrize(
    "title",
    ["soft lockup in x", "hard lockup in x", "RCU stall in x", "hung task in x", "workqueue lockup in x",
     "csd lock not released in x"],
)  # fmt: skip
def test_what_a_kernel_says_that_gets_no_time(title):
    assert by_the_clock(Splat(title, ""))


def test_what_is_wrong_however_long_it_takes():
    assert not any(by_the_clock(each) for each in (OOPS, WARNING, PANIC))


# -- levels around it ----------------------------------------------------------------------------


def test_what_befell_the_level_around_it_is_told_as_that_levels():
    outer = Loss(KERNEL, Outcome.PANIC, "panic", PANIC.line, PANIC)
    found = lost(outer=outer, splats=(OOPS,))
    assert found == Loss(KERNEL, Outcome.PANIC, "l0-panic", f"L0: {PANIC.line}", PANIC)


def test_what_has_a_level_in_it_keeps_it():
    outer = Loss(SURROUNDINGS, Outcome.INFRASTRUCTURE, "l0-qemu-killed", "L0: QEMU was killed")
    assert decide(Evidence("L2", outer=outer)) == outer


def test_a_loss_is_named_after_its_host():
    loss = Loss(UNKNOWN, Outcome.UNKNOWN, "no-answer", "none")
    assert of_host("L1", loss) == Loss(UNKNOWN, Outcome.UNKNOWN, "l1-no-answer", "L1: none")


# -- words -----------------------------------------------------------------------------------------


def test_words():
    assert say(Lost(Outcome.HANG, "stuck")) == "hang (stuck)"
    assert say(Lost(Outcome.HANG, "hang")) == "hang"
    assert say(Lost(Outcome.PANIC, "panic")) == "panic"
    assert say(Lost(Outcome.PANIC, "l0-panic")) == "panic (l0-panic)"


@pytest.mark.parametrize(
    "title",
    ["WARNING in x", "UBSAN: shift", "lockdep: x", "kmemleak: x", "OF: ERROR: x", "kernel message",
     "KFENCE: x", "KCSAN: x"],
)  # fmt: skip
def test_a_kernel_goes_on_after_a_warning(title):
    assert not deadly(Splat(title, ""))
    assert deadly(Splat(title, "", final=True))


@pytest.mark.parametrize(
    "title", ["BUG: x", "Oops: x", "KASAN: x", "soft lockup in x", "RCU stall", "hung task in x", "xmon: x"]
)
def test_a_kernel_may_be_lost_by(title):
    assert deadly(Splat(title, ""))


def test_where_it_is():
    assert where_of(()) == ""
    assert where_of(("a",)) == "a (1 of 1 samples)"
    assert where_of(("c", "a", "b", "a", "d", "d")) == (
        "a (2 of 6 samples), d (2 of 6 samples), c (1 of 6 samples)"
    )


def lockup(seconds, title="soft lockup in kvmhv_run_single_vcpu"):
    return Splat(title, f"watchdog: BUG: soft lockup - CPU#0 stuck for {seconds}s! [CPU 0/KVM:162]")


@pytest.mark.parametrize(
    ("splat", "starved", "lacked"),
    [
        # Seen of a kernel that is well: 23 s said, of which it had 7.
        (lockup(23), 0.70, True),
        (lockup(23), 0.48, True),
        (lockup(23), 0.47, False),
        (lockup(22), 0.0, False),
        # One that goes on is none of the machine's, though it is slow.
        (lockup(48), 0.70, False),
        (lockup(48), STARVED, True),
        (Splat("hard lockup in f", "Watchdog CPU:0 Hard LOCKUP"), 0.41, True),
        (Splat("hard lockup in f", "Watchdog CPU:0 Hard LOCKUP"), 0.39, False),
        (Splat("hung task in f", "INFO: task x:1 blocked for more than 120 seconds."), 0.3, False),
        (Splat("hung task in f", "INFO: task x:1 blocked for more than 120 seconds."), 0.5, True),
        (Splat("workqueue lockup", "BUG: workqueue lockup - pool cpus=0 stuck for 30s!"), 0.5, True),
        (OOPS, 0.99, False),
    ],
)
def test_what_took_too_long_in_a_machine_that_had_no_time(splat, starved, lacked):
    assert lacked_time(splat, starved) is lacked
