# SPDX-License-Identifier: GPL-2.0-only
"""Few scenarios that have every pair of settings that any of many has: kernels × topologies × L1s × L2s.

The covering is avocado's (avocado-framework-plugin-varianter-cit); which pairs cannot be is read from
the scenarios themselves.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Hashable, Sequence
from typing import TypeVar

from harness.model.scenario import Scenario

# A list that is another one each time could not be compared with yesterday's.
_SEED = 1

T = TypeVar("T", bound=Hashable)

Pair = tuple[tuple[int, int], tuple[int, int]]


def settings(scenario: Scenario) -> tuple[str, ...]:
    """One word for each dimension."""
    at = scenario.placement
    return at.kernel, at.l0, at.topology.short, at.l1.id, scenario.l2.id


def covering(scenarios: Sequence[Scenario]) -> tuple[Scenario, ...]:
    """Some of them, in their order, with all pairs of settings that they have together."""
    return covering_of(scenarios, settings)


def covering_of(items: Sequence[T], words_of: Callable[[T], tuple[str, ...]]) -> tuple[T, ...]:
    """The same of anything that has settings: words_of gives one word for each dimension."""
    from avocado_varianter_cit.Cit import Cit  # it brings much of avocado with it

    # A dimension with one value adds nothing to a pair, and is more than Cit can take.
    columns = [list(dict.fromkeys(column)) for column in zip(*map(words_of, items), strict=True)]
    varying = [at for at, column in enumerate(columns) if len(column) > 1]
    if len(varying) < 2:
        return tuple(items)

    def indices(each: T) -> tuple[int, ...]:
        words = words_of(each)
        return tuple(columns[at].index(words[at]) for at in varying)

    sizes = [len(columns[at]) for at in varying]
    possible = {pair for each in items for pair in pairs(indices(each))}
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
    found = [each for each in items if indices(each) in rows]
    # Settings that exclude each other only three at a time would leave a hole: fill it by hand.
    missing = possible - {pair for each in found for pair in pairs(indices(each))}
    for each in items:
        mine = set(pairs(indices(each)))
        if mine & missing:
            found.append(each)
            missing -= mine
    return tuple(sorted(dict.fromkeys(found), key=items.index))


def pairs(indices: Sequence[int]) -> list[Pair]:
    return list(itertools.combinations(list(enumerate(indices)), 2))
