# SPDX-License-Identifier: GPL-2.0-only
"""arch_compat over a VM's life, row by row as the sources say."""

import errno

import pytest

from harness.features.compat_caps import behaviour as b
from harness.features.compat_caps.oracle_ioctl import Subject
from harness.features.compat_caps.vm_model import Host, ModelVm, fits, is_defect, mode_named, values_fact
from harness.model.cpu import PVR_INVALID, Mode
from harness.model.facts import Anything, OneOf, Register
from harness.model.observation import Probe
from harness.model.topology import NestedApi

P8, P9, P10, P11 = (mode.logical_pvr for mode in (Mode.P8, Mode.P9, Mode.P10, Mode.P11))
RAW = 0x00821200
QEMU = Host(RAW, qemu=True)


def vm(api, mode=Mode.P10, behaviour=b.MERGED_SERIES, host=QEMU, vcpus=1):
    return ModelVm(Subject(behaviour, api, mode), host, vcpus)


@pytest.mark.parametrize("api", NestedApi)
def test_a_mode_is_read_back_before_and_after_a_run(api):
    one = vm(api)
    sent = Mode.P9 if api is NestedApi.V1 else Mode.P10
    assert (one.set(0, P9), one.get(0), one.mode(0)) == (0, (P9,), sent)
    assert one.run(0)
    assert (one.get(0), one.mode(0)) == ((P9,), Mode.P9)


def test_0_is_read_as_what_l0_was_told_with_api_v2_only():
    for api, after in ((NestedApi.V1, 0), (NestedApi.V2, P10)):
        one = vm(api)
        one.set(0, 0)
        assert one.get(0) == (0,)
        one.run(0)
        assert (one.get(0), one.mode(0)) == ((after,), Mode.P10)


def test_612_tells_power11_as_power10_when_no_mode_was_set():
    one = vm(NestedApi.V2, Mode.P11, b.NONE)
    one.set(0, 0)
    one.run(0)
    assert (one.get(0), one.mode(0)) == ((P11, P10), Mode.P11)
    for behaviour, mode in ((b.NONE, Mode.P10), (b.VALIDATION, Mode.P11)):
        one = vm(NestedApi.V2, mode, behaviour)
        one.set(0, 0)
        one.run(0)
        assert one.get(0) == (mode.logical_pvr,)


def test_a_guest_that_was_told_nothing_has_what_l0_holds():
    for host, after in ((QEMU, (RAW,)), (Host(RAW, qemu=False), ()), (Host(None, qemu=True), ())):
        one = vm(NestedApi.V2, host=host)
        assert one.get(0) == (0,)
        one.run(0)
        assert (one.get(0), one.sent, one.mode(0)) == (after, False, Mode.P10)
    one = vm(NestedApi.V1)
    one.run(0)
    assert one.get(0) == (0,)


def test_api_v1_has_a_mode_for_each_vcpu_and_api_v2_one_for_all():
    for api, others in ((NestedApi.V1, 0), (NestedApi.V2, P9)):
        three = vm(api, vcpus=3)
        three.set(1, P9)
        assert [three.get(number) for number in range(3)] == [(0,), (P9,), (0,)]
        assert all(three.run(number) for number in range(3))
        assert [three.get(number) for number in range(3)] == [(others,), (P9,), (others,)]


def test_what_is_refused_and_stored_keeps_its_vcpu_out_until_another_mode_is_set():
    for api in NestedApi:
        one = vm(api)
        assert (one.set(0, P11), one.get(0), one.run(0), one.sane(0)) == (
            errno.EINVAL, (PVR_INVALID,), False, False,
        )  # fmt: skip
        assert (one.get(0), one.sent) == ((PVR_INVALID,), False)
        assert (one.set(0, P9), one.run(0), one.get(0)) == (0, True, (P9,))


def test_what_is_refused_untouched_leaves_the_mode_there_was():
    one = vm(NestedApi.V2, Mode.P9)
    one.set(0, P9)
    one.run(0)
    assert (one.set(0, P10), one.get(0), one.run(0), one.get(0)) == (errno.EINVAL, (P9,), True, (P9,))
    assert vm(NestedApi.V1, behaviour=b.NONE).set(0, P11) == 0
    assert vm(NestedApi.V2).set(0, P8) == errno.EINVAL


def test_the_mode_that_is_sent_last_counts_with_api_v2():
    two = vm(NestedApi.V2, vcpus=2)
    two.set(0, P9)
    two.set(1, P10)
    two.run(1)
    two.run(0)
    two.run(1)  # has nothing to send any more
    assert (two.mode(1), two.get(1)) == (Mode.P9, (P9,))


def test_what_l1_runs_on_is_read_in_its_probe():
    for cpuinfo, qemu in (("model : IBM pSeries (emulated by qemu)", True), ("model : IBM,9105-42A", False)):
        probe = Probe.from_json(
            {
                "release": "7.3", "page": 65536, "cpuinfo": cpuinfo, "cpu_version": P10, "raw_pvr": RAW,
                "kvm": "hv", "capability": {}, "ioctls": [], "arch_compat": [], "notes": [],
            }
        )  # fmt: skip
        assert Host.of(probe) == Host(RAW, qemu)


def test_a_mode_is_named_by_its_logical_pvr_only():
    assert mode_named(P9) is Mode.P9
    assert mode_named(RAW) is mode_named(PVR_INVALID) is None


def test_values_are_a_right_one_and_those_of_known_defects():
    assert fits((P11, P10), P11) and fits((P11, P10), P10) and not fits((P11, P10), P9)
    assert fits((), 5) and not fits((), None) and not fits((0,), None)
    assert is_defect((P11, P10), P10) and not is_defect((P11, P10), P11) and not is_defect((), 5)
    assert values_fact((P11, P10)) == OneOf((Register(P11), Register(P10)))
    assert values_fact((P11,)) == Register(P11) and values_fact(()) == Anything()
