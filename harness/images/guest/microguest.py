# SPDX-License-Identifier: GPL-2.0-only
"""VMs with a guest of a few instructions each, for ask.py.

Guests are big-endian and in real mode, and end with a hypercall that KVM knows nothing of, so that it comes
out of KVM_RUN. Any interrupt ends with another one, with where and when it was.
"""

import _signal
import ctypes
import os
import time

from levelfacts import (
    KVM_CAP_PPC_PAPR,
    KVM_CREATE_VCPU,
    KVM_CREATE_VM,
    KVM_ENABLE_CAP,
    KVM_GET_ONE_REG,
    KVM_SET_ONE_REG,
    EnableCap,
    ioctl,
    libc,
    one_reg,
)

KVM_GET_VCPU_MMAP_SIZE = 0x2000AE04
KVM_SET_USER_MEMORY_REGION = 0x8020AE46
KVM_RUN = 0x2000AE80
KVM_GET_REGS = 0x4188AE81
KVM_SET_REGS = 0x8188AE82
KVM_GET_SREGS = 0x44D0AE83
KVM_SET_SREGS = 0x84D0AE84
KVM_EXIT_PAPR_HCALL = 19
VM_TYPES = {"vm": 1, "pr": 2}
RUN_SECONDS, AGAIN_SECONDS = 5.0, 0.02

PAGE = os.sysconf("SC_PAGE_SIZE")
PROT_NONE, PROT_READ, PROT_WRITE = 0, 1, 2
MAP_SHARED, MAP_PRIVATE, MAP_ANONYMOUS = 1, 2, 0x20

libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = (
    ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long,
)  # fmt: skip
libc.munmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t)


class Trouble(Exception):
    """What is needed to ask cannot be had."""


def opened(what, answer):
    descriptor, error = answer
    if descriptor < 0:
        raise Trouble(what + ": errno " + str(error))
    return descriptor


def pages(count):
    """Address of so many new pages."""
    return libc.mmap(None, count * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)


# -- what runs -------------------------------------------------------------------------------

# Says which PVR it sees, and whether instructions of ISA 3.0 and, on a machine that has them, 3.1 work.
# (What a machine does not have is not tried: with nested API v2 under TCG an illegal instruction comes out
# of KVM_RUN as an exit of no known kind.)
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
# Those that wait go to L1 every few milliseconds with a hypercall that KVM answers itself (H_PROD). One that
# did not was seen to go on for ever, with HDEC long expired and L1 without its timer: nested API v2 under
# QEMU 11.1.3, on a loaded computer, one of 50.

# Waits until its timebase has gone on by r10; r4, r5: the timebase before and after.
CLOCK = (
    0x7C8C42A6,  # mftb r4
    0x3CE00010,  # lis r7,0x10
    0x38E7FFFF,  # addi r7,r7,-1
    0x2C070000,  # cmpwi r7,0
    0x4082FFF8,  # bne .-8
    0x7CAC42A6,  # mftb r5
    0x7CC42850,  # subf r6,r4,r5
    0x7C265040,  # cmpld r6,r10
    0x40800010,  # bge .+16
    0x386000E4,  # li r3,0xe4
    0x44000022,  # sc 1
    0x4BFFFFD8,  # b .-40
    0x38600000,  # li r3,0
    0x6063F000,  # ori r3,r3,0xf000
    0x44000022,  # sc 1
)
# Sets its decrementer to r10 and waits for the interrupt; r4: the timebase before; r7: MSR[EE].
DECREMENTER = (
    0x7C8C42A6,  # mftb r4
    0x7D5603A6,  # mtdec r10
    0x7CE10164,  # mtmsrd r7,1
    0x48000000,  # b .
)
SPIN = (
    0x3CE00010,  # lis r7,0x10
    0x38E7FFFF,  # addi r7,r7,-1
    0x2C070000,  # cmpwi r7,0
    0x4082FFF8,  # bne .-8
    0x386000E4,  # li r3,0xe4
    0x44000022,  # sc 1
    0x4BFFFFE8,  # b .-24
)
INTERRUPT = (
    0x7D6C42A6,  # mftb r11
    0x7D1A02A6,  # mfsrr0 r8
    0x39200000,  # li r9,VECTOR
    0x38600000,  # li r3,0
    0x6063F004,  # ori r3,r3,0xf004
    0x44000022,  # sc 1
)
ENTRY = 0x2000
MEMORY = 0x100000
VECTORS = (0x100, 0x200, 0x300, 0x380, 0x400, 0x480, 0x500, 0x600, 0x700, 0x800, 0x900, 0xC00, 0xD00, 0xE00,
           0xE20, 0xE40, 0xF00, 0xF20, 0xF40, 0xF60, 0xF80)  # fmt: skip
