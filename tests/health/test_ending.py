# SPDX-License-Identifier: GPL-2.0-only
"""How a guest's boot ended and how the guest went: one row for each rule, and each order that matters."""

from dataclasses import replace

import pytest

from harness.health.cause import STARVED, Loss
from harness.health.ending import Ended, GuestSeen, end_of, mode_of, outcome_of, trouble_of
from harness.model.classify import classify
from harness.model.cpu import GuestMode, Mode
from harness.model.outcome import Outcome, Side
from harness.model.splat import Splat

KERNEL, SURROUNDINGS, UNKNOWN = Side.KERNEL, Side.SURROUNDINGS, Side.UNKNOWN

UP = {"release": "7.3.0", "cpu": "POWER10 (architected)", "cpu_version": "0f000006"}
OOPS = Splat("BUG: NULL dereference in x", "BUG: Kernel NULL pointer dereference")
WARNING = Splat("WARNING in x", "WARNING: x.c:1 at x+0x4/0x8, CPU#0: init/1")
PANIC = Splat("kernel panic: x", "Kernel panic - not syncing: x", final=True)
STALL = Splat("RCU stall in x", "rcu: INFO: rcu_sched self-detected stall on CPU")
REFUSED = classify("error: kvm run failed Invalid argument")
SIGNAL = classify("qemu-system-ppc64: terminating on signal 15 from pid 7 (kill)")
NO_FILE = classify("qemu-system-ppc64: could not load kernel '/kernel/vmlinux'")
CRASHED = (
    "crashed by signal 11 (SIGSEGV): the kernel that runs it gave it a wrong page, register or answer, or a "
    "signal it should not have, unless QEMU is wrong"
)
NO_KVM = classify("qemu-system-ppc64: failed to initialize kvm: No such device")
PANICKED = classify("Kernel panic - not syncing: x")
DAWR1 = classify("qemu-system-ppc64: DAWR1 not supported by KVM. Try appending -machine cap-dawr1=off")
HOST = Loss(SURROUNDINGS, Outcome.INFRASTRUCTURE, "l1-qemu-killed", "L1: QEMU of L1 ended by signal 9")


def of(**what):
    return what


def boot(**what):
    """Of a guest that said nothing for 45 s, in a level that is well."""
    return GuestSeen(**{"ended": Ended.SILENCE, "runs": True, "waited": 45.3, "last_line": "last", **what})


def end(**what):
    """Of a guest that was up and left, and whose QEMU ended with status 0."""
    seen = of(ended=Ended.MET, gone=Ended.EOF, up=UP, left={}, exit_status=0, waited=20.4, last_line="last")
    return end_of(GuestSeen(**{**seen, **what}))


