# SPDX-License-Identifier: GPL-2.0-only
"""The guest program of the DEXCR feature, as far as it can run here."""

import importlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import ClassVar

import pytest

import harness.images
from harness.features.compat_caps import micro_run
from harness.features.dexcr import FEATURE, facts, suite
from harness.features.dexcr.registers import REGISTERS

OURS = Path(harness.images.__file__).parent / "guest"
FILE = Path(str(FEATURE.program.file))


@pytest.fixture
def dexcr(monkeypatch):
    monkeypatch.syspath_prepend(str(OURS))
    monkeypatch.syspath_prepend(str(FILE.parent))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    return importlib.import_module(FEATURE.program.module)


def test_its_numbers_are_the_models(dexcr):
    assert {each.name: each.number for each in REGISTERS} == dexcr.NUMBERS
    assert set(dexcr.TOUCH) == {each.name for each in REGISTERS if each.spr is not None}
    assert {each.name for each in suite.TOUCHED} == set(dexcr.TOUCH)
    assert dexcr.HASHES_ON & ~suite.ALL_ASPECTS == 0
    for register in suite.TOUCHED:
        spr = register.spr
        field = (spr & 31) << 16 | (spr >> 5) << 11
        first = dexcr.TOUCH[register.name][len(dexcr.BEGIN) + 1]
        assert first == 0x7CA002A6 | field
    assert dexcr.OWN[0] == 0x7C6002A6 | (812 & 31) << 16 | (812 >> 5) << 11
    assert facts.HCALL_DONE == micro_run.HCALL_DONE
    assert facts.HCALL_INTERRUPT == micro_run.HCALL_INTERRUPT


@pytest.mark.skipif(not shutil.which("powerpc64le-linux-gnu-as"), reason="no assembler for POWER")
def test_the_guests_are_the_instructions_that_are_said(tmp_path):
    said = re.findall(r"(0x[0-9A-F]{8}),\)?  # (\S+ ?\S*)", FILE.read_text())
    assert len(said) == 28
    source = tmp_path / "guest.s"
    words = [re.sub(r"\br(\d)", r"\1", each) for _, each in said]
    source.write_text("\n".join(words) + "\n")
    command = ["powerpc64le-linux-gnu-as", "-mbig", "-mpower10", "-o", str(tmp_path / "o"), str(source)]
    subprocess.run(command, check=True)
    raw = tmp_path / "raw"
    copy = ["powerpc64le-linux-gnu-objcopy", "-O", "binary", "-j", ".text", str(tmp_path / "o"), str(raw)]
    subprocess.run(copy, check=True)
    data = raw.read_bytes()
    assembled = [f"{int.from_bytes(data[at : at + 4], 'big'):#010x}" for at in range(0, len(data), 4)]
    assert assembled == [number.lower() for number, _ in said]


def test_what_needs_isa_31_is_jumped_over_to_the_end(dexcr):
    for program in (dexcr.TOUCH_DEXCR, dexcr.TOUCH_HASHKEYR, dexcr.HASH):
        made = dexcr.with_isa31(program)
        at = len(dexcr.BEGIN)
        assert made[at] & 0xFFFF0003 == 0x41800000  # blt
        target = at + (made[at] & 0xFFFC) // 4
        assert made[target:] == dexcr.END[1:]  # and r7 stays 0
        assert made[-2] == 0x60630000 | micro_run.HCALL_DONE


def test_it_answers_each_line_where_there_is_no_kvm_for_power():
    lines = "".join(f"{each}\n" for each in FEATURE.questions(65536))
    quiet = {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(OURS)}
    command = [sys.executable, "-S", "-c", "import dexcr; dexcr.main()"]
    done = subprocess.run(
        command, input=lines, cwd=FILE.parent, capture_output=True, text=True, check=True, env=quiet
    )
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(found) == len(FEATURE.questions(65536))
    assert all("trouble" in each for each in found)


# -- on vcpus that the test plays ------------------------------------------------------------------


class Vcpu:
    """What its registers hold, by name; a guest that writes, writes to them. log: of all vcpus of a test."""

    log: ClassVar = []

    def __init__(self, number, register="dexcr"):
        self.number, self.register, self.held = number, register, {}

    def enable_papr(self):
        self.log.append(("papr", self.number))

    def run(self, r30=0, r31=0):
        self.log.append(("run", self.number, r30, r31))
        seen = self.held.get(self.register, 0)
        if r31:
            self.held[self.register] = r30
        return {
            "errno": 0,
            "exit": 19,
            "hcall": 0xF000,
            "gpr": [0, 0, 0, 0, 0, seen, r30 * r31, 1, 0, 0, 0, 0],
        }


@pytest.fixture
def played(dexcr, monkeypatch):
    Vcpu.log = []
    made = []

    class Machine:
        def __init__(self, kvm, program=(), count=1):
            self.program, self.vcpus = program, [Vcpu(number) for number in range(count)]
            made.append(self)

        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

    def put(vcpu, register, value):
        Vcpu.log.append(("put", vcpu.number, register, value))
        vcpu.held[register] = value
        return 0

    monkeypatch.setattr(dexcr, "Machine", Machine)
    monkeypatch.setattr(dexcr, "Vcpu", Vcpu)
    monkeypatch.setattr(dexcr, "put", put)
    monkeypatch.setattr(dexcr, "get", lambda vcpu, register: [0, vcpu.held.get(register, 0)])
    monkeypatch.setattr(dexcr, "own_dexcr", lambda: 7)
    return SimpleNamespace(ask=lambda line: ask(dexcr, line), made=made, dexcr=dexcr)


