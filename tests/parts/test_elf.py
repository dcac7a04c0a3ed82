# SPDX-License-Identifier: GPL-2.0-only
"""What is refused as a kernel, with which word; what a module says it needs."""

import gzip
import lzma
import struct

import pytest

from harness.features.compat_caps import kernel_symbols
from harness.model.errors import UsageError
from harness.parts.cache import Cache
from harness.parts.elf import kernel_facts, module_facts
from harness.parts.kernels import resolve_kernel
from harness.parts.kernelsymbols import symbols_of

BANNER = b"Linux version 7.3.0-test (a@b) (gcc) #1 SMP Tue\n\0"


def elf(machine=21, little=True, kind=2, bits=2, sections=(), payload=b"", symbols=False):
    """An ELF with nothing but a header, *payload*, and the named sections; symbols: a symbol table as well,
    whose names are in the first of them."""
    order = "<" if little else ">"
    names = b"\0" + b"".join(name.encode() + b"\0" for name, _ in sections) + b".shstrtab\0"
    bodies, headers, offset = payload, [b"\0" * 64], 64 + len(payload)
    for name, data in (*sections, (".shstrtab", names)):
        index = names.index(name.encode() + b"\0")
        kind_of = 3 if name in (".shstrtab", ".strtab") else 1
        headers.append(struct.pack(order + "IIQQQQIIQQ", index, kind_of, 0, 0, offset, len(data), 0, 0, 1, 0))
        bodies += data
        offset += len(data)
    if symbols:
        headers.append(struct.pack(order + "IIQQQQIIQQ", 0, 2, 0, 0, offset, 24, 1, 0, 8, 24))
        bodies += b"\0" * 24
        offset += 24
    header = struct.pack(
        order + "16sHHIQQQIHHHHHH",
        b"\x7fELF" + bytes([bits, 1 if little else 2, 1]),
        kind, machine, 1, 0, 0, offset, 0, 64, 56, 0, 64, len(headers), len(headers) - 1,
    )  # fmt: skip
    return header + bodies + b"".join(headers)


def bzimage():
    data = bytearray(1024)
    data[:2] = b"MZ"
    data[0x202:0x206] = b"HdrS"
    return bytes(data)


