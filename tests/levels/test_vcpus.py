# SPDX-License-Identifier: GPL-2.0-only
"""Where vCPUs are: samples through the monitor, names of addresses, and whether a kernel gets on."""

import struct
import time

import pytest

from harness.levels import nip_samples as sampling
from harness.levels.nip_samples import moves, sample
from harness.levels.symbols import Symbols
from harness.model.errors import InfrastructureError

KERNEL = 0xC000000000000000


def elf(path, symbols):
    """An ELF with nothing but a symbol table. symbols: (address, type, section index, name)."""
    names = b"\0"
    entries = [struct.pack("<IBBHQQ", 0, 0, 0, 0, 0, 0)]
    for address, kind, section, name in symbols:
        entries.append(struct.pack("<IBBHQQ", len(names), kind, 0, section, address, 0))
        names += name.encode() + b"\0"
    table = b"".join(entries)
    strings = b"\0.symtab\0.strtab\0.shstrtab\0"
    at_table, at_names, at_strings = 64, 64 + len(table), 64 + len(table) + len(names)
    at_sections = at_strings + len(strings)
    header = b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack(
        "<HHIQQQIHHHHHH", 2, 21, 1, 0, 0, at_sections, 0, 64, 0, 0, 64, 4, 3
    )  # fmt: skip
    sections = bytes(64)
    for name, kind, start, size, link, entry in (
        (1, 2, at_table, len(table), 2, 24), (9, 3, at_names, len(names), 0, 0),
        (17, 3, at_strings, len(strings), 0, 0),
    ):  # fmt: skip
        sections += struct.pack("<IIQQQQIIQQ", name, kind, 0, 0, start, size, link, 0, 1, entry)
    path.write_bytes(header + table + names + strings + sections)
    return path


FUNC, OBJECT, ABS = 2, 1, 0xFFF1


@pytest.fixture
def symbols(tmp_path):
    return Symbols(
        elf(
            tmp_path / "vmlinux",
            [(KERNEL + 0x3000, FUNC, 1, "third"), (KERNEL + 0x1000, FUNC, 1, "first"),
             (KERNEL + 0x2000, OBJECT, 1, "data"), (KERNEL + 0x2800, 0, ABS, "absolute")],
        )
    )  # fmt: skip


@pytest.mark.parametrize(
    ("address", "name"),
    [
        (KERNEL + 0x1000, "first"), (KERNEL + 0x2004, "first"), (KERNEL + 0x2800, "absolute"),
        (KERNEL + 0x3000, "third"), (KERNEL + 0x9000, "third"),
        (KERNEL + 0xFFF, "0xc000000000000fff"), (KERNEL, "0xc000000000000000"),
        # in real mode
        (0xFFF, "0xc000000000000fff"), (0x1000, "first"),
        (0x1004, "first"), (0xFFFFFFF, "third"),
        (0x10000000, "userspace"), (0x7FFF00000000, "userspace"), (KERNEL - 1, "userspace"),
        (0xC008000000000000, "a module (0xc008000000000000)"), (0xC007FFFFFFFFFFFF, "third"),
    ],
)  # fmt: skip
def test_an_address_has_a_name(symbols, address, name):
    assert symbols.name(address) == name


def test_an_image_without_names_names_nothing(tmp_path):
    (tmp_path / "junk").write_bytes(b"no elf")
    for image in (None, tmp_path / "none", tmp_path / "junk", elf(tmp_path / "empty", [])):
        assert Symbols(image).name(KERNEL + 0x10) == "0xc000000000000010"
        assert Symbols(image).name(0x10000000) == "userspace"


SHOFF, FIRST_SECTION_TYPE = 40, 4  # in the ELF header; in the header of a section


@pytest.mark.parametrize("what", ["nowhere", "no table"])
def test_a_damaged_image_names_nothing(tmp_path, what):
    path = elf(tmp_path / "vmlinux", [(KERNEL + 0x1000, FUNC, 1, "first")])
    data = bytearray(path.read_bytes())
    (sections,) = struct.unpack_from("<Q", data, SHOFF)
    if what == "nowhere":
        struct.pack_into("<Q", data, SHOFF, 2**64 - 1)
    else:
        struct.pack_into("<I", data, sections + 64 + FIRST_SECTION_TYPE, 1)  # PROGBITS
    path.write_bytes(data)
    assert Symbols(path).name(KERNEL + 0x1000) == "0xc000000000001000"


