# SPDX-License-Identifier: GPL-2.0-only
"""Names for addresses of a kernel, from its image's own symbol table."""

from __future__ import annotations

import bisect
from pathlib import Path

from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

# Where Linux has itself in memory (arch/powerpc PAGE_OFFSET), and the modules behind it.
_KERNEL = 0xC000000000000000
_MODULES = 0xC008000000000000


class Symbols:
    """image: an ELF vmlinux; read when the first name is asked for. One without symbols, or a damaged one,
    names nothing."""

    def __init__(self, image: Path | None):
        self._image = image
        self._table: tuple[list[int], list[str]] | None = None

    def name(self, address: int) -> str:
        """``kvmppc_run_core``; what the address is where it has no name: userspace, a module, firmware."""
        if address >= _MODULES:
            return f"a module ({address:#x})"
        if address < _KERNEL:
            if address >= 0x10000000:
                return "userspace"
            address += _KERNEL  # in real mode the kernel is at 0
        starts, names = self._read()
        at = bisect.bisect_right(starts, address) - 1
        return names[at] if at >= 0 else f"{address:#x}"

    def _read(self) -> tuple[list[int], list[str]]:
        if self._table is None:
            found: list[tuple[int, str]] = []
            try:
                if self._image is not None:
                    with self._image.open("rb") as file:
                        table = ELFFile(file).get_section_by_name(".symtab")
                        for each in table.iter_symbols() if isinstance(table, SymbolTableSection) else ():
                            if each["st_info"]["type"] == "STT_FUNC" or each["st_shndx"] == "SHN_ABS":
                                found.append((each["st_value"], each.name))
            except (OSError, ELFError, ValueError):
                found = []
            found.sort()
            self._table = [address for address, _ in found], [name for _, name in found]
        return self._table
