# SPDX-License-Identifier: GPL-2.0-only
"""The ``kvmppc`` command: words to calls, nothing else."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import click

from harness import entry
from harness.commands import boot as byhand
from harness.commands import compare, mutants, probe
from harness.commands import each_patch as eachpatch
from harness.commands import report as reporting
from harness.commands import run_plan as run_again
from harness.commands.bisect import request as bisecting
from harness.engine import drive
from harness.engine.options import OPTIONS, Option, RunOptions
from harness.engine.resolve import choices_of
from harness.engine.wanted import wanted
from harness.model.errors import UsageError
from harness.model.matrix import MATRICES
from harness.model.workarounds import WORKAROUNDS
from harness.parts import debian, doctor
from harness.parts.cache import Cache
from harness.parts.kernels import resolve_kernel
from harness.parts.mutant_catalogue import all_mutants
from harness.parts.packages import all_parts


def _progress(text: str) -> None:
    click.echo(text, err=True)


def _colour() -> bool:
    return sys.stdout is not None and sys.stdout.isatty() and not os.environ.get("NO_COLOR")


# Options that make sense for kvmppc probe --ssh alone.
_SSH_ONLY = ("expect_build_id", "ssh_config")


def _build_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command those options of a run that are about getting a kernel."""
    return _options(function, [option for option in OPTIONS if option.builds])


def _mutants_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same, and those that are about no scenario."""
    names = ("qemu", "timeout_scale", "run_dir")
    return _options(function, [option for option in OPTIONS if option.builds or option.field in names])


def _compare_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """All options of a run but the kernels, which are arguments there."""
    without = ("kernels", *_SSH_ONLY)
    return _options(function, [option for option in OPTIONS if option.field not in without])


def _probe_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Those of a run that are not about L2s."""
    without = ("l2", "only", "suite", "control")
    return _options(function, [option for option in OPTIONS if option.field not in without])


def _boot_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """What makes one scenario's machines; the topology is an argument there."""
    judged = ("expect", "suite", "control", "fuzz", "seed", "calls", "allow_splat")
    without = ("matrix", "topologies", "only", *judged, *_SSH_ONLY)
    return _options(function, [option for option in OPTIONS if option.field not in without])


