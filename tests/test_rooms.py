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


def test_the_contracts_can_be_broken(tmp_path):
    """The other way round they must fail, or they check nothing."""
    config = tmp_path / "config.toml"
    config.write_text(
        '[tool.importlinter]\nroot_packages = ["harness"]\n[[tool.importlinter.contracts]]\n'
        'name = "x"\ntype = "forbidden"\nsource_modules = ["harness.levels"]\n'
        'forbidden_modules = ["harness.model"]\n'
    )
    assert lint(config).returncode == 1