# what was seen; outcome, rule, proof
BOOTS = (
    (of(log_trouble="disk full", up=UP), Outcome.INFRASTRUCTURE, "log", "disk full"),
    # its own report: then it was up, whatever came later
    (of(up=UP), Outcome.BOOTED, "marker", "up: 7.3.0, POWER10 (architected)"),
    (of(up=UP, finding=PANICKED, splats=(PANIC,), host=HOST), Outcome.BOOTED, "marker", None),
    # QEMU's and the kernel's last words
    (of(finding=REFUSED), Outcome.REFUSED_LATE, "run-refused", REFUSED.line),
    (of(finding=REFUSED, splats=(PANIC,), host=HOST), Outcome.REFUSED_LATE, "run-refused", None),
    (of(finding=SIGNAL), Outcome.INFRASTRUCTURE, "qemu-signal", SIGNAL.line),
    (of(splats=(WARNING, PANIC)), Outcome.PANIC, "panic", PANIC.line),
    (of(splats=(PANIC,), host=HOST), Outcome.PANIC, "panic", PANIC.line),
    # the level around it
    (of(host=HOST), Outcome.INFRASTRUCTURE, "l1-qemu-killed", HOST.proof),
    (of(host=HOST, splats=(OOPS,)), Outcome.INFRASTRUCTURE, "l1-qemu-killed", HOST.proof),
    # the kernel's words before it went silent
    (of(splats=(WARNING, OOPS)), Outcome.PANIC, "splat", f"{OOPS.title}: {OOPS.line}"),
    (of(splats=(OOPS,), finding=NO_KVM), Outcome.PANIC, "splat", None),
    (of(splats=(STALL,)), Outcome.PANIC, "splat", f"{STALL.title}: {STALL.line}"),
    (of(splats=(STALL,), starved=STARVED), Outcome.INFRASTRUCTURE, "starved", None),
    (of(splats=(STALL, OOPS), starved=STARVED), Outcome.PANIC, "splat", f"{OOPS.title}: {OOPS.line}"),
    (of(splats=(replace(STALL, final=True),), starved=STARVED), Outcome.INFRASTRUCTURE, "starved", None),
    # an error line of QEMU's
    (of(finding=NO_KVM), Outcome.QEMU_ERROR, "qemu", NO_KVM.line),
    (of(finding=NO_KVM, ended=Ended.EOF, exit_status=1), Outcome.QEMU_ERROR, "qemu", NO_KVM.line),
    (of(finding=NO_FILE, ended=Ended.EOF, exit_status=1), Outcome.UNKNOWN, "qemu", NO_FILE.line),
    (of(finding=NO_FILE), Outcome.HANG, "silence", None),
    # a report that did not come through
    (
        of(left={}, ended=Ended.EOF, exit_status=0), Outcome.UNKNOWN, "no-report",
        "the guest reported its power-off, but not that it was up",
    ),
    # its console ended
    (
        of(ended=Ended.EOF), Outcome.UNKNOWN, "exit",
        "its console ended, and QEMU's exit status is not known",
    ),
    (
        of(ended=Ended.EOF, exit_status=-1), Outcome.UNKNOWN, "killed",
        "its QEMU was killed; the sender is not known",
    ),
    (
        of(ended=Ended.EOF, exit_status=-9), Outcome.UNKNOWN, "killed",
        "its QEMU ended by signal 9 (SIGKILL); the sender is not known",
    ),
    # nobody sends these: the kernel that runs QEMU did, or made QEMU do what it must not
    (of(ended=Ended.EOF, exit_status=-11), Outcome.QEMU_ERROR, "qemu-crashed", f"its QEMU {CRASHED}"),
    (of(ended=Ended.EOF, exit_status=-7, finding=NO_FILE), Outcome.QEMU_ERROR, "qemu-crashed", None),
    (of(ended=Ended.EOF, exit_status=-11, finding=NO_KVM), Outcome.QEMU_ERROR, "qemu", NO_KVM.line),
    (of(ended=Ended.EOF, exit_status=-11, host=HOST), Outcome.INFRASTRUCTURE, "l1-qemu-killed", None),
    (of(ended=Ended.EOF, exit_status=-11, splats=(OOPS,)), Outcome.PANIC, "splat", None),
    (of(ended=Ended.EOF, exit_status=-6), Outcome.UNKNOWN, "killed", None),
    (
        of(ended=Ended.EOF, exit_status=0), Outcome.PANIC, "reset",
        "the guest reset or powered off before it was up; last line: last",
    ),
    (
        of(ended=Ended.EOF, exit_status=0, last_line="", splats=(WARNING,)), Outcome.PANIC, "reset",
        "the guest reset or powered off before it was up; last line: none",
    ),
    (of(ended=Ended.EOF, exit_status=1), Outcome.UNKNOWN, "exit", "QEMU ended with status 1: last"),
    (
        of(ended=Ended.EOF, exit_status=127, last_line=""), Outcome.UNKNOWN, "exit",
        "QEMU ended with status 127: no output",
    ),
    (of(ended=Ended.EOF, exit_status=1, starved=0.9), Outcome.UNKNOWN, "exit", None),
    # nothing ended
    (
        of(ended=Ended.OUTER), Outcome.UNKNOWN, "outer",
        "the level around it was taken for lost, and answers",
    ),
    (of(runs=False), Outcome.UNKNOWN, "gone", "its QEMU is gone, and its console did not end"),
    (of(runs=False, starved=0.9), Outcome.UNKNOWN, "gone", None),
    (of(runs=False, stopped=True), Outcome.UNKNOWN, "gone", None),
    (of(stopped=True), Outcome.INFRASTRUCTURE, "qemu-stopped", "its QEMU process is stopped (SIGSTOP)"),
    (of(stopped=True, starved=0.9), Outcome.INFRASTRUCTURE, "qemu-stopped", None),
    (of(stopped=True, splats=(OOPS,)), Outcome.PANIC, "splat", None),
    (
        of(stopped=True, starved=0.9), Outcome.INFRASTRUCTURE, "qemu-stopped",
        "its QEMU process is stopped (SIGSTOP)",
    ),
    (of(stopped=True, runs=False), Outcome.UNKNOWN, "gone", None),
    (
        of(starved=STARVED), Outcome.INFRASTRUCTURE, "starved",
        "the outermost QEMU got no CPU 80 % of the time: others had it, or it was stopped; "
        "see --timeout-scale",
    ),
    (of(), Outcome.HANG, "silence", "no console output for 45 s; last line: last"),
    (of(runs=None, starved=0.79), Outcome.HANG, "silence", None),
    (
        of(ended=Ended.TIMEOUT, waited=2, last_line="", samples=("a", "a"), stuck="thread x in state D"),
        Outcome.HANG, "timeout",
        "not up in time (2 s); the vCPU was in a (2 of 2 samples); its QEMU is in thread x in state D; "
        "last line: none",
    ),
)  # fmt: skip


