# SPDX-License-Identifier: GPL-2.0-only
"""The rules of each revision, against the table of the domain notes."""

import errno

import pytest

from harness.features.compat_caps import abi
from harness.features.compat_caps.calls import POISON, Answer, Call, Memory
from harness.features.compat_caps.caps_checks import checks, memory, right_call
from harness.features.compat_caps.caps_rules import Backend, Kernel, expect

PAGE = 65536
BITS = 0x6000000000000000
BACK = dict(enumerate((24).to_bytes(8, "little")))


def kernel(revision, backend=Backend.SERVES):
    return Kernel(revision, backend, BITS, PAGE)


def asked(revision, place="plain", **settings):
    return Call("vm", revision.request, place, memory(revision, **settings))


@pytest.mark.parametrize(
    ("settings", "place", "error", "size_back"),
    [
        ({}, "plain", 0, True),
        ({"size": 0}, "plain", errno.EINVAL, False),
        ({"size": 23}, "plain", errno.EINVAL, False),
        ({"size": 25, "length": 25, "fill": 0}, "plain", 0, True),
        ({"size": 32, "length": 32, "fill": 0, "last": 1}, "plain", errno.E2BIG, True),
        ({"size": PAGE, "length": PAGE, "fill": 0}, "plain", 0, True),
        ({"size": PAGE + 1}, "plain", errno.E2BIG, False),
        ({"size": 1 << 32}, "plain", errno.E2BIG, False),
        ({"flags": 1}, "plain", errno.EINVAL, False),
        ({"size": 32, "length": 32, "fill": 0, "last": 1, "flags": 1}, "plain", errno.E2BIG, True),
        ({"size": 16, "flags": 1}, "plain", errno.EINVAL, False),
        ({}, "null", errno.EFAULT, False),
        ({}, "end:7", errno.EFAULT, False),
        ({}, "end:23", errno.EFAULT, False),
        ({"size": 16}, "end:16", errno.EINVAL, False),
        ({"size": PAGE + 1}, "end:8", errno.E2BIG, False),
        ({"size": 32, "length": 32, "fill": 0, "last": 1}, "readonly", errno.EFAULT, False),
        ({"flags": 1}, "readonly", errno.EINVAL, False),
    ],
)
def test_merged(settings, place, error, size_back):
    call = asked(abi.MERGED, place, **settings)
    expected = expect(kernel(abi.MERGED), call)
    assert expected.errno == error
    assert ({at: value for at, value in expected.writes if at < 8} == BACK) is size_back


def test_merged_without_an_answer_behind_it():
    call = asked(abi.MERGED)
    assert expect(kernel(abi.MERGED, Backend.NONE), call).errno == errno.ENOTTY
    assert expect(kernel(abi.MERGED, Backend.FAILS), call).errno == errno.EINVAL
    # Flags are looked at before.
    assert expect(kernel(abi.MERGED, Backend.NONE), asked(abi.MERGED, flags=1)).errno == errno.EINVAL


def test_v5_refuses_a_larger_struct_whatever_is_in_it():
    expected = expect(kernel(abi.V5), asked(abi.V5, size=32, length=32, fill=0))
    assert (expected.errno, dict(expected.writes)) == (errno.E2BIG, BACK)
    assert expect(kernel(abi.V5), asked(abi.V5, size=PAGE + 1)).writes


def test_v4_has_a_size_and_looks_at_no_flags():
    assert expect(kernel(abi.V4), asked(abi.V4, size=23)).errno == errno.EINVAL
    assert expect(kernel(abi.V4), asked(abi.V4, flags=1)).errno == 0


@pytest.mark.parametrize("revision", [abi.V1, abi.V2, abi.V3])
def test_the_first_three_write_16_bytes_whatever_was_there(revision):
    expected = expect(kernel(revision), asked(revision, flags=1))
    assert (expected.errno, len(expected.writes)) == (0, 16)
    assert expect(kernel(revision), asked(revision, "end:15")).errno == errno.EFAULT


def test_the_first_three_differ_without_a_backend():
    found = [expect(kernel(each, Backend.NONE), asked(each)) for each in (abi.V1, abi.V2, abi.V3)]
    assert [each.any_errno for each in found] == [True, False, False]
    assert [each.errno for each in found[1:]] == [0, errno.ENOTTY]


@pytest.mark.parametrize("revision", abi.REVISIONS, ids=lambda each: each.name)
def test_one_byte_or_errno_more_is_not_what_the_rules_say(revision):
    call = right_call(revision)
    expected = expect(kernel(revision), call)
    changed = {at: value for at, value in expected.writes if call.memory.byte(at) != value}
    assert expected.matches(call, Answer(0, 0, changed))
    assert not expected.matches(call, Answer(-1, errno.EINVAL, {}))
    assert not expected.matches(call, Answer(0, 0, {**changed, -1: 0}))
    assert not expected.matches(call, Answer(0, 0, {**changed, revision.struct_size: 0}))
    for at in changed:
        if at not in expected.free:
            rest = {each: value for each, value in changed.items() if each != at}
            assert not expected.matches(call, Answer(0, 0, rest))


def test_every_check_has_a_name_of_its_own_and_a_call_of_its_own():
    for revision in abi.REVISIONS:
        found = checks(revision, PAGE)
        assert len({each.name for each in found}) == len(found)
        assert len({each.call.line for each in found}) == len(found)


def test_poison_is_where_the_modes_go():
    head = memory(abi.MERGED)
    assert {head.byte(at) for at in range(16, 64)} == {POISON}
    assert isinstance(head, Memory)
