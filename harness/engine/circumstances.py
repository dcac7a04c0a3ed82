# SPDX-License-Identifier: GPL-2.0-only
"""What the harmless complaints of a placement's levels depend on: of a run, or of a saved one."""

from __future__ import annotations

import re

from harness.health.benign import Circumstances
from harness.model.scenario import Placement

Version = tuple[int, ...]


def circumstances_of(
    placement: Placement, release: str, l0_release: str, qemu: Version, l1_qemu: Version
) -> dict[str, Circumstances]:
    """By level name. release: of the kernel under test; l0_release: of L0's, '' where L0 is QEMU;
    qemu: version of the outermost one; l1_qemu: of that in L1; () where one is not known."""
    tested, where = version_of_release(release), placement.topology
    found = {
        "L1": Circumstances(tested, l1_qemu if l0_release else qemu, where.nested_api, where.name, "L1"),
        "L2": Circumstances(tested, l1_qemu, None, where.name, "L2"),
    }
    if l0_release:
        found["L0"] = Circumstances(version_of_release(l0_release), qemu, None, where.name, "L0")
    return found


def version_of_release(release: str) -> Version:
    """(7, 2, 12) of ``7.2.12+deb14-powerpc64le``, () of what begins with no number."""
    found = re.match(r"\d+(?:\.\d+)*", release)
    return tuple(int(part) for part in found[0].split(".")) if found else ()
