# SPDX-License-Identifier: GPL-2.0-only
"""A run is resolved once: what happens to trees, links and options afterwards changes nothing of it."""

import json
import shutil
from types import SimpleNamespace

import pytest

from harness.images import bootset
from harness.model.errors import InfrastructureError
from harness.parts.kernels import file_identity

CI = ("--kvmppc-matrix", "ci")


def resolved(tmp_path):
    path = tmp_path / "resolved"
    return path.read_text().splitlines() if path.exists() else []


@pytest.mark.parametrize("jobs", ["0", "2"])
def test_workers_resolve_nothing(run, tmp_path, jobs):
    done, report = run({}, *CI, "-n", jobs)
    assert done.returncode == 0, done.stdout
    assert len(resolved(tmp_path)) == 1
    plan = json.loads((tmp_path / "run/plan.json").read_text())
    assert [each["info"] for each in plan["kernels"]] == report["run"]["kernels"]
    assert report["run"]["command"] == plan["command"] == "kvmppc run --matrix ci"


@pytest.mark.parametrize("jobs", ["0", "2"])
def test_a_plan_is_run_as_it_is(run, tmp_path, jobs):
    """Whatever else is said: its scenarios and kernels are the plan's, and nothing is resolved."""
    done, _ = run({}, *CI, "-k", "7.3-papr-p11@p10-l2p10")
    assert done.returncode == 0, done.stdout
    again = tmp_path / "again"
    again.mkdir()
    plan = json.loads((tmp_path / "run/plan.json").read_text())
    plan["kernels"][0]["info"]["banner"] = "as it was planned"
    (again / "plan.json").write_text(json.dumps(plan))
    (tmp_path / "resolved").unlink()
    shutil.rmtree(tmp_path / "run")
    words = ("--kvmppc-plan", str(again / "plan.json"), "--kvmppc-matrix", "default", "-n", jobs)
    done, report = run({}, *words)
    assert done.returncode == 0, done.stdout
    assert report is None and not resolved(tmp_path), "all is where the plan is"
    saved = json.loads((again / "report.json").read_text())
    assert saved["run"]["kernels"][0]["banner"] == "as it was planned"
    assert len(saved["records"]) == 12


def test_a_plan_that_is_none_ends_it_in_one_line(run, tmp_path):
    (tmp_path / "plan.json").write_text("{}")
    done, report = run({}, "--kvmppc-plan", str(tmp_path / "plan.json"))
    assert done.returncode == 2 and report is None
    assert "is no plan of a known format" in done.stdout and "Traceback" not in done.stdout


def test_what_boots_of_an_image_of_the_users_is_a_copy(tmp_path):
    image, link, copy, kept = (tmp_path / name for name in ("vmlinux", "link", "copy", "kept"))
    image.write_text("an image")
    link.symlink_to(image)
    kernel = SimpleNamespace(vmlinux=link, identity=file_identity(link))
    shutil.copyfile(kernel.vmlinux, copy)
    bootset._keep_image(kernel, copy, kept)
    image.write_text("another")
    link.unlink()
    assert kept.read_text() == "an image"
    # One that changed before it was copied is not booted under the old name.
    copy.write_text("another")
    with pytest.raises(InfrastructureError, match="changed while it was copied"):
        bootset._keep_image(kernel, copy, kept)
