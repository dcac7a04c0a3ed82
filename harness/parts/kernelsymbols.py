# SPDX-License-Identifier: GPL-2.0-only
"""Names in the symbol table of a prebuilt kernel."""

from __future__ import annotations

import io
import lzma
import re
import zlib
from collections.abc import Collection
from pathlib import Path
from typing import IO

from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from harness.model.errors import HarnessError
from harness.parts.elf import read_module


def symbols_of(vmlinux: Path, modules: Path | None, wanted: Collection[str]) -> frozenset[str]:
    """Those of *wanted* that the symbol table of the image or of its kvm-hv module has. modules: a
    lib/modules/RELEASE directory."""
    places = [vmlinux, *(sorted(modules.rglob("kvm-hv.ko*")) if modules else [])]
    tables = [names for path in places if (names := _names(path))]
    return frozenset(each for each in wanted if any(_holds(names, each) for names in tables))


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
