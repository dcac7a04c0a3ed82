# SPDX-License-Identifier: GPL-2.0-only
"""The options that commands share: those of a run, from engine/options.py, and ``--jobs``."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any, TypeVar

import click

from harness.commands.completion import completes
from harness.engine.options import OPTIONS, Option

_Function = TypeVar("_Function", bound=Callable[..., Any])

# Options that make sense for kvmppc probe --ssh alone.
SSH_ONLY = ("expect_build_id", "ssh_config")

jobs = click.option(
    "--jobs", "-j", type=click.IntRange(min=0), default=0, help="L1s side by side (default: what fits)"
)


def run_options(*, without: Collection[str] = ()) -> Callable[[_Function], _Function]:
    """Decorator: all options of a run, but the fields named."""
    return _options([option for option in OPTIONS if option.field not in without])


def build_options(*, also: Collection[str] = ()) -> Callable[[_Function], _Function]:
    """Decorator: those options of a run that are about getting a kernel, and the fields named."""
    return _options([option for option in OPTIONS if option.builds or option.field in also])


def _options(options: Sequence[Option]) -> Callable[[_Function], _Function]:
    def decorate(function: _Function) -> _Function:
        for option in reversed(options):
            settings: dict[str, Any] = {"help": option.help}
            if option.switch:
                settings["is_flag"] = True
            else:
                settings |= {
                    "metavar": option.metavar,
                    "multiple": option.many,
                    "shell_complete": completes(option.field),
                }
            function = click.option(option.flag, option.field, **settings)(function)
        return function

    return decorate
