# SPDX-License-Identifier: GPL-2.0-only
"""By what a kernel is judged: its version, what our own series say of themselves, or the user's word."""

from __future__ import annotations

from dataclasses import dataclass

from harness.model.behaviour import Behaviour, behaviour_of_release
from harness.parts import ownseries
from harness.parts.kernels import KernelBuild
from harness.parts.kernelspec import parse_spec
from harness.parts.mutants import patch_of


@dataclass(frozen=True)
class Expected:
    """sure: False where a series is on it of which nothing is known: then *behaviour* is its base's,
    and a difference says nothing of right or wrong; note: for the report, '' for none."""

    behaviour: Behaviour
    sure: bool = True
    note: str = ""


def expectation(kernel: KernelBuild, forced: Behaviour | None) -> Expected:
    """forced: of ``--expect``, None without."""
    if forced is not None:
        return Expected(forced)
    spec = parse_spec(kernel.spec)
    behaviour = behaviour_of_release(kernel.version)
    for each in spec.series:
        if patch_of(each.text) is not None:
            continue  # judged as the kernel it is a mutant of
        own = ownseries.find(each.text)
        if own is None:
            words = (
                f"nothing is known of series {each.text}: {kernel.label} is judged as "
                f"{'its base' if behaviour.since else behaviour.name}; see --expect"
            )
            return Expected(behaviour, False, words)
        behaviour = own.behaviour(f"{kernel.version[0]}.{kernel.version[1]}", each.first)
    return Expected(behaviour)