@pytest.mark.parametrize("number", range(len(BOOTS)))
def test_how_a_boot_ended(number):
    what, outcome, rule, proof = BOOTS[number]
    found = outcome_of(boot(**what))
    assert found[:2] == (outcome, rule)
    assert proof in (found[2], None)


# what was seen; rule, side, proof
ENDS = (
    (of(), "off", UNKNOWN, "it reported its power-off, and its QEMU ended with status 0"),
    # what is told elsewhere, by the health of L1 and of L2: it left all the same
    (of(splats=(OOPS,)), "off", UNKNOWN, None),
    (of(host=HOST), "off", UNKNOWN, None),
    (of(finding=NO_FILE), "off", UNKNOWN, None),
    # but not if it failed for good
    (of(finding=PANICKED, host=HOST), "panic", KERNEL, PANICKED.line),
    (of(finding=SIGNAL), "qemu-signal", SURROUNDINGS, SIGNAL.line),
    (of(finding=REFUSED, splats=(PANIC,)), "run-refused", KERNEL, REFUSED.line),
    (of(finding=DAWR1), "dawr1", UNKNOWN, DAWR1.line),
    (of(splats=(WARNING, PANIC), host=HOST), "panic", KERNEL, PANIC.line),
    (of(splats=(replace(STALL, final=True),), starved=0.9), "off", UNKNOWN, None),
    # the level around it
    (of(left=None, host=HOST, splats=(OOPS,)), "l1-qemu-killed", SURROUNDINGS, HOST.proof),
    (of(exit_status=1, host=HOST), "l1-qemu-killed", SURROUNDINGS, HOST.proof),
    (of(gone=Ended.OUTER, exit_status=None, host=HOST), "l1-qemu-killed", SURROUNDINGS, HOST.proof),
    # its kernel's words
    (of(left=None, splats=(WARNING, OOPS), finding=NO_KVM), "splat", KERNEL, f"{OOPS.title}: {OOPS.line}"),
    (of(exit_status=1, splats=(OOPS,)), "splat", KERNEL, None),
    (of(left=None, exit_status=0, splats=(WARNING,)), "reset", KERNEL, None),
    # QEMU's words
    (of(left=None, finding=NO_KVM), "qemu", KERNEL, NO_KVM.line),
    (of(exit_status=1, finding=NO_FILE), "qemu", UNKNOWN, NO_FILE.line),
    # it never said that it leaves
    (
        of(left=None), "reset", KERNEL,
        "the guest reset or powered off without a message; last line: last",
    ),
    (
        of(left=None, last_line=""), "reset", KERNEL,
        "the guest reset or powered off without a message; last line: none",
    ),
    (
        of(left=None, exit_status=-1), "no-leave", UNKNOWN,
        "its QEMU was killed before the guest reported its power-off",
    ),
    (
        of(left=None, exit_status=3), "no-leave", UNKNOWN,
        "its QEMU ended with status 3 before the guest reported its power-off",
    ),
    (
        of(left=None, exit_status=-15), "no-leave", UNKNOWN,
        "its QEMU ended by signal 15 (SIGTERM) before the guest reported its power-off",
    ),
    # nobody sends SIGSEGV by hand
    (of(left=None, exit_status=-11), "crash", KERNEL, f"its QEMU {CRASHED}"),
    (of(exit_status=-11), "crash", KERNEL, f"its QEMU {CRASHED}"),
    (of(exit_status=-11, finding=NO_FILE), "crash", KERNEL, None),
    (of(exit_status=-11, finding=NO_KVM), "qemu", KERNEL, NO_KVM.line),
    (of(left=None, exit_status=None, runs=True), "no-leave", UNKNOWN, None),
    (
        of(left=None, gone=Ended.TIMEOUT, exit_status=None, runs=False), "gone", UNKNOWN,
        "its QEMU is gone, and its console did not end",
    ),
    (
        of(left=None, gone=Ended.TIMEOUT, exit_status=None, stopped=True, starved=0.9), "qemu-stopped",
        SURROUNDINGS, "its QEMU process is stopped (SIGSTOP)",
    ),
    (of(exit_status=None, runs=True, stopped=True, starved=0.9), "qemu-stopped", SURROUNDINGS, None),
    (of(exit_status=None, runs=False, stopped=True), "gone", UNKNOWN, None),
    (of(left=None, gone=Ended.TIMEOUT, exit_status=None, runs=False, stopped=True), "gone", UNKNOWN, None),
    (
        of(left=None, gone=Ended.TIMEOUT, exit_status=None, starved=STARVED), "starved", SURROUNDINGS,
        "the outermost QEMU got no CPU 80 % of the time: others had it, or it was stopped; "
        "see --timeout-scale",
    ),
    (
        of(left=None, gone=Ended.SILENCE, exit_status=None, runs=True, starved=0.79), "hang", KERNEL,
        "the guest was up and did not leave within 20 s; last line: last",
    ),
    (
        of(left=None, gone=Ended.TIMEOUT, exit_status=None, runs=True, stopped=True), "qemu-stopped",
        SURROUNDINGS, "its QEMU process is stopped (SIGSTOP)",
    ),
    (
        of(gone=Ended.TIMEOUT, exit_status=None, runs=True, stopped=True), "qemu-stopped", SURROUNDINGS,
        "its QEMU process is stopped (SIGSTOP)",
    ),
    (
        of(left=None, gone=Ended.SILENCE, exit_status=None, splats=(STALL,), starved=STARVED), "starved",
        SURROUNDINGS, None,
    ),
    (
        of(left=None, gone=Ended.TIMEOUT, exit_status=None, runs=True, samples=("a",), stuck="x",
           last_line=""),
        "hang", KERNEL,
        "the guest was up and did not leave within 20 s; QEMU is in x; the vCPU was in a (1 of 1 samples); "
        "last line: none",
    ),
    # it left, and its QEMU did not end well
    (of(exit_status=1), "exit", UNKNOWN, "QEMU ended with status 1: last"),
    (of(exit_status=-1, last_line=""), "exit", UNKNOWN, "QEMU was killed: no output"),
    (of(exit_status=0, gone=Ended.TIMEOUT), "exit", UNKNOWN, None),
    (
        of(exit_status=None, runs=False), "gone", UNKNOWN, "the guest left; QEMU's exit status is not known",
    ),
    (
        of(exit_status=None, gone=Ended.TIMEOUT, runs=True), "stays", KERNEL,
        "the guest left, and its QEMU stays within 20 s; last line: last",
    ),
    (of(exit_status=None, runs=True), "stays", KERNEL, None),
    (
        of(exit_status=None, runs=True, starved=STARVED), "starved", SURROUNDINGS,
        "the outermost QEMU got no CPU 80 % of the time: others had it, or it was stopped; "
        "see --timeout-scale",
    ),
    (
        of(exit_status=None, gone=Ended.TIMEOUT, runs=None), "stays", UNKNOWN,
        "the guest left, its console did not end, and nobody could look at its QEMU within 20 s; "
        "last line: last",
    ),
)  # fmt: skip


