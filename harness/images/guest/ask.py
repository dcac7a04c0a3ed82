#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Ask this Linux's KVM what stdin says, line by line; print one JSON document for each line.

Runs as root on any POWER Linux, beside probe.py. It knows no expectations and judges nothing.

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
    register PAPR VALUE
        A new vcpu, KVM_ENABLE_CAP(PAPR) if PAPR is 1, then arch_compat: what it holds at first; set
        VALUE, get, KVM_RUN; set 0, get, KVM_RUN. What runs is a guest of a few instructions, see GUEST.
"""

# No module that imports others: each costs tenths of a second in an emulated L1.
import _signal
import _thread
import ctypes
import os
import sys

from probe import (
    KVM_CAP_PPC_PAPR,
    KVM_CHECK_EXTENSION,
    KVM_CREATE_VCPU,
    KVM_CREATE_VM,
    KVM_ENABLE_CAP,
    KVM_GET_ONE_REG,
    KVM_SET_ONE_REG,
    POISON,
    EnableCap,
    ioctl,
    libc,
    one_reg,
    to_json,
)

KVM_GET_VCPU_MMAP_SIZE = 0x2000AE04
KVM_SET_USER_MEMORY_REGION = 0x8020AE46
KVM_RUN = 0x2000AE80
KVM_GET_REGS = 0x4188AE81
KVM_SET_REGS = 0x8188AE82
KVM_EXIT_PAPR_HCALL = 19
VM_TYPES = {"vm": 1, "pr": 2}
RUN_SECONDS = 5.0

PAGE = os.sysconf("SC_PAGE_SIZE")
GUARD = 64
PROT_NONE, PROT_READ, PROT_WRITE = 0, 1, 2
MAP_SHARED, MAP_PRIVATE, MAP_ANONYMOUS = 1, 2, 0x20

libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = (
    ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long,
)  # fmt: skip
libc.munmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t)
libc.mprotect.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)


# -- memory ----------------------------------------------------------------------------------


def pages(count):
    """Address of so many new pages."""
    return libc.mmap(None, count * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)


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


class Trouble(Exception):
    """What is needed to ask cannot be had."""


def opened(what, answer):
    descriptor, error = answer
    if descriptor < 0:
        raise Trouble(what + ": errno " + str(error))
    return descriptor


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


def ask_ioctl(descriptors, fd, request, place, memory, times="1", threads="1"):
    descriptor, request, data = descriptors.get(fd), int(request, 0), content(memory)
    found = []

    def each(where):
        result, error = ioctl(descriptor, request, where.address)
        answer = {"result": result, "errno": error, "changed": where.changed()}
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


# Big-endian, in real mode: says which PVR it sees, whether instructions of ISA 3.0 and, on a machine that
# has them, 3.1 work, and ends with a hypercall that KVM knows nothing of, so that it comes out of KVM_RUN.
# Any interrupt ends with another one, with where it was. (What a machine does not have is not tried: with
# nested API v2 under TCG an illegal instruction comes out of KVM_RUN as an exit of no known kind.)
GUEST = (
    0x7C9F42A6,  # mfpvr r4
    0x38A00000,  # li r5,0
    0x38C00000,  # li r6,0
    0x7CA00100,  # setb r5,cr0       ISA 3.0
    0x38A00001,  # li r5,1
    0x5487843E,  # srwi r7,r4,16     the PVR's version:
    0x28070080,  # cmplwi r7,0x80    POWER10 and later?
    0x4180000C,  # blt .+12
    0x7CC00300,  # setbc r6,0        ISA 3.1
    0x38C00001,  # li r6,1
    0x38600000,  # li r3,0
    0x6063F000,  # ori r3,r3,0xf000
    0x44000022,  # sc 1
)
INTERRUPT = (
    0x7D1A02A6,  # mfsrr0 r8
    0x39200000,  # li r9,VECTOR
    0x38600000,  # li r3,0
    0x6063F004,  # ori r3,r3,0xf004
    0x44000022,  # sc 1
)
ENTRY = 0x2000
GUEST_MEMORY = 0x100000
VECTORS = (0x100, 0x200, 0x300, 0x380, 0x400, 0x480, 0x500, 0x600, 0x700, 0x800, 0x900, 0xC00, 0xD00, 0xE00,
           0xE20, 0xE40, 0xF00, 0xF20, 0xF40, 0xF60, 0xF80)  # fmt: skip
MSR = 0x8000000000001000  # SF, ME
# Indices of 64-bit words in struct kvm_regs.
REG_PC, REG_MSR, REG_GPR, REG_WORDS = 0, 5, 17, 49


def words(values):
    return b"".join(value.to_bytes(4, "big") for value in values)


class Vcpu:
    """One, in a VM of its own, with the guest in its memory."""

    def __init__(self, kvm):
        self.vm = opened("KVM_CREATE_VM", ioctl(kvm, KVM_CREATE_VM, VM_TYPES["vm"]))
        self.memory = pages(GUEST_MEMORY // PAGE)
        ctypes.memmove(self.memory + ENTRY, words(GUEST), 4 * len(GUEST))
        for vector in VECTORS:
            code = words((INTERRUPT[0], INTERRUPT[1] | vector, *INTERRUPT[2:]))
            ctypes.memmove(self.memory + vector, code, len(code))
        region = (ctypes.c_uint64 * 4)(0, 0, GUEST_MEMORY, self.memory)
        _, error = ioctl(self.vm, KVM_SET_USER_MEMORY_REGION, ctypes.addressof(region))
        if error:
            raise Trouble("KVM_SET_USER_MEMORY_REGION: errno " + str(error))
        self.fd = opened("KVM_CREATE_VCPU", ioctl(self.vm, KVM_CREATE_VCPU, 0))
        self.size = opened("KVM_GET_VCPU_MMAP_SIZE", ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE))
        self.run_page = libc.mmap(None, self.size, PROT_READ | PROT_WRITE, MAP_SHARED, self.fd, 0)

    def enable_papr(self):
        enable = EnableCap(cap=KVM_CAP_PPC_PAPR)
        _, error = ioctl(self.fd, KVM_ENABLE_CAP, ctypes.addressof(enable))
        if error:
            raise Trouble("KVM_ENABLE_CAP(PAPR): errno " + str(error))

    def get(self):
        error, value = one_reg(self.fd, KVM_GET_ONE_REG, 0x5A5A5A5A)
        return None if error else value

    def set(self, value):
        return one_reg(self.fd, KVM_SET_ONE_REG, value)[0]

    def run(self):
        """Once, from the guest's beginning."""
        registers = (ctypes.c_uint64 * REG_WORDS)()
        registers[REG_PC], registers[REG_MSR] = ENTRY, MSR
        ioctl(self.fd, KVM_SET_REGS, ctypes.addressof(registers))
        _signal.setitimer(_signal.ITIMER_REAL, RUN_SECONDS)
        _, error = ioctl(self.fd, KVM_RUN)
        _signal.setitimer(_signal.ITIMER_REAL, 0)
        ioctl(self.fd, KVM_GET_REGS, ctypes.addressof(registers))
        reason = int.from_bytes(ctypes.string_at(self.run_page + 8, 4), "little")
        answer = {"errno": error, "exit": reason, "hcall": None, "gpr": list(registers[REG_GPR:][:10])}
        if not error and reason == KVM_EXIT_PAPR_HCALL:
            answer["hcall"] = int.from_bytes(ctypes.string_at(self.run_page + 32, 8), "little")
        return answer

    def close(self):
        libc.munmap(self.run_page, self.size)
        os.close(self.fd)
        os.close(self.vm)
        libc.munmap(self.memory, GUEST_MEMORY)


def ask_register(descriptors, papr, value):
    vcpu = Vcpu(descriptors.get("kvm"))
    try:
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
    finally:
        vcpu.close()


QUESTIONS = {"ioctl": ask_ioctl, "cap": ask_cap, "register": ask_register}


def main():
    _signal.signal(_signal.SIGALRM, lambda _number, _frame: None)
    descriptors = Descriptors()
    for line in sys.stdin:
        question, *arguments = line.split()
        try:
            answer = QUESTIONS[question](descriptors, *arguments)
        except Trouble as trouble:
            answer = {"trouble": str(trouble)}
        sys.stdout.write(to_json(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
