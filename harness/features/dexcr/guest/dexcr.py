# SPDX-License-Identifier: GPL-2.0-only
"""Ask this Linux's KVM HV about the registers of DEXCR; print one JSON document for each line of stdin.

Runs as root on any POWER Linux, where it can import levelfacts and microguest. It knows no expectations
and judges nothing. REG is dexcr, hashkeyr or hashpkeyr; VALUES are A,B,..., for one vcpu of a VM each. What
is read is [errno, value], the value null where errno is not 0. PAPR is enabled on each vcpu.

    onereg REG VALUES
        What the register holds at first; set the value on each vcpu, then get from each, KVM_RUN of each, get
        from each. Then all that with the values in reverse order: again, again_stored and so on.
    guest REG VALUES WRITES
        The first half of this, with a guest that reads its register (r5) and, if its one of WRITES is no -,
        writes that and reads again (r6); r7 is 1 if it did. own: what of DEXCR a process of this Linux has in
        force, before and after each run, null where it has no such register.
    hash REG VALUES
        The first half of onereg, with DEXCR set so that a guest's hash instructions work: r5 is the hash
        that hashst stores, r6 that of hashstp. Each is checked by hashchk and hashchkp, which end the guest
        with an interrupt if it is not right. dexcr: errno of setting DEXCR.
    odd REG VALUE
        Set the value; get and set it by an id of another size, and with an address that is not mapped; get.

A guest does what needs ISA 3.1 only where its PVR is POWER10 or later.
"""

# Not the module signal, nor others that import more: see ask.py.
import _signal
import ctypes
import os
import sys

from levelfacts import KVM_GET_ONE_REG, KVM_SET_ONE_REG, OneReg, cpu_version, ioctl, to_json
from microguest import GUEST, Machine, Trouble, Vcpu, libc, pages

KVM_REG_PPC = 0x1000000000000000
SIZE_SHIFT, U64 = 52, 3
# arch/powerpc/include/uapi/asm/kvm.h
NUMBERS = {"dexcr": 0xC6, "hashkeyr": 0xC7, "hashpkeyr": 0xC8}
# log2 of bytes; 32 bytes are more than the kernel has room for (union kvmppc_one_reg).
OTHER_SIZES = (0, 1, 2, 4, 5)
UNMAPPED = 0x10

# NPHIE and PHIE, of privileged and of problem state.
HASHES_ON = 0x0600000006000000

BEGIN = (
    0x7C9F42A6,  # mfpvr r4
    0x38E00000,  # li r7,0
    0x5485843E,  # srwi r5,r4,16
    0x28050080,  # cmplwi r5,0x80
)
END = (
    0x38E00001,  # li r7,1
    0x38600000,  # li r3,0
    0x6063F000,  # ori r3,r3,0xf000
    0x44000022,  # sc 1
)
# Writes r30 if r31 is not 0.
TOUCH_DEXCR = (
    0x7CBCCAA6,  # mfspr r5,828
    0x283F0000,  # cmpldi r31,0
    0x4182000C,  # beq .+12
    0x7FDCCBA6,  # mtspr 828,r30
    0x7CDCCAA6,  # mfspr r6,828
)
TOUCH_HASHKEYR = (
    0x7CB472A6,  # mfspr r5,468
    0x283F0000,  # cmpldi r31,0
    0x4182000C,  # beq .+12
    0x7FD473A6,  # mtspr 468,r30
    0x7CD472A6,  # mfspr r6,468
)
HASH = (
    0x39404000,  # li r10,0x4000
    0x38A00000,  # li r5,0
    0xF8AAFFF8,  # std r5,-8(r10)
    0xF8AAFFF0,  # std r5,-16(r10)
    0x7FEA25A5,  # hashst r4,-8(r10)
    0xE8AAFFF8,  # ld r5,-8(r10)
    0x7FEA25E5,  # hashchk r4,-8(r10)
    0x7FCA2525,  # hashstp r4,-16(r10)
    0xE8CAFFF0,  # ld r6,-16(r10)
    0x7FCA2565,  # hashchkp r4,-16(r10)
)
# mfspr r3,812; blr: DEXCR of problem state, as a process may read it.
OWN = (0x7C6CCAA6, 0x4E800020)
OWN_SINCE = 0x0F000006  # logical PVR of POWER10
PROT_READ_EXEC = 5


def with_isa31(program):
    """That program, where the machine has ISA 3.1."""
    skip = 4 * (len(program) + 2)
    return (*BEGIN, 0x41800000 | skip, *program, *END)


TOUCH = {"dexcr": with_isa31(TOUCH_DEXCR), "hashkeyr": with_isa31(TOUCH_HASHKEYR)}


# -- one_reg ---------------------------------------------------------------------------------


def call(vcpu, request, register, size, address):
    """errno"""
    one = OneReg(KVM_REG_PPC | size << SIZE_SHIFT | NUMBERS[register], address)
    return ioctl(vcpu.fd, request, ctypes.addressof(one))[1]


def get(vcpu, register):
    variable = ctypes.c_uint64(0xA5A5A5A5A5A5A5A5)
    error = call(vcpu, KVM_GET_ONE_REG, register, U64, ctypes.addressof(variable))
    return [error, None if error else variable.value]


def put(vcpu, register, value):
    """errno"""
    variable = ctypes.c_uint64(value)
    return call(vcpu, KVM_SET_ONE_REG, register, U64, ctypes.addressof(variable))


