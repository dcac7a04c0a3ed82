# SPDX-License-Identifier: GPL-2.0-only
"""Why a level was lost: by the kernel's doing, by that of the surroundings, or not known. Pure.

One function for every level and every command. What is known is collected by LinuxLevel.diagnose and
RemoteLevel.diagnose.
FAIL needs evidence against the kernel, INFRA needs evidence against the surroundings; what has neither is
unknown.
"""

from __future__ import annotations

import re
import signal
from dataclasses import dataclass, replace
from enum import Enum

from harness.model.classify import Finding
from harness.model.outcome import Outcome, Side
from harness.model.splat import Splat


@dataclass(frozen=True)
class Loss:
    """rule: name of the rule below that decided; proof: the line or value that shows it; splat: the
    kernel's own words, if it had any."""

    side: Side
    outcome: Outcome
    rule: str
    proof: str
    splat: Splat | None = None


class Reach(Enum):
    """Whether a level answers over SSH."""

    NOT_TRIED = "not tried"
    ANSWERS = "answers"  # on the connection there was, or on a new one beside it
    RECONNECTED = "reconnected"  # the connection is broken; a new one works
    SILENT = "silent"  # neither the old nor a new connection answers


@dataclass(frozen=True)
class Evidence:
    """All that is known of a level that was lost, or that did not answer.

    level: ``L1``; doing: what went on, ``L2 booted`` or a question, for people;
    splats: of its console since what went on began; before: those from before;
    qemu_line: QEMU's own error line on the console, '' for none; finding: the line of its console that
    decides, of model/classify.py, None for none; panic_line: one of QEMU's or the kernel's that says that the
    guest panicked, '' for none;
    disk_line: a line that says that a disk or an image cannot be read, '' for none;
    exit_status: QEMU's, negative for a signal, None while it runs;
    killed_by_signal: whether it ended by a signal in a Linux of ours; signal: its number, 0 if not known;
    shutdown: reason of QMP's SHUTDOWN event, '' without one;
    process_state: letter of /proc/PID/stat, '' if it is not known or QEMU is not ours;
    monitor: QMP's query-status, or 'silent' where QEMU does not answer it, '' where it has no monitor;
    never_spoke: QEMU gave no byte since it was started; caught: where its QEMU is caught in the kernel that
    runs it, '' if it is not, or that kernel is not ours;
    hdsi: the line that proves QEMU's HDSI recursion, '' for none;
    reach: over SSH; reach_words: what SSH said;
    console_answers: whether a shell on its console answered; None if that was not tried;
    link_down: whether that shell said that its network device has no link;
    stuck: where the process that was waited for is caught in the kernel, '' if it is not;
    ended: words of a program of ours that ended in the level without an answer, '' if none did;
    ended_by: the signal that ended it, 0 if none did, or nobody knows;
    samples: where its vCPUs were, newest last, symbolised; starved: share of the time in which QEMU
    wanted a CPU and got none, 0 to 1;
    waited: seconds, of the level's own progress; log_trouble: why its log is not whole;
    outer: how the level that runs it was lost, None if that is well; last_line: of its console;
    ours: whether we run its machine, and so would see it end.
    """

    level: str
    doing: str = ""
    splats: tuple[Splat, ...] = ()
    before: tuple[Splat, ...] = ()
    qemu_line: str = ""
    finding: Finding | None = None
    panic_line: str = ""
    disk_line: str = ""
    exit_status: int | None = None
    killed_by_signal: bool = False
    signal: int = 0
    shutdown: str = ""
    process_state: str = ""
    monitor: str = ""
    never_spoke: bool = False
    caught: str = ""
    hdsi: str = ""
    reach: Reach = Reach.NOT_TRIED
    reach_words: str = ""
    console_answers: bool | None = None
    link_down: bool = False
    stuck: str = ""
    ended: str = ""
    ended_by: int = 0
    samples: tuple[str, ...] = ()
    starved: float = 0.0
    waited: float = 0.0
    log_trouble: str = ""
    outer: Loss | None = None
    last_line: str = ""
    ours: bool = True


