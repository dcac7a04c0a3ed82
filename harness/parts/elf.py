# SPDX-License-Identifier: GPL-2.0-only
"""What a file says about itself: is it a kernel we can boot, what does a module need."""

from __future__ import annotations

import gzip
import io
import lzma
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile

from harness.model.errors import UsageError

_EM_PPC64 = 21

# First bytes of what people give by mistake.
_MAGIC = (
    (b"\x1f\x8b", "gzip data; unpack it first"),
    (b"\xfd7zXZ", "xz data; unpack it first"),
    (b"\x28\xb5\x2f\xfd", "zstd data; unpack it first"),
    (b"MZ", "a PE image (an EFI stub or a Windows program)"),
    (b"!<arch>", "an ar archive or a Debian package"),
    (b"\x27\x05\x19\x56", "a U-Boot uImage"),
    (b"#!", "a script"),
)

_WANTED = "give a vmlinux built for powerpc with CONFIG_CPU_LITTLE_ENDIAN"


@dataclass(frozen=True)
class KernelFacts:
    """release: as ``uname -r``; banner: the whole "Linux version ..." line; build_id: hex, '' without."""

    release: str
    banner: str
    build_id: str


def kernel_facts(path: Path) -> KernelFacts:
    """Facts of a ppc64le vmlinux. UsageError, with what it is instead, for anything else."""
    if path.is_dir():
        raise UsageError(f"kernel {path} is a directory", _WANTED)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"kernel {path} cannot be read: {error.strerror}", _WANTED) from None
    if data[:4] != b"\x7fELF":
        if data[0x202:0x206] == b"HdrS":
            raise UsageError(f"kernel {path} is an x86 bzImage", _WANTED)
        what = next((words for magic, words in _MAGIC if data.startswith(magic)), "no ELF file")
        raise UsageError(f"kernel {path} is {what}", _WANTED)
    try:
        elf = ELFFile(io.BytesIO(data))
        header = elf.header
        machine: Any = header["e_machine"]
        if machine not in ("EM_PPC64", _EM_PPC64):
            raise UsageError(f"kernel {path} is for {elf.get_machine_arch()}, not for ppc64le", _WANTED)
        if not elf.little_endian:
            raise UsageError(f"kernel {path} is big-endian ppc64", _WANTED)
        if header["e_type"] not in ("ET_EXEC", "ET_DYN"):
            raise UsageError(f"kernel {path} is an object file or core dump, no kernel image", _WANTED)
        build_id = _build_id(elf)
    except (ELFError, ValueError, KeyError) as error:
        raise UsageError(f"kernel {path} is a damaged ELF file: {error}", _WANTED) from None
    match = re.search(rb"Linux version (\S+) [^\0\n]*", data)
    if match is None:
        raise UsageError(f"kernel {path} is a ppc64le program, but no Linux kernel", _WANTED)
    return KernelFacts(match[1].decode(), match[0].decode(errors="replace"), build_id)


def _build_id(elf: ELFFile) -> str:
    for section in elf.iter_sections("SHT_NOTE"):
        for note in section.iter_notes():  # type: ignore[attr-defined]
            if note["n_type"] == "NT_GNU_BUILD_ID":
                return str(note["n_desc"])
    return ""


def read_module(path: Path) -> bytes:
    """A module's ELF, whatever the package compressed it with. UsageError for an unknown kind."""
    data = path.read_bytes()
    match path.suffix:
        case ".ko":
            return data
        case ".xz":
            return lzma.decompress(data)
        case ".gz":
            return gzip.decompress(data)
    raise UsageError(f"module {path} is compressed in a way this tool does not know", "xz and gz work")


@dataclass(frozen=True)
class ModuleFacts:
    """depends: names it needs, hard (``depends=``) or soft (``softdep=pre:``); aliases: its other names."""

    depends: tuple[str, ...]
    aliases: tuple[str, ...]


def module_facts(path: Path) -> ModuleFacts:
    """From a module's .modinfo section."""
    section = ELFFile(io.BytesIO(read_module(path))).get_section_by_name(".modinfo")
    depends: list[str] = []
    aliases: list[str] = []
    for item in section.data().split(b"\0") if section is not None else ():
        name, _, value = item.decode(errors="replace").partition("=")
        if name == "depends":
            depends += [each for each in value.split(",") if each]
        elif name == "softdep":
            before = re.search(r"pre:([^:]*?)(?:\s+\w+:|$)", value)
            depends += before[1].split() if before else []
        elif name == "alias":
            aliases.append(value)
    return ModuleFacts(tuple(depends), tuple(aliases))