# -- questions -------------------------------------------------------------------------------


def numbers(text):
    return [None if each == "-" else int(each, 0) for each in text.split(",")]


def ask_onereg(kvm, register, values):
    with machine_of(kvm, GUEST, values) as machine:
        vcpus = machine.vcpus
        first = lived(vcpus, register, numbers(values), Vcpu.run)
        second = lived(vcpus, register, numbers(values)[::-1], Vcpu.run)
        again = {"again": second.pop("set"), **{"again_" + name: each for name, each in second.items()}}
        return {**first, **again}


def ask_guest(kvm, register, values, writes):
    left, own = numbers(writes), []

    def run(vcpu):
        write = left.pop(0)
        done = vcpu.run(r30=write or 0, r31=int(write is not None))
        own.append(own_dexcr())
        return done

    # On one CPU, whose registers are looked at and put back.
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(allowed)})
    try:
        own.append(own_dexcr())
        with machine_of(kvm, TOUCH[register], values) as machine:
            answer = lived(machine.vcpus, register, numbers(values), run)
            put_back(machine.vcpus, answer["run"], numbers(writes))
            return {**answer, "own": own}
    finally:
        os.sched_setaffinity(0, allowed)


def ask_hash(kvm, register, values):
    with machine_of(kvm, with_isa31(HASH), values) as machine:
        dexcr = [put(vcpu, "dexcr", HASHES_ON) for vcpu in machine.vcpus]
        return {"dexcr": dexcr, **lived(machine.vcpus, register, numbers(values), Vcpu.run)}


def machine_of(kvm, program, values):
    machine = Machine(kvm, program, len(numbers(values)))
    for vcpu in machine.vcpus:
        vcpu.enable_papr()
    return machine


def lived(vcpus, register, values, run):
    """run: of a vcpu."""
    pairs = list(zip(vcpus, values, strict=True))
    return {
        "initial": [get(vcpu, register) for vcpu in vcpus],
        "set": [put(vcpu, register, value) for vcpu, value in pairs],
        "stored": [get(vcpu, register) for vcpu in vcpus],
        "run": [run(vcpu) for vcpu in vcpus],
        "after": [get(vcpu, register) for vcpu in vcpus],
    }


def put_back(vcpus, runs, writes):
    """What a guest wrote may have gone to the register of this Linux: the first value that was seen goes
    there again."""
    for vcpu, run, write in reversed(list(zip(vcpus, runs, writes, strict=True))):
        if write is not None and run["gpr"][7] == 1:
            vcpu.run(r30=run["gpr"][5], r31=1)


def ask_odd(kvm, register, value):
    with Machine(kvm) as machine:
        (vcpu,) = machine.vcpus
        vcpu.enable_papr()
        answer = {"set": put(vcpu, register, int(value, 0)), "stored": get(vcpu, register), "sizes": []}
        for size in OTHER_SIZES:
            buffer = (ctypes.c_ubyte * 64)(*[0xA5] * 64)
            where = ctypes.addressof(buffer)
            got = call(vcpu, KVM_GET_ONE_REG, register, size, where)
            changed = bytes(buffer) != b"\xa5" * 64
            ctypes.memset(where, 0, 64)
            put_errno = call(vcpu, KVM_SET_ONE_REG, register, size, where)
            answer["sizes"].append([1 << size, got, changed, put_errno])
        answer["unmapped"] = [
            call(vcpu, request, register, U64, UNMAPPED) for request in (KVM_GET_ONE_REG, KVM_SET_ONE_REG)
        ]
        return {**answer, "after": get(vcpu, register)}


# -- this Linux ------------------------------------------------------------------------------


OWN_SEEN = []  # whether SPR 812 can be read, once that is known


def own_dexcr():
    """What SPR 812 holds; None below POWER10, and where it may not be read."""
    if not OWN_SEEN:
        OWN_SEEN.append((cpu_version() or 0) >= OWN_SINCE and outlived(read_own))
    return read_own() if OWN_SEEN[0] else None


def read_own():
    where = pages(1)
    code = b"".join(word.to_bytes(4, sys.byteorder) for word in OWN)
    ctypes.memmove(where, code, len(code))
    libc.mprotect(ctypes.c_void_p(where), ctypes.c_size_t(len(code)), PROT_READ_EXEC)
    value = ctypes.CFUNCTYPE(ctypes.c_uint64)(where)()
    libc.munmap(where, len(code))
    return value


def outlived(function):
    """Whether a process that calls it is not killed: an instruction may be illegal."""
    child = os.fork()
    if not child:
        function()
        os._exit(0)
    return os.waitpid(child, 0)[1] == 0


# -- main ------------------------------------------------------------------------------------

QUESTIONS = {"onereg": ask_onereg, "guest": ask_guest, "hash": ask_hash, "odd": ask_odd}


def opened_kvm():
    try:
        return os.open("/dev/kvm", os.O_RDWR | os.O_CLOEXEC)
    except OSError as error:
        raise Trouble("/dev/kvm: " + error.strerror) from None


def main():
    _signal.signal(_signal.SIGALRM, lambda _number, _frame: None)  # it ends a KVM_RUN
    kvm = None
    for line in sys.stdin:
        question, *arguments = line.split()
        try:
            if kvm is None:
                kvm = opened_kvm()
            answer = QUESTIONS[question](kvm, *arguments)
        except Trouble as trouble:
            answer = {"trouble": str(trouble)}
        sys.stdout.write(to_json(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
