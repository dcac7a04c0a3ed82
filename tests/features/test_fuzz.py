# SPDX-License-Identifier: GPL-2.0-only
"""The fuzzer, on a kernel that is a rulebook with one defect."""

import errno
import importlib
import itertools
from dataclasses import replace

import pytest
from rulebook import answer

from harness.features.compat_caps import abi
from harness.features.compat_caps.calls import Answer, Call
from harness.features.compat_caps.caps_rules import Backend, Kernel
from harness.features.compat_caps.fuzz import fuzz
from harness.model.errors import InfrastructureError

KERNEL = Kernel(abi.MERGED, Backend.SERVES, 0x6000000000000000, 65536)


def asking(defect, seen=None):
    """An ask that answers as KERNEL, except where defect(call, answer) changes it."""

    def ask(lines):
        if seen is not None:
            seen.extend(lines)
        calls = [Call.parse(line) for line in lines]
        return [{"answers": [defect(each, answer(KERNEL, each)).to_json()]} for each in calls]

    return ask


def rounds(count):
    """A clock by which so many of the fuzzer's rounds take a second."""
    ticks = itertools.count()
    return lambda: next(ticks) / count


def test_a_kernel_that_keeps_the_rules_is_left_alone():
    found = fuzz(KERNEL, asking(lambda call, got: got), 1, 1, rounds(10))
    assert found.failed is None
    assert found.calls > 100


def test_a_defect_shrinks_to_one_small_call():
    """Flags above 2^40 are taken: one in thousands of what is tried by hand."""

    def defect(call, got):
        own = call.request == KERNEL.revision.request and call.fd.startswith("vm")
        if own and got.errno == errno.EINVAL and call.readable >= 24 and call.memory.field64(8) > 1 << 40:
            return Answer(0, 0, {})
        return got

    found = fuzz(KERNEL, asking(defect), 1, 7, rounds(200))
    assert found.failed is not None
    assert found.failed.memory.field64(8) == (1 << 40) + 1
    assert found.answers == (Answer(0, 0, {}),)
    again = fuzz(KERNEL, asking(defect), 1, 7, rounds(200))
    assert again.failed.line == found.failed.line
    repeated = Call.parse(found.failed.line)
    assert defect(repeated, answer(KERNEL, repeated)) == Answer(0, 0, {})


def test_a_byte_written_behind_the_struct_is_found():
    def defect(call, got):
        return got if got.errno else replace(got, changed={**got.changed, call.memory.length: 0})

    assert fuzz(KERNEL, asking(defect), 1, 1, rounds(200)).failed is not None


def test_a_seed_is_a_sequence_of_calls():
    runs = []
    for seed in (3, 3, 4):
        seen = []
        fuzz(KERNEL, asking(lambda call, got: got, seen), 1, seed, rounds(3))
        runs.append(seen)
    assert runs[0] == runs[1] != runs[2]


def test_a_seed_is_the_same_sequence_whatever_else_is_imported(tmp_path, monkeypatch):
    """hypothesis would draw from the constants in the source of every module that is loaded."""
    runs = []
    for number in range(2):
        seen = []
        fuzz(KERNEL, asking(lambda call, got: got, seen), 1, 3, rounds(3))
        runs.append(seen)
        constants = ", ".join(str((1 << 50) + each) for each in range(100))
        (tmp_path / f"of_constants_{number}.py").write_text(f"VALUES = ({constants})")
        monkeypatch.syspath_prepend(tmp_path)
        importlib.import_module(f"of_constants_{number}")
    assert runs[0] == runs[1]


def test_an_answer_that_is_wrong_once_is_a_failure_all_the_same():
    """hypothesis calls it flaky; a kernel that answers so is wrong."""
    wrong = itertools.count()

    def defect(call, got):
        if call.request == KERNEL.revision.request and not got.errno and next(wrong) == 3:
            return Answer(-1, errno.EIO, {})
        return got

    found = fuzz(KERNEL, asking(defect), 1, 1, rounds(50))
    assert found.failed is not None and found.answers == (Answer(-1, errno.EIO, {}),)


def test_a_level_that_is_gone_is_asked_nothing_more():
    asked = []

    def ask(lines):
        asked.append(lines)
        raise InfrastructureError("no answer")

    with pytest.raises(InfrastructureError, match="no answer"):
        fuzz(KERNEL, ask, 1, 1, rounds(50))
    assert len(asked) == 1
