# SPDX-License-Identifier: GPL-2.0-only
"""The man page is today's, names all that the command line takes, and renders."""

import shutil
import subprocess
from pathlib import Path

import click
import pytest

import harness
from harness import man
from harness.cli import cli

PAGE = Path(harness.__file__).parent.parent / "docs/kvmppc.1"


def rendered(page):
    """(text, complaints) of groff, in which ``man`` shows it."""
    if shutil.which("groff") is None:
        pytest.skip("there is no groff here")
    done = subprocess.run(
        ["groff", "-man", "-Tutf8", "-K", "utf8", "-ww", "-P-c", "-P-b", "-P-u", "-rLL=200n"],
        input=page, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout.replace("\N{HYPHEN}", "-").replace("\N{MINUS SIGN}", "-"), done.stderr


def commands(group=cli, context=None):
    context = context or click.Context(cli, info_name="kvmppc", **cli.context_settings)
    yield context
    if isinstance(group, click.Group):
        for name in group.list_commands(context):
            command = group.get_command(context, name)
            yield from commands(command, click.Context(command, info_name=name, parent=context))


def test_it_is_made_from_todays_commands():
    assert PAGE.read_text() == man.page(), "type: python -m harness.man >docs/kvmppc.1"


def test_it_renders_without_a_warning():
    assert rendered(man.page())[1] == ""


def test_a_warning_would_be_seen():
    assert rendered(man.page() + ".nonsense\n")[1]


def test_it_names_every_command_and_option():
    text, _ = rendered(man.page())
    for context in commands():
        command = context.command
        section = text if context.parent is None else section_of(text, context.command_path)
        for each in command.params:
            names = each.opts if isinstance(each, click.Option) else [each.human_readable_name]
            for name in names:
                assert name in section, (context.command_path, name)


def section_of(text, command):
    """From its heading to the next one."""
    lines = text.splitlines()
    start = lines.index(f"   {command}")
    end = next((n for n in range(start + 1, len(lines)) if lines[n][:4].strip()), len(lines))
    return "\n".join(lines[start:end])


@pytest.mark.parametrize(
    ("words", "written"),
    [
        ("a-b", "a\\-b"),
        (".SH x", "\\&.SH x"),
        ("'x'", "\\&\\(aqx\\(aq"),
        ("a\\b", "a\\eb"),
        ("~/linux ^ `x`", "\\(ti/linux \\(ha \\(gax\\(ga"),
    ],
)
def test_words_mean_nothing_to_roff(words, written):
    assert man._text(words) == written
