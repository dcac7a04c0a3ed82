# SPDX-License-Identifier: GPL-2.0-only
"""The table of commands says what their files say, and help imports nothing that takes long."""

import inspect
import json
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

import harness
from harness.cli import COMMANDS, cli

ROOT = Path(harness.__file__).parent.parent
FOLDER = ROOT / "harness/commands"

# What takes long to import, or is for something else than help.
HEAVY = (
    "asyncio", "avocado", "elftools", "filelock", "hypothesis", "invoke", "jinja2", "jsonschema",
    "junitparser", "paramiko", "pexpect", "pytest", "rich", "unittest", "xdist",
    "harness.commands.report", "harness.engine.environment", "harness.engine.resolve",
    "harness.engine.wanted", "harness.parts.kernels",
)  # fmt: skip

EACH_HELP = """
import sys, click
from harness.entry import main
from harness.cli import COMMANDS, cli
for row in COMMANDS:
    row.load().get_help(click.Context(cli))
"""
KVMPPC_HELP = """
import sys
from harness.entry import main
sys.argv = ["kvmppc", "--help"]
try:
    main()
except SystemExit as error:
    assert not error.code
"""
COMPLETION = """
import os, sys
os.environ |= {"_KVMPPC_COMPLETE": "bash_complete", "COMP_LINE": "kvmppc run --only papr"}
from harness.entry import main
sys.argv = ["kvmppc"]
try:
    main()
except SystemExit as error:
    assert not error.code
"""
REPORT = "\nimport json\nprint(json.dumps(sorted(sys.modules)), file=sys.stderr)\n"


def imported(code):
    done = subprocess.run(
        [sys.executable, "-c", code + REPORT],
        capture_output=True, text=True, check=True, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    return done.stdout, set(json.loads(done.stderr.splitlines()[-1]))


def test_help_imports_no_command_and_nothing_that_takes_long():
    said, modules = imported(KVMPPC_HELP)
    assert "Boot the scenarios of a matrix and judge them." in said
    assert not modules & set(HEAVY)
    assert not [each for each in modules if each.startswith("harness.commands.")]


def test_help_of_each_command_imports_nothing_that_takes_long():
    _, modules = imported(EACH_HELP)
    assert not modules & set(HEAVY)
    assert {f"harness.commands.{row.module}" for row in COMMANDS} <= modules


def test_completion_imports_nothing_that_takes_long():
    said, modules = imported(COMPLETION)
    assert "plain,papr-p11@p10-l2host" in said.splitlines()
    assert not modules & set(HEAVY)


@pytest.mark.parametrize("row", COMMANDS, ids=lambda row: row.name)
def test_a_row_says_what_its_command_says(row):
    command = row.load()
    assert command.name == row.name
    assert inspect.cleandoc(command.help).splitlines()[0] == row.summary


def test_every_file_with_a_command_is_in_the_table():
    files = {
        ".".join(path.relative_to(FOLDER).with_suffix("").parts)
        for path in FOLDER.rglob("*.py")
        if "\ndef command(" in path.read_text()
    }
    assert files == {row.module for row in COMMANDS}


def test_help_lists_all_of_them_with_their_summaries():
    """As click lists commands that it knows."""
    known = click.Group("kvmppc", commands={row.name: row.load() for row in COMMANDS})
    theirs = CliRunner().invoke(known, ["--help"], prog_name="kvmppc").output
    ours = CliRunner().invoke(cli, ["--help"], prog_name="kvmppc").output
    assert ours.partition("Commands:")[2] == theirs.partition("Commands:")[2] != ""


def test_a_command_that_is_none():
    done = CliRunner().invoke(cli, ["nonsense"])
    assert done.exit_code == 2
    assert "No such command 'nonsense'" in done.output
