# SPDX-License-Identifier: GPL-2.0-only
"""Which worker runs which test: all tests of one L1 in one worker, so that it is booted once.

Not xdist's own ``--dist loadgroup``: that writes the group into a private attribute of the
test which pytest 9.2 no longer reads, so tests were spread as if there were no groups.
"""

from __future__ import annotations

import functools
import re
from typing import Any

from xdist.scheduler import LoadScopeScheduling

from harness.engine import planned
from harness.engine.state import of_config

_L2 = re.compile(r"-l2[^-]*$")


class PlacementScheduling(LoadScopeScheduling):  # type: ignore[misc]
    """One unit of work for each Placement.full_id; a test without one is a unit of its own."""

    def _split_scope(self, nodeid: str) -> str:
        identity = self._identities.get(nodeid)
        return nodeid if identity is None else _L2.sub("", identity.partition(" ")[0])

    @functools.cached_property
    def _identities(self) -> dict[str, str]:
        """By name of the test; workers have collected by the time that somebody asks."""
        directory = of_config(self.config).directory
        return dict(planned.read(directory.path) or []) if directory is not None else {}

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
