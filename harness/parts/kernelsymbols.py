# SPDX-License-Identifier: GPL-2.0-only
"""What the symbol table of a prebuilt kernel says of the series."""

from __future__ import annotations

import io
import lzma
import re
import zlib
from pathlib import Path
from typing import IO

from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from harness.model.errors import HarnessError
from harness.parts.elf import read_module

# What kvmppc_ops points to in KVM HV, so that no compiler can inline it away: in Linux 7.3 and the mails of
# v4 and v5, in those of v1 to v3, and in our own series (kernel-patches/).
_BACKENDS = ("kvmppc_get_compat_caps", "kvmppc_get_compat_cpu_caps", "kvmhv_get_compat_caps")

# Beside them in the same struct of the same file, in 6.12 to 7.3: a table without it would not
# show the others either.
_WITNESS = "kvmppc_hash_v3_possible"


def has_ioctl(vmlinux: Path, modules: Path | None) -> bool | None:
    """Whether the kernel has an implementation of KVM_PPC_GET_COMPAT_CAPS in KVM HV. None if no symbol table
    of the image or of its kvm-hv module would show it. modules: a lib/modules/RELEASE directory."""
    places = [vmlinux, *(sorted(modules.rglob("kvm-hv.ko*")) if modules else [])]
    for path in places:
        names = _names(path)
        if names and _holds(names, _WITNESS):
            return any(_holds(names, each) for each in _BACKENDS)
    return None


def _names(path: Path) -> bytes:
    """All names of a symbol table, as they stand in the file; empty without one."""
    try:
        if ".ko" in path.name:
            return _strings(io.BytesIO(read_module(path)))
        with path.open("rb") as file:
            return _strings(file)
    except (OSError, ELFError, HarnessError, lzma.LZMAError, zlib.error, ValueError, KeyError):
        return b""  # a symbol table that cannot be read says nothing


def _strings(file: IO[bytes]) -> bytes:
    elf = ELFFile(file)
    for section in elf.iter_sections("SHT_SYMTAB"):
        assert isinstance(section, SymbolTableSection)
        linked = elf.get_section(section["sh_link"])
        return bytes(linked.data())
    return b""


def _holds(names: bytes, name: str) -> bool:
    """A compiler may append to it (``.isra.0``)."""
    return re.search(rb"(?<![\w.$])" + name.encode() + rb"(?:\.[\w.]+)?\0", names) is not None
