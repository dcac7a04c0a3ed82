# SPDX-License-Identifier: GPL-2.0-only
"""A kernel that was found or built, as features know it."""

from __future__ import annotations

from harness.model.kernel import Kernel, SeriesOn
from harness.parts import ownseries
from harness.parts.kernels import KernelBuild
from harness.parts.kernelspec import SeriesRef, parse_spec
from harness.parts.mutant_catalogue import patch_of


def description_of(build: KernelBuild) -> Kernel:
    base = f"{build.version[0]}.{build.version[1]}"
    return Kernel(
        label=build.label,
        release=build.release,
        banner=build.banner,
        version=build.version,
        series=tuple(_series(each, base) for each in parse_spec(build.spec).series),
        texts=build.texts,
        symbols=build.symbol_names,
    )


def _series(each: SeriesRef, base: str) -> SeriesOn:
    if patch_of(each.text) is not None:
        return SeriesOn(each.text, mutant=True)
    own = ownseries.find(each.text)
    if own is None:
        return SeriesOn(each.text, each.first)
    return SeriesOn(own.name, each.first, own.words(base))
