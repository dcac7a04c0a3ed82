# SPDX-License-Identifier: GPL-2.0-only
"""How much memory there is for L1s."""

from __future__ import annotations

from pathlib import Path

from harness.processes.memory import available

_MEMINFO = "MemTotal: 24684092 kB\nMemFree: 1216572 kB\nMemAvailable: 24031380 kB\nHugePages_Total: 0\n"


def _machine(folder: Path, group: str = "/", **limits: str) -> dict[str, Path]:
    """limits: memory.max of groups, each key a path with _ for /; 300 of each are in use, 200 file cache."""
    proc, cgroup = folder / "proc", folder / "cgroup"
    (proc / "self").mkdir(parents=True)
    (proc / "meminfo").write_text(_MEMINFO)
    (proc / "self" / "cgroup").write_text(f"1:cpuset:/elsewhere\n0::{group}\n")
    for name, limit in limits.items():
        inner = cgroup / name.replace("_", "/")
        inner.mkdir(parents=True, exist_ok=True)
        (inner / "memory.max").write_text(limit + "\n")
        (inner / "memory.current").write_text("300\n")
        (inner / "memory.stat").write_text("anon 100\ninactive_file 200\n")
    return {"proc": proc, "cgroup": cgroup}


def test_page_cache_that_can_be_dropped_is_available(tmp_path: Path) -> None:
    assert available(**_machine(tmp_path)) == 24031380 << 10


def test_a_limit_of_our_cgroup_counts(tmp_path: Path) -> None:
    assert available(**_machine(tmp_path, "/ci/job", ci_job="1000")) == 1000 - 300 + 200


def test_a_limit_of_an_outer_cgroup_counts(tmp_path: Path) -> None:
    assert available(**_machine(tmp_path, "/ci/job", ci="700", ci_job="max")) == 700 - 300 + 200


def test_a_cgroup_over_its_limit_leaves_nothing(tmp_path: Path) -> None:
    assert available(**_machine(tmp_path, "/ci", ci="50")) == 0


def test_a_machine_without_cgroups(tmp_path: Path) -> None:
    parts = _machine(tmp_path)
    (parts["proc"] / "self" / "cgroup").unlink()
    assert available(**parts) == 24031380 << 10


def test_this_machine() -> None:
    assert available() > 0
