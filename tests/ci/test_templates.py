# SPDX-License-Identifier: GPL-2.0-only
"""The templates: by their schemas, by what their steps say, and the one script in them as a job runs it."""

import os
import re
import subprocess
from pathlib import Path

import preloaded
import pytest
import yaml
from delivered import whole
from quoting import quoted

from harness.model.level_facts import Ended
from harness.model.outcome import Outcome
from harness.model.record import KernelInfo, Record, RunInfo
from harness.model.verdict import Kind
from harness.reports import annotations, jsonfile

ROOT = Path(__file__).parent.parent.parent
TEMPLATES = ROOT / "ci/templates"


def check(words, file):
    """check-jsonschema of a file."""
    command = ["-m", "check_jsonschema", *words, file]
    return preloaded.run(command, imports=["check_jsonschema"], capture_output=True, text=True)


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("github.yml", ["--builtin-schema", "vendor.github-workflows"]),
        ("gitlab.yml", ["--builtin-schema", "vendor.gitlab-ci", "--data-transform", "gitlab-ci"]),
    ],
)
def test_a_template_fits_the_services_schema(file, words, tmp_path):
    done = check(words, TEMPLATES / file)
    assert done.returncode == 0, done.stdout
    broken = tmp_path / file
    broken.write_text(
        (TEMPLATES / file)
        .read_text()
        .replace("  script:", "  scripts: 7\n  scrip:")
        .replace("runs-on", "run-on")
    )
    done = check(words, broken)
    assert done.returncode != 0 and "Schema validation errors" in done.stdout


def commands():
    jobs = yaml.safe_load((TEMPLATES / "github.yml").read_text())["jobs"]
    return [step["run"] for job in jobs.values() for step in job["steps"] if "run" in step]


def test_each_job_keeps_its_results_when_it_is_cancelled():
    for job in yaml.safe_load((TEMPLATES / "github.yml").read_text())["jobs"].values():
        uploads = [step for step in job["steps"] if "upload-artifact" in step.get("uses", "")]
        assert uploads and all(step["if"] == "always()" for step in uploads)
        assert job["timeout-minutes"] <= 90
    gitlab = yaml.safe_load((TEMPLATES / "gitlab.yml").read_text())
    assert gitlab[".kvmppc"]["artifacts"]["when"] == "always"


def test_what_a_template_runs_is_there():
    text = "".join(path.read_text() for path in TEMPLATES.iterdir())
    for path in set(re.findall(r"(?:kvmppc-)?harness/(ci/[\w/]+)", text)):
        assert (ROOT / path).exists(), path
    assert any("kvmppc probe" in each for each in commands())


@pytest.mark.parametrize("path", sorted(TEMPLATES.iterdir()), ids=lambda path: path.name)
def test_no_template_names_a_host(path):
    assert re.findall(r"\w+://\w\S*|\b[\w-]+\.(?:org|com|net|io)\b", path.read_text()) == []


def run_directory(path, kind):
    verdict = quoted("L2 outcome", kind, "booted as P10", "panic, 100%", "a line\nof two", right=False)
    record = Record("7.3", "papr", "p11@p10", "l2p10", "l2", Ended(Outcome.PANIC), (verdict,), "d")
    kernel = KernelInfo("7.3", "debian:7.3", "7.3", "", "merged", "x")
    path.mkdir()
    jsonfile.write(
        path / "report.json", RunInfo("", "", "", (kernel,), "", "", ()), [record], whole([record])
    )


def annotate(tmp_path, *runs, **environment):
    done = subprocess.run(
        [TEMPLATES / "annotate", *runs], cwd=tmp_path, capture_output=True, text=True, check=False,
        env={**os.environ, **environment},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_failure_is_annotated_by_cause(tmp_path):
    run_directory(tmp_path / "fail", Kind.FAIL)
    summary = tmp_path / "summary.md"
    out = annotate(tmp_path, tmp_path / "fail", GITHUB_ACTIONS="true", GITHUB_STEP_SUMMARY=str(summary))
    line = out.splitlines()[0]
    assert line.startswith(
        "::error title=the kernel%3A 7.3-papr-p11@p10-l2p10 l2::L2 outcome: expected booted"
    )
    assert "panic, 100%25 (a line%0Aof two); again: kvmppc run" in line
    assert "**panic FAIL**" in summary.read_text()


def test_elsewhere_it_is_plain_words(tmp_path):
    run_directory(tmp_path / "infra", Kind.INFRASTRUCTURE)
    out = annotate(tmp_path, tmp_path / "infra", GITHUB_ACTIONS="", GITHUB_STEP_SUMMARY="")
    assert out.startswith("the infrastructure: 7.3-papr-p11@p10-l2p10 l2: L2 outcome")


def test_a_job_that_was_cancelled_before_its_first_run(tmp_path):
    assert "no run left a report" in annotate(tmp_path, tmp_path / "results/*")


def test_defects_are_notices():
    verdict = quoted("c", Kind.DEFECT, "a", "b")
    record = Record("7.3", "papr", "p9", "l2host", "l2", None, (verdict,), "d")
    kernel = KernelInfo("7.3", "debian:7.3", "7.3", "", "merged", "x")
    found = annotations.lines(
        RunInfo("", "", "", (kernel,), "", "", ()), [record], whole([record]), {"GITHUB_ACTIONS": "true"}
    )
    assert found[0].startswith("::notice title=a known defect")
