# SPDX-License-Identifier: GPL-2.0-only
"""What a kernel is expected to do: the series' state in it. The oracle's first key."""

from __future__ import annotations

import re
from dataclasses import dataclass

from harness.model.abi import MERGED, V1, Revision
from harness.model.errors import UsageError


@dataclass(frozen=True)
class Behaviour:
    """name: what ``--expect`` takes; revision: the ioctl's ABI, None without the ioctl;
    since: first mainline version that behaves so, None where no release does.
    """

    name: str
    revision: Revision | None
    since: tuple[int, int] | None
    source: str


NONE = Behaviour("none", None, (0, 0), "nothing of the series; Linux 6.12 book3s_hv.c")
VALIDATION = Behaviour(
    "validation",
    None,
    # Which release brought it is not known to us; 7.2 has it, 6.12 has not.
    (7, 2),
    "Linux 7.2 book3s_hv.c, kvmppc_set_arch_compat: POWER11 needs CPU_FTR_P11_PVR",
)
V1_SERIES = Behaviour("v1", V1, None, "the series as first posted, on a kernel that has none of it")
MERGED_SERIES = Behaviour("merged", MERGED, (7, 3), "Linux 7.3 powerpc.c, kvm_arch_vm_ioctl")

BEHAVIOURS = (NONE, VALIDATION, V1_SERIES, MERGED_SERIES)


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
