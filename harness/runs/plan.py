# SPDX-License-Identifier: GPL-2.0-only
"""From choices to what will run: scenarios, and what each kernel is judged by. Fetches nothing."""

from __future__ import annotations

from dataclasses import dataclass

from harness.model import matrix
from harness.model.behaviour import Behaviour, parse_behaviour
from harness.model.scenario import L1Setting, L2Setting, Scenario
from harness.model.topology import topology
from harness.model.workarounds import check_names
from harness.parts.kernels import kernel_label
from harness.runs.options import RunOptions


@dataclass(frozen=True)
class Plan:
    """kernels: label -> spec; expect: None means by each kernel's version."""

    kernels: dict[str, str]
    scenarios: tuple[Scenario, ...]
    expect: Behaviour | None


def make(options: RunOptions) -> Plan:
    """UsageError for anything in the options that makes no sense."""
    base = matrix.matrix(options.matrix)
    kernels: dict[str, str] = {}
    for spec in options.kernels or base.kernels:
        name, number = kernel_label(spec), 2
        while kernels.get(name, spec) != spec:
            name, number = f"{kernel_label(spec)}.{number}", number + 1
        kernels[name] = spec
    selection = matrix.Selection(
        topologies=tuple(topology(name) for name in options.topologies),
        l1=tuple(L1Setting.parse(text) for text in options.l1),
        l2=tuple(L2Setting.parse(text) for text in options.l2),
        only=options.only,
    )
    check_names(options.no_workaround)
    return Plan(
        kernels=kernels,
        scenarios=tuple(matrix.expand(base, list(kernels), selection)),
        expect=parse_behaviour(options.expect) if options.expect else None,
    )
