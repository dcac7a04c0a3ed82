# SPDX-License-Identifier: GPL-2.0-only
"""``avocado run kvmppc:WHAT``: scenarios and matrices as avocado's runnables, one L1 with its L2s each.

WHAT is a matrix by name, or a scenario by id; behind it, with commas, options of kvmppc run:
``kvmppc:papr-p11@p10-l2p10,kernel=debian:7.2`` or ``kvmppc:ci,suite=all``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from avocado.core.nrunner.runnable import Runnable
from avocado.core.plugin_interfaces import Resolver
from avocado.core.resolver import ReferenceResolution, ReferenceResolutionResult

from harness.model.errors import HarnessError, UsageError
from harness.model.matrix import MATRICES
from harness.model.scenario import Placement, Scenario
from harness.runs.options import OPTIONS, RunOptions
from harness.runs.plan import PAIRWISE, Plan, make

KIND = "kvmppc"


class KvmppcResolver(Resolver):  # type: ignore[misc]
    name = KIND
    description = "Scenarios and matrices of kvmppc-harness"

    def resolve(self, reference: str) -> ReferenceResolution:
        """NOTFOUND for what is not meant for us, ERROR for what is, and makes no sense."""
        prefix, found, what = reference.partition(":")
        if prefix != KIND or not found:
            return ReferenceResolution(reference, ReferenceResolutionResult.NOTFOUND)
        try:
            made = [Runnable(KIND, name, *words) for name, words in tasks(what)]
        except HarnessError as error:
            return ReferenceResolution(reference, ReferenceResolutionResult.ERROR, info=str(error))
        return ReferenceResolution(reference, ReferenceResolutionResult.SUCCESS, made)


def tasks(what: str) -> list[tuple[str, list[str]]]:
    """(name, words for kvmppc run) of each L1. UsageError for words that lead nowhere."""
    options = _options(what)
    plan = make(options)
    found: dict[Placement, list[Scenario]] = {}
    for each in plan.scenarios:
        found.setdefault(each.placement, []).append(each)
    return [(place.full_id, _words(options, plan, place, mine)) for place, mine in found.items()]


def _options(what: str) -> RunOptions:
    name, *settings = what.split(",")
    if name in {each.name for each in MATRICES} | {PAIRWISE}:
        options = RunOptions(matrix=name)
    else:
        options = RunOptions(only=(name,))
    known = {each.flag.removeprefix("--"): each for each in OPTIONS}
    values: dict[str, Any] = {"matrix": options.matrix, "only": options.only}
    for setting in settings:
        key, _, value = setting.partition("=")
        option = known.get(key)
        if option is None:
            raise UsageError(f"kvmppc:{what}: unknown option {key!r}", f"known are {', '.join(known)}")
        if option.many:
            values[option.field] = (*values.get(option.field, ()), value)
        else:
            values[option.field] = True if option.switch else value
    return RunOptions.from_mapping(values)


def _words(options: RunOptions, plan: Plan, place: Placement, scenarios: Sequence[Scenario]) -> list[str]:
    """Those of one L1 alone, so that a task is whole wherever it runs."""
    alone = replace(
        options, matrix=RunOptions().matrix, kernels=(plan.kernels[place.kernel],),
        l0_kernels=(plan.l0_kernels[place.l0],) if place.l0 else (), topologies=(), l1=(), l2=(),
        only=tuple(each.id for each in scenarios),
    )  # fmt: skip
    return alone.arguments()
