# SPDX-License-Identifier: GPL-2.0-only
"""Before a job of avocado's starts: one plan for all its tasks of ours, each gets its part. A task resolves
nothing, wherever it runs."""

from __future__ import annotations

import json
import shlex
import sys
from typing import Any

from avocado.core.exceptions import JobBaseException
from avocado.core.plugin_interfaces import JobPre

from harness.avocado.resolver import KIND
from harness.engine import plan_file
from harness.engine.options import RunOptions
from harness.engine.part_of_plan import chosen
from harness.engine.resolve import resolve
from harness.engine.wanted import wanted
from harness.model.errors import HarnessError
from harness.model.plan import Plan
from harness.parts.cache import Cache


class PlanBeforeJob(JobPre):  # type: ignore[misc]
    name = KIND
    description = "Plans kvmppc's tasks before a job starts"

    def pre(self, job: Any) -> None:
        """JobBaseException, which ends the job, if there can be no plan."""
        tasks = [each for suite in job.test_suites for each in suite.tests if each.kind == KIND]
        try:
            give_plans(tasks)
        except HarnessError as error:
            raise JobBaseException(f"kvmppc: {error}") from error


def give_plans(tasks: list[Any]) -> None:
    """Resolves each set of options once, and gives each task its part of that plan, as JSON. Errors as of
    resolve(). tasks: runnables of the resolver's."""
    plans: dict[str, Plan] = {}
    for task in tasks:
        words = task.kwargs["options"]
        if words not in plans:
            options = RunOptions.from_words(shlex.split(words))
            plans[words] = resolve(wanted(options), options, _say)
        part = chosen(plans[words], task.kwargs["scenarios"].split())
        task.kwargs["plan"] = json.dumps(plan_file.to_json(part, Cache.root_of_user()))


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
