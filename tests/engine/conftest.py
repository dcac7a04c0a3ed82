# SPDX-License-Identifier: GPL-2.0-only
"""Runs of the real plugin, in a pytest process of its own; see tests/standin.py."""

import json
import os
import subprocess
from pathlib import Path

import preloaded
import pytest

from harness.reports import jsonfile, recordlog

ROOT = Path(__file__).parent.parent.parent


def report_of(run):
    """As JSON; of a run that was killed from its records, None if it left nothing."""
    return jsonfile.document(*recordlog.of_run(run)) if recordlog.has_run(run) else None


@pytest.fixture
def begin(tmp_path):
    """Start a run in a process group of its own."""

    def start(script, *words):
        path = f"{ROOT / 'tests'}:{ROOT}"
        environment = {**os.environ, "SCRIPT": json.dumps(script), "PYTHONPATH": path}
        command = ["-m", "pytest", "-p", "standin", str(ROOT / "testcases"), "-q", "--tb=no"]
        command += ["-c", str(ROOT / "pyproject.toml"), "--rootdir", str(ROOT), "-p", "no:cacheprovider"]
        command += ["-p", "no:hypothesispytest"]  # it imports all of hypothesis when a session ends
        command += ["--kvmppc-run-dir", str(tmp_path / "run"), *words]
        return preloaded.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=tmp_path,
            env=environment, start_new_session=True, imports=["needed_by_runs"], workers="-n" in words,
        )  # fmt: skip

    return start


@pytest.fixture
def run(tmp_path, begin):
    """A run to its end: (process with its output in stdout, report or None)."""

    def start(script, *words):
        process = begin(script, *words)
        done = subprocess.CompletedProcess([], 0, process.communicate(timeout=60)[0], "")
        done.returncode = process.returncode
        return done, report_of(tmp_path / "run")

    return start
