# SPDX-License-Identifier: GPL-2.0-only
"""``kvmppc run --plan``: a run as it was planned, perhaps by somebody else. Nothing is resolved."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from harness.engine import drive, plan_file
from harness.engine.options import RunOptions
from harness.engine.part_of_plan import chosen, require_files
from harness.engine.rundir import claim
from harness.model.errors import UsageError
from harness.parts.cache import Cache


def run(
    file: str, options: RunOptions, jobs: int, extra: Sequence[str], only_list: bool,
    progress: Callable[[str], None], show: Callable[[str], None],
) -> int:  # fmt: skip
    """Exit code of a run. UsageError for a plan that cannot be run here, and for options that would make it
    another one."""
    others = replace(options, only=(), run_dir="").arguments()
    if others:
        raise UsageError(f"--plan says all but --only and --run-dir, not {others[0]}", "leave it out")
    path = Path(file)
    plan = chosen(plan_file.read(path / plan_file.NAME if path.is_dir() else path, Cache.root_of_user()),
                  options.only)  # fmt: skip
    if only_list:
        for each in plan.scenarios:
            show(each.full_id)
        return 0
    require_files(plan, path)
    if any(kernel.machine is not None for kernel in plan.kernels.values()):
        from harness.engine.remote_environment import require_same_kernels  # it imports paramiko

        require_same_kernels(plan)
    return drive.run_plan(plan, claim(options.run_dir), jobs, extra, progress)
