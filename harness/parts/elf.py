# SPDX-License-Identifier: GPL-2.0-only
"""What a file says about itself: is it a kernel we can boot, what does a module need."""

from __future__ import annotations

import gzip
import io
import lzma
import mmap
import re
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

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

# As people call them.
_MACHINES = {"EM_X86_64": "x86-64", "EM_386": "x86", "EM_AARCH64": "arm64", "EM_PPC": "32-bit ppc"}

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
    if path.exists() and not path.is_file():
        raise UsageError(f"kernel {path} is a device, pipe or socket", _WANTED)  # reading may never end
    try:
        with path.open("rb") as file:
            head = file.read(1024)
            if head[:4] != b"\x7fELF":
                raise UsageError(f"kernel {path} is {_what(head)}", _WANTED)
            # A vmlinux with debugging information can be larger than what is free of memory.
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                return _facts(path, file, data)
    except OSError as error:
        raise UsageError(f"kernel {path} cannot be read: {error.strerror}", _WANTED) from None


def check_ppc64le_kernel(path: Path) -> None:
    """UsageError, with what it is instead, for anything but a ppc64le vmlinux."""
    kernel_facts(path)


def _what(head: bytes) -> str:
    if head[0x202:0x206] == b"HdrS":
        return "an x86 bzImage"
    if head[0x38:0x3C] == b"ARM\x64":
        return "an arm64 Image"
    return next((words for magic, words in _MAGIC if head.startswith(magic)), "no ELF file")


def _facts(path: Path, file: IO[bytes], data: mmap.mmap) -> KernelFacts:
    try:
        elf = ELFFile(file)
        header = elf.header
        machine: Any = header["e_machine"]
        if machine not in ("EM_PPC64", _EM_PPC64):
            name = _MACHINES.get(machine, str(machine).removeprefix("EM_"))
            raise UsageError(f"kernel {path} is for {name}, not for ppc64le", _WANTED)
        if not elf.little_endian:
            raise UsageError(f"kernel {path} is big-endian ppc64", _WANTED)
        if header["e_type"] not in ("ET_EXEC", "ET_DYN"):
            raise UsageError(f"kernel {path} is an object file or core dump, no kernel image", _WANTED)
        build_id = _build_id(elf)
    except (ELFError, ValueError, KeyError) as error:
        raise UsageError(f"kernel {path} is a damaged ELF file: {error}", _WANTED) from None
    match = re.search(rb"Linux version (\d+\.\d+\S*) [^\0\n]*", data)
    if match is None:
        raise UsageError(
            f"kernel {path} is a ppc64le program, but no Linux kernel (or a packed one)", _WANTED
        )
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


def module_depends(path: Path) -> list[str]:
    """Names of the modules that *path* needs, hard or soft."""
    return list(module_facts(path).depends)
