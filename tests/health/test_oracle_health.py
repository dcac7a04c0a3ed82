# SPDX-License-Identifier: GPL-2.0-only
"""Whether a level is well: what makes a verdict ok, what makes it a failure, and what proves nothing."""

from dataclasses import replace

import pytest
from quoting import said, wanted

from harness.health.benign import Circumstances
from harness.health.cause import STARVED, Loss
from harness.health.oracle_health import Allowed, judge_end, judge_guest, judge_identity, judge_level
from harness.health.oracle_loss import judge_loss
from harness.model.level_facts import BuildId, ClockIs, Release
from harness.model.looks import Look
from harness.model.observation import Boot, End
from harness.model.outcome import Outcome, Side
from harness.model.splat import Splat
from harness.model.topology import NestedApi
from harness.model.verdict import Kind, Verdict

COMPLAINS = "the kernel reported a fault; Linux kernel/panic.c, lib/bug.c"
POWERS_OFF = "images/guest/init powers off; QEMU then ends with status 0, and KVM takes the VM down"
NONE = Allowed()
PAPR = Allowed((), {"L1": Circumstances(nested_api=NestedApi.V2, level="L1")})
WARNING = Splat("WARNING in x", "WARNING: x.c:1", ("x", "y"), level="L1", when="during l2p10")
OTHER = replace(WARNING, title="WARNING in a", when="")
OOPS = replace(WARNING, title="BUG: NULL dereference in x", line="BUG: Kernel NULL")
STALL = replace(WARNING, title="RCU stall in x", line="rcu: INFO: stall")
BENIGN = replace(
    WARNING, title="KVM: TLB LPID invalidation hcall failed, rc=N",
    line="KVM: TLB LPID invalidation hcall failed, rc=-2",
)  # fmt: skip
W, D, B, L, M, F = 1 << 9, 1 << 7, 1 << 5, 1 << 14, 1 << 4, 1 << 1
OUT_OF_TREE, UNKNOWN_BIT = 1 << 12, 1 << 40


def look(*splats, taint=0, when="during l2p10", boot=1, **more):
    """One that was answered."""
    return Look("L1", when, True, taint, splats, (), 12.34, boot, **more)


def silent(*splats, reason="no answer", boot=1):
    return Look("L1", "during l2p9", False, None, splats, boot=boot, reason=reason)


def judged(*looks, allowed=NONE, earlier=()):
    found = judge_level("L1", looks, allowed, earlier)
    assert (found.check, wanted(found), found.source) == ("L1 health", "no complaint", COMPLAINS)
    return found


# -- ok needs proof --------------------------------------------------------------------------------


def test_a_level_that_was_asked_and_has_nothing_to_say_is_well():
    found = judged(look(), look())
    assert (found.kind, said(found), found.right) == (Kind.OK, "no complaint", True)
    assert found.proof == "taint 0, kernel log read when L1 was up 12.3 s"
    last = replace(look(taint=OUT_OF_TREE), uptime=20.0)
    assert judged(look(), look(), last).proof == "taint 4096, kernel log read when L1 was up 20.0 s"


@pytest.mark.parametrize(
    ("looks", "reason"),
    [
        ((), ""),
        ((silent(reason=""),), ""),
        ((silent(),), "no answer"),
        ((look(), silent(reason="it is gone")), "it is gone"),
        ((look(), silent(reason="")), ""),
        ((look(), look(), silent()), "no answer"),
        ((look(), silent(reason="busy"), silent(reason="it is gone")), "it is gone"),
        ((replace(look(), taint=None),), ""),
        ((replace(look(), answered=False),), ""),
    ],
)
def test_a_level_that_nobody_has_looked_at_is_not_well(looks, reason):
    found = judged(*looks)
    words = f"health was not checked: {reason}" if reason else "health was not checked"
    assert (found.kind, said(found), found.right) == (Kind.UNKNOWN, words, None)
    assert found.proof == (reason or "no look was answered")


def test_one_that_answers_again_is_well():
    """Flags and log hold what was missed."""
    assert judged(silent(), look()).kind is Kind.OK
    assert judged(silent(reason=""), look()).kind is Kind.OK


