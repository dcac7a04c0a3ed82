# SPDX-License-Identifier: GPL-2.0-only
"""Which levels, on which machines, a placement is made of. To add a kind of machine, add it here."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from harness.levels import commands
from harness.levels.linux import LinuxLevel
from harness.levels.nested import NestedMachine
from harness.levels.setup import Setup
from harness.levels.symbols import Symbols
from harness.levels.tcg import TcgMachine


def levels_for(
    setup: Setup, directories: Sequence[Path], *, outermost: Sequence[str] = (), boot: int = 1
) -> tuple[LinuxLevel, ...]:
    """The Linux levels that run guests, none of them started yet, outermost first; the last is L1.

    directories: one for each, in that order; outermost: further words for the outermost QEMU; boot: which
    start of them this is in a run, from 1.
    """
    limits, symbols = setup.limits, Symbols(setup.boot_set.symbols)
    if not setup.placement.topology.has_l0:
        machine = TcgMachine(lambda nonce: commands.l1_command(setup, nonce), outermost, limits)
        return (LinuxLevel("L1", setup, machine, directories[-1], symbols, boot),)
    assert setup.l0_boot_set is not None
    l0_machine = TcgMachine(lambda nonce: commands.l0_command(setup, nonce), outermost, limits)
    l0 = LinuxLevel("L0", setup, l0_machine, directories[0], Symbols(setup.l0_boot_set.symbols), boot)
    # Known only once L0 is up: the size of its pages.
    nested = NestedMachine(
        l0, "L1", lambda nonce: commands.l1_in_l0_command(setup, l0.page_kb, nonce), limits
    )
    return (l0, LinuxLevel("L1", setup, nested, directories[-1], symbols, boot))