# A machine that got less than this share of the CPU time it wanted says nothing about its kernel.
STARVED = 0.8

# Reasons of QMP's SHUTDOWN event (QEMU qapi/run-state.json, ShutdownCause).
_BY_HOST = ("host-error", "host-qmp-quit", "host-qmp-system-reset", "host-signal", "host-ui")

_GOOD_STATUS = ("", "running", "guest-panicked", "shutdown", "prelaunch", "inmigrate")


def decide(seen: Evidence) -> Loss:
    """The first rule that holds decides; the order is: what cannot be trusted, whose words are final, how
    QEMU ended, what the kernel said before, what still answers, where it is stuck."""
    for rule in _RULES:
        found = rule(seen)
        if found is not None:
            return found
    return Loss(
        Side.UNKNOWN, Outcome.UNKNOWN, "unknown",
        f"{seen.level} stopped answering; no cause found; last line: {seen.last_line or 'none'}",
    )  # fmt: skip


def _surroundings(rule: str, proof: str) -> Loss:
    return Loss(Side.SURROUNDINGS, Outcome.INFRASTRUCTURE, rule, proof)


def _kernel(outcome: Outcome, rule: str, proof: str, splat: Splat | None = None) -> Loss:
    return Loss(Side.KERNEL, outcome, rule, proof, splat)


def _log(seen: Evidence) -> Loss | None:
    """A console that was not kept whole proves nothing."""
    return _surroundings("log", seen.log_trouble) if seen.log_trouble else None


def _outer(seen: Evidence) -> Loss | None:
    """What is in a level that was lost is lost with it."""
    return of_host(_host_of(seen.level), seen.outer) if seen.outer is not None else None


def _host_of(level: str) -> str:
    return f"L{int(level[1:]) - 1}"


def of_host(host: str, loss: Loss) -> Loss:
    """A loss of *host*, ``L1``, as it is told of what ran in it: with that name, if it has none yet."""
    if re.match(r"L\d: ", loss.proof):
        return loss
    return replace(loss, rule=f"{host.lower()}-{loss.rule}", proof=f"{host}: {loss.proof}")


# A panic for want of a root file system or of a first program (Linux init/do_mounts.c, init/main.c,
# kernel/exit.c). One by an oops is the kernel's whatever its disk is.
_NO_ROOT = re.compile(r"VFS: Unable to mount root|No working init|Requested init|Attempted to kill init")


def _disk(seen: Evidence) -> Loss | None:
    """A kernel that cannot read its disk may be wrong, or the disk may be. Here it ends for want of what is
    on it; see also _hang."""
    if not seen.disk_line:
        return None
    final = _final(seen)
    line = final.line if final is not None else seen.panic_line
    return Loss(Side.UNKNOWN, Outcome.UNKNOWN, "disk", seen.disk_line) if _NO_ROOT.search(line) else None


def _final(seen: Evidence) -> Splat | None:
    return next((each for each in (*seen.splats, *seen.before) if each.final and _counts(seen, each)), None)


# What a kernel says as well if its machine gets no CPU, or is stopped for a while.
# After so many seconds, by default: kernel/watchdog.c (2 * watchdog_thresh, watchdog_thresh),
# rcu_cpu_stall_timeout, hung_task_timeout_secs, workqueue.watchdog_thresh, kernel/smp.c (csd_lock_timeout).
_BY_THE_CLOCK = {
    "soft lockup": 20, "hard lockup": 10, "RCU stall": 21, "hung task": 120, "workqueue lockup": 30,
    "csd lock": 5,
}  # fmt: skip
_FOR_SECONDS = re.compile(r"(?:stuck for|more than|for) (\d+) ?s")

# Of that time a machine must have had so much for itself. Measured with Debian's 7.3 and a busy computer:
# a kernel that is well comes to 7 of 20 s in one stretch while L2 boots (23 s said, 0.30 of the CPU had); a
# vCPU that loops comes to all of them.
_OWN_TIME = 0.6


