# SPDX-License-Identifier: GPL-2.0-only
"""Words of the command line that lead nowhere are told in one line, before anything is fetched or built."""

from pathlib import Path

import click
import preloaded
import pytest

from harness.cli import cli

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("compare debian:7.3 debian:7.3", "cannot be compared with itself"),
        ("compare debian:7.3", "Missing argument"),
        ("probe --ssh root@", "names no machine"),
        ("probe --ssh lpar --topology powernv11", "tests one L1 as it is"),
        ("probe --ssh lpar --l1 p11 --l1 p10", "tests one L1 as it is"),
        ("probe --fuzz -1", "--fuzz: expected seconds from 0 to 999999, got '-1'"),
        ("probe --fuzz 1e9", "--fuzz: expected seconds from 0 to 999999, got '1e9'"),
        ("probe --seed 1.5", "--seed: expected a whole number from 0 to 999999, got '1.5'"),
        ("run --timeout-scale x", "--timeout-scale: expected a number from 0.1 to 100, got 'x'"),
        ("run --timeout-scale 0", "--timeout-scale: expected a number from 0.1 to 100, got '0'"),
        ("run --timeout-scale nan", "--timeout-scale: expected a number from 0.1 to 100, got 'nan'"),
        ("probe --ssh lpar --expect-build-id 12g4", "is neither a build id nor a file"),
        ("probe --expect-build-id 0123456789abcdef", "is for a machine over SSH"),
        ("run --expect-build-id 0123456789abcdef", "No such option"),
        ("probe --expect 7.2", "is two kernels"),
        ("probe --fuzz -1", "expected seconds from 0 to 999999"),
        ("probe --call nonsense", "is no call"),
        ("report /nonexistent", "cannot be read"),
        ("run --suite none", "--suite 'none' is unknown"),
        ("compare debian:7.3 debian:6.12 --kernel debian:7.2", "No such option"),
        ("compare debian:7.3 debian:6.12 --matrix x", "unknown matrix"),
        ("run --each-patch debian-source:7.2", "has no series"),
        ("run --each-patch debian:7.3+compat-caps-v1", "give debian-source:7.3"),
        ("run --each-patch debian-source:7.2+compat-caps-v1 --kernel debian:7.3", "takes no --kernel"),
        ("run --each-patch debian-source:7.2+compat-caps-v1 --l1 p7", "p7"),
        ("run --each-patch debian-source:7.2+compat-caps-v1 --suite abi", "give --suite all"),
        ("build nowhere", "neither a file nor a known kind"),
        ("build debian:7.3+compat-caps-v1", "give debian-source:7.3"),
    ],
)
def test_bad_words(words, said, tmp_path):
    done = preloaded.run(
        ["-m", "harness", *words.split()],
        imports=["needed_by_commands"], capture_output=True, text=True, cwd=tmp_path,
        env={"KVMPPC_CACHE": str(tmp_path / "cache"), "PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 2
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert done.stdout == ""
    assert not (tmp_path / "runs").exists()


def every_command(group=cli, names=()):
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        yield (*names, name), command
        if isinstance(command, click.Group):
            yield from every_command(command, (*names, name))


@pytest.mark.parametrize(("names", "command"), list(every_command()), ids=lambda each: str(each))
def test_every_command_has_examples(names, command):
    """Of itself, with words that it takes."""
    assert f"kvmppc {names[0]}" in command.help
