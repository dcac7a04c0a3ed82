# SPDX-License-Identifier: GPL-2.0-only
"""What KVM_PPC_GET_COMPAT_CAPS must answer to any call at all, for each revision: its rules, in order.

The named checks and the fuzzer are both judged by these. Sources: Linux 7.3 arch/powerpc/kvm/powerpc.c,
kvm_arch_vm_ioctl (merged); the mails of v1 to v5 as the domain notes sum them up (the rest).
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from harness.features.compat_caps.abi import MERGED, REVISIONS, V1, V2, V3, V4, V5, Revision
from harness.features.compat_caps.calls import Answer, Call


class Backend(Enum):
    """What is behind the ioctl."""

    SERVES = "an answer"
    FAILS = "an error, EINVAL"  # off pseries, or with a nested API that has no answer (yet)
    NONE = "nothing"  # no get_compat_caps in kvmppc_ops


@dataclass(frozen=True)
class Kernel:
    """All of a kernel and its L1 that an answer depends on. revision: None without the ioctl; backend,
    bitmap: of the VM asked; page: bytes."""

    revision: Revision | None
    backend: Backend
    bitmap: int
    page: int


@dataclass(frozen=True)
class Expected:
    """errno: 0 for success; writes: offset -> byte that must be there afterwards; free: offsets whose bytes
    are not specified; any_errno: nor is the result. Every other byte is as it was."""

    errno: int
    why: str
    writes: tuple[tuple[int, int], ...] = ()
    free: tuple[int, ...] = ()
    any_errno: bool = False
    alternatives: tuple[Expected, ...] = ()

    @property
    def every(self) -> tuple[Expected, ...]:
        """This one and its alternatives."""
        return (self, *(each for one in self.alternatives for each in one.every))

    def result_fits(self, answer: Answer) -> bool:
        """By this one alone."""
        if self.any_errno:
            return True
        return answer.result == (-1 if self.errno else 0) and answer.errno == self.errno

    def bytes_fit(self, call: Call, answer: Answer) -> bool:
        """By this one alone."""
        wanted = dict(self.writes)
        written = all(answer.changed.get(at, call.memory.byte(at)) == value for at, value in wanted.items())
        return written and all(at in wanted or at in self.free for at in answer.changed)

    def matches(self, call: Call, answer: Answer) -> bool:
        return any(each.result_fits(answer) and each.bytes_fit(call, answer) for each in self.every)


def _le64(offset: int, value: int) -> tuple[tuple[int, int], ...]:
    return tuple((offset + at, byte) for at, byte in enumerate(value.to_bytes(8, "little")))


def expect(kernel: Kernel, call: Call) -> Expected:
    """The answer to one call of a request that some revision has."""
    if call.fd in ("vcpu", "kvm"):
        return Expected(
            errno.EINVAL,
            "Linux powerpc.c, kvm_arch_vcpu_ioctl and kvm_arch_dev_ioctl: EINVAL for what they do not know",
        )
    if kernel.revision is None or kernel.revision.request != call.request:
        return Expected(errno.ENOTTY, "this kernel has no such request")
    return _RULES[kernel.revision.name](kernel, call)


def _merged(kernel: Kernel, call: Call) -> Expected:
    memory, struct = call.memory, MERGED.struct_size
    if call.readable < 8:
        return Expected(errno.EFAULT, "get_user of size, first of all")
    size = memory.field64(0)
    if size > kernel.page:
        return Expected(errno.E2BIG, "size above PAGE_SIZE; nothing is written back")
    if size < struct:
        return Expected(errno.EINVAL, "size below KVM_PPC_COMPAT_CAPS_SIZE_VER0")
    back = _le64(0, struct)
    if size > struct:
        found = memory.first_set(struct, min(size, call.readable))
        told = Expected(errno.E2BIG, "the tail is not zero; size says what is known", back)
        if call.writable < 8:
            told = Expected(errno.EFAULT, "size cannot be written back", free=tuple(range(8)))
        unread = Expected(errno.EFAULT, "check_zeroed_user: the tail cannot be read")
        if call.readable < size:
            # It reads word by word, and which of the two comes first depends on the address.
            return Expected(unread.errno, unread.why, alternatives=() if found is None else (told,))
        if found is not None:
            return told
    return _filled(kernel, call, MERGED, "copy_struct_to_user: the struct and its tail are written")


def _v5(kernel: Kernel, call: Call) -> Expected:
    struct = V5.struct_size
    if call.readable < 8:
        return Expected(errno.EFAULT, "get_user of size, first of all")
    size = call.memory.field64(0)
    if size < struct:
        return Expected(errno.EINVAL, "size below that of the struct")
    if size > struct:
        if call.writable < 8:
            return Expected(errno.EFAULT, "size cannot be written back", free=tuple(range(8)))
        return Expected(errno.E2BIG, "a larger struct is refused; size says what is known", _le64(0, struct))
    return _filled(kernel, call, V5, "copy_to_user")


def _filled(kernel: Kernel, call: Call, revision: Revision, unwritten: str) -> Expected:
    """What follows once the size is accepted, in the revisions that have it first. unwritten: why, where
    not all of the caller's struct can be written."""
    if call.readable < revision.struct_size:
        return Expected(errno.EFAULT, "copy_from_user of the struct")
    if call.memory.field64(revision.offset_flags):
        return Expected(errno.EINVAL, "flags must be 0")
    refused = _no_backend(kernel)
    if refused is not None:
        return refused
    if call.writable < call.memory.field64(0):
        return Expected(errno.EFAULT, unwritten, free=tuple(range(call.writable)))
    writes = (
        *_le64(0, revision.struct_size),
        *_le64(revision.offset_flags, 0),
        *_le64(revision.offset_caps, kernel.bitmap),
    )
    return Expected(0, "size, flags and modes are written", writes)


