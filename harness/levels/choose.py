# SPDX-License-Identifier: GPL-2.0-only
"""Which levels, on which machines, a placement is made of. To add a kind of machine, add it here."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from harness.levels import commands
from harness.levels.linux import LinuxLevel
from harness.levels.nested import NestedMachine
from harness.levels.setup import Setup
from harness.levels.tcg import TcgMachine


def levels_for(
    setup: Setup, directories: Sequence[Path], *, outermost: Sequence[str] = ()
) -> tuple[LinuxLevel, ...]:
    """The Linux levels that run guests, none of them started yet, outermost first; the last is L1.

    directories: one for each, in that order; outermost: further words for the outermost QEMU.
    """
    if not setup.placement.topology.has_l0:
        machine = TcgMachine(lambda nonce: commands.l1_command(setup, nonce), outermost)
        return (LinuxLevel("L1", setup, machine, directories[-1]),)
    l0 = LinuxLevel(
        "L0", setup, TcgMachine(lambda nonce: commands.l0_command(setup, nonce), outermost), directories[0]
    )
    # Known only once L0 is up: the size of its pages.
    nested = NestedMachine(l0, "L1", lambda nonce: commands.l1_in_l0_command(setup, l0.page_kb, nonce))
    return (l0, LinuxLevel("L1", setup, nested, directories[-1]))
