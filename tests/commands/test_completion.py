# SPDX-License-Identifier: GPL-2.0-only
"""What shells are offered: values that commands take, whatever the shell does to the line."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.shell_completion import get_completion_class

import harness
from harness import entry
from harness.cli import COMMANDS, cli
from harness.commands import completion
from harness.commands.completion_bash import KvmppcBashComplete, after_the_cut
from harness.engine.options import OPTIONS, RunOptions
from harness.engine.wanted import wanted
from harness.features.compat_caps.behaviour import is_name
from harness.model.errors import UsageError
from harness.model.matrix import MATRICES
from harness.model.plan import Suite
from harness.model.workarounds import WORKAROUNDS
from harness.parts.kernelspec import parse_spec
from harness.parts.mutant_catalogue import all_mutants

ROOT = Path(harness.__file__).parent.parent
BREAKS = " \t\n\"'@><=;|&(:"


@pytest.fixture
def bash(monkeypatch):
    """What bash is answered for a line up to the cursor."""

    def ask(line, breaks=BREAKS):
        monkeypatch.setenv("COMP_LINE", line)
        monkeypatch.setenv("COMP_WORDBREAKS", breaks)
        return KvmppcBashComplete(cli, {}, "kvmppc", "_KVMPPC_COMPLETE").complete().splitlines()

    return ask


def values(bash, line):
    """With bash's default, but for the cuts."""
    return [each.removeprefix("plain,") for each in bash(line, " ") if each.startswith("plain,")]


# --- each value is one that is taken ---


def test_commands(bash):
    assert values(bash, "kvmppc ") == [row.name for row in COMMANDS]
    assert values(bash, "kvmppc bi") == ["bisect", "bisect-step"]
    assert values(bash, "kvmppc parts ") == ["ls", "prune", "update"]


def test_matrices(bash):
    found = values(bash, "kvmppc run --matrix ")
    assert found == [*(each.name for each in MATRICES), "pairwise"]
    assert values(bash, "kvmppc run --matrix=pa") == ["patches", "pairwise"]


def test_scenarios_are_those_of_the_matrix(bash):
    every = values(bash, "kvmppc run --only ")
    assert [each.id for each in wanted(RunOptions(matrix="full", kernels=("debian:7.3",))).scenarios] == every
    few = values(bash, "kvmppc run --matrix ci --only ")
    assert few == ["papr-p11@p10-l2host", "papr-p11@p10-l2p10"]
    assert values(bash, "kvmppc run --matrix nonsense --only ") == every
    assert values(bash, "kvmppc bisect --only ") == every


def test_kernels(bash):
    found = values(bash, "kvmppc build ")
    assert "debian:7.3" in found
    assert "debian-source:6.12" in found
    assert [each for each in found if parse_spec(each).text != each] == []
    patched = values(bash, "kvmppc run --kernel debian-source:7.2+compat-caps-v1+compat-caps-v")
    assert "debian-source:7.2+compat-caps-v1+compat-caps-v4" in patched
    assert values(bash, "kvmppc run --l0-kernel s") == ["same"]
    assert values(bash, "kvmppc compare debian:7.3 debian:6") == ["debian:6.12"]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("kvmppc mutants ", [each.name for each in all_mutants()]),
        ("kvmppc run --no-workaround ", [each.name for each in WORKAROUNDS]),
        ("kvmppc run --suite ", [each.value for each in Suite]),
        ("kvmppc run --qemu ", ["debian", "host"]),
        ("kvmppc run --topology pseries", ["pseries-papr", "pseries-hv"]),
        ("kvmppc boot powernv1", ["powernv10", "powernv11"]),
        ("kvmppc run --l1 p11", ["p11", "p11@p10", "p11@p9"]),
        ("kvmppc run --l2 ", ["host", "p11", "p10", "p9"]),
        ("kvmppc report --j", ["--junit", "--json"]),
        ("kvmppc bisect --series compat-caps-m", ["compat-caps-merged"]),
        ("kvmppc run --seed ", []),
        ("kvmppc run --kernel debian-source:7.2+nonsense", []),
    ],
)
def test_values(bash, line, expected):
    assert values(bash, line) == expected


def test_expectations_have_names_that_are_known(bash):
    found = values(bash, "kvmppc run --expect ")
    assert "merged" in found
    assert all(map(is_name, found))


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("kvmppc run --kernel ./vm", "file,./vm"),
        ("kvmppc run --config ", "file,"),
        ("kvmppc run --run-dir ", "dir,"),
        ("kvmppc report ru", "dir,ru"),
        ("kvmppc report -o ", "file,"),
        ("kvmppc bisect --tree ~/li", "dir,~/li"),
    ],
)
def test_paths_are_the_shells(bash, line, kind):
    assert bash(line)[-1] == kind