def _v4(kernel: Kernel, call: Call) -> Expected:
    struct = V4.struct_size
    assert V4.offset_size is not None
    if call.readable < struct:
        return Expected(errno.EFAULT, "copy_from_user of the struct")
    if call.memory.field64(V4.offset_size) < struct:
        return Expected(errno.EINVAL, "size below that of the struct")
    refused = _no_backend(kernel)
    if refused is not None:
        return refused
    if call.writable < struct:
        return Expected(errno.EFAULT, "copy_to_user", free=tuple(range(call.writable)))
    # What becomes of flags and size is not specified by it.
    return Expected(
        0, "the modes are written", _le64(V4.offset_caps, kernel.bitmap), tuple(range(V4.offset_caps))
    )


def _v1_to_v3(without: Expected) -> Callable[[Kernel, Call], Expected]:
    def rules(kernel: Kernel, call: Call) -> Expected:
        if kernel.backend is Backend.NONE:
            return without
        refused = _no_backend(kernel)
        if refused is not None:
            return refused
        if call.writable < V1.struct_size:
            return Expected(errno.EFAULT, "copy_to_user", free=tuple(range(call.writable)))
        # u32 flags and padding in v1, u64 flags in v2 and v3: the same bytes.
        return Expected(
            0, "flags (0) and modes are written, whatever was there", (*_le64(0, 0), *_le64(8, kernel.bitmap))
        )

    return rules


def _no_backend(kernel: Kernel) -> Expected | None:
    if kernel.backend is Backend.NONE:
        return Expected(errno.ENOTTY, "nothing is behind the ioctl")
    if kernel.backend is Backend.FAILS:
        return Expected(errno.EINVAL, "what is behind the ioctl has no answer here")
    return None


_RULES: dict[str, Callable[[Kernel, Call], Expected]] = {
    V1.name: _v1_to_v3(Expected(0, "v1 never sets its result there", any_errno=True)),
    V2.name: _v1_to_v3(Expected(0, "v2: success, and nothing is copied")),
    V3.name: _v1_to_v3(Expected(errno.ENOTTY, "v3: nothing is behind the ioctl")),
    V4.name: _v4,
    V5.name: _v5,
    MERGED.name: _merged,
}
assert set(_RULES) == {each.name for each in REVISIONS}
