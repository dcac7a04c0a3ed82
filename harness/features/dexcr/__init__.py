# SPDX-License-Identifier: GPL-2.0-only
"""The one-reg interface of DEXCR, HASHKEYR and HASHPKEYR, and what a guest has of them."""

from __future__ import annotations

from importlib import resources

from harness.features.dexcr.oracle import IN_GUEST, ONE_REG, judge
from harness.features.dexcr.registers import SOURCE_FILES, expect
from harness.features.dexcr.suite import questions
from harness.features.feature import Feature, GuestProgram, Topic

FEATURE = Feature(
    name="dexcr",
    title="DEXCR, HASHKEYR and HASHPKEYR by KVM_GET_ONE_REG and KVM_SET_ONE_REG",
    topics=(Topic(ONE_REG, "DEXCR one-reg"), Topic(IN_GUEST, "DEXCR in L2")),
    expect=expect,
    questions=questions,
    judge=judge,
    program=GuestProgram("dexcr", resources.files(__name__).joinpath("guest", "dexcr.py")),
    source_files=SOURCE_FILES,
    sentences="harness.features.dexcr.sentences",
)
