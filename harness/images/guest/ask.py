#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Ask this Linux's KVM what stdin says, line by line; print one JSON document for each line.

Runs as root on any POWER Linux, beside levelfacts.py. It knows no expectations and judges nothing.

    ioctl FD REQUEST PLACE MEMORY [TIMES [THREADS]]
        FD: kvm, vm, vm+vcpu (a VM that has a vcpu), vcpu, pr (a VM of KVM PR).
        PLACE: where the argument lies: plain, odd (unaligned), cross (in two pages), null, unmapped,
        kernel (an address of the kernel's), readonly, end:N (N bytes, then nothing is mapped),
        roend:N (N bytes, then read-only).
        MEMORY: what it holds, as HEX[*COUNT],...
        Answer: distinct results of all calls: return value, errno, runs of bytes that changed
        [offset, hex], also in 64 bytes before and behind.
    cap FD NUMBER
        KVM_CHECK_EXTENSION.
    again REQUEST MEMORY NUMBER,...
        An ioctl and KVM_CHECK_EXTENSION of each NUMBER, on a VM in which nothing has run, on the same VM
        after a guest has run in it, on a new VM, and on one with a vcpu that was set to POWER9. The run, and
        errno of setting that mode, are in the answer.
    register, vcpus, life, clock, decrementer, spin, spun
        About vcpus that run: see vcpus.py.
"""

# No module that imports others: each costs tenths of a second in an emulated L1.
import _signal
import _thread
import ctypes
import os
import sys

import vcpus
from levelfacts import KVM_CHECK_EXTENSION, KVM_CREATE_VCPU, KVM_CREATE_VM, POISON, ioctl, libc, to_json
from microguest import PAGE, PROT_NONE, PROT_READ, VM_TYPES, Machine, Trouble, opened, pages

# Logical PVR of POWER9: every L1 here may offer it.
POWER9 = 0x0F000005

GUARD = 64

libc.mprotect.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)


# -- memory ----------------------------------------------------------------------------------


def content(text):
    """Bytes of ``a5*8,00``."""
    data = b""
    for run in text.split(","):
        digits, _, count = run.partition("*")
        data += bytes.fromhex(digits) * int(count or 1)
    return data


class Place:
    """An argument in memory. address: what the ioctl gets; seen: what can be looked at, (from, to)."""

    def __init__(self, place, data):
        kind, _, number = place.partition(":")
        self.data = data
        self.count = 3 + (len(data) + GUARD) // PAGE
        self.base = pages(self.count)
        middle = self.base + PAGE
        protect = None
        if kind == "null":
            self.address = 0
        elif kind == "kernel":
            self.address = 0xC000000000000000
        elif kind in ("plain", "readonly"):
            self.address = middle + GUARD
        elif kind == "odd":
            self.address = middle + GUARD + 1
        elif kind == "cross":
            self.address = middle - len(data) // 2
        elif kind in ("end", "roend"):
            self.address = middle - int(number)
        elif kind == "unmapped":
            self.address = middle
        else:
            raise ValueError("no such place: " + place)
        end = self.address + len(data) + GUARD
        if kind == "unmapped":
            protect = (self.base, self.count, PROT_NONE)
        elif kind == "readonly":
            protect = (middle, self.count - 1, PROT_READ)
        elif kind == "end":
            protect, end = (middle, self.count - 1, PROT_NONE), middle
        elif kind == "roend":
            protect = (middle, self.count - 1, PROT_READ)
        self.seen = None if kind in ("null", "kernel", "unmapped") else (self.address - GUARD, end)
        self.fill()
        if protect:
            libc.mprotect(protect[0], protect[1] * PAGE, protect[2])
        self.writable = kind in ("plain", "odd", "cross")

    def fill(self):
        if self.seen is None:
            return
        first, end = self.seen
        ctypes.memset(first, POISON, end - first)
        ctypes.memmove(self.address, self.data, min(len(self.data), end - self.address))
        self.before = ctypes.string_at(first, end - first)

    def changed(self):
        """[[offset, hex], ...] of what is not as it was."""
        if self.seen is None:
            return []
        after = ctypes.string_at(self.seen[0], len(self.before))
        if after == self.before:
            return []
        runs, last = [], None
        for at, new in enumerate(after):
            if self.before[at] == new:
                continue
            if last == at - 1:
                runs[-1][1].append(new)
            else:
                runs.append([at - GUARD, bytearray([new])])
            last = at
        return [[offset, bytes(data).hex()] for offset, data in runs]

    def free(self):
        libc.munmap(self.base, self.count * PAGE)


# -- descriptors -----------------------------------------------------------------------------


class Descriptors:
    """Each opened when it is first needed, and then kept."""

    def __init__(self):
        self.open = {}

    def get(self, name):
        if name not in self.open:
            self.open[name] = self.make(name)
        return self.open[name]

    def make(self, name):
        if name == "kvm":
            try:
                return os.open("/dev/kvm", os.O_RDWR | os.O_CLOEXEC)
            except OSError as error:
                raise Trouble("/dev/kvm: " + error.strerror) from None
        if name == "vcpu":
            self.get("vm+vcpu")
            return self.open["vcpu"]
        kind = name.partition("+")[0]
        if kind not in VM_TYPES:
            raise Trouble("no such descriptor: " + name)
        vm = opened("KVM_CREATE_VM", ioctl(self.get("kvm"), KVM_CREATE_VM, VM_TYPES[kind]))
        if name == "vm+vcpu":
            self.open["vcpu"] = opened("KVM_CREATE_VCPU", ioctl(vm, KVM_CREATE_VCPU, 0))
        return vm


# -- questions -------------------------------------------------------------------------------


def called(descriptor, request, where):
    result, error = ioctl(descriptor, request, where.address)
    return {"result": result, "errno": error, "changed": where.changed()}


def ask_ioctl(descriptors, fd, request, place, memory, times="1", threads="1"):
    descriptor, request, data = descriptors.get(fd), int(request, 0), content(memory)
    found = []

    def each(where):
        answer = called(descriptor, request, where)
        if answer not in found:
            found.append(answer)

    def repeat(where, done):
        try:
            for number in range(int(times)):
                if number and where.writable:
                    where.fill()
                each(where)
        finally:
            done.release()

    places, waiting = [], []
    for _ in range(int(threads)):
        places.append(Place(place, data))
        waiting.append(_thread.allocate_lock())
        waiting[-1].acquire()
    if len(places) == 1:
        repeat(places[0], waiting[0])
    else:
        for number, where in enumerate(places):
            _thread.start_new_thread(repeat, (where, waiting[number]))
        for done in waiting:
            done.acquire()
    for where in places:
        where.free()
    return {"answers": found}


def ask_cap(descriptors, fd, number):
    return {"value": ioctl(descriptors.get(fd), KVM_CHECK_EXTENSION, int(number))[0]}


def ask_again(descriptors, request, memory, numbers):
    kvm, answers = descriptors.get("kvm"), []

    def ask(machine):
        where = Place("plain", content(memory))
        answer = called(machine.fd, int(request, 0), where)
        where.free()
        caps = [ioctl(machine.fd, KVM_CHECK_EXTENSION, int(each))[0] for each in numbers.split(",")]
        answers.append({"answer": answer, "caps": caps})

    with Machine(kvm) as machine:
        (vcpu,) = machine.vcpus
        ask(machine)
        vcpu.enable_papr()
        run = vcpu.run()
        ask(machine)
    with Machine(kvm) as machine:
        ask(machine)
    with Machine(kvm) as machine:
        (vcpu,) = machine.vcpus
        vcpu.enable_papr()
        mode_set = vcpu.set(POWER9)
        ask(machine)
    places = dict(zip(("before", "same", "new", "set"), answers, strict=True))
    return {"run": run, "mode_set": mode_set, **places}


OF_DESCRIPTORS = {"ioctl": ask_ioctl, "cap": ask_cap, "again": ask_again}
OF_VCPUS = {
    "register": vcpus.ask_register,
    "vcpus": vcpus.ask_vcpus,
    "life": vcpus.ask_life,
    "clock": vcpus.ask_clock,
    "decrementer": vcpus.ask_decrementer,
}


def main():
    _signal.signal(_signal.SIGALRM, lambda _number, _frame: None)  # it ends a KVM_RUN
    descriptors, spin = Descriptors(), vcpus.Spin()

    def answers(question, *arguments):
        """One; of "spin", what is done after it was given comes after it."""
        if question in OF_DESCRIPTORS:
            yield OF_DESCRIPTORS[question](descriptors, *arguments)
        elif question in OF_VCPUS:
            yield OF_VCPUS[question](descriptors.get("kvm"), *arguments)
        elif question == "spin":
            yield from spin.ask(descriptors.get("kvm"), *arguments)
        elif question == "spun":
            yield spin.spun()
        else:
            raise ValueError("no such question: " + question)

    for line in sys.stdin:
        answered = False
        try:
            for answer in answers(*line.split()):
                say(answer)
                answered = True
        except Trouble as trouble:
            if not answered:
                say({"trouble": str(trouble)})


def say(answer):
    sys.stdout.write(to_json(answer) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
