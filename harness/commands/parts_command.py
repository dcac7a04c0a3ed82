# SPDX-License-Identifier: GPL-2.0-only
"""``kvmppc parts``: the cache, and the lock file."""

from __future__ import annotations

import time

import click

from harness.commands.said import progress


@click.group("parts")
def command() -> None:
    """What is fetched and built, and kept in the cache.

    \b
    kvmppc parts ls
    """


@command.command("ls")
def ls() -> None:
    """Show what is in the cache.

    \b
    kvmppc parts ls
    """
    from harness.parts.cache import Cache

    cache = Cache.default()
    total = 0
    for each in cache.entries():
        total += each.bytes
        used = time.strftime("%Y-%m-%d %H:%M", time.localtime(each.last_used))
        click.echo(f"{each.bytes / 1e6:8.1f} MB  last used {used}  {each.kind}/{each.key[:12]}  {each.why}")
    click.echo(f"{total / 1e6:8.1f} MB in {cache.root}")


@command.command("prune")
@click.option(
    "--days", type=click.FloatRange(min=0), default=30.0, show_default=True, help="unused for so long"
)
@click.option("--all", "everything", is_flag=True, help="whatever its age")
@click.option("--no-wait", is_flag=True, help="fail while a run uses the cache, instead of waiting for it")
def prune(days: float, everything: bool, no_wait: bool) -> None:
    """Remove from the cache what was not used for a while. Waits for runs that use it.

    \b
    kvmppc parts prune             what was not used for 30 days
    kvmppc parts prune --days 7
    kvmppc parts prune --all
    """
    from harness.parts.cache import Cache

    gone = Cache.default().prune(0 if everything else days, wait=not no_wait)
    for each in gone:
        click.echo(f"removed {each.kind}/{each.key[:12]}  {each.why}")
    click.echo(f"freed {sum(each.bytes for each in gone) / 1e6:.1f} MB")


@command.command("update")
def update() -> None:
    """Take the current version of every package and write the lock file.

    \b
    kvmppc parts update
    """
    from harness.parts import debian
    from harness.parts.cache import Cache
    from harness.parts.packages import all_parts

    path = debian.update(all_parts(), Cache.default(), progress)
    click.echo(f"wrote {path}")
