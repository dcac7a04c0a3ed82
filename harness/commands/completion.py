# SPDX-License-Identifier: GPL-2.0-only
"""What a shell offers after TAB: the values of options and arguments.

click makes the shells' scripts and asks for values (``_KVMPPC_COMPLETE``, click.shell_completion). A command
that is asked for values imports no more than they need: each function below imports where it runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

_Completer = Callable[[click.Context, click.Parameter, str], "list[CompletionItem]"]


def completes(what: str) -> _Completer:
    """For click's ``shell_complete``. what: a key of _VALUES, of _PATHS, or anything else: nothing is
    offered."""

    def complete(
        context: click.Context, _parameter: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem

        try:
            values = list(_VALUES[what](context, incomplete)) if what in _VALUES else []
        except Exception:
            values = []  # a line that is being typed is no place for a complaint
        found = [CompletionItem(each) for each in values if each.startswith(incomplete)]
        if what in _PATHS:
            # The shell looks for paths if no value fits.
            found.append(CompletionItem(incomplete, type=_PATHS[what]))
        return found

    return complete


def _matrices(_context: click.Context, _incomplete: str) -> Iterable[str]:
    from harness.model.matrix import MATRICES

    return [*(each.name for each in MATRICES), "pairwise"]


def _kernels(_context: click.Context, incomplete: str) -> Iterable[str]:
    """Versions of Debian's, and after a + the names of our series."""
    base, plus, _ = incomplete.rpartition("+")
    if plus:
        return [f"{base}+{each}" for each in _series(_context, "")]
    from harness.parts.packages import KERNEL_SUITES

    return [f"{kind}:{version}" for kind in ("debian", "debian-source") for version in KERNEL_SUITES]


def _l0_kernels(context: click.Context, incomplete: str) -> Iterable[str]:
    return ["same", *_kernels(context, incomplete)]


def _series(_context: click.Context, _incomplete: str) -> Iterable[str]:
    from harness.parts import ownseries

    return ownseries.names()


def _mutants(_context: click.Context, _incomplete: str) -> Iterable[str]:
    from harness.parts.mutant_catalogue import all_mutants

    return [each.name for each in all_mutants()]


def _topologies(_context: click.Context, _incomplete: str) -> Iterable[str]:
    from harness.model.topology import TOPOLOGIES

    return [each.name for each in TOPOLOGIES]


def _l1_settings(_context: click.Context, _incomplete: str) -> Iterable[str]:
    from harness.model.matrix import matrix

    return [l1 for l1, _ in matrix("full").rows]


def _l2_settings(_context: click.Context, _incomplete: str) -> Iterable[str]:
    from harness.model.matrix import ALL_L2

    return ALL_L2


def _scenario_ids(context: click.Context, _incomplete: str) -> Iterable[str]:
    """Without a kernel: those of the matrix that is named before it on the line, or of the full one."""
    from harness.model.matrix import MATRICES, Selection, expand, matrix

    name = context.params.get("matrix")
    base = matrix(name if name in [each.name for each in MATRICES] else "full")
    return dict.fromkeys(each.id for each in expand(base, ["kernel"], ["l0"], Selection()))


def _workarounds(_context: click.Context, _incomplete: str) -> Iterable[str]:
    from harness.model.workarounds import WORKAROUNDS

    return [each.name for each in WORKAROUNDS]


def _behaviours(_context: click.Context, _incomplete: str) -> Iterable[str]:
    from harness.features.compat_caps.behaviour import BEHAVIOURS

    return [each.name for each in BEHAVIOURS]


def _suites(_context: click.Context, _incomplete: str) -> Iterable[str]:
    from harness.model.plan import Suite

    return [each.value for each in Suite]


def _qemus(_context: click.Context, _incomplete: str) -> Iterable[str]:
    return ("debian", "host")


# By the field of an option of a run, or by what an argument is.
_VALUES: dict[str, Callable[[click.Context, str], Iterable[str]]] = {
    "matrix": _matrices,
    "kernels": _kernels,
    "l0_kernels": _l0_kernels,
    "series": _series,
    "mutants": _mutants,
    "topologies": _topologies,
    "l1": _l1_settings,
    "l2": _l2_settings,
    "only": _scenario_ids,
    "no_workaround": _workarounds,
    "expect": _behaviours,
    "suite": _suites,
    "qemu": _qemus,
}

# What may be a path: click's word for what the shell is to look for.
_PATHS = {
    "kernels": "file",
    "l0_kernels": "file",
    "series": "file",
    "qemu": "file",
    "config": "file",
    "ssh_config": "file",
    "expect_build_id": "file",
    "file": "file",
    "directory": "dir",
    "tests": "dir",
    "run_dir": "dir",
}
