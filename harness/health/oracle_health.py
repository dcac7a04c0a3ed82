# SPDX-License-Identifier: GPL-2.0-only
"""Whether a level is well: judged from looks at it, and from what a guest said of itself."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from harness.health.benign import Circumstances, is_benign
from harness.health.cause import lacked_time
from harness.health.taint import Taint, evidence
from harness.model.facts import Absent, NotKnown
from harness.model.level_facts import (
    BuildId,
    ClockIs,
    Complaints,
    GuestLeft,
    HealthNotChecked,
    Release,
    SlowMachine,
    TaintAlone,
    TaintNotTold,
)
from harness.model.looks import Look
from harness.model.observation import Boot
from harness.model.outcome import Outcome, Side
from harness.model.splat import Splat
from harness.model.verdict import Kind, Verdict

NO_COMPLAINT = Complaints()
_SOURCE = "the kernel reported a fault; Linux kernel/panic.c, lib/bug.c"


@dataclass(frozen=True)
class Allowed:
    """titles: of --allow-splat, as typed; at: what rows of health/benign.py depend on, by level name."""

    titles: tuple[str, ...] = ()
    at: dict[str, Circumstances] | None = None

    def reason(self, splat: Splat) -> str:
        """Why this one does not count, '' if it does."""
        if splat.title in self.titles:
            return "--allow-splat"
        at = (self.at or {}).get(splat.level)
        if at is None:
            return ""
        rows = (is_benign(text, at, splat.trace) for text in (splat.title, splat.line))
        return next((row.reason for row in rows if row is not None), "")


# Which splats set a flag (add_taint() in Linux kernel/panic.c, kernel/sched/core.c, kernel/watchdog.c, mm/,
# arch/powerpc/kernel/traps.c and mce.c): of one that was seen and allowed the flag says nothing new. The
# other flags have no splat.
_SET_BY = {
    "W": re.compile(r"WARNING|BUG: (?:sleeping|scheduling)"),
    "D": re.compile(
        r"BUG: (?!sleeping|scheduling|Bad page)|kernel BUG|Oops|Bad kernel|Unrecoverable|machine check|xmon"
    ),
    "B": re.compile(r"BUG |BUG: Bad page|KASAN|KFENCE"),
    "L": re.compile(r"soft lockup"),
    "M": re.compile(r"machine check"),
}


def accused_by(taint: int, told: int, splats: Iterable[Splat]) -> tuple[Taint, ...]:
    """The flags of *taint* that speak against the kernel, without those in *told* and those that one of
    *splats* has set."""
    titles = [each.title for each in splats]
    return tuple(
        each
        for each in evidence(taint, told)
        if each.letter not in _SET_BY or not any(_SET_BY[each.letter].match(title) for title in titles)
    )


def _accused(looks: Sequence[Look], earlier: Sequence[Look]) -> tuple[Look, tuple[Taint, ...]] | None:
    """The first look with a flag that nothing in sight has set. A level that is started anew has none."""
    for number, look in enumerate(looks):
        if look.taint is None:
            continue
        before = [each for each in earlier if each.boot == look.boot]
        told = 0
        for each in before:
            told |= each.taint or 0
        same = [each for each in (*before, *looks[: number + 1]) if each.boot == look.boot]
        found = accused_by(look.taint, told, (splat for each in same for splat in each.splats))
        if found:
            return look, found
    return None


def judge_level(name: str, looks: Sequence[Look], allowed: Allowed, earlier: Sequence[Look] = ()) -> Verdict:
    """One verdict on ``L1 health``: over looks at one level, oldest first. OK needs at least one look that
    was answered, and the last one answered; a level that was lost is told elsewhere. earlier: looks before
    these, which were judged: what they have told is not told again."""
    check = f"{name} health"
    splats = [splat for look in looks for splat in look.splats]
    guilty: list[Splat] = []
    slow: list[Splat] = []
    for look in looks:
        for each in look.splats:
            if not allowed.reason(each):
                # What takes too long in a machine that gets no CPU says nothing about its kernel.
                (slow if lacked_time(each, look.starved) else guilty).append(each)
    if guilty:
        return _complaints(check, guilty)
    found = _accused(looks, earlier)
    if found is not None and _taint_title(found[1]) not in allowed.titles:
        look, accused = found
        title = _taint_title(accused)
        return Verdict(
            check, Kind.FAIL, NO_COMPLAINT, TaintAlone(title, log=True),
            f"/proc/sys/kernel/tainted in {name}: {look.taint}", _SOURCE, right=False, titles=(title,),
        )  # fmt: skip
    if slow:
        return _slow(check, slow[0])
    taints = [look for look in looks if look.answered and look.taint is not None]
    if not taints or not looks[-1].answered:
        reason = looks[-1].reason if looks else ""
        proof = reason or "no look was answered"
        return Verdict(check, Kind.UNKNOWN, NO_COMPLAINT, HealthNotChecked(reason), proof, _SOURCE)
    last = taints[-1]
    excused = f"; allowed: {', '.join(sorted({each.title for each in splats}))}" if splats else ""
    return Verdict(
        check, Kind.OK, NO_COMPLAINT, NO_COMPLAINT,
        f"taint {last.taint}, kernel log read when {name} was up {last.uptime:.1f} s{excused}", _SOURCE,
        right=True,
    )  # fmt: skip


def _slow(check: str, splat: Splat) -> Verdict:
    return Verdict(check, Kind.UNKNOWN, NO_COMPLAINT, SlowMachine(splat.title), splat.line, _SOURCE)


def _taint_title(found: Sequence[Taint]) -> str:
    return "taint " + ", ".join(f"{each.letter} ({each.words})" for each in found)


def _complaints(check: str, guilty: Sequence[Splat]) -> Verdict:
    titles = tuple(sorted({each.title for each in guilty}))
    first = guilty[0]
    told = Complaints(tuple(dict.fromkeys((each.title, each.when) for each in guilty)))
    trace = f" [{' < '.join(first.trace[:8])}]" if first.trace else ""
    return Verdict(
        check, Kind.FAIL, NO_COMPLAINT, told, f"{first.line}{trace}", _SOURCE, right=False,
        titles=titles,
    )  # fmt: skip


def judge_guest(boot: Boot, allowed: Allowed) -> list[Verdict]:
    """``L2 health`` of a guest that was up: its console, its taint flags when it was up and when it left."""
    splats = [replace(each, level="L2", when="") for each in boot.splats]
    counted = [each for each in splats if not allowed.reason(each)]
    slow = [each for each in counted if lacked_time(each, boot.starved)]
    guilty = [each for each in counted if each not in slow]
    if guilty:
        return [_complaints("L2 health", guilty)]
    if boot.outcome is not Outcome.BOOTED:
        return []  # it never ran; what it said is told as its outcome
    said = [each for each in (boot.taint, boot.taint_left) if each is not None]
    if not said:
        return [
            Verdict(
                "L2 health",
                Kind.UNKNOWN,
                NO_COMPLAINT,
                TaintNotTold(),
                "no taint in its report",
                _SOURCE,
            )
        ]
    accused = accused_by(said[-1], 0, splats)
    if accused and _taint_title(accused) not in allowed.titles:
        title = _taint_title(accused)
        return [
            Verdict(
                "L2 health", Kind.FAIL, NO_COMPLAINT, TaintAlone(title),
                f"/proc/sys/kernel/tainted in L2: {said[-1]}", _SOURCE, right=False, titles=(title,),
            )
        ]  # fmt: skip
    if slow:
        return [_slow("L2 health", slow[0])]
    when = "up and when it left" if boot.taint_left is not None else "up"
    return [
        Verdict(
            "L2 health", Kind.OK, NO_COMPLAINT, NO_COMPLAINT, f"taint {said[-1]} when it was {when}", _SOURCE,
            right=True,
        )
    ]  # fmt: skip


_END = GuestLeft("off")
_END_SOURCE = "images/guest/init powers off; QEMU then ends with status 0, and KVM takes the VM down"


def judge_end(boot: Boot) -> list[Verdict]:
    """``L2 ends`` of a guest that was up, and of any whose VM is never taken down."""
    end = boot.end
    if boot.stays:
        stays = GuestLeft("stays")
        return [Verdict("L2 ends", Kind.FAIL, _END, stays, boot.stays, _END_SOURCE, right=False)]
    if boot.outcome is not Outcome.BOOTED:
        return []
    if end is None:
        return [Verdict("L2 ends", Kind.UNKNOWN, _END, NotKnown(), "", _END_SOURCE)]
    if end.rule == "off":
        return [Verdict("L2 ends", Kind.OK, _END, _END, end.proof, _END_SOURCE, right=True)]
    kind = {Side.KERNEL: Kind.FAIL, Side.SURROUNDINGS: Kind.INFRASTRUCTURE, Side.UNKNOWN: Kind.UNKNOWN}[
        end.side
    ]
    right = False if kind is Kind.FAIL else None
    return [Verdict("L2 ends", kind, _END, GuestLeft(end.rule), end.proof, _END_SOURCE, right=right)]


# A clock is read, printed, and carried through two consoles: so much may be lost on the way, in seconds.
_CLOCK_SLACK = 1.0


def judge_identity(release: str, build_id: str, boot: Boot) -> list[Verdict]:
    """``L2 kernel``, ``L2 build id`` and ``L2 clock`` of a guest that was up. release, build_id: of the image
    it was given."""
    if boot.outcome is not Outcome.BOOTED:
        return []
    found = [
        Verdict(
            "L2 kernel", Kind.OK if boot.release == release else Kind.FAIL, Release(release),
            Release(boot.release), boot.proof,
            "L2 boots the kernel under test from L1's second disk",
        )
    ]  # fmt: skip
    if build_id:
        found.append(
            Verdict(
                "L2 build id", Kind.OK if boot.build_id == build_id else Kind.FAIL, BuildId(build_id),
                BuildId(boot.build_id) if boot.build_id else Absent(), "/sys/kernel/notes in L2",
                "the running kernel is the image it was given (ld --build-id, Linux kernel/ksysfs.c)",
            )
        )  # fmt: skip
    if boot.elapsed:
        ahead = boot.uptime > boot.elapsed + _CLOCK_SLACK
        found.append(
            Verdict(
                "L2 clock", Kind.FAIL if ahead else Kind.OK, ClockIs(ahead=False), ClockIs(ahead),
                f"up {boot.uptime:.1f} s by its own clock, {boot.elapsed:.1f} s after its QEMU was started",
                "L2's timebase is L1's with an offset (Linux book3s_hv.c, tb_offset)",
                right=not ahead,
            )
        )  # fmt: skip
    return found