def _run_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command all options of a run."""
    return _options(function, [option for option in OPTIONS if option.field not in _SSH_ONLY])


def _options(function: Callable[..., Any], options: Sequence[Option]) -> Callable[..., Any]:
    for option in reversed(options):
        settings: dict[str, Any] = {"help": option.help}
        if option.switch:
            settings["is_flag"] = True
        else:
            settings |= {"metavar": option.metavar, "multiple": option.many}
        function = click.option(option.flag, option.field, **settings)(function)
    return function


class _Commands(click.Group):
    """click has meanings of its own for these two, wherever they come from: exit code 1, and Ctrl-C."""

    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except (BrokenPipeError, EOFError) as error:
            raise entry.ForeignError(error) from error


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
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


@cli.command()
@_run_options
@click.option(
    "--jobs", "-j", type=click.IntRange(min=0), default=0, help="L1s side by side (default: what fits)"
)
@click.option("--list", "only_list", is_flag=True, help="show the scenarios' ids and stop")
@click.option(
    "--plan", "plan", metavar="FILE", help="run this plan.json again, as it is; takes --only as well"
)
@click.option(
    "--each-patch", metavar="KERNEL+SERIES", help="build and run at each patch boundary of the series"
)
@click.argument("pytest_words", nargs=-1, type=click.UNPROCESSED)
def run(
    jobs: int, only_list: bool, plan: str | None, each_patch: str | None, pytest_words: tuple[str, ...],
    **choices: Any,
) -> int:  # fmt: skip
    """Boot the scenarios of a matrix and judge them.

    \b
    kvmppc run                                    the default matrix
    kvmppc run --kernel ./vmlinux --expect merged your own kernel
    kvmppc run --kernel debian:7.2                another Debian kernel
    kvmppc run --only papr-p11@p10-l2host         one scenario
    kvmppc run --kernel ~/linux                   a tree, as it is now
    kvmppc run --each-patch ~/linux+fix.mbox      which patch changes which check
    kvmppc run --list                             what there is
    kvmppc run --plan runs/DATE/plan.json         the same run again
    kvmppc run -- -x                              arguments for pytest
    """
    options = RunOptions.from_mapping(choices)
    if plan:
        if each_patch:
            raise UsageError("--plan and --each-patch do not go together", "give one of them")
        return run_again.run(plan, options, jobs, pytest_words, only_list, _progress, click.echo)
    if each_patch:
        if options.kernels or pytest_words or only_list:
            raise UsageError(
                "--each-patch takes no --kernel, --list or arguments for pytest", "leave them out"
            )
        options = replace(options, kernels=(each_patch,))
        return eachpatch.run(options, jobs, _progress, click.echo, _colour())
    if only_list:
        for scenario in wanted(options).scenarios:
            click.echo(scenario.full_id)
        return 0
    return drive.run(options, jobs, pytest_words, _progress)


@cli.command("compare")
@_compare_options
@click.option(
    "--jobs", "-j", type=click.IntRange(min=0), default=0, help="L1s side by side (default: what fits)"
)
@click.option("--markdown", is_flag=True, help="print it for a mail")
@click.argument("base")
@click.argument("new")
def compare_(base: str, new: str, jobs: int, markdown: bool, **choices: Any) -> int:
    """Run two kernels and show what differs: which cells are fixed, broken, changed.

    \b
    kvmppc compare debian-source:6.12 debian-source:6.12+compat-caps-v1
    kvmppc compare ~/linux@v7.3 ~/linux --matrix default --markdown

    Boots the full matrix if no --matrix is given. Exit code 1 if something is broken, or if a check fails on
    a kernel whose expected behaviour is known.
    """
    if not choices["matrix"]:
        choices["matrix"] = "full"
    options = RunOptions.from_mapping(choices)
    return compare.run(base, new, options, jobs, markdown, _progress, click.echo, _colour())


@cli.command("probe")
@_probe_options
@click.option(
    "--jobs", "-j", type=click.IntRange(min=0), default=0, help="L1s side by side (default: what fits)"
)
@click.option("--ssh", metavar="[USER@]HOST", help="test this machine, which runs already, as the L1")
@click.option("--ktap", "as_ktap", is_flag=True, help="print KTAP, the format of kselftest")
@click.option("--table", metavar="FILE", default="", help="write checks by kernels to FILE, as Markdown")
def probe_(jobs: int, ssh: str | None, as_ktap: bool, table: str, **choices: Any) -> int:
    """Test all of the ABI in one L1: every call of the ioctl, arch_compat, and a guest that runs.

    \b
    kvmppc probe --kernel ~/linux                             the suite in a POWER10-mode L1, nested API v2
    kvmppc probe --kernel ~/linux --topology pseries-hv --l1 p11
    kvmppc probe --kernel ~/linux --ktap                      in the format of kselftest
    kvmppc probe --ssh root@lpar7 --expect merged             a real machine, as the L1 it is
    kvmppc probe --matrix abi --table docs/abi-results.md     all our kernels and L1s

    Boots no L2. Exit code 1 if a check is not as expected.
    """
    options = RunOptions.from_mapping(choices)
    return probe.run(options, jobs, ssh, as_ktap, table, _progress, click.echo, _colour())


@cli.command("mutants")
@_mutants_options
@click.option(
    "--jobs", "-j", type=click.IntRange(min=0), default=0, help="L1s side by side (default: what fits)"
)
@click.option("--list", "only_list", is_flag=True, help="show them and stop")
@click.argument("names", nargs=-1)
def mutants_(names: tuple[str, ...], jobs: int, only_list: bool, **choices: Any) -> int:
    """Build kernels with one defect each, and test that the check named for each finds it.

    \b
    kvmppc mutants                     all, about half a minute each once 7.2 is built
    kvmppc mutants flags-ignored       one
    kvmppc mutants --list              what there is

    Some are harmless and must give no failure. Exit code 1 if a defect is missed, or a harmless one fails.
    """
    if only_list:
        for each in all_mutants():
            click.echo(each.summary)
        return 0
    options = RunOptions.from_mapping(choices)
    return mutants.run(names, options, jobs, _progress, click.echo, _colour())


@cli.command("report")
@click.option("--html", "form", flag_value="html", help="one self-contained page")
@click.option("--junit", "form", flag_value="junit", help="JUnit XML")
@click.option("--ktap", "form", flag_value="ktap", help="KTAP")
@click.option("--markdown", "form", flag_value="markdown", help="for a mail or a CI job's summary")
@click.option("--annotations", "form", flag_value="annotations", help="a line for each failure, for CI")
@click.option("--json", "form", flag_value="json", help="as report.json, of all of them")
@click.option(
    "--rejudge", is_flag=True, help="apply today's expectations to what was observed, and list what changed"
)
@click.option("--output", "-o", metavar="FILE", default="", help="write to FILE instead of stdout")
@click.argument("runs", nargs=-1, required=True, metavar="RUN...")
def report_(form: str | None, rejudge: bool, output: str, runs: tuple[str, ...]) -> int:
    """Show saved runs again, several as one.

    \b
    kvmppc report runs/2026-11-25_120000                      as the run ended
    kvmppc report --html -o page.html runs/*                  a page of all of them
    kvmppc report --rejudge runs/2026-11-25_120000            by today's expectations

    Exit code as of a run.
    """
    return reporting.report(runs, form or "text", output, rejudge, _progress, click.echo, _colour())


def _bisect_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """What is the same for every candidate."""
    names = ("kernels", "l0_kernels", "qemu", "expect", "no_workaround", "allow_splat", "timeout_scale")
    function = _options(function, [option for option in OPTIONS if option.field in names or option.builds])
    words = (
        "a splat, by its title in a report; without --only in papr-p11@p10-l2host (default: how the L2s end; "
        "if all end well, the set of titles)"
    )
    function = click.option("--splat", metavar="TITLE", default="", help=words)(function)
    words = (
        "a check of kvmppc probe, instead of how the L2 ends; splats are ignored; without --only in the L1 "
        "papr-p11@p10"
    )
    function = click.option("--check", metavar="NAME", default="", help=words)(function)
    words = (
        "scenario to run on each, as kvmppc run --list shows it, without the kernel; several run in one L1"
    )
    return click.option("--only", "scenarios", metavar="SCENARIO", multiple=True, help=words)(function)


@cli.command("bisect")
@click.option("--tree", metavar="DIR", default="", help="a git tree; it is only read")
@click.option("--good", metavar="REV", default="", help="a revision that works")
@click.option("--bad", metavar="REV", default="HEAD", show_default=True, help="a revision that fails")
@click.option("--series", metavar="SERIES", multiple=True, help="put on every commit that has it not already")
@click.option("--over-qemu", metavar="PATH", multiple=True, help="QEMU binaries instead, oldest first")
@click.option("--over-kernel", metavar="KERNEL", multiple=True, help="kernels instead, oldest first")
@click.option(
    "--repeat", type=click.IntRange(min=1), default=1, show_default=True, help="runs of each commit"
)
@click.option(
    "--require",
    type=click.IntRange(min=1),
    help="number of failing runs that make a commit bad (default: all)",
)
@_bisect_options
def bisect_(
    tree: str, good: str, bad: str, series: tuple[str, ...], over_qemu: tuple[str, ...],
    over_kernel: tuple[str, ...], repeat: int, require: int | None, scenarios: tuple[str, ...], check: str,
    splat: str, **choices: Any,
) -> int:  # fmt: skip
    """Find the commit that brought a failure.

    It can be interrupted; start the same command again to continue.

    \b
    kvmppc bisect --tree ~/linux --good v7.2 --only papr-p11@p10-l2p10
    kvmppc bisect --tree ~/linux --good v7.2 --bad next-20261101 --check 'size 16: result'
    kvmppc bisect --tree ~/linux --good v7.1 --series fix.mbox --repeat 5 --require 1 --only hv-p11-l2p10
    kvmppc bisect --tree ~/linux --good v7.2 --splat 'WARNING in kvmppc_vcpu_run_hv' --only hv-p11-l2p10
    kvmppc bisect --over-kernel debian:6.12 --over-kernel debian:7.2 --only papr-p11@p10-l2host
    kvmppc bisect --over-qemu ~/q/10.0 --over-qemu ~/q/11.1 --kernel ~/vmlinux --only hv-p11-l2host

    A commit is bad only with the same failure as the bad end. One that fails otherwise, or does not build, is
    skipped.

    \b
    Exit codes: 0 one commit was found
    1 it is one of several, or git gave up or warns
    2 the ends do not differ, are swapped, or their runs do not agree
    3 an end cannot be tested
    """
    return bisecting.bisect(
        bisecting.BisectRequest(
            tree, good, bad, series, over_qemu, over_kernel, repeat, require, scenarios, check, splat
        ),
        RunOptions.from_mapping(choices), _progress, click.echo,
    )  # fmt: skip


@cli.command("bisect-step")
@click.option("--tree", metavar="DIR", default=".", show_default=True, help="the tree, as it is checked out")
@click.option("--series", metavar="SERIES", multiple=True, help="put on it, if it is not there already")
@click.option(
    "--bad-signature", metavar="TEXT", default="", help="result of the failure, as kvmppc bisect prints it"
)
@click.option("--good-signature", metavar="TEXT", default="", help="result of a good run")
@_bisect_options
def bisect_step(
    tree: str, series: tuple[str, ...], bad_signature: str, good_signature: str, scenarios: tuple[str, ...],
    check: str, splat: str, **choices: Any,
) -> int:  # fmt: skip
    """Test one commit: exit code 0 good, 1 bad, 125 not known, 128 or more an error. For git bisect run.

    \b
    git bisect run kvmppc bisect-step --only papr-p11@p10-l2p10
    git bisect run kvmppc bisect-step --check 'size 16: result'

    Without signatures: good is what any kernel should do, bad is anything else a kernel does.
    """
    return bisecting.step(
        tree,
        series,
        scenarios,
        check,
        splat,
        good_signature,
        bad_signature,
        RunOptions.from_mapping(choices),
        _progress,
    )


@cli.command()
@_boot_options
@click.option(
    "--level",
    type=click.IntRange(0, 2),
    default=1,
    show_default=True,
    help="open the shell or console of this level",
)
@click.option(
    "--gdb", is_flag=True, help="give the outermost machine a gdb stub, and show what attaches to it"
)
@click.argument("topology")
def boot(topology: str, level: int, gdb: bool, **choices: Any) -> int:
    """Start the machines of a scenario, and open a shell in one.

    \b
    kvmppc boot pseries-papr --kernel ~/linux --l1 p11@p10            a shell in L1
    kvmppc boot powernv11 --kernel ~/linux --level 0 --gdb            a shell in L0
    kvmppc boot pseries-hv --kernel ~/linux --l2 p10 --level 2        L2's console

    The machines are those of a run. An ssh command for L0 and L1 is printed, and the command that starts the
    next level. All machines stop when you exit the shell.
    """
    return byhand.run(topology, level, gdb, RunOptions.from_mapping(choices), _progress)


@cli.command()
@_build_options
@click.argument("kernel")
def build(kernel: str, **choices: Any) -> None:
    """Build a kernel, or fetch it, and print where its image is.

    \b
    kvmppc build debian-source:7.2+compat-caps-merged
    kvmppc build ~/linux
    """
    options = RunOptions.from_mapping(choices)
    built = resolve_kernel(
        kernel, Cache.default(), choices_of(options), locked_only=options.locked, progress=_progress
    )
    for notice in built.notices:
        _progress(f"note: {notice}")
    _progress(
        f"{built.release}, build id {built.build_id or 'none'}"
        + (f", {built.origin}" if built.origin else "")
    )
    click.echo(built.vmlinux)


@cli.command("doctor")
def doctor_() -> int:
    """List what is missing on this machine.

    \b
    kvmppc doctor

    Exit code 0 if a run can start, 3 if something is missing for it.
    """
    return doctor.report(click.echo)


@cli.command()
def matrices() -> None:
    """Show the matrices that --matrix takes.

    \b
    kvmppc matrices
    """
    for each in MATRICES:
        count = len(wanted(RunOptions(matrix=each.name)).scenarios)
        click.echo(f"{each.name}: {count} scenarios: {each.why}")
    click.echo("pairwise: few scenarios that have all pairs of settings of the full matrix")


@cli.command()
def workarounds() -> None:
    """Show known workarounds, their reasons and where they apply.

    \b
    kvmppc workarounds
    """
    for each in WORKAROUNDS:
        what = " ".join((*each.append, *each.machine, *each.net_device))
        click.echo(f"{each.name}: {what}\n  where: {each.scope}\n  why:   {each.reason}")


@cli.group()
def parts() -> None:
    """What is fetched and built, and kept in the cache.

    \b
    kvmppc parts ls
    """


@parts.command("ls")
def parts_ls() -> None:
    """Show what is in the cache.

    \b
    kvmppc parts ls
    """
    cache = Cache.default()
    total = 0
    for each in cache.entries():
        total += each.bytes
        used = time.strftime("%Y-%m-%d %H:%M", time.localtime(each.last_used))
        click.echo(f"{each.bytes / 1e6:8.1f} MB  last used {used}  {each.kind}/{each.key[:12]}  {each.why}")
    click.echo(f"{total / 1e6:8.1f} MB in {cache.root}")


@parts.command("prune")
@click.option(
    "--days", type=click.FloatRange(min=0), default=30.0, show_default=True, help="unused for so long"
)
@click.option("--all", "everything", is_flag=True, help="whatever its age")
@click.option("--no-wait", is_flag=True, help="fail while a run uses the cache, instead of waiting for it")
def parts_prune(days: float, everything: bool, no_wait: bool) -> None:
    """Remove from the cache what was not used for a while. Waits for runs that use it.

    \b
    kvmppc parts prune             what was not used for 30 days
    kvmppc parts prune --days 7
    kvmppc parts prune --all
    """
    gone = Cache.default().prune(0 if everything else days, wait=not no_wait)
    for each in gone:
        click.echo(f"removed {each.kind}/{each.key[:12]}  {each.why}")
    click.echo(f"freed {sum(each.bytes for each in gone) / 1e6:.1f} MB")


@parts.command("update")
def parts_update() -> None:
    """Take the current version of every package and write the lock file.

    \b
    kvmppc parts update
    """
    path = debian.update(all_parts(), Cache.default(), _progress)
    click.echo(f"wrote {path}")


def main() -> None:
    """For scripts that were installed before entry.py was there."""
    entry.main()
