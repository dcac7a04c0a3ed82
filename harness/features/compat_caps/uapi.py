# SPDX-License-Identifier: GPL-2.0-only
"""What a kernel's uapi headers and api.rst say of KVM_PPC_GET_COMPAT_CAPS. Pure: texts in, facts out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from harness.features.compat_caps import abi
from harness.features.compat_caps.abi import REVISIONS
from harness.features.compat_caps.statedbits import stated, value_of

# Files of a kernel tree that claim something.
COMMON_HEADER = "include/uapi/linux/kvm.h"
POWERPC_HEADER = "arch/powerpc/include/uapi/asm/kvm.h"
DOCUMENTATION = "Documentation/virt/kvm/api.rst"
FILES = (COMMON_HEADER, POWERPC_HEADER, DOCUMENTATION)

IOCTL = "KVM_PPC_GET_COMPAT_CAPS"
CAPABILITY = "KVM_CAP_PPC_COMPAT_CAPS"
STRUCT = "kvm_ppc_compat_caps"

_SIZES = {f"__{sign}{bits}": bits // 8 for sign in "us" for bits in (8, 16, 32, 64)}


@dataclass(frozen=True)
class Header:
    """capability, request: None where there is none; fields: (type, name) of the struct; bits: macro ->
    value."""

    capability: int | None
    request: int | None
    fields: tuple[tuple[str, str], ...]
    bits: dict[str, int]

    @property
    def revisions(self) -> tuple[str, ...]:
        """Names of those that it can be, by number, request and layout."""
        layout = _offsets(self.fields)
        return tuple(
            each.name
            for each in REVISIONS
            if (each.capability, each.request) == (self.capability, self.request)
            and each.struct_size == _size(self.fields)
            and each.offset_caps == layout.get("compat_capabilities")
            # v1's flags have 32 bits.
            and (each is abi.V1) == (("__u32", "flags") in self.fields)
        )


def read_header(texts: Mapping[str, str]) -> Header:
    """texts: file -> content, of FILES."""
    both = texts.get(COMMON_HEADER, "") + texts.get(POWERPC_HEADER, "")
    found = re.search(rf"^#define\s+{CAPABILITY}\s+(\d+)", both, re.M)
    fields = struct_fields(both)
    return Header(int(found[1]) if found else None, _request(both, fields), fields, _bits(both))


def struct_fields(text: str) -> tuple[tuple[str, str], ...]:
    """Of the first definition of the struct in *text*."""
    found = re.search(rf"struct\s+{STRUCT}\s*\{{(.*?)\}}", text, re.S)
    if found is None:
        return ()
    body = re.sub(r"/\*.*?\*/", "", found[1], flags=re.S)
    # What is no number of a known width, or an array, is kept as it stands: it fits no revision.
    found_fields = re.findall(r"([\w ]+?)\s+(\w+)\s*((?:\[[^]]*\])*)\s*;", body)
    return tuple((" ".join(f"{kind} {array}".split()), name) for kind, name, array in found_fields)


def _request(text: str, fields: tuple[tuple[str, str], ...]) -> int | None:
    found = re.search(rf"^#define\s+{IOCTL}\s+(_IO(?:R|W|WR)?)\(\s*KVMIO\s*,\s*(\w+)", text, re.M)
    if found is None:
        return None
    number, size = int(found[2], 0), _size(fields)
    made = {
        "_IO": lambda: abi.io(number),
        "_IOR": lambda: abi.ior(number, size),
        "_IOW": lambda: abi.iow(number, size),
        "_IOWR": lambda: abi.iowr(number, size),
    }
    return made[found[1]]()


def _bits(text: str) -> dict[str, int]:
    found = re.findall(r"^#define\s+(KVM_PPC_COMPAT_CAP_POWER\d+)\s+(.*)$", text, re.M)
    values = {name: value_of(words) for name, words in found}
    return {name: value for name, value in values.items() if value is not None}


def _offsets(fields: tuple[tuple[str, str], ...]) -> dict[str, int]:
    """With natural alignment."""
    at, found = 0, {}
    for kind, name in fields:
        size = _SIZES.get(kind, 0)
        if not size:
            return {}
        at = -(-at // size) * size
        found[name] = at
        at += size
    return found


def _size(fields: tuple[tuple[str, str], ...]) -> int:
    if not fields or not _offsets(fields):
        return 0
    end = max(at + _SIZES[kind] for (kind, _), at in zip(fields, _offsets(fields).values(), strict=True))
    largest = max(_SIZES[kind] for kind, _ in fields)
    return -(-end // largest) * largest


@dataclass(frozen=True)
class Section:
    """Of api.rst. errors: errno names that it lists; bits: see statedbits.stated."""

    capability: str
    type: str
    parameters: str
    fields: tuple[tuple[str, str], ...]
    errors: tuple[str, ...]
    bits: dict[str, frozenset[int] | None]


def read_section(text: str) -> Section | None:
    """None without a section that has the ioctl's name as its title."""
    found = re.search(rf"^\d+\.\d+ {IOCTL}\n-+\n(.*?)(?=^\d+\.\d+ \w+\n-+$|^\d+\. |\Z)", text, re.S | re.M)
    if found is None:
        return None
    body = found[1]

    def field(name: str) -> str:
        line = re.search(rf"^:{name}:\s*(.*)$", body, re.M)
        return line[1].strip() if line else ""

    errors = tuple(dict.fromkeys(re.findall(r"^\s+(E[A-Z0-9]+):?\s", body, re.M)))
    return Section(
        field("Capability"), field("Type"), field("Parameters"), struct_fields(body), errors, stated(body)
    )