def by_the_clock(splat: Splat) -> bool:
    """Whether it says only that something took too long."""
    return splat.title.startswith(tuple(_BY_THE_CLOCK))


def lacked_time(splat: Splat, starved: float) -> bool:
    """Whether it says only that something took too long, in a machine that did not get the time for it.
    starved: share of the time that it wanted to run and did not."""
    if not by_the_clock(splat):
        return False
    limit = next(each for start, each in _BY_THE_CLOCK.items() if splat.title.startswith(start))
    said = _FOR_SECONDS.search(splat.line)
    seconds = int(said[1]) if said else limit
    return starved >= STARVED or seconds * (1 - starved) < _OWN_TIME * limit


def _counts(seen: Evidence, splat: Splat) -> bool:
    return not lacked_time(splat, seen.starved)


def _panic(seen: Evidence) -> Loss | None:
    splat = _final(seen)
    if splat is not None:
        return _kernel(Outcome.PANIC, "panic", splat.line, splat)
    return _kernel(Outcome.PANIC, "panic", seen.panic_line) if seen.panic_line else None


def _recursion(seen: Evidence) -> Loss | None:
    if not seen.hdsi:
        return None
    words = f"QEMU's vCPU is stuck in QEMU's HDSI bug; this says nothing about the kernel: {seen.hdsi}"
    return _surroundings("qemu-hdsi-recursion", words)


# Of model/classify.py: QEMU got an answer of KVM's that it cannot go on with.
_KVM_KEYS = (
    "compat-refused", "run-refused", "guest-wide-refused", "run-failed", "unknown-exit", "register-sync",
)  # fmt: skip
# KVM by its name, and not in the name of a file.
_KVM = re.compile(r"(?<![\w/.-])(?:KVM|kvm)(?:_\w+)?(?![\w/.-])")


def of_kvm(finding: Finding) -> bool:
    """Whether a line of QEMU's speaks against the kernel that runs it: of KVM's answers, not of files, memory
    or signals."""
    if finding.key == "qemu":
        return _KVM.search(finding.line) is not None
    return finding.key in _KVM_KEYS


def _kvm(seen: Evidence) -> Loss | None:
    """The QEMU that runs it says that KVM failed it."""
    found = seen.finding
    return _kernel(found.outcome, found.key, found.line) if found is not None and of_kvm(found) else None


def _qemu_ended(seen: Evidence) -> Loss | None:
    status = seen.exit_status
    if status is None and not seen.killed_by_signal:
        return None
    if seen.shutdown in _BY_HOST:
        return _surroundings("qemu-ended", f"QEMU of {seen.level} was ended from outside ({seen.shutdown})")
    if seen.finding is not None and seen.finding.key == "qemu-signal":
        return _surroundings("qemu-ended", seen.finding.line)
    if status is not None and status < 0:
        said = f": {seen.qemu_line}" if seen.qemu_line else ""
        return _surroundings("qemu-killed", f"QEMU of {seen.level} ended by {_signal_name(-status)}{said}")
    if seen.qemu_line:
        return _surroundings("qemu-error", f"{seen.qemu_line} (exit status {status})")
    crash = crash_words(-seen.signal)
    if crash:
        words = f"QEMU of {seen.level} {crash}"
        return of_host(_host_of(seen.level), _kernel(Outcome.QEMU_ERROR, "qemu-crashed", words))
    if seen.killed_by_signal:
        which = _signal_name(seen.signal) if seen.signal else "a signal"
        words = f"QEMU of {seen.level} ended by {which}, and its host's log does not say why"
        return Loss(Side.UNKNOWN, Outcome.UNKNOWN, "qemu-killed", words)
    if status:
        last = f"; last line: {seen.last_line}" if seen.last_line else "; it printed nothing"
        return _surroundings("qemu-exit", f"QEMU of {seen.level} ended with status {status}{last}")
    spoken = _spoken(seen)
    if spoken is not None:
        return spoken
    reason = seen.shutdown or "QEMU ended with status 0"
    words = f"{seen.level} reset or powered off by itself ({reason}); last line: {seen.last_line or 'none'}"
    if seen.never_spoke and not seen.shutdown.startswith("guest"):
        return _surroundings(
            "qemu-exit", f"QEMU of {seen.level} ended with status 0 before it printed anything"
        )
    return _kernel(Outcome.PANIC, "reset", words)


