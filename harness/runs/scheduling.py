# SPDX-License-Identifier: GPL-2.0-only
"""Which worker runs which test: all tests of one L1 in one worker, so that it is booted once.

Not xdist's own ``--dist loadgroup``: that writes the group into a private attribute of the
test which pytest 9.2 no longer reads, so tests were spread as if there were no groups.
"""

from __future__ import annotations

import re

from xdist.scheduler import LoadScopeScheduling

_L2 = re.compile(r"-l2[^-\]]*$")


class PlacementScheduling(LoadScopeScheduling):  # type: ignore[misc]
    """One unit of work for each Placement.full_id; a test without one is a unit of its own."""

    def _split_scope(self, nodeid: str) -> str:
        identifier = nodeid.partition("[")[2].rpartition("]")[0]
        return _L2.sub("", identifier) or nodeid
