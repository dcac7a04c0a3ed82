#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Ask this Linux's KVM about CPU compatibility modes; print one JSON document.

Runs as root on any POWER Linux with Python 3 and nothing else: in the harness's L1 and,
unchanged, on a real LPAR (``python3 levelfacts.py``). It knows no expectations and judges
nothing. Exit status: 0 when the document was printed, also if there is no KVM.

Numbers are those of the Linux uapi headers (include/uapi/linux/kvm.h,
arch/powerpc/include/uapi/asm/kvm.h) with powerpc's ioctl encoding; the harness's tests
compare them with harness/features/compat_caps/abi.py.
"""

# Not json, re or glob: importing them takes a second in an emulated L1, half of all this takes.
import ctypes
import errno
import os

KVM_CREATE_VM = 0x2000AE01
KVM_CHECK_EXTENSION = 0x2000AE03
KVM_CREATE_VCPU = 0x2000AE41
KVM_ENABLE_CAP = 0x8068AEA3
KVM_GET_ONE_REG = 0x8010AEAB
KVM_SET_ONE_REG = 0x8010AEAC
KVM_CAP_PPC_PAPR = 68
KVM_VM_TYPES = (("hv", 1), ("pr", 2))
KVM_REG_PPC_ARCH_COMPAT = 0x10200000000000B7

# Compat-caps ioctl in its published encodings: name, request, bytes before the poison.
# Where userspace says how large its struct is, the header asks rightly (size 24, flags 0).
CAPS_REQUESTS = (
    ("v1", 0x4010AEE4, b""),
    ("v4", 0x4018AEE4, (0).to_bytes(8, "little") + (24).to_bytes(8, "little")),
    ("v5", 0x2000AEE4, (24).to_bytes(8, "little") + (0).to_bytes(8, "little")),
    ("merged", 0x2000AEB8, (24).to_bytes(8, "little") + (0).to_bytes(8, "little")),
)
CAPABILITIES = (249, 250)
BUFFER_BYTES = 64  # more than any struct, so that a write behind it shows
POISON = 0xA5

ARCH_COMPAT_VALUES = (0, 0x0F000004, 0x0F000005, 0x0F000006, 0x0F000007, 0x0F000008, 0x0DEADBEE)

libc = ctypes.CDLL(None, use_errno=True)
libc.ioctl.argtypes = (ctypes.c_int, ctypes.c_ulong, ctypes.c_void_p)


def ioctl(fd, request, argument=0):
    """(return value, errno); errno is 0 on success. argument: an address or a number."""
    ctypes.set_errno(0)
    result = libc.ioctl(fd, request, argument)
    return result, (ctypes.get_errno() if result < 0 else 0)


def read_text(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def cpu_version():
    """Logical or raw PVR in the device tree, None without one."""
    cpus = "/proc/device-tree/cpus"
    for name in sorted(os.listdir(cpus)) if os.path.isdir(cpus) else ():
        path = f"{cpus}/{name}/cpu-version"
        if os.path.exists(path):
            with open(path, "rb") as file:
                return int.from_bytes(file.read(4), "big")
    return None


def raw_pvr(cpuinfo):
    _, found, rest = cpuinfo.partition("(pvr ")
    digits = rest.partition(")")[0].replace(" ", "")
    return int(digits, 16) if found else None


def ask_caps(vm):
    """Every encoding on a fresh, poisoned buffer."""
    answers = []
    for name, request, header in CAPS_REQUESTS:
        before = header + bytes([POISON]) * (BUFFER_BYTES - len(header))
        buffer = (ctypes.c_ubyte * BUFFER_BYTES).from_buffer_copy(before)
        result, error = ioctl(vm, request, ctypes.addressof(buffer))
        answers.append(
            {
                "name": name,
                "request": request,
                "result": result,
                "errno": error,
                "before": before.hex(),
                "after": bytes(buffer).hex(),
            }
        )
    return answers


class OneReg(ctypes.Structure):
    _fields_ = (("id", ctypes.c_uint64), ("addr", ctypes.c_uint64))


class EnableCap(ctypes.Structure):
    _fields_ = (
        ("cap", ctypes.c_uint32),
        ("flags", ctypes.c_uint32),
        ("args", ctypes.c_uint64 * 4),
        ("pad", ctypes.c_uint8 * 64),
    )


def one_reg(vcpu, request, value):
    """(errno, value held by the 32-bit variable afterwards)"""
    variable = ctypes.c_uint32(value)
    register = OneReg(KVM_REG_PPC_ARCH_COMPAT, ctypes.addressof(variable))
    _, error = ioctl(vcpu, request, ctypes.addressof(register))
    return error, variable.value


def ask_arch_compat(vm, notes):
    """SET then GET for each value, on one vcpu after KVM_ENABLE_CAP(PAPR)."""
    vcpu, error = ioctl(vm, KVM_CREATE_VCPU, 0)
    if vcpu < 0:
        notes.append(f"KVM_CREATE_VCPU: {errno.errorcode.get(error, error)}")
        return []
    enable = EnableCap(cap=KVM_CAP_PPC_PAPR)
    _, error = ioctl(vcpu, KVM_ENABLE_CAP, ctypes.addressof(enable))
    if error:
        notes.append(f"KVM_ENABLE_CAP(PAPR): {errno.errorcode.get(error, error)}")
    answers = []
    for value in ARCH_COMPAT_VALUES:
        set_error, _ = one_reg(vcpu, KVM_SET_ONE_REG, value)
        get_error, stored = one_reg(vcpu, KVM_GET_ONE_REG, 0x5A5A5A5A)
        answers.append({"value": value, "errno": set_error, "stored": None if get_error else stored})
    os.close(vcpu)
    return answers


def open_vm(kvm, notes):
    """(name of the KVM that answers, VM descriptor or None)"""
    for name, kind in KVM_VM_TYPES:
        vm, error = ioctl(kvm, KVM_CREATE_VM, kind)
        if vm >= 0:
            return name, vm
        notes.append(f"KVM_CREATE_VM({name}): {errno.errorcode.get(error, error)}")
    return "none", None


def probe():
    cpuinfo = read_text("/proc/cpuinfo")
    notes = []
    document = {
        "release": os.uname().release,
        "page": os.sysconf("SC_PAGE_SIZE"),
        "cpuinfo": cpuinfo,
        "cpu_version": cpu_version(),
        "raw_pvr": raw_pvr(cpuinfo),
        "kvm": "none",
        "capability": {},
        "ioctls": [],
        "arch_compat": [],
        "notes": notes,
    }
    try:
        kvm = os.open("/dev/kvm", os.O_RDWR | os.O_CLOEXEC)
    except OSError as error:
        notes.append(f"/dev/kvm: {error.strerror}")
        return document
    document["kvm"], vm = open_vm(kvm, notes)
    if vm is not None:
        document["capability"] = {str(each): ioctl(vm, KVM_CHECK_EXTENSION, each)[0] for each in CAPABILITIES}
        document["ioctls"] = ask_caps(vm)
        document["arch_compat"] = ask_arch_compat(vm, notes)
        os.close(vm)
    os.close(kvm)
    return document


def to_json(value):
    """Of what a document is made of: dict, list, str, int, None."""
    if value is None:
        return "null"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{to_json(name)}: {to_json(each)}" for name, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(to_json(each) for each in value) + "]"
    if isinstance(value, str):
        return '"' + "".join(quote(letter) for letter in value) + '"'
    return str(int(value))


def quote(letter):
    if letter in '"\\':
        return "\\" + letter
    return letter if " " <= letter <= "~" else "".join(f"\\u{unit:04x}" for unit in utf16(letter))


def utf16(letter):
    data = letter.encode("utf-16-le", "surrogatepass")
    return [int.from_bytes(data[at : at + 2], "little") for at in range(0, len(data), 2)]


def main():
    print(to_json(probe()))


if __name__ == "__main__":
    main()
