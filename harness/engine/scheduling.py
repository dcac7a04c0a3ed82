# SPDX-License-Identifier: GPL-2.0-only
"""Which worker runs which test: all tests of one L1 in one worker, so that it is booted once.

Not xdist's own ``--dist loadgroup``: that writes the group into a private attribute of the
test which pytest 9.2 no longer reads, so tests were spread as if there were no groups.
"""

from __future__ import annotations

import re
from typing import Any

from xdist.scheduler import LoadScopeScheduling

_L2 = re.compile(r"-l2[^-\]]*$")


class PlacementScheduling(LoadScopeScheduling):  # type: ignore[misc]
    """One unit of work for each Placement.full_id; a test without one is a unit of its own."""

    def _split_scope(self, nodeid: str) -> str:
        identifier = nodeid.partition("[")[2].rpartition("]")[0]
        return _L2.sub("", identifier) or nodeid

    def remove_node(self, node: Any) -> str | None:
        """A worker is gone. The test that it ran, if it ran one: that is lost, and another worker goes on
        with the next. xdist's own gives the same test to the next worker, and to the one after, until too
        many were lost. KeyError for a worker that is not known."""
        workload = self.assigned_work.pop(node)
        running = next((test for unit in workload.values() for test, done in unit.items() if not done), None)
        if running is None:
            return None
        for place, unit in workload.items():
            if running in unit:
                unit[running] = True
            if not all(unit.values()):
                self.workqueue[place] = unit
        for each in self.assigned_work:
            self._reschedule(each)
        return str(running)
