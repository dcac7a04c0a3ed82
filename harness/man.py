# SPDX-License-Identifier: GPL-2.0-only
"""The man page, from the click commands: ``python -m harness.man >docs/kvmppc.1``.

click-man makes one page for each command; this is one page with all of them.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator

import click

from harness.cli import cli

_NAME = "does a POWER kernel handle CPU compatibility modes for nested KVM guests?"

_FILES = (
    ("runs/DATE/", "what a run leaves: report.html, report.json, junit.xml, and the logs of each machine"),
    ("~/.cache/kvmppc-harness/", "packages, kernels and images; see kvmppc parts"),
)

_ENVIRONMENT = (
    ("KVMPPC_CACHE", "where parts are kept, instead of the user's cache directory"),
    ("KVMPPC_LOCK", "a lock file of your own"),
    ("KVMPPC_MIRROR", "another Debian mirror"),
    ("NO_COLOR", "no colours on a terminal"),
)


def page() -> str:
    """In the macros of man(7)."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    top = click.Context(cli, info_name="kvmppc", **cli.context_settings)
    words, exit_codes = _parted(cli)
    yield '.\\" Made by harness/man.py; do not edit.'
    yield ".TH KVMPPC 1"
    yield ".SH NAME"
    yield f"kvmppc \\- {_text(_NAME)}"
    yield ".SH SYNOPSIS"
    yield ".B kvmppc"
    yield ".RI [ OPTIONS ]"
    yield ".I COMMAND"
    yield ".RI [ ARGUMENTS ]"
    yield ".SH DESCRIPTION"
    yield from _paragraphs(words)
    yield ".SH OPTIONS"
    yield from _options(cli, top)
    yield ".SH COMMANDS"
    yield from _commands(cli, top)
    yield ".SH EXIT STATUS"
    yield from _paragraphs(exit_codes)
    for title, rows in (("FILES", _FILES), ("ENVIRONMENT", _ENVIRONMENT)):
        yield f".SH {title}"
        for term, meaning in rows:
            yield from (".TP", f".B {_text(term)}", _text(meaning))
    yield ".SH SEE ALSO"
    yield ".BR git\\-bisect (1),"
    yield ".BR pytest (1),"
    yield ".BR qemu\\-system\\-ppc64 (1)"


def _commands(group: click.Group, context: click.Context) -> Iterator[str]:
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        inner = click.Context(command, info_name=name, parent=context)
        usage = " ".join(f"\\fI{_text(each)}\\fR" for each in command.collect_usage_pieces(inner))
        yield f'.SS "{_text(inner.command_path)}"'
        yield f"\\fB{_text(inner.command_path)}\\fR {usage}"
        yield ".PP"
        yield from _paragraphs("\n\n".join(filter(None, _parted(command))))
        yield from _options(command, inner)
        if isinstance(command, click.Group):
            yield from _commands(command, inner)


def _options(command: click.Command, context: click.Context) -> Iterator[str]:
    """Without --help, which all of them have, but for the first."""
    for each in command.params if context.parent else command.get_params(context):
        record = each.get_help_record(context)
        if isinstance(each, click.Option) and record is not None:
            yield from (".TP", f".B {_text(record[0])}", _text(record[1]))


def _parted(command: click.Command) -> tuple[str, str]:
    """Its docstring without and with its exit codes, which have a paragraph of their own."""
    text = inspect.cleandoc(command.help or "")
    words = text.split("\n\n")
    codes = [each for each in words if each.removeprefix("\b\n").startswith("Exit codes:")]
    return "\n\n".join(each for each in words if each not in codes), "\n\n".join(codes)


def _paragraphs(text: str) -> Iterator[str]:
    """As click reads docstrings: a paragraph that begins with \\b keeps its lines."""
    for number, paragraph in enumerate(text.split("\n\n")):
        if number:
            yield ".PP"
        kept = paragraph.startswith("\b\n")
        lines = paragraph.removeprefix("\b\n").splitlines()
        if kept:
            yield from (".nf", *map(_text, lines), ".fi")
        else:
            yield _text(" ".join(lines))


def _text(words: str) -> str:
    """Of no meaning to roff."""
    words = words.replace("\\", "\\e").replace("-", "\\-").replace("~", "\\(ti").replace("^", "\\(ha")
    return re.sub(r"^([.'])", r"\\&\1", words).replace("'", "\\(aq").replace("`", "\\(ga")


if __name__ == "__main__":
    print(page(), end="")
