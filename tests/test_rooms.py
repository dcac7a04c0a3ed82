# SPDX-License-Identifier: GPL-2.0-only
"""Data flows one way between the packages: the contracts in pyproject.toml."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def lint(config):
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache", "--config", str(config)]
    return subprocess.run(
        command,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


def test_imports_go_one_way():
    done = lint(ROOT / "pyproject.toml")
    assert done.returncode == 0, done.stdout


# Parts that each feature has under the same name.
ROLES = {"facts", "oracle", "registration", "sentences", "suite"}
LARGEST = 350  # lines of a file; more wants a reason
REASONS = {
    "harness/health/cause.py": "one table of rules, each with what it rests on",
    "harness/engine/running_l1.py": "what a record needs of its levels is decided in one place",
    "harness/levels/linux.py": "a level's whole life",
}


def modules():
    return [
        path.relative_to(ROOT)
        for path in sorted((ROOT / "harness").rglob("*.py"))
        if not path.stem.startswith("__")
    ]


def test_a_name_means_one_thing():
    places = {}
    for path in modules():
        if not ("features" in path.parts and path.stem in ROLES):
            places.setdefault(path.stem, []).append(str(path))
    twice = {name: found for name, found in places.items() if len(found) > 1}
    # The facts and sentences that all features share are those of the model and of the reports.
    assert twice == {}


def test_no_file_is_a_shelf():
    long = {str(path) for path in modules() if len((ROOT / path).read_text().splitlines()) > LARGEST}
    assert long == set(REASONS), "give it a reason, or take the reason away"


def test_the_contracts_can_be_broken(tmp_path):
    """The other way round they must fail, or they check nothing."""
    config = tmp_path / "config.toml"
    config.write_text(
        '[tool.importlinter]\nroot_packages = ["harness"]\n[[tool.importlinter.contracts]]\n'
        'name = "x"\ntype = "forbidden"\nsource_modules = ["harness.levels"]\n'
        'forbidden_modules = ["harness.model"]\n'
    )
    assert lint(config).returncode == 1
