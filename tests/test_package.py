# SPDX-License-Identifier: GPL-2.0-only
"""A wheel holds all that a run needs, and the harness finds it wherever it is installed."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import harness
from harness import shipped
from harness.model.errors import InfrastructureError

ROOT = Path(harness.__file__).parent.parent

# What setuptools would put into a wheel, without making one: where to -> where from.
CONTENTS = """
import json, pathlib, sys
from distutils.core import run_setup
distribution = run_setup("setup.py", script_args=["build_py"], stop_after="commandline")
command = distribution.get_command_obj("build_py")
command.ensure_finalized()
found = {}
for package, module, file in command.find_all_modules():
    found["/".join([*package.split("."), pathlib.Path(file).name])] = file
for package, folder, _, files in command.data_files:
    for file in files:
        found["/".join([*package.split("."), file])] = f"{folder}/{file}"
json.dump([found, distribution.data_files], sys.stdout)
"""


@pytest.fixture(scope="module")
def contents():
    """(files of packages, data files). In a process of its own: setuptools changes the one it is in."""
    pytest.importorskip("setuptools")
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", "import setuptools\n" + CONTENTS],
        cwd=ROOT, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": ""},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout[done.stdout.index("[{") :])


def files_of(folder):
    """In a checkout, where nothing else may be there but what Python leaves."""
    return {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_every_file_is_in_the_wheel(contents):
    packaged = {Path(file).as_posix() for file in contents[0].values()}
    for folder in ("harness", "testcases", "kernel-patches"):
        assert files_of(folder) - packaged == set()
    assert not [each for each in packaged if each.endswith(".pyc")]


@pytest.mark.parametrize(
    "name",
    [
        "harness/testcases/test_2_l2.py",
        "harness/kernel_patches/compat-caps-merged/series.toml",
        "harness/kernel_patches/mutants/mutants.toml",
        "harness/parts/parts.lock",
        "harness/parts/mmdebstrap-hook",
        "harness/parts/kernelconfig/base.config",
        "harness/images/guest/init",
        "harness/images/guest/vcpus.py",
        "harness/reports/report.schema.json",
    ],
)
def test_where_it_is_in_the_wheel(contents, name):
    assert name in contents[0]


def test_all_is_in_one_package(contents):
    assert {each.partition("/")[0] for each in contents[0]} == {"harness"}


def test_the_man_page_is_where_man_looks(contents):
    assert contents[1] == [["share/man/man1", ["docs/kvmppc.1"]]]


def test_dependencies_are_imported():
    """Each by a file of ours, or it is what another one needs to be of use."""
    names = {
        "avocado-framework": "avocado", "avocado-framework-plugin-varianter-cit": "avocado_varianter_cit",
        "pyelftools": "elftools", "pytest-xdist": "xdist", "qemu-qmp": "qemu",
    }  # fmt: skip
    # avocado run --spawner=remote; what avocado-framework imports.
    others = {"avocado-framework-plugin-spawner-remote", "setuptools"}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    text = "\n".join(path.read_text() for path in (ROOT / "harness").rglob("*.py"))
    for each in project["dependencies"]:
        name = re.split("[<>=]", each)[0]
        module = names.get(name, name)
        assert name in others or f"import {module}" in text or f"from {module}" in text, name


# --- found ---


def test_in_a_checkout():
    assert shipped.testcases() == ROOT / "testcases"
    assert shipped.kernel_patches() == ROOT / "kernel-patches"


def test_in_an_installed_package(monkeypatch, tmp_path):
    package = tmp_path / "site-packages/harness"
    for name in ("testcases", "kernel_patches"):
        (package / name).mkdir(parents=True)
    # Somebody else's folders beside it are not ours.
    (tmp_path / "site-packages/testcases").mkdir()
    (tmp_path / "site-packages/kernel-patches").mkdir()
    monkeypatch.setattr(harness, "__file__", str(package / "__init__.py"))
    assert shipped.testcases() == package / "testcases"
    assert shipped.kernel_patches() == package / "kernel_patches"


def test_nowhere(monkeypatch, tmp_path):
    monkeypatch.setattr(harness, "__file__", str(tmp_path / "harness/__init__.py"))
    with pytest.raises(InfrastructureError, match="there is no kernel_patches in it, nor kernel-patches"):
        shipped.kernel_patches()


COLLECT = """
import sys, pytest
from harness import shipped
from harness.engine import drive
sys.exit(pytest.main([str(shipped.testcases()), *drive.pytest_settings(), "--collect-only", "-q"]))
"""


def test_pytest_finds_our_tests_in_an_installed_package(tmp_path):
    """In a virtual environment in somebody's project, whose settings are not ours."""
    package = tmp_path / "site-packages/harness"
    package.mkdir(parents=True)
    for each in (ROOT / "harness").iterdir():
        (package / each.name).symlink_to(each)
    shutil.copytree(ROOT / "testcases", package / "testcases")
    (package / "kernel_patches").symlink_to(ROOT / "kernel-patches")
    (tmp_path / "conftest.py").write_text("raise RuntimeError('not ours')\n")
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --nonsense\n")
    done = subprocess.run(
        [sys.executable, "-c", COLLECT],
        cwd=tmp_path, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(package.parent)},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^testcases/test_2_l2.py::.*papr-p11@p10-l2host\]", done.stdout, re.MULTILINE)
