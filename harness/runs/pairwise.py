# SPDX-License-Identifier: GPL-2.0-only
"""Few scenarios that have every pair of settings that any of many has: kernels × topologies × L1s × L2s.

The covering is avocado's (avocado-framework-plugin-varianter-cit); which pairs cannot be is read from
the scenarios themselves.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence

from harness.model.scenario import Scenario

# A list that is another one each time could not be compared with yesterday's.
_SEED = 1

Pair = tuple[tuple[int, int], tuple[int, int]]


def settings(scenario: Scenario) -> tuple[str, ...]:
    """One word for each dimension."""
    at = scenario.placement
    return at.kernel, at.l0, at.topology.short, at.l1.id, scenario.l2.id


def covering(scenarios: Sequence[Scenario]) -> tuple[Scenario, ...]:
    """Some of them, in their order, with all pairs of settings that they have together."""
    from avocado_varianter_cit.Cit import Cit  # it brings much of avocado with it

    by_settings = {settings(each): each for each in scenarios}
    # A dimension with one value adds nothing to a pair, and is more than Cit can take.
    columns = [list(dict.fromkeys(column)) for column in zip(*by_settings, strict=True)]
    varying = [at for at, column in enumerate(columns) if len(column) > 1]
    if len(varying) < 2:
        return tuple(scenarios)

    def indices(each: Scenario) -> tuple[int, ...]:
        words = settings(each)
        return tuple(columns[at].index(words[at]) for at in varying)

    sizes = [len(columns[at]) for at in varying]
    possible = {pair for each in scenarios for pair in pairs(indices(each))}
    impossible = {
        ((one, first), (other, second))
        for one, other in itertools.combinations(range(len(sizes)), 2)
        for first in range(sizes[one])
        for second in range(sizes[other])
        if ((one, first), (other, second)) not in possible
    }
    before = random.getstate()
    random.seed(_SEED)
    try:
        rows = {tuple(row) for row in Cit(sizes, 2, impossible).compute()}
    finally:
        random.setstate(before)
    found = [each for each in scenarios if indices(each) in rows]
    # Settings that exclude each other only three at a time would leave a hole: fill it by hand.
    missing = possible - {pair for each in found for pair in pairs(indices(each))}
    for each in scenarios:
        mine = set(pairs(indices(each)))
        if mine & missing:
            found.append(each)
            missing -= mine
    return tuple(sorted(dict.fromkeys(found), key=scenarios.index))


def pairs(indices: Sequence[int]) -> list[Pair]:
    return list(itertools.combinations(list(enumerate(indices)), 2))
