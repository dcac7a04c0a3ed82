# SPDX-License-Identifier: GPL-2.0-only
"""``ci/run`` and ``ci/test``: what they start, what they pass on, how they end."""

from __future__ import annotations

import os
import re
import shutil
import subprocess

import pytest
from fake_machine import PROJECT, Machine

SCRIPTS = ("ci/setup", "ci/run", "ci/test", ".ci/run")
STEPS = (
    "setup",
    "ruff check",
    "ruff format",
    "mypy",
    "lint-imports",
    "fast tests",
    "small real matrix",
    "three levels on powernv",
    "a series, patch by patch",
    "conformance suite",
    "mutants are caught",
    "an installed package",
    "faults are no kernel's",
    "bisect",
)

BOOTING = STEPS[STEPS.index("small real matrix") :]


@pytest.mark.parametrize("script", SCRIPTS)
def test_script_is_sound(script: str) -> None:
    path = PROJECT / script
    text = path.read_text()
    assert os.access(path, os.X_OK)
    assert text.startswith("#!/usr/bin/env bash\n# SPDX-License-Identifier: GPL-2.0-only\n")
    assert "set -euo pipefail" in text
    subprocess.run(["bash", "-n", path], check=True)


@pytest.mark.parametrize("script", SCRIPTS)
def test_shellcheck_finds_nothing(script: str) -> None:
    if shutil.which("shellcheck") is None:
        pytest.skip("shellcheck is not installed")
    result = subprocess.run(["shellcheck", PROJECT / script], capture_output=True, text=True, check=False)
    assert result.stdout == ""


@pytest.mark.parametrize("script", SCRIPTS)
def test_script_names_no_host(script: str) -> None:
    """Where packages come from is the host's own affair."""
    assert re.findall(r"\w+://\w\S*|\b[\w-]+\.(?:org|com|net|io)\b", (PROJECT / script).read_text()) == []


# --- ci/run ---


def test_run_passes_words_and_directory_on(machine: Machine) -> None:
    result = machine.run("ci/run", "--kernel", "my vmlinux", "*")
    assert result.returncode == 0
    assert result.stdout.splitlines()[0] == (
        f"kvmppc in {machine.elsewhere} with 4: run --kernel my vmlinux *"
    )


def test_run_ends_as_kvmppc_does(machine: Machine) -> None:
    machine.set("exit-kvmppc", "1")
    assert machine.run("ci/run").returncode == 1


def test_run_without_setup_is_an_infrastructure_error(machine: Machine) -> None:
    machine.without("mmdebstrap")
    result = machine.run("ci/run")
    assert result.returncode == 3
    assert "kvmppc in" not in result.stdout


# --- ci/test ---


def _steps(output: str) -> list[str]:
    return re.findall(r"^=== (.*)$", output, re.MULTILINE)


def _summary(output: str) -> list[tuple[str, str]]:
    lines = output.partition("=== summary\n")[2].splitlines()
    found = [re.fullmatch(r"(ok|FAILED) +(.*?) +\d+\.\d s(?:  \(exit \d+\))?", line) for line in lines]
    return [(match[1], match[2]) for match in found if match]


@pytest.mark.parametrize("script", ["ci/test", ".ci/run"])
def test_all_steps_run_in_the_project(machine: Machine, script: str) -> None:
    result = machine.run(script)
    assert result.returncode == 0
    assert _steps(result.stdout) == [*STEPS, "summary"]
    assert _summary(result.stdout) == [("ok", name) for name in STEPS]
    assert f"kvmppc in {machine.root} with 3: run --matrix ci" in result.stdout
    assert f"pytest in {machine.root} with 6: tests -q -n 3 --dist worksteal" in result.stdout


def test_a_failed_step_stops_no_other(machine: Machine) -> None:
    for name in ("ruff", "mypy", "kvmppc"):
        machine.set(f"exit-{name}", "1")
    result = machine.run("ci/test")
    assert result.returncode == 1
    assert _steps(result.stdout) == [*STEPS, "summary"]
    failed = [name for word, name in _summary(result.stdout) if word == "FAILED"]
    assert failed == ["ruff check", "ruff format", "mypy", *BOOTING]


@pytest.mark.parametrize(
    ("kvmppc", "mypy", "status"), [(3, 0, 3), (3, 1, 1), (1, 0, 1), (2, 0, 1), (130, 0, 1)]
)
def test_only_infrastructure_failures_end_with_3(
    machine: Machine, kvmppc: int, mypy: int, status: int
) -> None:
    machine.set("exit-kvmppc", str(kvmppc))
    machine.set("exit-mypy", str(mypy))
    assert machine.run("ci/test").returncode == status


def test_a_failed_setup_ends_it(machine: Machine) -> None:
    machine.without("mmdebstrap")
    result = machine.run("ci/test")
    assert result.returncode == 3
    assert _steps(result.stdout) == ["setup"]


def test_fast_boots_nothing(machine: Machine) -> None:
    result = machine.run("ci/test", "--fast")
    assert result.returncode == 0
    assert _steps(result.stdout) == [*STEPS[: -len(BOOTING)], "summary"]
    assert result.stdout.splitlines()[-1].startswith("skipped what boots: ")


def test_steps_get_no_input_and_no_colour(machine: Machine) -> None:
    result = machine.run("ci/test", env={"CI": "true", "FORCE_COLOR": "1"})
    assert "typed by somebody" not in result.stdout
    assert result.stdout.count("NO_COLOR=1 FORCE_COLOR= stdin=\n") == len(STEPS) - 1
    assert "\x1b" not in result.stdout


def test_an_unknown_word_is_a_usage_error(machine: Machine) -> None:
    result = machine.run("ci/test", "--quick")
    assert result.returncode == 2
    assert "--quick" in result.stderr
    assert machine.calls() == []


def test_help_shows_the_words(machine: Machine) -> None:
    result = machine.run("ci/test", "--help")
    assert result.returncode == 0
    assert "--fast" in result.stdout
    assert machine.calls() == []


def test_pre_commit_checks_what_ci_checks() -> None:
    """All but the real matrix, word for word."""
    text = (PROJECT / "ci/test").read_text()
    script = re.findall(r'^step (?:"[^"]+"|\S+) (\.venv/.*)$', text, re.MULTILINE)
    hooks = re.findall(r"^ +entry: (.*)$", (PROJECT / ".pre-commit-config.yaml").read_text(), re.MULTILINE)
    assert len(hooks) == 5
    assert hooks == script
