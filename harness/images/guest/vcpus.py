# SPDX-License-Identifier: GPL-2.0-only
"""ask.py's questions about vcpus that run. Each has a VM of its own, and PAPR is enabled unless it says so.

register PAPR VALUE
    A vcpu, KVM_ENABLE_CAP(PAPR) if PAPR is 1, then arch_compat: what it holds at first; set
    VALUE, get, KVM_RUN; set 0, get, KVM_RUN.
vcpus WHICH VALUE
    3 vcpus. Set VALUE on each (WHICH: all) or on one (its number), get on each, KVM_RUN on each, get on
    each.
life FIRST SECOND
    One vcpu. Set FIRST, get, KVM_RUN, get, KVM_GET_SREGS and KVM_SET_SREGS with what came, get,
    KVM_RUN, get. Then set SECOND, get, KVM_RUN, get.
clock MILLISECONDS TRIES
    A guest that waits until its timebase has gone on by so much, as often as that, in one VM; from the
    second time on no more, if one did not end or the timebase and CLOCK_MONOTONIC around KVM_RUN
    differed by less than a tenth. A run: [errno, exit, hypercall, vector, timebase before, after,
    CLOCK_MONOTONIC in ns before KVM_RUN, after].
decrementer MILLISECONDS TRIES
    A guest that sets its decrementer and waits for the interrupt. A run as above.
spin VALUES VCPU SECONDS MARK
    VCPU + 1 vcpus. On the last of them: set each of VALUES (A,B; - is none), with a short KVM_RUN after
    each. Answered then; and if the last of these runs was ended by the signal only, KVM_RUN over and over
    with MARK in r31, for so many seconds or until the next question comes.
spun
    What became of that: the run, and what arch_compat holds.
"""

import ctypes
import time

from levelfacts import libc, read_text
from microguest import CLOCK, DECREMENTER, MSR_EE, SPIN, Machine, Trouble

VCPUS = 3
SHORT_SECONDS, SLICE_SECONDS = 0.002, 0.03
POLLIN, EINTR = 1, 4


def ask_register(kvm, papr, value):
    with Machine(kvm) as machine:
        (vcpu,) = machine.vcpus
        if papr == "1":
            vcpu.enable_papr()
        return {
            "initial": vcpu.get(),
            "set": vcpu.set(int(value, 0)),
            "stored": vcpu.get(),
            "run": vcpu.run(),
            "again": vcpu.set(0),
            "again_stored": vcpu.get(),
            "again_run": vcpu.run(),
        }


def ask_vcpus(kvm, which, value):
    with Machine(kvm, count=VCPUS) as machine:
        for vcpu in machine.vcpus:
            vcpu.enable_papr()
        chosen = [which in ("all", str(number)) for number in range(VCPUS)]
        return {
            "set": [
                vcpu.set(int(value, 0)) if yes else None
                for vcpu, yes in zip(machine.vcpus, chosen, strict=True)
            ],
            "stored": [vcpu.get() for vcpu in machine.vcpus],
            "run": [vcpu.run() for vcpu in machine.vcpus],
            "after": [vcpu.get() for vcpu in machine.vcpus],
        }


def ask_life(kvm, first, second):
    with Machine(kvm) as machine:
        (vcpu,) = machine.vcpus
        vcpu.enable_papr()
        return {
            "set": vcpu.set(int(first, 0)),
            "stored": vcpu.get(),
            "run": vcpu.run(),
            "after_run": vcpu.get(),
            "sregs": vcpu.sregs(),
            "after_sregs": vcpu.get(),
            "second_run": vcpu.run(),
            "after_second_run": vcpu.get(),
            "set_later": vcpu.set(int(second, 0)),
            "stored_later": vcpu.get(),
            "later_run": vcpu.run(),
            "after_later_run": vcpu.get(),
        }


# -- clocks ----------------------------------------------------------------------------------


def timebase_hertz():
    _, found, rest = read_text("/proc/cpuinfo").partition("\ntimebase")
    if not found:
        raise Trouble("/proc/cpuinfo has no timebase")
    return int(rest.partition(":")[2].split()[0])


def ask_clock(kvm, milliseconds, tries):
    return timed(kvm, CLOCK, milliseconds, tries)


def ask_decrementer(kvm, milliseconds, tries):
    return timed(kvm, DECREMENTER, milliseconds, tries)


def timed(kvm, program, milliseconds, tries):
    hertz, runs = timebase_hertz(), []
    ticks = hertz * int(milliseconds) // 1000
    with Machine(kvm, program) as machine:
        (vcpu,) = machine.vcpus
        vcpu.enable_papr()
        done = False
        while len(runs) < int(tries) and not (done and len(runs) > 1):
            run = vcpu.run(r7=MSR_EE, r10=ticks)
            began, ended = vcpu.times
            _, _, _, _, before, after, _, _, _, vector, _, interrupted = run["gpr"]
            after = interrupted if vector else after
            runs.append([run["errno"], run["exit"], run["hcall"], vector, before, after, began, ended])
            apart = abs((ended - began) * hertz - (after - before) * 10**9)
            done = done or run["errno"] or apart < ticks * 10**8
    return {"hertz": hertz, "ticks": ticks, "runs": runs}


# -- while it runs ---------------------------------------------------------------------------


class Spin:
    """A guest that runs until it is asked about. result: what "spun" answers."""

    def __init__(self):
        self.result = {"trouble": "nothing was started"}

    def ask(self, kvm, values, vcpu, seconds, mark):
        """Yields the answer, and then lets it run."""
        self.result = {"trouble": "it was not started"}
        with Machine(kvm, SPIN, int(vcpu) + 1) as machine:
            for each in machine.vcpus:
                each.enable_papr()
            last = machine.vcpus[-1]
            steps = []
            for value in values.split(","):
                error = None if value == "-" else last.set(int(value, 0))
                steps.append({"set": error, "stored": last.get(), "run": last.run(SHORT_SECONDS)})
            yield {"steps": steps}
            run = None
            if steps[-1]["run"]["errno"] == EINTR:
                end = time.monotonic() + float(seconds)
                while True:
                    run = last.run(SLICE_SECONDS, r31=int(mark, 0))
                    if run["errno"] != EINTR or asked() or time.monotonic() > end:
                        break
            self.result = {"run": run, "after": last.get()}

    def spun(self):
        return self.result


def asked():
    """Whether the next question is there."""
    return libc.poll((ctypes.c_int * 2)(0, POLLIN), 1, 0) > 0
