# SPDX-License-Identifier: GPL-2.0-only
"""``avocado run kvmppc:WHAT``: scenarios and matrices as avocado's runnables, one L1 with its L2s each.

WHAT is a matrix by name, or a scenario by id; behind it, with commas, options of kvmppc run:
``kvmppc:papr-p11@p10-l2p10,kernel=debian:7.2`` or ``kvmppc:ci,suite=all``.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from avocado.core.nrunner.runnable import Runnable
from avocado.core.plugin_interfaces import Resolver
from avocado.core.resolver import ReferenceResolution, ReferenceResolutionResult

from harness.engine.options import OPTIONS, RunOptions
from harness.engine.pairwise import covering_of, settings
from harness.engine.wanted import PAIRWISE, wanted
from harness.model.errors import HarnessError, UsageError
from harness.model.matrix import MATRICES
from harness.model.scenario import Placement, Scenario

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
            made = [
                Runnable(KIND, each.name, options=shlex.join(each.options.arguments()),
                         scenarios=" ".join(each.scenarios))
                for each in tasks(what)
            ]  # fmt: skip
        except HarnessError as error:
            return ReferenceResolution(reference, ReferenceResolutionResult.ERROR, info=str(error))
        return ReferenceResolution(reference, ReferenceResolutionResult.SUCCESS, made)


@dataclass(frozen=True)
class Task:
    """One L1. options: those of all tasks that have one plan; scenarios: full ids of its own."""

    name: str
    options: RunOptions
    scenarios: tuple[str, ...]


def tasks(what: str) -> list[Task]:
    """Of each L1. UsageError for words that lead nowhere. Resolves nothing: avocado list asks this too.

    ``qemu=`` may stand several times: each scenario with each QEMU, or, of the pairwise matrix, as few as
    have all pairs of settings, the QEMU's among them.
    """
    words = what.split(",")
    qemus = [word.removeprefix("qemu=") for word in words if word.startswith("qemu=")] or [RunOptions().qemu]
    options = _options(",".join(word for word in words if not word.startswith("qemu=")))
    pairs_only = len(qemus) > 1 and options.matrix == PAIRWISE
    options = replace(options, matrix="full") if pairs_only else options
    scope = wanted(options)
    chosen = [(qemu, each) for qemu in qemus for each in scope.scenarios]
    if pairs_only:
        chosen = list(covering_of(chosen, _settings))
    found: dict[tuple[str, Placement], list[Scenario]] = {}
    for qemu, each in chosen:
        found.setdefault((qemu, each.placement), []).append(each)
    return [
        Task(
            place.full_id + (f"-qemu_{Path(qemu).name}" if len(qemus) > 1 else ""),
            replace(options, qemu=qemu),
            tuple(each.full_id for each in mine),
        )
        for (qemu, place), mine in found.items()
    ]


def _settings(item: tuple[str, Scenario]) -> tuple[str, ...]:
    return (item[0], *settings(item[1]))


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
