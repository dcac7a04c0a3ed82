# SPDX-License-Identifier: GPL-2.0-only
"""What an L0 on bare metal is, and what its KVM answers. Only where L0 is a Linux."""

import pytest


@pytest.mark.topic("l0", starts="L0")
def test_l0_is_bare_metal(l0, check):
    check.judged(l0.oracle.l0(l0.start()))


@pytest.mark.topic("l0_caps")
def test_kvm_on_bare_metal_has_no_modes_to_tell(l0, check):
    check.judged(l0.oracle.l0_caps(l0.observation))