# -- splats ----------------------------------------------------------------------------------------


def test_a_complaint_fails_it_answered_or_not():
    for looks in ((look(WARNING),), (look(), silent(WARNING)), (look(WARNING), look())):
        found = judged(*looks)
        assert (found.kind, found.right) == (Kind.FAIL, False)
        assert said(found) == "WARNING in x (during l2p10)"
        assert found.proof == "WARNING: x.c:1 [x < y]"
        assert found.titles == ("WARNING in x",)


def test_several_are_told_each_once():
    found = judged(look(WARNING, OTHER, WARNING))
    assert said(found) == "WARNING in x (during l2p10); WARNING in a"
    assert found.titles == ("WARNING in a", "WARNING in x")


def test_of_a_trace_the_innermost_are_shown():
    long = replace(WARNING, trace=tuple("abcdefghij"))
    assert judged(look(long)).proof == "WARNING: x.c:1 [a < b < c < d < e < f < g < h]"
    assert judged(look(replace(WARNING, trace=()))).proof == "WARNING: x.c:1"


def test_what_is_allowed_does_not_count_and_is_told():
    allowed = Allowed(("WARNING in x", "WARNING in a"))
    found = judged(look(WARNING, OTHER, taint=W), allowed=allowed)
    assert found.kind is Kind.OK
    assert found.proof.endswith("up 12.3 s; allowed: WARNING in a, WARNING in x")
    assert judged(look(WARNING, OOPS), allowed=allowed).titles == (OOPS.title,)


def test_a_benign_row_counts_where_it_applies():
    assert judged(look(BENIGN), allowed=PAPR).kind is Kind.OK
    assert judged(look(BENIGN)).kind is Kind.FAIL, "nothing is known of where it was said"
    elsewhere = Allowed((), {"L0": Circumstances(nested_api=NestedApi.V2, level="L1")})
    assert judged(look(BENIGN), allowed=elsewhere).kind is Kind.FAIL
    v1 = Allowed((), {"L1": Circumstances(nested_api=NestedApi.V1, level="L1")})
    assert judged(look(BENIGN), allowed=v1).kind is Kind.FAIL


def test_a_row_may_name_a_function_of_the_trace():
    at = Circumstances((7, 2, 12), (11, 1, 3), NestedApi.V2, "pseries-papr", "L1")
    splat = Splat("WARNING: locking bug in irqentry_exit", "WARNING: x.c:1", level="L1")
    allowed = Allowed((), {"L1": at})
    assert allowed.reason(splat) == ""
    assert "lockdep off" in allowed.reason(replace(splat, trace=("a", "__replay_soft_interrupts")))


def test_a_taint_title_can_be_allowed():
    flagged = look(taint=W)
    (title,) = judged(flagged).titles
    assert judged(flagged, allowed=Allowed((title,))).kind is Kind.OK
    assert judged(look(WARNING, taint=W), allowed=Allowed((title,))).kind is Kind.FAIL
    guest = replace(BOOTED, taint=W, taint_left=W)
    (found,) = judge_guest(guest, NONE)
    assert found.titles == (title,)
    (found,) = judge_guest(guest, Allowed((title,)))
    assert found.kind is Kind.OK


def test_a_reason_is_the_rows_or_the_options():
    assert Allowed(("WARNING in x",)).reason(WARNING) == "--allow-splat"
    assert "H_RPT_INVALIDATE" in PAPR.reason(BENIGN)
    named = replace(BENIGN, title=BENIGN.line, line="")
    assert "H_RPT_INVALIDATE" in PAPR.reason(named)
    assert PAPR.reason(WARNING) == ""


def test_a_stall_in_a_machine_without_cpu_proves_nothing():
    found = judged(look(STALL, starved=STARVED))
    assert (found.kind, found.right, found.titles) == (Kind.UNKNOWN, None, ())
    assert (said(found), found.proof) == (
        "RCU stall in x, while its QEMU got no CPU", "rcu: INFO: stall",
    )  # fmt: skip
    assert judged(look(STALL, starved=0.39)).kind is Kind.FAIL
    assert judged(look(WARNING, starved=0.9)).kind is Kind.FAIL
    assert judged(look(STALL, starved=0.9), look(STALL)).titles == (STALL.title,)
    assert judged(look(STALL, starved=0.9), allowed=Allowed((STALL.title,))).kind is Kind.OK


