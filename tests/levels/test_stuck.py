# SPDX-License-Identifier: GPL-2.0-only
"""Where a process is caught in a kernel, from two looks at /proc."""

import pytest
from fakelevels import Connection

from harness.levels.ssh import Completed
from harness.levels.stuck import read, stopped, stuck
from harness.model.errors import InfrastructureError


def stat(mark, pid, state, user=0, system=0, name="python3"):
    """A line of /proc/PID/stat, marked T in the first look and U in the second."""
    return f"{mark} {pid} ({name}) {state} 1 2 3 4 -1 6 7 8 9 10 {user} {system} 13 14 20 0"


def thread(pid, was, now, *, wchan="0", syscall="", stack=(), name="python3"):
    """was, now: (state, user ticks, system ticks); was None for one that was not there."""
    lines = [] if was is None else [stat("T", pid, *was, name=name)]
    later = [stat("U", pid, *now, name=name), f"W {wchan}", f"S {syscall}"]
    later += [f"K [<0>] {each}+0x10/0x20" for each in stack]
    return lines, later


def text(*threads):
    return "\n".join(
        [line for first, _ in threads for line in first] + [line for _, more in threads for line in more]
    )


IOCTL = "54 0x3 0x2000aeb8 0x0 0x0 0x0 0x0 0x7ff 0x7ff"
IDLE = ("S", 5, 5)

CASES = (
    # uninterruptible, both times, and it got nowhere
    (thread(7, ("D", 1, 2), ("D", 1, 2)), "thread python3 in state D"),
    (thread(7, ("D", 1, 2), ("D", 1, 2), wchan=""), "thread python3 in state D"),
    (thread(7, ("D", 1, 2), ("D", 1, 2), wchan="kvm_x"), "thread python3 in state D in kvm_x"),
    (
        thread(7, ("D", 1, 2), ("D", 1, 2), wchan="kvm_x", stack=("a", "b")),
        "thread python3 in state D in a < b",
    ),
    (
        thread(7, ("D", 1, 2), ("D", 1, 2), stack="abcdefgh"),
        "thread python3 in state D in a < b < c < d < e < f",
    ),
    (thread(7, ("D", 1, 2), ("D", 1, 2), name="CPU 0/KVM) x"), "thread CPU 0/KVM) x in state D"),
    (thread(7, ("D", 1, 2), ("D", 1, 3)), ""),
    (thread(7, ("D", 0, 2), ("D", 1, 2)), ""),
    (thread(7, ("S", 1, 2), ("D", 1, 2)), ""),
    (thread(7, None, ("D", 1, 2)), ""),
    # it computes, in the kernel
    (
        thread(7, ("R", 1, 10), ("R", 1, 25), stack=("x",)),
        "thread python3 runs in the kernel and does not come back in x",
    ),
    (thread(7, ("S", 1, 10), ("R", 1, 50)), "thread python3 runs in the kernel and does not come back"),
    (thread(7, ("R", 1, 10), ("R", 1, 24)), ""),
    (thread(7, ("R", 0, 10), ("R", 5, 30)), ""),
    (thread(7, ("R", 10, 10), ("R", 14, 30)), "thread python3 runs in the kernel and does not come back"),
    (thread(7, ("R", 1, 10), ("S", 1, 50)), ""),
    (thread(7, None, ("R", 0, 99)), ""),
    # it sleeps in an ioctl
    (thread(7, IDLE, IDLE, syscall=IOCTL, wchan="kvm_x"), "thread python3 sleeps in an ioctl in kvm_x"),
    (thread(7, IDLE, IDLE, syscall="3 0x3"), ""),
    (thread(7, IDLE, IDLE, syscall=""), ""),
    (thread(7, IDLE, IDLE, syscall="154 0x3"), ""),
    (thread(7, IDLE, ("S", 5, 6), syscall=IOCTL), ""),
    (thread(7, ("R", 5, 5), IDLE, syscall=IOCTL), ""),
    (thread(7, IDLE, ("T", 5, 5), syscall=IOCTL), ""),
    (thread(7, ("T", 5, 5), ("T", 5, 5), syscall=IOCTL), ""),
)


@pytest.mark.parametrize("number", range(len(CASES)))
def test_one_thread(number):
    seen, words = CASES[number]
    assert read(text(seen)) == words


def test_of_several_the_surest_is_told():
    sleeps = thread(1, IDLE, IDLE, syscall=IOCTL, name="sleeps")
    computes = thread(2, ("R", 0, 0), ("R", 0, 40), name="computes")
    waits = thread(3, ("D", 0, 0), ("D", 0, 0), name="waits")
    well = thread(4, IDLE, IDLE, syscall="3", name="well", wchan="x", stack=("x",))
    assert read(text(well, sleeps, computes, waits)) == "thread waits in state D"
    assert read(text(well, sleeps, computes)) == "thread computes runs in the kernel and does not come back"
    assert read(text(sleeps, well)) == "thread sleeps sleeps in an ioctl"
    assert read(text(well)) == ""


def test_what_is_no_answer_says_nothing():
    assert read("") == ""
    assert read("W kvm_x\nS 54\nK [<0>] a+0x1/0x2\nsh: /proc/9: not there") == ""
    assert read(text(thread(7, ("D", 1, 2), ("D", 1, 2))) + "\nK 0xffff\nK [<0>] b+0x1/0x2") == (
        "thread python3 in state D in b"
    )


def test_it_is_asked_for_in_the_level():
    seen = text(thread(7, ("D", 1, 2), ("D", 1, 2)))
    connection = Connection((r"\$\(pidof python3\).*\$\(pidof python3\)", seen))
    assert stuck(connection.run, "pidof python3", 5) == "thread python3 in state D"


def test_a_level_that_does_not_answer_tells_nothing():
    assert stuck(Connection().run, "pidof python3", 5) == ""


@pytest.mark.parametrize(
    ("states", "is_stopped"),
    [("T", True), ("t", True), ("ST", True), ("S", False), ("", False), ("RDZ", False)],
)
def test_whether_one_is_stopped(states, is_stopped):
    seen = "\n".join(stat("U", 7, each, name="qemu T t") for each in states)
    connection = Connection((r"for pid in \$\(pidof qemu\)", seen))
    assert stopped(connection.run, "pidof qemu", 5) is is_stopped


def test_of_a_level_that_does_not_answer_nothing_is_known_to_be_stopped():
    assert stopped(Connection().run, "pidof qemu", 5) is False


def test_the_limit_is_handed_on():
    limits = []

    def run(command, timeout):
        limits.append(timeout)
        return Completed(0, "", "")

    assert stuck(run, "x", 5) == ""
    assert stopped(run, "x", 6) is False
    assert limits == [5, 6]


def test_other_failures_are_not_hidden():
    def run(command, timeout):
        raise RuntimeError

    with pytest.raises(RuntimeError):
        stuck(run, "x", 5)
    assert not issubclass(RuntimeError, InfrastructureError)
