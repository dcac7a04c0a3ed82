# SPDX-License-Identifier: GPL-2.0-only
"""The calls that show whether KVM_PPC_GET_COMPAT_CAPS is what a revision says, each with a plain name.

To add one, add a line to _sized() or _everywhere(); what it must answer follows from caps_rules.py.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass

from harness.features.compat_caps.abi import Revision
from harness.features.compat_caps.calls import POISON, Call, Memory

# Behind the struct, so that a byte written there shows.
_SPARE = 40

TIMES = 100
THREADS = 2


@dataclass(frozen=True)
class Check:
    name: str
    call: Call


def memory(
    revision: Revision, *, size: int | None = None, flags: int = 0, length: int = 0, fill: int = POISON,
    last: int | None = None,
) -> Memory:  # fmt: skip
    """An argument of this revision: header, poison where the modes go, then *fill* up to *length* bytes.
    size: that it says, None for the struct's own; the revisions before v4 say none."""
    head = bytearray([POISON] * revision.struct_size)
    if revision.offset_size is not None:
        value = revision.struct_size if size is None else size
        head[revision.offset_size : revision.offset_size + 8] = value.to_bytes(8, "little")
    head[revision.offset_flags : revision.offset_flags + 8] = flags.to_bytes(8, "little")
    return Memory(bytes(head), length or revision.struct_size + _SPARE, fill, last)


def right_call(revision: Revision, fd: str = "vm") -> Call:
    """Asked as its documentation says."""
    return Call(fd, revision.request, "plain", memory(revision))


@functools.cache
def checks(revision: Revision, page: int) -> tuple[Check, ...]:
    """For a kernel that has this revision. page: bytes of a page in L1."""
    found = [Check(name, call) for name, call in _everywhere(revision)]
    if revision.offset_size is not None:
        found += [Check(name, call) for name, call in _sized(revision, page)]
    return tuple(found)


def _everywhere(revision: Revision) -> Iterator[tuple[str, Call]]:
    struct, request = revision.struct_size, revision.request
    right = memory(revision)
    yield "right call", Call("vm", request, "plain", right)
    for flags in (1, 1 << 32, 1 << 63):
        yield f"flags {flags:#x}", Call("vm", request, "plain", memory(revision, flags=flags))
    yield "NULL", Call("vm", request, "null", right)
    yield "unmapped argument", Call("vm", request, "unmapped", right)
    yield "argument at an address of the kernel's", Call("vm", request, "kernel", right)
    yield "read-only argument", Call("vm", request, "readonly", right)
    yield "read-only argument with flags 1", Call("vm", request, "readonly", memory(revision, flags=1))
    yield "argument that is not aligned", Call("vm", request, "odd", right)
    yield "argument across two pages", Call("vm", request, "cross", right)
    yield "last byte unmapped", Call("vm", request, f"end:{struct - 1}", right)
    yield "struct ends where the mapping ends", Call("vm", request, f"end:{struct}", right)
    yield "only 8 bytes mapped", Call("vm", request, "end:8", right)
    yield "only 7 bytes mapped", Call("vm", request, "end:7", right)
    yield "last byte read-only", Call("vm", request, f"roend:{struct - 1}", right)
    yield "only 8 bytes writable", Call("vm", request, "roend:8", right)
    yield f"{TIMES} calls", Call("vm", request, "plain", right, TIMES)
    yield f"{THREADS} threads at once", Call("vm", request, "plain", right, TIMES, THREADS)
    yield "after a vcpu was made", Call("vm+vcpu", request, "plain", right)
    yield "on a vcpu", Call("vcpu", request, "plain", right)
    yield "on /dev/kvm", Call("kvm", request, "plain", right)


def _sized(revision: Revision, page: int) -> Iterator[tuple[str, Call]]:
    struct, request = revision.struct_size, revision.request

    def plain(**settings: int) -> Call:
        return Call("vm", request, "plain", memory(revision, **settings))

    for size in (0, 8, 16, struct - 1):
        yield f"size {size}", plain(size=size)
    for size in (struct + 1, 32):
        yield f"size {size}, tail zero", plain(size=size, length=size, fill=0)
        yield f"size {size}, tail not zero", plain(size=size, length=size, fill=0, last=1)
    yield "size of a page, tail zero", plain(size=page, length=page, fill=0)
    yield "size of a page, last byte not zero", plain(size=page, length=page, fill=0, last=1)
    yield "size of a page and 1, tail zero", plain(size=page + 1, length=page + 1, fill=0)
    yield "size 2^32", plain(size=1 << 32)
    yield "size 2^32 + the struct's", plain(size=(1 << 32) + struct)
    yield "size 2^64 - 1", plain(size=(1 << 64) - 1)
    yield "size too small, and flags 1", plain(size=16, flags=1)
    yield "tail not zero, and flags 1", plain(size=32, length=32, fill=0, last=1, flags=1)
    larger = {"size": 32, "length": 32, "fill": 0}
    yield "size 32, tail unmapped", Call("vm", request, f"end:{struct}", memory(revision, **larger))
    yield (
        "size 32, tail zero and read-only",
        Call("vm", request, f"roend:{struct}", memory(revision, **larger)),
    )
    yield (
        "size 32, tail not zero, read-only",
        Call("vm", request, "readonly", memory(revision, **larger, last=1)),
    )
    yield "size too small, read-only", Call("vm", request, "readonly", memory(revision, size=16))
    yield "size too small, 16 bytes mapped", Call("vm", request, "end:16", memory(revision, size=16))
    yield "size above a page, 16 bytes mapped", Call("vm", request, "end:16", memory(revision, size=page + 1))
