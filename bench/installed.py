# SPDX-License-Identifier: GPL-2.0-only
"""A package, installed into an empty directory, boots a scenario from another one, without this checkout.

    .venv/bin/python bench/installed.py [ARGUMENT...]     arguments for kvmppc run

Exit status of that run; 3 if the package cannot be made, or if something of the checkout was used.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).absolute().parent.parent
SOURCES = (
    "harness", "testcases", "kernel-patches", "docs", "setup.py", "pyproject.toml", "README.md", "LICENSE",
)  # fmt: skip
SCENARIO = ("--kernel", "debian:7.3", "--only", "papr-p11@p10-l2p10")

WHERE = "import harness, harness.shipped as it; print(harness.__file__, it.testcases(), it.kernel_patches())"


def main(words: list[str]) -> int:
    with tempfile.TemporaryDirectory(prefix="kvmppc-installed-") as name:
        scratch = Path(name)
        site, elsewhere = scratch / "site", scratch / "elsewhere"
        elsewhere.mkdir()
        if not install(scratch / "sources", site):
            return 3
        environment = {**os.environ, "PYTHONPATH": str(site)}
        used = subprocess.run(
            [sys.executable, "-c", WHERE], cwd=elsewhere, env=environment, stdout=subprocess.PIPE, text=True,
            check=True,
        ).stdout.split()  # fmt: skip
        if not all(each.startswith(f"{site}/") for each in used):
            print(f"installed to {site}, and this was used: {' '.join(used)}", file=sys.stderr)
            return 3
        run = [sys.executable, "-m", "harness", "run", "--jobs", "1", "--run-dir", str(scratch / "run")]
        run += words or SCENARIO
        return subprocess.run(run, cwd=elsewhere, env=environment, check=False).returncode


def install(sources: Path, site: Path) -> bool:
    """From a copy: setuptools leaves files where it builds, and takes those that an earlier build left."""
    sources.mkdir()
    for each in SOURCES:
        if (ROOT / each).is_dir():
            shutil.copytree(ROOT / each, sources / each, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / each, sources / each)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation"]
    return subprocess.run([*pip, "--target", str(site), str(sources)], check=False).returncode == 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