def ask(dexcr, line):
    question, *arguments = line.split()
    return dexcr.QUESTIONS[question](9, *arguments)


def test_each_vcpu_gets_its_value_and_then_the_others(played):
    answer = played.ask("onereg dexcr 0x1,0x2")
    assert answer["initial"] == [[0, 0], [0, 0]]
    assert answer["stored"] == answer["after"] == [[0, 1], [0, 2]]
    assert answer["again_stored"] == answer["again_after"] == [[0, 2], [0, 1]]
    assert (answer["set"], answer["again"]) == ([0, 0], [0, 0])
    kinds = [each[0] for each in Vcpu.log]
    assert kinds == ["papr"] * 2 + ["put"] * 2 + ["run"] * 2 + ["put"] * 2 + ["run"] * 2
    assert [each[1] for each in Vcpu.log] == [0, 1] * 5


def test_a_guest_writes_what_is_said_and_what_it_saw_is_put_back(played):
    answer = played.ask("guest dexcr 0x1,0x2 -,0x5")
    assert answer["own"] == [7, 7, 7]
    assert answer["after"] == [[0, 1], [0, 5]]
    runs = [each for each in Vcpu.log if each[0] == "run"]
    assert runs == [("run", 0, 0, 0), ("run", 1, 5, 1), ("run", 1, 2, 1)]
    assert played.made[0].program == played.dexcr.TOUCH["dexcr"]


def test_of_several_writes_the_first_that_was_there_comes_last(played):
    played.ask("guest dexcr 0x1,0x2 0x4,0x5")
    assert [each[1:] for each in Vcpu.log if each[0] == "run"][2:] == [(1, 2, 1), (0, 1, 1)]


def test_hashes_need_dexcr_first(played):
    answer = played.ask("hash hashkeyr 0x1,0x2,0x1")
    assert answer["dexcr"] == [0, 0, 0]
    puts = [each[2] for each in Vcpu.log if each[0] == "put"]
    assert puts == ["dexcr"] * 3 + ["hashkeyr"] * 3
    assert played.made[0].program == played.dexcr.with_isa31(played.dexcr.HASH)


def test_odd_calls_have_other_ids_and_addresses(dexcr, played, monkeypatch):
    calls = []

    def call(vcpu, request, register, size, address):
        calls.append((request, size, address == dexcr.UNMAPPED))
        return 22

    monkeypatch.setattr(dexcr, "call", call)
    answer = played.ask("odd dexcr 0x1")
    assert [each[:2] for each in answer["sizes"]] == [[1, 22], [2, 22], [4, 22], [16, 22], [32, 22]]
    assert not any(changed for _, _, changed, _ in answer["sizes"])
    assert answer["unmapped"] == [22, 22]
    assert [each for each in calls if each[2]] == [
        (dexcr.KVM_GET_ONE_REG, 3, True),
        (dexcr.KVM_SET_ONE_REG, 3, True),
    ]
    assert {size for _, size, unmapped in calls if not unmapped} == {0, 1, 2, 4, 5}


def test_a_register_is_named_by_its_number_and_size(dexcr, monkeypatch):
    seen = []

    def ioctl(fd, request, address):
        one = dexcr.OneReg.from_address(address)
        seen.append((fd, request, one.id))
        if request == dexcr.KVM_GET_ONE_REG:
            dexcr.ctypes.c_uint64.from_address(one.addr).value = 5
        return 0, 0

    monkeypatch.setattr(dexcr, "ioctl", ioctl)
    vcpu = SimpleNamespace(fd=3)
    assert dexcr.get(vcpu, "hashkeyr") == [0, 5]
    assert dexcr.put(vcpu, "dexcr", 1) == 0
    # KVM_REG_PPC | KVM_REG_SIZE_U64 | number, include/uapi/linux/kvm.h
    assert seen == [
        (3, dexcr.KVM_GET_ONE_REG, 0x10300000000000C7),
        (3, dexcr.KVM_SET_ONE_REG, 0x10300000000000C6),
    ]
    monkeypatch.setattr(dexcr, "ioctl", lambda *_: (-1, 22))
    assert dexcr.get(vcpu, "dexcr") == [22, None]


def test_an_instruction_that_kills_is_tried_in_another_process(dexcr, monkeypatch):
    assert dexcr.outlived(lambda: None)
    assert not dexcr.outlived(lambda: os.kill(os.getpid(), signal.SIGKILL))
    monkeypatch.setattr(dexcr, "cpu_version", lambda: 0x0F000006)
    tried = []

    def own(may):
        monkeypatch.setattr(dexcr, "OWN_SEEN", [])
        monkeypatch.setattr(dexcr, "read_own", lambda: 5)
        monkeypatch.setattr(dexcr, "outlived", lambda what: tried.append(what) or may)
        return [dexcr.own_dexcr(), dexcr.own_dexcr()]

    assert (own(True), own(False), len(tried)) == ([5, 5], [None, None], 2)
    for version in (None, 0x0F000005):
        monkeypatch.setattr(dexcr, "cpu_version", lambda version=version: version)
        assert own(True) == [None, None]
    assert len(tried) == 2
