# SPDX-License-Identifier: GPL-2.0-only
"""Whether what a plan needs is booted here or runs elsewhere already."""

from __future__ import annotations

from collections.abc import Callable

from harness.engine import remote_environment as remote
from harness.engine.environment import Ready, prepare
from harness.engine.options import RunOptions
from harness.engine.plan import Plan
from harness.model.errors import UsageError


def ready(plan: Plan, options: RunOptions, progress: Callable[[str], None]) -> Ready:
    """Errors as of prepare() and of remote.prepare()."""
    if any(remote.is_remote(spec) for spec in plan.kernels.values()):
        return remote.prepare(plan, options)
    if options.expect_build_id:
        raise UsageError(*remote.NOT_OVER_SSH)
    return prepare(plan, options, progress)