def test_every_option_with_a_value_is_thought_of():
    """Either it has values to offer, or it is a word that nobody can guess."""
    free = {"allow_splat", "cross_compile", "fuzz", "seed", "calls", "timeout_scale"}
    known = {*completion._VALUES, *completion._PATHS}
    assert {each.field for each in OPTIONS if not each.switch} - known == free


def test_values_that_cannot_be_found_are_none(bash, monkeypatch):
    def fails(*_):
        raise UsageError("mutants.toml is wrong")

    monkeypatch.setattr("harness.parts.mutant_catalogue.all_mutants", fails)
    assert bash("kvmppc mutants ") == []


# --- bash cuts words ---


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("kvmppc run --only papr-p11@p10-l2h", "p10-l2host"),
        ("kvmppc run --only papr-p11@p10@", None),
        ("kvmppc run --only=papr-p11@p10-l2h", "p10-l2host"),
        ("kvmppc run --matrix=fu", "full"),
        ("kvmppc run --kernel debian:6", "6.12"),
        ("kvmppc run --kernel debian-source:6.12+compat-caps-m", "6.12+compat-caps-merged"),
        ('kvmppc run --kernel "debian:6', "debian:6.12"),
        ("A=1 B=2 kvmppc run --kernel debian:6", "6.12"),
        ("/x/bin/kvmppc run --matrix ci --only papr-p11@p10-l2h", "p10-l2host"),
        ("kvmppc boot powernv11 --l1 p11@p1", "p10"),
    ],
)
def test_bash_gets_what_comes_after_its_cut(bash, line, answer):
    found = [each for each in bash(line) if each.startswith("plain,")]
    assert found == ([f"plain,{answer}"] if answer else [])


@pytest.mark.parametrize(
    ("value", "incomplete", "breaks", "rest"),
    [
        ("a@b", "a@", "@", "b"),
        ("a@b", "a@", ":", "a@b"),
        ("a@b", "", "@", "a@b"),
        ("a:b@c", "a:b@", "@:", "c"),
        ("other", "a@", "@", "other"),
        ("a@b", "a@", "", "a@b"),
        ("full", "--matrix=", "=", "full"),
    ],
)
def test_after_the_cut(value, incomplete, breaks, rest):
    assert after_the_cut(value, incomplete, breaks) == rest


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash here")
def test_a_real_bash(tmp_path):
    """It reads our script, calls us, and has the reply."""
    program = tmp_path / "kvmppc"
    program.write_text(
        f"#!{sys.executable}\nimport sys\nsys.argv[0] = 'kvmppc'\nfrom harness.entry import main\nmain()\n"
    )
    program.chmod(0o755)
    script = """
    eval "$(_KVMPPC_COMPLETE=bash_source kvmppc)"
    complete -p kvmppc
    COMP_LINE='kvmppc run --only papr-p11@p10-l2h more'; COMP_POINT=34
    _kvmppc_completion kvmppc
    printf '<%s>' "${COMPREPLY[@]}"
    """
    done = subprocess.run(
        ["bash", "--norc", "-c", script],
        capture_output=True, text=True, check=True,
        env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.stdout == "complete -o nosort -F _kvmppc_completion kvmppc\n<p10-l2host>"
    assert done.stderr == ""


# --- the other shells ---


@pytest.mark.parametrize(
    ("shell", "words", "current", "line"),
    [
        ("zsh", "kvmppc run --only papr-p11@p10-l2h", "3", "plain\npapr-p11@p10-l2host\n_"),
        ("fish", "kvmppc run --only papr-p11@p10-l2h", "papr-p11@p10-l2h", "plain,papr-p11@p10-l2host"),
    ],
)
def test_other_shells_are_answered_by_click(shell, words, current, line, monkeypatch):
    monkeypatch.setenv("COMP_WORDS", words)
    monkeypatch.setenv("COMP_CWORD", current)
    assert get_completion_class(shell)(cli, {}, "kvmppc", "_KVMPPC_COMPLETE").complete() == line


# --- whatever happens, nothing is said ---


@pytest.mark.parametrize(
    "error", [RuntimeError("x"), UsageError("x"), click.UsageError("x"), KeyboardInterrupt()]
)
def test_what_fails_says_nothing(error, monkeypatch, capsys, tmp_path):
    def fails(standalone_mode):
        raise error

    monkeypatch.setattr(entry.outlet, "install", lambda: None)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setenv("_KVMPPC_COMPLETE", "bash_complete")
    monkeypatch.setattr(cli, "main", fails)
    with pytest.raises(SystemExit) as raised:
        entry.main()
    assert raised.value.code == 1
    assert capsys.readouterr() == ("", "")
    assert list(tmp_path.iterdir()) == []
