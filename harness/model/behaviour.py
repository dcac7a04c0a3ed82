# SPDX-License-Identifier: GPL-2.0-only
"""What a kernel is expected to do: the series' state in it. The oracle's first key."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

from harness.model.abi import MERGED, REVISIONS, V1, V2, V3, V4, V5, Revision
from harness.model.errors import UsageError
from harness.model.topology import NestedApi

BOTH_APIS = tuple(NestedApi)


class Refusal(Enum):
    """What becomes of arch_compat POWER11 in an L1 that runs as POWER10. Values as in series.toml."""

    NONE = "none"  # it is accepted
    CLEAN = "clean"  # EINVAL, nothing is stored
    STORED = "stored"  # EINVAL, PVR_ARCH_INVALID is stored, with which KVM_RUN answers EINVAL


@dataclass(frozen=True)
class Behaviour:
    """name: what ``--expect`` takes; revision: the ioctl's ABI, None without the ioctl; served:
    nested APIs that it has an answer for; since: first mainline version that behaves so, None
    where no release does.
    """

    name: str
    refusal: Refusal
    revision: Revision | None
    served: tuple[NestedApi, ...]
    since: tuple[int, int] | None
    source: str


NONE = Behaviour("none", Refusal.NONE, None, (), (0, 0), "nothing of the series; Linux 6.12 book3s_hv.c")
VALIDATION = Behaviour(
    "validation",
    Refusal.STORED,
    None,
    (),
    # Which release brought it is not known to us; 7.2 has it, 6.12 has not.
    (7, 2),
    "Linux 7.2 book3s_hv.c, kvmppc_set_arch_compat: POWER11 needs CPU_FTR_P11_PVR",
)
V1_SERIES = Behaviour(
    "v1", Refusal.CLEAN, V1, BOTH_APIS, None, "the series as first posted, on a kernel that has none of it"
)
MERGED_SERIES = Behaviour(
    "merged", Refusal.STORED, MERGED, BOTH_APIS, (7, 3), "Linux 7.3 powerpc.c, kvm_arch_vm_ioctl"
)

# What was posted in between, on a kernel that has the validation; no kernel at hand is one of them but
# those that kernel-patches/compat-caps-v2 to -v5 make.
BETWEEN = tuple(
    Behaviour(each.name, Refusal.STORED, each, BOTH_APIS, None, f"the series' {each.name}, on Linux 7.2")
    for each in (V2, V3, V4, V5)
)

BEHAVIOURS = (NONE, VALIDATION, V1_SERIES, *BETWEEN, MERGED_SERIES)


def behaviour_of_release(version: tuple[int, int]) -> Behaviour:
    """What an unpatched kernel of this version does."""
    return max(
        (each for each in BEHAVIOURS if each.since is not None and each.since <= version),
        key=lambda each: each.since or (0, 0),
    )


def parse_behaviour(text: str) -> Behaviour:
    """By name, or by a kernel version such as 6.12. UsageError for anything else."""
    for each in BEHAVIOURS:
        if text == each.name:
            return each
    match = re.fullmatch(r"(\d+)\.(\d+)", text)
    if match:
        return behaviour_of_release((int(match[1]), int(match[2])))
    raise UsageError(
        f"--expect {text!r} is unknown",
        f"give one of {', '.join(each.name for each in BEHAVIOURS)} or a version such as 7.3",
    )


def after_patches(before: Behaviour, name: str, turns: Iterable[Mapping[str, Any]]) -> Behaviour:
    """What *before* becomes with patches on it. turns: for each patch what it turns, as in series.toml:
    refusal (of Refusal), revision (of the ioctl it adds), serves (nested APIs that then have an answer).
    KeyError or ValueError for anything else."""
    now = replace(before, name=name, since=None)
    for each in turns:
        for what, value in each.items():
            if what == "refusal":
                now = replace(now, refusal=Refusal(value))
            elif what == "revision":
                now = replace(now, revision=next(one for one in REVISIONS if one.name == value))
            elif what == "serves":
                now = replace(now, served=tuple(NestedApi(one) for one in value))
            else:
                raise KeyError(what)
    return replace(now, source=f"kernel-patches/{name}")
