# SPDX-License-Identifier: GPL-2.0-only
"""Whatever a command comes to is one line and an exit code that is true."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import click
import preloaded
import pytest
from click.testing import CliRunner

from harness import cli, entry
from harness.model.errors import BuildError, InfrastructureError, UsageError

ROOT = Path(__file__).parent.parent


@pytest.fixture
def end(monkeypatch, capsys, tmp_path):
    """(exit code, stderr) of a command that does this."""
    monkeypatch.setattr(entry.outlet, "install", lambda: None)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(os, "_exit", lambda status: (_ for _ in ()).throw(SystemExit(status)))

    def run(does, *words):
        monkeypatch.setattr(sys, "argv", ["kvmppc", *words])
        monkeypatch.setattr(cli.cli, "main", does)
        ends = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}
        # The plugin of ours has its own in the process that these tests run in.
        before = {each: signal.signal(each, handler) for each, handler in ends.items()}
        try:
            with pytest.raises(SystemExit) as raised:
                entry.main()
        finally:
            for each, handler in before.items():
                signal.signal(each, handler)
        return raised.value.code, capsys.readouterr().err

    return run


def raising(error):
    def does(standalone_mode):
        raise error

    return does


def _context(*names):
    context = None
    for name in names:
        context = click.Context(click.Command(name), parent=context, info_name=name)
    return context


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (
            UsageError("no such matrix", "see kvmppc matrices"),
            2,
            "kvmppc: no such matrix; see kvmppc matrices",
        ),
        (BuildError("it does not compile"), 1, "kvmppc: it does not compile"),
        (InfrastructureError("no mirror"), 3, "kvmppc: no mirror"),
        (click.UsageError("No such option"), 2, "kvmppc: No such option; see kvmppc --help"),
        (
            click.UsageError("Missing argument 'RUN...'.", _context("python -m harness", "parts", "ls")),
            2,
            "kvmppc: Missing argument 'RUN...'; see kvmppc parts ls --help",
        ),
        (click.Abort(), 130, "kvmppc: interrupted"),
        (KeyboardInterrupt(), 130, "kvmppc: interrupted"),
    ],
)
def test_errors_that_are_meant(end, error, code, words):
    assert end(raising(error)) == (code, words + "\n")


def test_clicks_own_exit_is_kept(end):
    assert end(raising(click.exceptions.Exit(2))) == (2, "")


@pytest.mark.parametrize(("result", "code"), [(None, 0), (0, 0), (1, 1), (3, 3)])
def test_a_commands_own_exit_code_is_kept(end, result, code):
    assert end(lambda standalone_mode: result) == (code, "")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (RuntimeError("what\nnobody   expected"), "RuntimeError: what nobody expected"),
        (KeyError("x"), "KeyError: 'x'"),
        (AssertionError(), "AssertionError: no words"),
        (OSError(28, "No space left on device"), "No space left on device"),
        (FileNotFoundError(2, "No such file or directory", "/a/b"), "No such file or directory: /a/b"),
        (OSError("odd"), "OSError: odd"),
        (entry.ForeignError(EOFError("gone")), "ForeignError: gone"),
    ],
)
def test_an_exception_of_nobodys_is_one_line_and_never_1(end, error, words, tmp_path):
    code, said = end(raising(error))
    assert code == 3
    assert said.startswith(f"kvmppc: unexpected {words}; please report it")
    assert len(said.splitlines()) == 1
    (file,) = tmp_path.iterdir()
    assert str(file) in said
    assert "Traceback (most recent call last)" in file.read_text()
    assert type(error).__name__ in file.read_text()


def test_what_was_around_it_is_taken_off(end):
    def does(standalone_mode):
        raise entry.ForeignError("x") from EOFError("gone")

    assert "unexpected EOFError: gone;" in end(does)[1]


def test_without_a_place_for_the_traceback_it_is_still_one_line(end, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", "/nonexistent")
    code, said = end(raising(RuntimeError("x")))
    assert code == 3
    assert "unexpected RuntimeError: x (the traceback cannot be written" in said


@pytest.mark.parametrize(
    ("does", "code"),
    [
        (lambda standalone_mode: 0, 0),
        (lambda standalone_mode: 1, 1),
        (lambda standalone_mode: 125, 125),
        (lambda standalone_mode: 3, 128),
        (raising(UsageError("x")), 128),
        (raising(BuildError("x")), 1),
        (raising(RuntimeError("x")), 128),
        (raising(KeyboardInterrupt()), 130),
    ],
)
def test_a_step_of_a_bisect_has_no_other_answers(end, does, code):
    assert end(does, "bisect-step")[0] == code


def test_a_signal_decides_whatever_else_happened(end):
    def does(standalone_mode):
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            signal.pause()
        except KeyboardInterrupt:
            raise RuntimeError("while cleaning up") from None

    code, said = end(does)
    assert code == 143
    assert "while cleaning up" in said


@pytest.mark.parametrize("error", [BrokenPipeError(32, "Broken pipe"), EOFError("gone")])
def test_click_does_not_take_it_for_something_else(error, monkeypatch):
    """It would make exit code 1 of the first and Ctrl-C of the second."""

    @cli.cli.command("test-only")
    def _():
        raise error

    try:
        done = CliRunner().invoke(cli.cli, ["test-only"])
    finally:
        cli.cli.commands.pop("test-only")
    assert isinstance(done.exception, entry.ForeignError)
    assert done.exception.__cause__ is error


@pytest.mark.parametrize("words", [[], ["bisect-step"]])
def test_a_package_that_is_missing_is_no_verdict(words, tmp_path):
    (tmp_path / "click.py").write_text("raise ModuleNotFoundError(\"No module named 'click'\")")
    done = subprocess.run(
        [sys.executable, "-m", "harness", *words], capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": f"{tmp_path}:{ROOT}", "TMPDIR": str(tmp_path)},
    )  # fmt: skip
    assert done.returncode == (128 if words else 3)
    assert len(done.stderr.splitlines()) == 1
    assert "unexpected ModuleNotFoundError: No module named 'click'" in done.stderr


@pytest.mark.parametrize("command", ["matrices", "workarounds", "parts ls", "mutants --list", "run --list"])
def test_a_list_that_nobody_reads_to_its_end(command, tmp_path):
    process = preloaded.Popen(
        ["-m", "harness", *command.split()], imports=["needed_by_commands"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "KVMPPC_CACHE": str(tmp_path)},
    )  # fmt: skip
    process.stdout.close()
    assert process.wait(60) == 0
    assert process.stderr.read() == ""


@pytest.mark.parametrize("number", [1, 2])
def test_a_stream_that_is_closed_is_not_given_to_a_file(number, tmp_path):
    code = f"import os; os.close({number}); from harness.processes import outlet; outlet.install();"
    code += "file = open('file', 'w'); print('said', file=[None, sys.stdout, sys.stderr][N], flush=True)"
    code = "import sys;" + code.replace("[N]", f"[{number}]")
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False
    )
    assert done.returncode == 0
    assert (tmp_path / "file").read_text() == ""


def test_words_of_any_language_reach_a_pipe(tmp_path):
    code = "from harness.processes import outlet; outlet.install(); print('größer')"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"},
    )  # fmt: skip
    assert re.fullmatch("größer\n", done.stdout.decode())