MSR = 0x8000000000001000  # SF, ME
MSR_EE = 0x8000
# Indices of 64-bit words in struct kvm_regs.
REG_PC, REG_MSR, REG_GPR, REG_WORDS = 0, 5, 17, 49
SREGS_BYTES = 1232
SHOWN = 12  # r0 to r11 are in an answer


def words(values):
    return b"".join(value.to_bytes(4, "big") for value in values)


# -- machines --------------------------------------------------------------------------------


class Machine:
    """A VM of KVM HV with one of the programs above, and some vcpus."""

    def __init__(self, kvm, program=GUEST, count=1):
        self.fd = opened("KVM_CREATE_VM", ioctl(kvm, KVM_CREATE_VM, VM_TYPES["vm"]))
        self.memory = pages(MEMORY // PAGE)
        ctypes.memmove(self.memory + ENTRY, words(program), 4 * len(program))
        for vector in VECTORS:
            code = words((*INTERRUPT[:2], INTERRUPT[2] | vector, *INTERRUPT[3:]))
            ctypes.memmove(self.memory + vector, code, len(code))
        region = (ctypes.c_uint64 * 4)(0, 0, MEMORY, self.memory)
        _, error = ioctl(self.fd, KVM_SET_USER_MEMORY_REGION, ctypes.addressof(region))
        if error:
            raise Trouble("KVM_SET_USER_MEMORY_REGION: errno " + str(error))
        self.vcpus = [Vcpu(kvm, self.fd, number) for number in range(count)]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for vcpu in self.vcpus:
            vcpu.close()
        os.close(self.fd)
        libc.munmap(self.memory, MEMORY)


class Vcpu:
    """times: CLOCK_MONOTONIC before and after its last KVM_RUN, in ns."""

    def __init__(self, kvm, vm, number):
        self.fd = opened("KVM_CREATE_VCPU", ioctl(vm, KVM_CREATE_VCPU, number))
        self.size = opened("KVM_GET_VCPU_MMAP_SIZE", ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE))
        self.page = libc.mmap(None, self.size, PROT_READ | PROT_WRITE, MAP_SHARED, self.fd, 0)
        self.times = (0, 0)

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

    def sregs(self):
        """[errno of KVM_GET_SREGS, errno of KVM_SET_SREGS with what came]"""
        sregs = (ctypes.c_uint64 * (SREGS_BYTES // 8))()
        _, got = ioctl(self.fd, KVM_GET_SREGS, ctypes.addressof(sregs))
        _, put = ioctl(self.fd, KVM_SET_SREGS, ctypes.addressof(sregs))
        return [got, put]

    def run(self, seconds=RUN_SECONDS, **gprs):
        """Once, from the guest's beginning, until it ends, a signal comes or so many seconds are over.
        gprs: r10=..."""
        registers = (ctypes.c_uint64 * REG_WORDS)()
        registers[REG_PC], registers[REG_MSR] = ENTRY, MSR
        for name, value in gprs.items():
            registers[REG_GPR + int(name[1:])] = value
        ioctl(self.fd, KVM_SET_REGS, ctypes.addressof(registers))
        # Over and over: the first signal can come before KVM_RUN does.
        _signal.setitimer(_signal.ITIMER_REAL, seconds, AGAIN_SECONDS)
        began = time.monotonic_ns()
        _, error = ioctl(self.fd, KVM_RUN)
        self.times = (began, time.monotonic_ns())
        _signal.setitimer(_signal.ITIMER_REAL, 0)
        ioctl(self.fd, KVM_GET_REGS, ctypes.addressof(registers))
        reason = int.from_bytes(ctypes.string_at(self.page + 8, 4), "little")
        answer = {"errno": error, "exit": reason, "hcall": None, "gpr": list(registers[REG_GPR:][:SHOWN])}
        if not error and reason == KVM_EXIT_PAPR_HCALL:
            answer["hcall"] = int.from_bytes(ctypes.string_at(self.page + 32, 8), "little")
        return answer

    def close(self):
        libc.munmap(self.page, self.size)
        os.close(self.fd)