# -- taint -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("taint", [W, D, B, L, M, F, UNKNOWN_BIT, W | OUT_OF_TREE])
def test_a_flag_without_a_splat_fails_it(taint):
    found = judged(look(taint=taint))
    assert (found.kind, found.right) == (Kind.FAIL, False)
    assert said(found).startswith("taint ") and said(found).endswith(
        ", but no splat was seen on the console or in the log"
    )
    assert found.proof == f"/proc/sys/kernel/tainted in L1: {taint}"
    assert found.titles == (said(found).partition(",")[0],)


def test_flags_have_names():
    assert judged(look(taint=W | D)).titles == ("taint D (oops or BUG), W (WARNING)",)


def test_a_flag_that_says_nothing_against_the_kernel_is_none():
    assert judged(look(taint=OUT_OF_TREE)).kind is Kind.OK


@pytest.mark.parametrize(
    ("flag", "title"),
    [
        (W, "WARNING in x"), (W, "BUG: sleeping function called from invalid context in x"),
        (W, "BUG: scheduling while atomic in x"),
        (D, "BUG: NULL dereference in x"), (D, "kernel BUG in x"), (D, "Oops: bad access in x"),
        (D, "Bad kernel stack pointer in x"), (D, "Unrecoverable exception in x"), (D, "machine check in x"),
        (D, "xmon: data access in x"),
        (B, "BUG kmalloc-N: x"), (B, "BUG: Bad page state in x"), (B, "KASAN: x"), (B, "KFENCE: x"),
        (L, "soft lockup in x"), (M, "machine check in x"),
    ],
)  # fmt: skip
def test_a_flag_that_an_allowed_splat_has_set_says_nothing_new(flag, title):
    allowed = Allowed((title,))
    seen = look(replace(WARNING, title=title), taint=flag)
    assert judged(seen, allowed=allowed).kind is Kind.OK
    assert judged(seen, look(taint=flag), allowed=allowed).kind is Kind.OK


@pytest.mark.parametrize(
    ("flag", "title"),
    [
        (D, "WARNING in x"), (D, "BUG: sleeping function called from invalid context in x"),
        (D, "BUG: scheduling while atomic in x"), (D, "BUG: Bad page state in x"), (W, "BUG: x"),
        (W, "RCU stall in x"), (L, "WARNING: soft lockup"), (F, "WARNING in x"),
        (UNKNOWN_BIT, "WARNING in x"),
    ],
)  # fmt: skip
def test_a_flag_that_the_allowed_splat_does_not_set_fails_it(flag, title):
    found = judged(look(replace(WARNING, title=title), taint=flag), allowed=Allowed((title,)))
    assert found.kind is Kind.FAIL


def test_a_harmless_message_sets_no_flag():
    """Each end of an L2 prints one on nested-papr: they must not hide a WARNING that nobody saw."""
    assert judged(look(BENIGN, taint=W), allowed=PAPR).kind is Kind.FAIL


def test_a_flag_is_told_once():
    """A later record is not charged with it again: neither with a splat that was allowed nor with one that
    was not."""
    before = (look(WARNING, taint=W),)
    assert judged(look(taint=W), earlier=before, allowed=Allowed(("WARNING in x",))).kind is Kind.OK
    assert judged(look(taint=W), earlier=before).kind is Kind.OK
    assert judged(look(taint=W | D), earlier=before).titles == ("taint D (oops or BUG)",)
    assert judged(look(taint=W), earlier=(*before, silent())).kind is Kind.OK
    assert judged(look(taint=W), earlier=(look(),)).kind is Kind.FAIL


def test_a_splat_of_an_unanswered_look_explains_a_later_flag():
    allowed = Allowed(("WARNING in x",))
    assert judged(look(taint=W), earlier=(silent(WARNING),), allowed=allowed).kind is Kind.OK
    assert judged(silent(WARNING), look(taint=W), allowed=allowed).kind is Kind.OK


