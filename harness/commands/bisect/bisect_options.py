# SPDX-License-Identifier: GPL-2.0-only
"""The options that ``kvmppc bisect`` and ``bisect-step`` share: what is the same for every candidate."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from harness.commands.click_options import build_options
from harness.commands.completion import completes

_Function = TypeVar("_Function", bound=Callable[..., Any])

_OF_A_RUN = ("kernels", "l0_kernels", "qemu", "expect", "no_workaround", "allow_splat", "timeout_scale")


def bisect_options(function: _Function) -> _Function:
    """Decorator for the function of a command."""
    for decorate in (
        build_options(also=_OF_A_RUN),
        click.option(
            "--splat", metavar="TITLE", default="",
            help="a splat, by its title in a report; without --only in papr-p11@p10-l2host (default: how the "
            "L2s end; if all end well, the set of titles)",
        ),
        click.option(
            "--check", metavar="NAME", default="",
            help="a check of kvmppc probe, instead of how the L2 ends; splats are ignored; without --only in "
            "the L1 papr-p11@p10",
        ),
        click.option(
            "--only", "scenarios", metavar="SCENARIO", multiple=True, shell_complete=completes("only"),
            help="scenario to run on each, as kvmppc run --list shows it, without the kernel; several run in "
            "one L1",
        ),
    ):  # fmt: skip
        function = decorate(function)
    return function
