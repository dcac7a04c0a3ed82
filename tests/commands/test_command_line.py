# SPDX-License-Identifier: GPL-2.0-only
"""Words of the command line that lead nowhere are told in one line, before anything is fetched or built."""

import signal
import subprocess
import sys
from pathlib import Path

import click
import pytest

from harness import entry
from harness.cli import cli

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def kvmppc(monkeypatch, capsys, tmp_path):
    """The command from its first line to its exit code, in this process: ``kvmppc(*words)`` is the exit code,
    ``kvmppc.said()`` what is on stdout and stderr."""
    monkeypatch.setattr(entry.outlet, "install", lambda: None)  # pytest's streams are no descriptors
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KVMPPC_CACHE", str(tmp_path / "cache"))

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["kvmppc", *words])
        before = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
        try:
            with pytest.raises(SystemExit) as raised:
                entry.main()
        finally:
            for each, handler in before.items():
                signal.signal(each, handler)
        return raised.value.code

    run.said = capsys.readouterr
    return run


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
def test_bad_words(words, said, kvmppc, tmp_path):
    assert kvmppc(*words.split()) == 2
    out, err = kvmppc.said()
    assert said in err
    assert len(err.splitlines()) == 1
    assert out == ""
    assert not (tmp_path / "runs").exists()


def test_as_a_program(tmp_path):
    """The same as in this process."""
    done = subprocess.run(
        [sys.executable, "-m", "harness", "run", "--suite", "none"],
        capture_output=True, text=True, check=False, cwd=tmp_path,
        env={"KVMPPC_CACHE": str(tmp_path / "cache"), "PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr == "kvmppc: --suite 'none' is unknown; known are boot, abi, all\n"
    assert done.stdout == ""


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
