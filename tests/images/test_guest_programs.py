# SPDX-License-Identifier: GPL-2.0-only
"""The programs that run in guests agree with the model, and run here as far as they can."""

import ast
import ctypes
import json
import re
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

import harness.images
from harness.features.compat_caps import abi, calls, micro_run, oracle_arch_compat, oracle_caps, suite_vcpus
from harness.model.observation import Probe

GUEST = Path(harness.images.__file__).parent / "guest"


def probe_constants():
    """Top-level assignments of levelfacts.py, by evaluating them alone."""
    tree = ast.parse((GUEST / "levelfacts.py").read_text())
    names = {}
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            if node.targets[0].id == "libc":
                continue
            exec(compile(ast.Module([node], []), "levelfacts.py", "exec"), names)
    return names


def test_probes_numbers_are_the_models():
    names = probe_constants()
    assert names["KVM_CREATE_VM"] == abi.io(0x01)
    assert names["KVM_CHECK_EXTENSION"] == abi.io(0x03)
    assert names["KVM_CREATE_VCPU"] == abi.io(0x41)
    assert names["KVM_ENABLE_CAP"] == abi.iow(0xA3, 104)
    assert names["KVM_GET_ONE_REG"] == abi.iow(0xAB, 16)
    assert names["KVM_SET_ONE_REG"] == abi.iow(0xAC, 16)
    assert names["KVM_REG_PPC_ARCH_COMPAT"] == abi.KVM_REG_PPC_ARCH_COMPAT
    assert names["CAPABILITIES"] == oracle_caps.CAPABILITIES
    assert names["ARCH_COMPAT_VALUES"] == oracle_arch_compat.VALUES
    asked = {name: (request, header) for name, request, header in names["CAPS_REQUESTS"]}
    for request, revisions in abi.requests().items():
        assert asked[revisions[0]][0] == request
    for revision in abi.REVISIONS:
        if revision.offset_size is None:
            continue
        header = asked[revision.name][1]
        size = header[revision.offset_size : revision.offset_size + 8]
        assert int.from_bytes(size, "little") == revision.struct_size
        assert header[revision.offset_flags : revision.offset_flags + 8] == bytes(8)


def test_probe_prints_its_document_where_there_is_no_kvm_for_power():
    """On this machine nothing answers, and that is what it must say: one document, exit 0."""
    done = subprocess.run(
        [sys.executable, str(GUEST / "levelfacts.py")], capture_output=True, text=True, check=True
    )
    probe = Probe.from_json(json.loads(done.stdout))
    assert probe.cpu_version is None
    assert probe.kvm == "none"


@pytest.mark.parametrize("name", ["init", "level", "report.sh"])
def test_shell_programs_parse(name):
    busybox = shutil.which("busybox")
    shell = [busybox, "sh"] if busybox else ["sh"]
    subprocess.run([*shell, "-n", str(GUEST / name)], check=True)


@pytest.fixture(scope="module")
def ask():
    """ask.py, imported on this machine."""
    sys.path.insert(0, str(GUEST))
    try:
        import ask

        yield ask
    finally:
        sys.path.remove(str(GUEST))


@pytest.fixture(scope="module")
def micro(ask):
    """microguest.py, as ask.py has it."""
    return sys.modules["microguest"]


def test_asks_numbers_are_the_models(ask, micro):
    assert abi.io(0x04) == micro.KVM_GET_VCPU_MMAP_SIZE
    assert abi.iow(0x46, 32) == micro.KVM_SET_USER_MEMORY_REGION
    assert abi.io(0x80) == micro.KVM_RUN
    assert abi.ior(0x81, 8 * micro.REG_WORDS) == micro.KVM_GET_REGS
    assert abi.iow(0x82, 8 * micro.REG_WORDS) == micro.KVM_SET_REGS
    assert abi.ior(0x83, micro.SREGS_BYTES) == micro.KVM_GET_SREGS
    assert abi.iow(0x84, micro.SREGS_BYTES) == micro.KVM_SET_SREGS
    assert (ask.POISON, ask.GUARD) == (calls.POISON, calls.GUARD)
    assert micro_run.KVM_EXIT_PAPR_HCALL == micro.KVM_EXIT_PAPR_HCALL
    assert micro.GUEST[8] == 0x7CC00300
    assert micro_run.ENTRY + 8 * 4 == micro_run._ISA31_AT == micro.ENTRY + 8 * 4
    assert sys.modules["vcpus"].VCPUS == suite_vcpus.VCPUS


