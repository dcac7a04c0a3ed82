# SPDX-License-Identifier: GPL-2.0-only
"""Encodings, against the numbers that the series and the merged header publish."""

import pytest

from harness.features.compat_caps import abi
from harness.model.cpu import GuestMode, Mode, mode_of_cpuinfo, mode_of_pvr


@pytest.mark.parametrize(
    ("revision", "request_number", "size"),
    [
        (abi.V1, 0x4010AEE4, 16),
        (abi.V2, 0x4010AEE4, 16),
        (abi.V4, 0x4018AEE4, 24),
        (abi.V5, 0x2000AEE4, 24),
        (abi.MERGED, 0x2000AEB8, 24),
    ],
)
def test_requests_are_encoded_as_on_powerpc(revision, request_number, size):
    assert revision.request == request_number
    assert revision.struct_size == size


def test_known_kvm_ioctls_come_out_as_powerpc_has_them():
    # KVM_SET_ONE_REG, KVM_ENABLE_CAP and KVM_CREATE_VM as strace shows them on ppc64le.
    assert abi.iow(0xAC, 16) == 0x8010AEAC
    assert abi.iow(0xA3, 104) == 0x8068AEA3
    assert abi.io(0x01) == 0x2000AE01
    assert abi.iowr(0x05, 4) == 0xC004AE05


def test_bitmaps_are_cumulative():
    assert [abi.caps_upto(mode) for mode in (Mode.P9, Mode.P10, Mode.P11)] == [
        0x4000000000000000,
        0x6000000000000000,
        0x7000000000000000,
    ]
    assert abi.cap_names(0x6000000000000000) == "P9 P10"
    assert abi.cap_names(0x1) == "0x1"


def test_logical_pvrs():
    assert [mode.logical_pvr for mode in Mode] == [0x0F000004 + number for number in range(5)]


@pytest.mark.parametrize(
    ("pvr", "mode"),
    [
        (0x0F000006, GuestMode(Mode.P10)),
        (0x004E1202, GuestMode(Mode.P9, raw=True)),
        (0x00801200, GuestMode(Mode.P10, raw=True)),
        (0x00821200, GuestMode(Mode.P11, raw=True)),
        (0x12345678, None),
    ],
)
def test_mode_of_pvr(pvr, mode):
    assert mode_of_pvr(pvr) == mode


@pytest.mark.parametrize(
    ("line", "mode"),
    [
        ("cpu\t\t: POWER10 (architected), altivec supported", GuestMode(Mode.P10)),
        ("cpu\t\t: Power11 (raw), altivec supported", GuestMode(Mode.P11, raw=True)),
        ("cpu\t\t: POWER9, altivec supported", GuestMode(Mode.P9, raw=True)),
        ("model name\t: Intel", None),
    ],
)
def test_mode_of_cpuinfo(line, mode):
    assert mode_of_cpuinfo(f"processor\t: 0\n{line}\nclock\t: 1000\n") == mode