def test_it_is_read_once_and_only_if_needed(symbols, tmp_path):
    assert symbols.name(0x10000000) == "userspace"
    assert symbols.name(KERNEL + 0x1000) == "first"
    (tmp_path / "vmlinux").unlink()
    assert symbols.name(KERNEL + 0x3000) == "third"


# -- samples ---------------------------------------------------------------------------------------


@pytest.fixture
def soon(monkeypatch):
    slept = []
    monkeypatch.setattr(time, "sleep", slept.append)
    return slept


def test_samples_are_of_all_vcpus_and_lie_apart(symbols, soon):
    asked = []

    def monitor(line):
        asked.append(line)
        first = f"NIP {KERNEL + 0x1000 * len(asked):016x}   LR c000000000000000"
        return f"CPU#0\n{first}\nCPU#1\nNIP {0x10000000:016x}"

    assert sample(monitor, symbols, 3) == ("first", "userspace", "first", "userspace", "third", "userspace")
    assert asked == ["info registers -a"] * 3
    assert soon == [sampling._APART_SECONDS] * 2


def test_as_many_as_it_takes(symbols, soon):
    assert len(sample(lambda _line: "NIP c000000000001000", symbols)) == sampling.SAMPLES
    assert sample(lambda _line: "XNIP c000000000001000 NIP c0000000000010001", symbols) == ()


def test_a_monitor_that_goes_silent_leaves_what_there_is(symbols, soon):
    answers = ["NIP c000000000001000", InfrastructureError("x"), "NIP c000000000001000"]

    def monitor(_line):
        found = answers.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    assert sample(monitor, symbols) == ("first",)
    assert len(answers) == 1


class Registers:
    """Of a vCPU. lpidr, nip: what each look shows, the last one for ever."""

    def __init__(self, lpidr, nip):
        self.left = {"p/x $lpidr": list(lpidr), "info registers": list(nip)}
        self.asked = []

    def __call__(self, line):
        self.asked.append(line)
        values = self.left[line]
        found = values.pop(0) if len(values) > 1 else values[0]
        if isinstance(found, Exception):
            raise found
        return found


IN_KVM, ELSEWHERE = f"NIP {KERNEL + 0x4000:016x}", f"NIP {KERNEL + 0x1000:016x}"


@pytest.mark.parametrize(
    ("lpidr", "nip", "alone"),
    [
        (["0x0\n"], [ELSEWHERE, IN_KVM, ELSEWHERE], True),
        (["0x0\n"] * 39 + ["0x1\n"], [IN_KVM], False),
        (["0x1\n"], [IN_KVM], False),
        (["0x0\n"], [ELSEWHERE], False),
        (["0x0\n"], ["no registers"], False),
        (["unknown register\n"], [IN_KVM], False),
        (["0x0\n"], [IN_KVM, InfrastructureError("x")], False),
        ([InfrastructureError("x")], [IN_KVM], False),
    ],
)
def test_a_guest_that_is_never_run(soon, monkeypatch, symbols, lpidr, nip, alone):
    monkeypatch.setattr(symbols, "name", lambda address: "kvmppc_x" if address == KERNEL + 0x4000 else "x")
    seen = Registers(lpidr, nip)
    assert sampling.leaves_guest_alone(seen, symbols) is alone
    if alone:
        assert len(seen.asked) == 2 * sampling._LPIDR_SAMPLES
        assert soon == [sampling._LPIDR_APART_SECONDS] * (sampling._LPIDR_SAMPLES - 1)


@pytest.mark.parametrize(
    ("samples", "gets_on"),
    [
        ((), False),
        (("a", "a", "a"), False),
        (("a", "b", "a", "b"), False),
        (("a", "b", "c"), True),
        # there is nothing to do
        (("a", "b", "arch_cpu_idle"), False),
        (("a", "b", "plpar_hcall_cede"), False),
        (("a", "b", "snooze_loop"), False),
        (("a", "b", "power9_idle_stop"), False),
        (("a", "b", "power9_x"), False),
        (("a", "b", "isa_stop_loop"), False),
        (("a", "b", "power7_nap"), False),
        (("a", "b", "c", "arch_cpu_idle"), True),
        # without names: a loop is in one place
        (("0xc000000000001000", "0xc000000000001004", "0xc000000000001ffc"), False),
        (("0xc000000000001000", "0xc000000000002000", "0xc000000000003000"), True),
        (("a module (0xc008000000000000)", "a module (0xc008000000000ffc)", "a"), False),
    ],
)
def test_a_kernel_that_gets_on_is_in_several_places(samples, gets_on):
    assert moves(samples) is gets_on