REFUSED = {
    "x86 ELF": (elf(machine=62, payload=BANNER), "for x86-64, not for ppc64le"),
    "big-endian": (elf(little=False, payload=BANNER), "big-endian ppc64"),
    "object file": (elf(kind=1, payload=BANNER), "object file"),
    "a program": (elf(), "no Linux kernel"),
    "bzImage": (bzimage(), "x86 bzImage"),
    "gzip": (b"\x1f\x8b\x08rest", "gzip data"),
    "script": (b"#!/bin/sh\n", "a script"),
    "text": (b"hello", "no ELF file"),
    "empty": (b"", "no ELF file"),
    "truncated ELF": (b"\x7fELF\x02\x01\x01", "damaged ELF"),
    "deb": (b"!<arch>\ndebian-binary", "Debian package"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_with_a_clear_word(tmp_path, name):
    content, word = REFUSED[name]
    path = tmp_path / "vmlinux"
    path.write_bytes(content)
    with pytest.raises(UsageError) as raised:
        kernel_facts(path)
    assert word in str(raised.value)
    assert str(path) in str(raised.value)
    assert "\n" not in str(raised.value)


def test_missing_and_directory(tmp_path):
    with pytest.raises(UsageError, match="cannot be read: No such file"):
        kernel_facts(tmp_path / "vmlinux")
    with pytest.raises(UsageError, match="is a directory"):
        kernel_facts(tmp_path)


def test_a_kernel_of_the_users_own(tmp_path):
    path = tmp_path / "vmlinux-mine"
    path.write_bytes(elf(payload=BANNER))
    build = resolve_kernel(str(path), Cache(tmp_path / "cache"), progress=print)
    assert (build.release, build.version, build.modules) == ("7.3.0-test", (7, 3, 0), None)
    path.write_bytes(elf(payload=BANNER + b"changed"))
    assert resolve_kernel(str(path), Cache(tmp_path / "cache"), progress=print).identity != build.identity


def shown(vmlinux, modules=None):
    return symbols_of(vmlinux, modules, kernel_symbols.SYMBOLS)


def has_ioctl(vmlinux, modules):
    return kernel_symbols.has_ioctl(shown(vmlinux, modules))


BACKEND, WITNESS = b"kvmppc_get_compat_caps", b"kvmppc_hash_v3_possible"


@pytest.mark.parametrize(
    ("names", "found"),
    [
        ((WITNESS, BACKEND), True),
        ((WITNESS, b"kvmhv_get_compat_caps"), True),
        ((WITNESS, b"kvmppc_get_compat_cpu_caps"), True),
        ((WITNESS, BACKEND + b".constprop.0"), True),
        ((WITNESS,), False),
        ((WITNESS, b"kvmppc_get_compat_caps_of_another"), False),
        ((WITNESS, b"another_kvmppc_get_compat_caps"), False),
        # A table that would not show it says nothing by not showing it.
        ((b"start_kernel",), None),
        ((), None),
    ],
)
def test_symbols_show_the_ioctl(tmp_path, names, found):
    path = tmp_path / "vmlinux"
    table = b"\0" + b"".join(name + b"\0" for name in names)
    path.write_bytes(elf(payload=BANNER, sections=((".strtab", table),), symbols=True))
    assert has_ioctl(path, None) is found
    assert resolve_kernel(str(path), Cache(tmp_path / "cache"), progress=print).symbol_names == shown(path)


def test_a_stripped_image_says_nothing_though_the_words_are_in_it(tmp_path):
    path = tmp_path / "vmlinux"
    path.write_bytes(elf(payload=BANNER + WITNESS + b"\0" + BACKEND + b"\0"))
    assert has_ioctl(path, None) is None


@pytest.mark.parametrize("suffix", [".ko", ".ko.xz", ".ko.gz"])
@pytest.mark.parametrize("there", [True, False])
def test_kvm_may_be_a_module(tmp_path, suffix, there):
    image, modules = tmp_path / "vmlinux", tmp_path / "lib"
    image.write_bytes(elf(payload=BANNER, sections=((".strtab", b"\0start_kernel\0"),), symbols=True))
    table = b"\0" + WITNESS + b"\0" + (BACKEND + b"\0" if there else b"")
    module = elf(kind=1, sections=((".strtab", table),), symbols=True)
    pack = {".ko": bytes, ".ko.xz": lzma.compress, ".ko.gz": gzip.compress}[suffix]
    (modules / "kernel/arch/powerpc/kvm").mkdir(parents=True)
    (modules / f"kernel/arch/powerpc/kvm/kvm-hv{suffix}").write_bytes(pack(module))
    assert has_ioctl(image, modules) is there


@pytest.mark.parametrize("name", ["kvm-hv.ko", "kvm-hv.ko.xz", "kvm-hv.ko.gz", "kvm-hv.ko.zst"])
def test_a_module_that_cannot_be_read_says_nothing(tmp_path, name):
    image = tmp_path / "vmlinux"
    image.write_bytes(elf(payload=BANNER))
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / name).write_bytes(b"junk")
    assert has_ioctl(image, tmp_path / "lib") is None
    assert has_ioctl(tmp_path / "none", None) is None


@pytest.mark.parametrize("spec", ["debian:", "debian:seven", "7.3", "nonsense"])
def test_a_spec_that_names_no_kernel_lists_what_does(tmp_path, spec):
    with pytest.raises(UsageError, match=r"debian:7\.3"):
        resolve_kernel(spec, Cache(tmp_path), progress=print)


def test_module_facts(tmp_path):
    info = b"license=GPL\0depends=kvm,netfs\0softdep=pre: crc32c post: other\0alias=crypto-x\0"
    plain, packed = tmp_path / "a.ko", tmp_path / "b.ko.xz"
    plain.write_bytes(elf(kind=1, sections=((".modinfo", info),)))
    packed.write_bytes(lzma.compress(plain.read_bytes()))
    for path in (plain, packed):
        facts = module_facts(path)
        assert facts.depends == ("kvm", "netfs", "crc32c")
        assert facts.aliases == ("crypto-x",)