def test_each_guest_ends_as_the_model_knows(micro):
    """addi r3,0,0; ori r3,r3,N; sc 1: N is the hypercall. Others wait for an interrupt."""
    for program in (micro.GUEST, micro.CLOCK):
        assert program[-3] == 0x38600000 and program[-1] == 0x44000022
        assert program[-2] == 0x60630000 | micro_run.HCALL_DONE
    assert micro.INTERRUPT[-2] == 0x60630000 | micro_run.HCALL_INTERRUPT
    assert micro.DECREMENTER[-1] == 0x48000000  # b .
    assert micro.SPIN[-1] == 0x4C000000 - 4 * (len(micro.SPIN) - 1)  # back to its beginning
    assert micro.INTERRUPT[2] & 0xFFFF == 0  # where the vector goes
    assert all(vector + 4 * len(micro.INTERRUPT) <= after for vector, after in pairwise(micro.VECTORS))
    assert micro.VECTORS[-1] + 4 * len(micro.INTERRUPT) <= micro.ENTRY


@pytest.mark.skipif(not shutil.which("powerpc64le-linux-gnu-as"), reason="no assembler for POWER")
def test_the_guests_are_the_instructions_that_are_said(micro, tmp_path):
    """Each comment beside a number is assembled."""
    text = (GUEST / "microguest.py").read_text()
    said = re.findall(r"(0x[0-9A-F]{8}),\)?  # (\S+ ?\S*)", text)
    assert len(said) >= len(micro.GUEST) + len(micro.CLOCK) + len(micro.DECREMENTER) + len(micro.INTERRUPT)
    source = tmp_path / "guest.s"
    # GNU as counts branches from the instruction itself, too.
    words = [re.sub(r"\br(\d)", r"\1", each) for _, each in said]
    words = [each.replace("VECTOR", "0").replace("cr0", "0") for each in words]
    source.write_text("\n".join(words) + "\n")
    command = ["powerpc64le-linux-gnu-as", "-mbig", "-mpower10", "-o", str(tmp_path / "o"), str(source)]
    subprocess.run(command, check=True)
    raw = tmp_path / "raw"
    subprocess.run(
        ["powerpc64le-linux-gnu-objcopy", "-O", "binary", "-j", ".text", str(tmp_path / "o"), str(raw)],
        check=True,
    )
    data = raw.read_bytes()
    assembled = [int.from_bytes(data[at : at + 4], "big") for at in range(0, len(data), 4)]
    assert [f"{each:#010x}" for each in assembled] == [number.lower() for number, _ in said]


PLACES = ("plain", "odd", "cross", "readonly", "end:0", "end:7", "end:24", "end:40", "roend:8", "roend:40")


@pytest.mark.parametrize("name", PLACES)
def test_an_argument_is_where_it_is_said_to_be(ask, name):
    """Each byte that must be there is, and no other can be read or written."""
    memory = calls.Memory(bytes(range(40)), 60)
    call = calls.Call("vm", 1, name, memory)
    place = ask.Place(name, ask.content(str(memory)))
    assert place.changed() == []
    rights = {}
    for line in Path("/proc/self/maps").read_text().splitlines():
        first, _, end = line.split()[0].partition("-")
        rights[range(int(first, 16), int(end, 16))] = line.split()[1]

    def reachable(right):
        addresses = [place.address + at for at in range(memory.length)]
        return sum(
            any(each in span and right in words for span, words in rights.items()) for each in addresses
        )

    assert (reachable("r"), reachable("w")) == (call.readable, call.writable)
    there = ctypes.string_at(place.address, call.readable)
    assert there == bytes(memory.byte(at) for at in range(call.readable))
    place.free()


@pytest.mark.parametrize("name", ["plain", "odd", "cross"])
def test_a_changed_byte_shows_also_around_the_argument(ask, name):
    place = ask.Place(name, bytes(24))
    for offset, size in ((-64, 1), (3, 2), (24 + 63, 1)):
        ctypes.memset(place.address + offset, 0x77, size)
    assert place.changed() == [[-64, "77"], [3, "7777"], [87, "77"]]
    place.fill()
    assert place.changed() == []
    place.free()


def test_ask_says_where_there_is_no_kvm_and_what_it_does_not_know():
    lines = "cap vm 250\nioctl nonsense 0x1 plain 00\nregister 1 0x0\nspun\nspin 0x0 0 1 0x1\nspun\n"
    lines += "again 0x2000aeb8 00 250\nvcpus all 0x0\nlife 0x0 0x0\nclock 50 1\n"
    command, quiet = [sys.executable, "-S", "-m", "ask"], {"PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        command, input=lines, cwd=GUEST, capture_output=True, text=True, check=True, env=quiet
    )
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(found) == 10
    assert all("trouble" in each for each in found)
