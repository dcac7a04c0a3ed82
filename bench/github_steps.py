#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Runs the steps of a job of ci/templates/github.yml here, in a workspace as GitHub makes one.

    .venv/bin/python bench/github_steps.py nightly --words '--matrix ci' --name debian-kernels
    .venv/bin/python bench/github_steps.py series --linux ~/linux

Steps that use an action of others are what this makes the workspace for: checkouts are clones, the rest is
left out. Exit code of the first step that failed; steps with ``if: always()`` run all the same.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml

from harness.processes import group

ROOT = Path(__file__).absolute().parent.parent


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("job")
    parser.add_argument("--linux", type=Path, help="the tree that a push is to; cloned")
    parser.add_argument("--words", default="", help="matrix.words")
    parser.add_argument("--name", default="", help="matrix.name")
    parser.add_argument("--workspace", type=Path)
    words = parser.parse_args()
    workflow = yaml.safe_load((ROOT / "ci/templates/github.yml").read_text())
    workspace = words.workspace or Path(tempfile.mkdtemp(prefix="kvmppc-github-"))
    subprocess.run(["git", "clone", "-q", str(ROOT), str(workspace / "harness")], check=True)
    if words.linux:
        subprocess.run(["git", "clone", "-q", str(words.linux), str(workspace / "linux")], check=True)
    values = {"matrix.words": words.words, "matrix.name": words.name}
    sys.exit(run(workflow["jobs"][words.job]["steps"], workspace, values))


def run(steps: list[dict[str, Any]], workspace: Path, values: dict[str, str]) -> int:
    summary = workspace / "summary.md"
    environment = {
        **os.environ, "GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(summary), "CI": "true",
        "PATH": os.environ["PATH"],
    }  # fmt: skip
    failed = 0
    for step in steps:
        condition = str(step.get("if", ""))
        if "run" not in step or (failed and "always()" not in condition):
            continue
        wanted = re.fullmatch(r"matrix\.name == '([^']*)'", condition)
        if wanted and wanted[1] != values["matrix.name"]:
            continue
        command = re.sub(r"\$\{\{ ([\w.]+) \}\}", lambda found: values[found[1]], step["run"])
        print(f"=== {step.get('name', '')}: {command}", flush=True)
        step_itself = group.start(["bash", "-e", "-c", command], cwd=workspace, env=environment)
        try:
            status = step_itself.process.wait()
        finally:
            step_itself.kill()
        print(f"--- exit status {status}", flush=True)
        failed = failed or status
    print(summary.read_text() if summary.exists() else "no summary")
    print(f"workspace: {workspace}")
    return failed


if __name__ == "__main__":
    main()