# Signals by which the kernel ends a program that did what it must not: nobody sends them by hand. SIGABRT is
# not among them: QEMU sends it to itself where it gives up.
_CRASHES = (signal.SIGSEGV, signal.SIGBUS, signal.SIGILL, signal.SIGFPE, signal.SIGTRAP, signal.SIGSYS)


def crash_words(status: int | None, program: str = "QEMU") -> str:
    """Of a program that crashed in a Linux of ours; '' for any other end. status: -N for signal N.

    It is the same in every run, and ran on other kernels: what differs is the kernel that runs it."""
    if status is None or -status not in _CRASHES:
        return ""
    return (
        f"crashed by {_signal_name(-status)}: the kernel that runs it gave it a wrong page, register or "
        f"answer, or a signal it should not have, unless {program} is wrong"
    )


def ended_by(status: int) -> str:
    """``ended by signal 9 (SIGKILL)``. status: -N for signal N, -1 where the number is not known."""
    return f"ended by {_signal_name(-status)}" if status < -1 else "was killed"


def _signal_name(number: int) -> str:
    try:
        return f"signal {number} ({signal.Signals(number).name})"
    except ValueError:
        return f"signal {number}"


def _qemu_stopped(seen: Evidence) -> Loss | None:
    if seen.process_state in ("T", "t"):
        return _surroundings("qemu-stopped", f"the QEMU process of {seen.level} is stopped (SIGSTOP)")
    if seen.monitor == "silent":
        never = "never answered its monitor" if seen.never_spoke else "does not answer its monitor any more"
        return _surroundings("qemu-silent", f"QEMU of {seen.level} {never}")
    if seen.monitor not in _GOOD_STATUS:
        return _surroundings("qemu-paused", f"QEMU says of {seen.level}: {seen.monitor}")
    if seen.monitor == "prelaunch":
        return _surroundings("qemu-silent", f"QEMU of {seen.level} started no guest")
    return None


def _qemu_mute(seen: Evidence) -> Loss | None:
    """One without a monitor that never said a word: whether its guest ever ran is not known."""
    if not seen.never_spoke or seen.monitor:
        return None
    if seen.caught:
        words = f"QEMU of {seen.level} gave no output: {seen.caught}"
        return of_host(_host_of(seen.level), _kernel(Outcome.HANG, "stuck", words))
    return Loss(Side.UNKNOWN, Outcome.UNKNOWN, "qemu-mute", f"QEMU of {seen.level} gave no output")


def _spoken(seen: Evidence) -> Loss | None:
    """A kernel that failed and then went silent: what it said is why."""
    splat = next((each for each in seen.splats if deadly(each) and _counts(seen, each)), None)
    if splat is not None:
        return _kernel(Outcome.PANIC, "splat", f"{splat.title}: {splat.line}", splat)
    return None


def _reset_connection(seen: Evidence) -> Loss | None:
    """The level answers: whatever was lost was the way to it, or what was started in it."""
    if seen.reach not in (Reach.ANSWERS, Reach.RECONNECTED):
        return None
    starved = seen.starved >= STARVED  # what is slow for want of a CPU looks stuck
    if seen.stuck and not starved:
        return _kernel(Outcome.HANG, "stuck", f"{seen.doing} never ends: {seen.stuck}")
    if seen.reach is Reach.RECONNECTED:
        words = f"the SSH connection broke ({seen.reach_words}); {seen.level} answers on a new one"
        return _surroundings("ssh-broke", words)
    crash = crash_words(-seen.ended_by, "Python")
    if seen.ended and crash:
        words = f"in {seen.level}: {seen.ended}; it {crash}"
        return _kernel(Outcome.PANIC, "program-crashed", words)
    if seen.ended:
        return Loss(Side.UNKNOWN, Outcome.UNKNOWN, "program-ended", f"in {seen.level}: {seen.ended}")
    if starved:
        return None
    return Loss(
        Side.UNKNOWN, Outcome.UNKNOWN, "no-answer", f"{seen.doing}: no answer, but {seen.level} answers"
    )


