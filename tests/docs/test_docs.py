# SPDX-License-Identifier: GPL-2.0-only
"""Every command in the docs is run by a test, or says why it is not.

A comment before each block of commands says which: ``fast`` ones are run here, ``boots`` ones by ci/docs, and
``not here: WHY`` by nobody. All of them must at least be words that the command line takes.
"""

import os
import re
import shlex
import subprocess
from pathlib import Path

import click
import preloaded
import pytest

from harness.cli import cli

ROOT = Path(__file__).parent.parent.parent
PAGES = sorted((ROOT / "docs").glob("*.md"))
BLOCK = re.compile(r"(?:<!-- (?P<mark>[^>]*) -->\n)?```sh\n(?P<body>.*?)```", re.DOTALL)
GENERATED = ("abi-results.md", "engines.md")


def blocks(page):
    return [(found["mark"], found["body"]) for found in BLOCK.finditer(page.read_text())]


def commands(mark):
    return [
        pytest.param(line, id=f"{page.stem}: {line}")
        for page in PAGES
        for found, body in blocks(page)
        if (found or "").partition(":")[0] == mark
        for line in body.splitlines()
        if line.strip() and not line.startswith("#")
    ]


def readme_commands():
    text = (ROOT / "README.md").read_text()
    lines = [line for body in re.findall(r"```\n(.*?)```", text, re.DOTALL) for line in body.splitlines()]
    words = [re.sub(r"\s+# .*$", "", line) for line in lines]
    return [pytest.param(line, id=line) for line in words if re.match(r"kvmppc \w", line) and "<" not in line]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_block_says_who_runs_it(page):
    for mark, body in blocks(page):
        assert mark in ("fast", "boots") or re.fullmatch(r"not here: .{10,}", mark or ""), body


def test_the_pages_are_there_and_linked():
    linked = set(re.findall(r"\]\(([\w-]+\.md)\)", "".join(page.read_text() for page in PAGES)))
    names = {page.name for page in PAGES}
    assert linked <= names | set(GENERATED)
    assert names - linked <= {"index.md", *GENERATED}


@pytest.mark.parametrize("line", commands("fast"))
def test_a_fast_command_runs(line, tmp_path):
    environment = {**os.environ, "KVMPPC_CACHE": str(tmp_path / "cache"), "COLUMNS": "120"}
    settings = {"cwd": ROOT, "capture_output": True, "text": True, "env": environment, "timeout": 60}
    plain = re.fullmatch(r"\.venv/bin/kvmppc ([\w= :+@,-]+)", line)
    if plain and "--help" not in line:
        # As the script does it that pip makes, which the lines with --help start.
        done = preloaded.run(["-m", "harness", *shlex.split(plain[1])], imports=["harness.cli"], **settings)
    else:
        done = subprocess.run(["bash", "-c", line], check=False, **settings)
    # A machine may lack what doctor looks for, and says so.
    assert done.returncode == 0 or ("doctor" in line and done.returncode == 3), done.stderr
    assert done.stdout.strip()


def taken(line):
    """Whether kvmppc takes these words, as far as that shows without running them."""
    words = shlex.split(line.replace(".venv/bin/", ""))
    words = words[words.index("kvmppc") + 1 :]
    command, context = cli, click.Context(cli)
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        name = words.pop(0)
        found = command.get_command(context, name)
        assert found is not None, f"no command {name}"
        command = found
    command.make_context("kvmppc", words, resilient_parsing=False)


@pytest.mark.parametrize(
    "line", [each for each in (*commands("boots"), *commands("not here")) if "kvmppc " in each.values[0]]
)
def test_a_command_that_boots_has_words_that_are_taken(line):
    if re.search(r"\bkvmppc \w", line) and "avocado" not in line:
        taken(line)


@pytest.mark.parametrize("line", readme_commands())
def test_the_readme_has_words_that_are_taken(line):
    if "<script.sh" not in line:
        taken(line)


def test_words_that_are_not_taken_are_seen():
    with pytest.raises(click.ClickException):
        taken("kvmppc run --no-such-option")
    with pytest.raises(AssertionError):
        taken("kvmppc nonsense")