def test_a_splat_that_comes_after_the_flag_does_not_explain_it():
    allowed = Allowed(("WARNING in x",))
    assert judged(look(taint=W), look(WARNING, taint=W), allowed=allowed).kind is Kind.FAIL


def test_each_start_of_a_level_is_judged_by_itself():
    """What the L1 before had is not forgotten when a fresh one is well, nor does it excuse that."""
    assert judged(look(taint=W), look(boot=2)).kind is Kind.FAIL
    allowed = Allowed(("WARNING in x",))
    seen = (look(WARNING, taint=W), look(taint=W, boot=2))
    assert judged(*seen, allowed=allowed).kind is Kind.FAIL
    assert judged(seen[1], earlier=seen[:1], allowed=allowed).kind is Kind.FAIL


def test_a_flag_counts_though_the_level_is_silent_now():
    assert judged(look(taint=W), silent()).kind is Kind.FAIL
    assert judged(silent(), look(taint=W)).kind is Kind.FAIL
    assert judged(look(STALL, taint=W, starved=0.9)).titles == ("taint W (WARNING)",)


# -- a guest ---------------------------------------------------------------------------------------

BOOTED = Boot(
    Outcome.BOOTED, "marker", "up: 7.3.0, POWER10", release="7.3.0", build_id="ab" * 20, taint=0,
    taint_left=0, uptime=1.25, elapsed=2.0, end=End("off", "its QEMU ended with status 0", Side.UNKNOWN),
)  # fmt: skip


def guest(allowed=NONE, **what):
    found = judge_guest(replace(BOOTED, **what), allowed)
    for each in found:
        assert (each.check, wanted(each), each.source) == ("L2 health", "no complaint", COMPLAINS)
    return found


def ended(**what):
    (found,) = judge_end(replace(BOOTED, **what))
    assert (found.check, wanted(found), found.source) == ("L2 ends", "powers off by itself", POWERS_OFF)
    return found


def only(verdicts):
    assert len(verdicts) == 1
    return verdicts[0]


def test_a_guest_that_says_that_it_is_clean_is_well():
    found = only(guest())
    assert (found.check, found.kind, found.right) == ("L2 health", Kind.OK, True)
    assert found.proof == "taint 0 when it was up and when it left"
    assert only(guest(taint_left=None)).proof == "taint 0 when it was up"


def test_a_guest_that_does_not_say_is_not_known_to_be_well():
    found = only(guest(taint=None, taint_left=None))
    assert (found.kind, said(found), found.proof) == (
        Kind.UNKNOWN, "L2 did not report its taint flags", "no taint in its report",
    )  # fmt: skip


def test_a_flag_of_a_guest_fails_it():
    found = only(guest(taint_left=W))
    assert (found.kind, found.right, found.titles) == (Kind.FAIL, False, ("taint W (WARNING)",))
    assert said(found) == "taint W (WARNING), but no splat was seen on the console"
    assert found.proof == f"/proc/sys/kernel/tainted in L2: {W}"
    assert only(guest(taint=W, taint_left=None)).kind is Kind.FAIL


def test_a_splat_of_a_guest_fails_it_however_its_boot_ended():
    for what in ({}, {"outcome": Outcome.HANG}):
        found = only(guest(splats=(WARNING,), **what))
        assert (found.kind, found.titles, said(found)) == (Kind.FAIL, ("WARNING in x",), "WARNING in x")
        assert (found.proof, found.right) == ("WARNING: x.c:1 [x < y]", False)
    assert guest(outcome=Outcome.HANG) == []


def test_a_stall_of_a_guest_in_a_machine_without_cpu_proves_nothing():
    found = only(guest(splats=(STALL,), starved=STARVED))
    assert (found.check, found.kind, said(found)) == (
        "L2 health", Kind.UNKNOWN, "RCU stall in x, while its QEMU got no CPU",
    )  # fmt: skip
    assert only(guest(splats=(STALL,), starved=0.39)).kind is Kind.FAIL
    assert only(guest(splats=(STALL, WARNING), starved=0.9)).titles == (WARNING.title,)
    assert only(guest(splats=(STALL,), starved=0.9, taint_left=W)).kind is Kind.FAIL
    assert only(guest(Allowed((STALL.title,)), splats=(STALL,), starved=0.9)).kind is Kind.OK
    assert guest(splats=(STALL,), starved=0.9, outcome=Outcome.HANG) == []


