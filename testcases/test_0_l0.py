# SPDX-License-Identifier: GPL-2.0-only
"""What an L0 on bare metal is, and what its KVM answers. Only where L0 is a Linux."""


def test_l0_is_bare_metal(l0, conclude):
    conclude(l0.record_of_l0())


def test_kvm_on_bare_metal_has_no_modes_to_tell(l0, conclude):
    conclude(l0.record_of_l0_caps())
