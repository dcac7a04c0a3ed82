# SPDX-License-Identifier: GPL-2.0-only
"""``kvmppc build``: a kernel, without booting it."""

from __future__ import annotations

from typing import Any

import click

from harness.commands.click_options import build_options
from harness.commands.completion import completes
from harness.commands.said import progress
from harness.engine.options import RunOptions


@click.command("build")
@build_options()
@click.argument("kernel", shell_complete=completes("kernels"))
def command(kernel: str, **choices: Any) -> None:
    """Build a kernel, or fetch it, and print where its image is.

    \b
    kvmppc build debian-source:7.2+compat-caps-merged
    kvmppc build ~/linux
    """
    from harness.engine.resolve import choices_of
    from harness.parts.cache import Cache
    from harness.parts.kernels import resolve_kernel

    options = RunOptions.from_mapping(choices)
    built = resolve_kernel(
        kernel, Cache.default(), choices_of(options), locked_only=options.locked, progress=progress
    )
    for notice in built.notices:
        progress(f"note: {notice}")
    progress(
        f"{built.release}, build id {built.build_id or 'none'}"
        + (f", {built.origin}" if built.origin else "")
    )
    click.echo(built.vmlinux)