def _link_down(seen: Evidence) -> Loss | None:
    if not (seen.console_answers and seen.link_down):
        return None
    words = f"{seen.level} answers on its console, and its network device has no link: {seen.reach_words}"
    return _surroundings("link-down", words)


def _spoken_before(seen: Evidence) -> Loss | None:
    """Silence long after a complaint: still the best that is known, if nothing else explains it."""
    splat = next((each for each in reversed(seen.before) if deadly(each) and _counts(seen, each)), None)
    if splat is not None and seen.reach is Reach.SILENT:
        return _kernel(Outcome.PANIC, "splat", f"{splat.title}: {splat.line}", splat)
    return None


def _starved(seen: Evidence) -> Loss | None:
    if seen.starved < STARVED:
        return None
    return _surroundings("starved", f"QEMU of {seen.level} {starved_words(seen.starved)}")


def starved_words(share: float) -> str:
    """share: of the time in which it wanted a CPU."""
    percent = f"{share * 100:.0f} %"
    return f"got no CPU {percent} of the time: others had it, or it was stopped; see --timeout-scale"


def _network(seen: Evidence) -> Loss | None:
    """Its network fails, or its kernel's."""
    if not seen.console_answers:
        return None
    words = f"{seen.level} answers on its console and not over the network: {seen.reach_words}"
    return Loss(Side.UNKNOWN, Outcome.UNKNOWN, "network", words)


def _hang(seen: Evidence) -> Loss | None:
    """It runs, nothing outside is wrong with it, and it does not answer."""
    if seen.disk_line and seen.reach is Reach.NOT_TRIED:
        return Loss(Side.UNKNOWN, Outcome.UNKNOWN, "disk", seen.disk_line)
    where = f"; it is in {where_of(seen.samples)}" if seen.samples else ""
    where += f"; its QEMU: {seen.caught}" if seen.caught else ""
    last = f"; last line: {seen.last_line or 'none'}"
    doing = f" ({seen.doing})" if seen.doing else ""
    waited = f" for {seen.waited:.0f} s" if seen.waited else ""
    words = f"{seen.level} runs and does not answer{waited}{doing}{where}{last}"
    return _kernel(Outcome.HANG, "hang", words) if seen.ours else None


# Complaints after which a kernel goes on as before.
_GOES_ON = ("WARNING", "UBSAN", "lockdep", "kmemleak", "OF: ", "kernel message", "KFENCE", "KCSAN")


def deadly(splat: Splat) -> bool:
    """Whether a level may be lost by it: an oops or a lockup, and no mere warning."""
    return splat.final or not splat.title.startswith(_GOES_ON)


def where_of(samples: tuple[str, ...]) -> str:
    """``kvmppc_get_compat_caps (5 of 5 samples)``: the functions that were seen, the most frequent first."""
    counted = {each: samples.count(each) for each in dict.fromkeys(samples)}
    order = sorted(counted, key=lambda each: -counted[each])
    return ", ".join(f"{each} ({counted[each]} of {len(samples)} samples)" for each in order[:3])


_RULES = (
    _log,
    _outer,
    _disk,
    _panic,
    _recursion,
    _kvm,
    _qemu_ended,
    _qemu_stopped,
    _spoken,
    _qemu_mute,
    _reset_connection,
    _link_down,
    _starved,
    _spoken_before,
    _network,
    _hang,
)
