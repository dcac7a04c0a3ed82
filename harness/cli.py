# SPDX-License-Identifier: GPL-2.0-only
"""The ``kvmppc`` command: a table of its commands, each of which is imported when it is used.

A command is a file in harness/commands/ that has a click command named ``command``, and a row in COMMANDS.
Such a file imports what takes long (pytest, paramiko, ...) in its function, for ``--help`` and for
completion.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from harness import entry

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


@dataclass(frozen=True)
class Row:
    """module: below harness.commands; summary: first line of the command's docstring, for
    ``kvmppc --help``."""

    name: str
    module: str
    summary: str

    def load(self) -> click.Command:
        """Import it."""
        command: click.Command = importlib.import_module(f"harness.commands.{self.module}").command
        return command


COMMANDS = (
    Row("bisect", "bisect.command", "Find the commit that brought a failure."),
    Row(
        "bisect-step",
        "bisect.step_command",
        "Test one commit: exit code 0 good, 1 bad, 125 not known, 128 or more an error. For git bisect run.",
    ),
    Row("boot", "boot_command", "Start the machines of a scenario, and open a shell in one."),
    Row("build", "build_command", "Build a kernel, or fetch it, and print where its image is."),
    Row(
        "compare",
        "compare_command",
        "Run two kernels and show what differs: which cells are fixed, broken, changed.",
    ),
    Row("doctor", "doctor_command", "List what is missing on this machine."),
    Row("matrices", "matrices_command", "Show the matrices that --matrix takes."),
    Row(
        "mutants",
        "mutants_command",
        "Build kernels with one defect each, and test that the check named for each finds it.",
    ),
    Row("parts", "parts_command", "What is fetched and built, and kept in the cache."),
    Row(
        "probe",
        "probe_command",
        "Test all of the ABI in one L1: every call of the ioctl, arch_compat, and a guest that runs.",
    ),
    Row("report", "report_command", "Show saved runs again, several as one."),
    Row("run", "run_command", "Boot the scenarios of a matrix and judge them."),
    Row("workarounds", "workarounds_command", "Show known workarounds, their reasons and where they apply."),
)
_ROWS = {each.name: each for each in COMMANDS}


class Commands(click.Group):
    """A group that imports a command only to run it or to show its own help."""

    def invoke(self, context: click.Context) -> Any:
        # click has meanings of its own for these two, wherever they come from: exit code 1, and Ctrl-C.
        try:
            return super().invoke(context)
        except (BrokenPipeError, EOFError) as error:
            raise entry.ForeignError(error) from error

    def list_commands(self, _context: click.Context) -> list[str]:
        return sorted({*self.commands, *_ROWS})

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        known = super().get_command(context, name)
        if known is None and name in _ROWS:
            known = _ROWS[name].load()
        return known

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        summaries = {name: click.Command(name, help=row.summary) for name, row in _ROWS.items()}
        click.Group(commands=summaries).format_commands(context, formatter)

    def shell_complete(self, context: click.Context, incomplete: str) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem

        names = [
            CompletionItem(name, help=row.summary)
            for name, row in _ROWS.items()
            if name.startswith(incomplete)
        ]
        return [*names, *click.Command.shell_complete(self, context, incomplete)]


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="kvmppc-harness")
def cli() -> None:
    """Does a POWER kernel handle CPU compatibility modes for nested KVM guests?

    Boots real kernels on real QEMU and compares them with what is expected of them.

    \b
    Exit codes: 0 all as expected, known defects included
    1 a verdict is FAIL, or a kernel does not compile
    2 wrong usage, or a patch does not apply
    3 the infrastructure failed, something is not proven, or results are missing
    130, 143, 129 ended by SIGINT, SIGTERM, SIGHUP
    """


def main() -> None:
    """For scripts that were installed before entry.py was there."""
    entry.main()