def test_what_is_allowed_of_a_guest():
    allowed = Allowed(("WARNING in x",))
    assert only(guest(allowed, splats=(WARNING,), taint_left=W)).kind is Kind.OK
    assert only(guest(allowed, splats=(WARNING,), taint_left=D)).kind is Kind.FAIL
    assert guest(allowed, splats=(WARNING,), outcome=Outcome.PANIC) == []
    # By where it is said: L2's, whatever level is noted at the splat.
    l2 = Allowed((), {"L2": Circumstances(nested_api=NestedApi.V2, level="L1")})
    assert only(guest(l2, splats=(BENIGN,))).kind is Kind.OK
    assert only(guest(PAPR, splats=(BENIGN,))).kind is Kind.FAIL


# -- its end ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("end", "kind", "observed", "right"),
    [
        (End("off", "p", Side.UNKNOWN), Kind.OK, "powers off by itself", True),
        (End("hang", "p", Side.KERNEL), Kind.FAIL, "hangs after it was up", False),
        (End("stays", "p", Side.KERNEL), Kind.FAIL, "its VM is never taken down", False),
        (End("splat", "p", Side.KERNEL), Kind.FAIL, "its kernel fails after it was up", False),
        (End("panic", "p", Side.KERNEL), Kind.FAIL, "panics after it was up", False),
        (End("reset", "p", Side.KERNEL), Kind.FAIL, "resets or powers off without a message", False),
        (End("exit", "p", Side.UNKNOWN), Kind.UNKNOWN, "QEMU ends with an error", None),
        (End("no-leave", "p", Side.UNKNOWN), Kind.UNKNOWN, "ends without a message", None),
        (End("gone", "p", Side.UNKNOWN), Kind.UNKNOWN, "the end of its QEMU was not observed", None),
        (
            End("qemu-signal", "p", Side.SURROUNDINGS),
            Kind.INFRASTRUCTURE,
            "its QEMU is ended by a signal",
            None,
        ),
        (End("starved", "p", Side.SURROUNDINGS), Kind.INFRASTRUCTURE, "its QEMU got no CPU", None),
        (
            End("qemu-stopped", "p", Side.SURROUNDINGS),
            Kind.INFRASTRUCTURE,
            "its QEMU is stopped by a signal",
            None,
        ),
        (End("crash", "p", Side.KERNEL), Kind.FAIL, "its QEMU crashes", False),
        (End("run-failed", "p", Side.KERNEL), Kind.FAIL, "KVM_RUN fails after it was up", False),
        (
            End("unknown-exit", "p", Side.KERNEL),
            Kind.FAIL,
            "KVM_RUN ends for a reason that QEMU cannot serve",
            False,
        ),
        (End("qemu", "p", Side.UNKNOWN), Kind.UNKNOWN, "its QEMU reports an error", None),
        (End("l1-x", "p", Side.SURROUNDINGS), Kind.INFRASTRUCTURE, "L1 is lost meanwhile", None),
        (End("l1-x", "p", Side.KERNEL), Kind.FAIL, "L1 is lost meanwhile", False),
        (End("l1-splat", "p", Side.KERNEL), Kind.FAIL, "L1's kernel fails meanwhile", False),
        (End("l1-panic", "p", Side.KERNEL), Kind.FAIL, "L1 panics meanwhile", False),
        (End("l0-hang", "p", Side.KERNEL), Kind.FAIL, "L0 hangs meanwhile", False),
    ],
)
def test_how_a_guest_went(end, kind, observed, right):
    found = ended(end=end)
    assert (found.kind, said(found), found.proof, found.right) == (kind, observed, "p", right)