def test_what_nobody_says_is_not_known():
    assert GuestSeen(Ended.EOF) == GuestSeen(
        Ended.EOF, None, None, None, None, (), None, None, False, "", None, (), 0.0, "", "", 0.0
    )


@pytest.mark.parametrize("number", range(len(ENDS)))
def test_how_a_guest_went(number):
    what, rule, side, proof = ENDS[number]
    found = end(**what)
    assert (found.rule, found.side) == (rule, side)
    assert proof in (found.proof, None)


def test_a_guest_that_never_was_up_did_not_go():
    assert end(up=None) is None


@pytest.mark.parametrize(
    ("what", "means"),
    [
        (of(left=None), "reset"), (of(gone=Ended.TIMEOUT), "exit"), (of(exit_status=1), "exit"),
        (of(exit_status=None), "stays"),
    ],
)  # fmt: skip
def test_a_proper_end_needs_all_of_its_proof(what, means):
    assert end(**what).rule == means


# -- words of a guest, and of a first program ------------------------------------------------------


def test_the_mode_is_the_device_trees_else_that_of_cpuinfo():
    assert mode_of(UP) == GuestMode(Mode.P10)
    assert mode_of({**UP, "cpu_version": "0f000005"}) == GuestMode(Mode.P9)
    assert mode_of({**UP, "cpu_version": ""}) == GuestMode(Mode.P10)
    assert mode_of({"cpu": "POWER9 (raw), altivec supported", "cpu_version": ""}) == GuestMode(
        Mode.P9, raw=True
    )


