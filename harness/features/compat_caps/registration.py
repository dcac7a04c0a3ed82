# SPDX-License-Identifier: GPL-2.0-only
"""The series as a feature: the object by which the harness knows it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from harness.features.compat_caps import conformance, mode_watch
from harness.features.compat_caps.behaviour import of_series
from harness.features.compat_caps.expected_behaviour import expect
from harness.features.compat_caps.in_force import SPINS
from harness.features.compat_caps.kernel_symbols import SYMBOLS
from harness.features.compat_caps.source_content import FILES
from harness.features.compat_caps.suite import questions
from harness.features.feature import Feature, Monitor, Session, Topic


def watched(session: Session, monitor: Monitor | None) -> Iterator[tuple[str, dict[str, Any]]]:
    """What the outermost CPU shows while guests of L1's spin in it."""
    for spin in SPINS:
        yield spin.question, mode_watch.observe(session, monitor, spin)


FEATURE = Feature(
    name="compat_caps",
    title="CPU compatibility modes for nested guests: KVM_CAP_PPC_COMPAT_CAPS and arch_compat",
    topics=(
        Topic("l0_caps", "L0 caps", "boot"),
        Topic("caps", "compat caps", "boot"),
        Topic("arch_compat", "arch_compat", "boot"),
        Topic("revision", "revision"),
        Topic("ioctl", "ioctl"),
        Topic("vcpu", "vcpu"),
        Topic("inforce", "in force"),
        Topic("clock", "L2's clock"),
        Topic("userspace", "userspace"),
        Topic("docs", "api.rst"),
        Topic("calls", "calls"),
        Topic("fuzz", "fuzz"),
    ),
    expect=expect,
    questions=questions,
    judge=conformance.judge,
    more_answers=watched,
    source_files=FILES,
    symbols=SYMBOLS,
    check_series_words=lambda words: of_series("", words, None),
    sentences="harness.features.compat_caps.sentences",
)