@pytest.mark.parametrize("outcome", [Outcome.BOOTED, Outcome.REFUSED_LATE, Outcome.HANG])
def test_a_vm_that_is_never_taken_down_fails_whatever_became_of_its_guest(outcome):
    found = ended(outcome=outcome, stays="SIGKILL does not end it")
    assert (found.kind, found.right) == (Kind.FAIL, False)
    assert (said(found), found.proof) == ("its VM is never taken down", "SIGKILL does not end it")


def test_an_end_that_nobody_saw_is_none():
    found = ended(end=None)
    assert (found.kind, said(found), found.proof) == (Kind.UNKNOWN, "not known", "")
    assert judge_end(replace(BOOTED, outcome=Outcome.HANG)) == []


# -- what it is ------------------------------------------------------------------------------------


def identity(release="7.3.0", build_id="ab" * 20, **what):
    return {each.check: each for each in judge_identity(release, build_id, replace(BOOTED, **what))}


def test_a_guest_is_the_kernel_it_was_given():
    assert list(identity().values()) == [
        Verdict(
            "L2 kernel", Kind.OK, Release("7.3.0"), Release("7.3.0"), "up: 7.3.0, POWER10",
            "L2 boots the kernel under test from L1's second disk",
        ),
        Verdict(
            "L2 build id", Kind.OK, BuildId("ab" * 20), BuildId("ab" * 20), "/sys/kernel/notes in L2",
            "the running kernel is the image it was given (ld --build-id, Linux kernel/ksysfs.c)",
        ),
        Verdict(
            "L2 clock", Kind.OK, ClockIs(ahead=False), ClockIs(ahead=False),
            "up 1.2 s by its own clock, 2.0 s after its QEMU was started",
            "L2's timebase is L1's with an offset (Linux book3s_hv.c, tb_offset)", right=True,
        ),
    ]  # fmt: skip


def test_another_kernel_is_told():
    assert identity(release="7.2")["L2 kernel"].kind is Kind.FAIL
    assert identity(build_id="cd" * 20)["L2 build id"].kind is Kind.FAIL
    other = identity(build_id="cd" * 20)["L2 build id"]
    assert (wanted(other), said(other)) == ("cd" * 20, "ab" * 20)


def test_a_guest_without_a_build_id_is_not_the_kernel_that_has_one():
    found = judge_identity("7.3.0", "ab" * 20, replace(BOOTED, build_id=""))
    assert [(each.kind, said(each)) for each in found if each.check == "L2 build id"] == [(Kind.FAIL, "none")]


def test_a_kernel_without_a_build_id_is_not_asked_for_it():
    assert "L2 build id" not in identity(build_id="")


def test_a_clock_ahead_of_ours_is_wrong():
    assert identity(uptime=3.0)["L2 clock"].kind is Kind.OK, "as much as may be lost on the way"
    found = identity(uptime=3.01)["L2 clock"]
    assert (found.kind, said(found), found.right) == (Kind.FAIL, "ahead of ours", False)
    assert found.proof == "up 3.0 s by its own clock, 2.0 s after its QEMU was started"
    assert "L2 clock" not in identity(elapsed=0.0)


def test_a_guest_that_never_was_up_is_nobody():
    assert identity(outcome=Outcome.HANG) == {}


# -- a loss ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("side", "kind", "right"),
    [
        (Side.KERNEL, Kind.FAIL, False),
        (Side.SURROUNDINGS, Kind.INFRASTRUCTURE, None),
        (Side.UNKNOWN, Kind.UNKNOWN, None),
    ],
)
def test_a_loss_is_told_by_whose_it_is(side, kind, right):
    found = judge_loss("L1", "cap vm 249", Loss(side, Outcome.HANG, "stuck", "p"))
    assert (found.check, found.kind, found.right, found.proof) == ("L1 answers", kind, right, "p")
    assert (wanted(found), said(found)) == ("an answer", "hang (stuck), asked: cap vm 249")
    assert found.source == "a test must not make the kernel hang or crash"
    assert found.titles == ()


def test_a_loss_with_a_splat_has_its_title():
    found = judge_loss("L0", "", Loss(Side.KERNEL, Outcome.PANIC, "splat", "p", OOPS))
    assert (found.check, said(found)) == ("L0 answers", f"panic (splat): {OOPS.title}")
    assert found.titles == (OOPS.title,)