@pytest.mark.parametrize(
    ("step", "lines", "decision"),
    [
        (
            "insmod kvm-hv.ko", ["x", "kvm_hv: Unknown symbol kvm_x (err -2) ", "insmod: can't insert"],
            (Outcome.INFRASTRUCTURE, "trouble",
             "in L1, insmod kvm-hv.ko failed: kvm_hv: Unknown symbol kvm_x (err -2)"),
        ),
        ("insmod x.ko", ["unknown symbol"], (Outcome.INFRASTRUCTURE, "trouble", None)),
        ("insmod x.ko", ["invalid module format"], (Outcome.INFRASTRUCTURE, "trouble", None)),
        ("insmod x.ko", ["x: disagrees about version of y"], (Outcome.INFRASTRUCTURE, "trouble", None)),
        ("dropbear", ["unknown symbol"], (Outcome.UNKNOWN, "trouble", None)),
        (
            "insmod kvm-hv.ko", ["insmod: first", " insmod: can't insert: No such device ", "x"],
            (Outcome.PANIC, "no-kvm",
             "KVM does not start in L1: insmod kvm-hv.ko: insmod: can't insert: No such device"),
        ),
        (
            "insmod kvm.ko", [],
            (Outcome.PANIC, "no-kvm", "KVM does not start in L1: insmod kvm.ko: no reason given"),
        ),
        (
            "insmod virtio_net.ko", [],
            (Outcome.UNKNOWN, "trouble",
             "in L1, insmod virtio_net.ko failed: the kernel lacks what it takes, or is wrong"),
        ),
    ],
)  # fmt: skip
def test_a_step_that_failed(step, lines, decision):
    found = trouble_of("L1", step, lines)
    assert found[:2] == decision[:2]
    assert decision[2] in (found[2], None)
