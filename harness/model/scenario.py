# SPDX-License-Identifier: GPL-2.0-only
"""A scenario: one L1 setting, one L2 setting, one kernel (two with an L0). Its id is made to be typed.

``papr-p11@p10-l2host`` reads: topology pseries-papr, L1 on a POWER11 CPU in
POWER10 compat mode, L2 with ``-cpu host`` and no mode of its own.
"""

from __future__ import annotations

from dataclasses import dataclass

from harness.model.cpu import Mode
from harness.model.errors import UsageError
from harness.model.topology import Topology

# The compat modes a CPU can be put into: its own and the two before it (PCR has
# bits for those only; a POWER9 as POWER8 cannot run the radix MMU that nested KVM needs).
OLDEST_L1_MODE = Mode.P9


@dataclass(frozen=True)
class L1Setting:
    """CPU of the machine L1 runs on, and the compat mode it is given (None: native)."""

    cpu: Mode
    compat: Mode | None = None

    @property
    def mode(self) -> Mode:
        """The mode L1 must find itself in."""
        return self.compat or self.cpu

    @property
    def id(self) -> str:
        return self.cpu.short if self.compat is None else f"{self.cpu.short}@{self.compat.short}"

    def __str__(self) -> str:
        return self.cpu.name if self.compat is None else f"{self.cpu.name} as {self.compat.name}"

    @classmethod
    def parse(cls, text: str) -> L1Setting:
        """From ``p11`` or ``p11@p10``. UsageError when it makes no sense."""
        cpu_text, _, compat_text = text.partition("@")
        try:
            cpu = Mode.parse(cpu_text)
            compat = Mode.parse(compat_text) if compat_text else None
        except ValueError as error:
            raise UsageError(f"L1 setting {text!r}: {error}", "write it as p11 or p11@p10") from None
        if cpu > Mode.P11:
            raise UsageError(f"L1 setting {text!r}: no QEMU has {cpu.qemu_name}", "the newest is p11")
        if (compat or cpu) < OLDEST_L1_MODE:
            raise UsageError(
                f"L1 setting {text!r}: nested KVM needs a radix MMU", "the oldest mode for L1 is p9"
            )
        if compat is not None and compat > cpu:
            raise UsageError(f"L1 setting {text!r}: a CPU cannot run in a newer mode", "give an older one")
        return cls(cpu, compat)


@dataclass(frozen=True)
class L2Setting:
    """L2 is always ``-cpu host`` (KVM HV knows no other); compat is its max-cpu-compat."""

    compat: Mode | None = None

    @property
    def id(self) -> str:
        return "l2host" if self.compat is None else f"l2{self.compat.short}"

    def __str__(self) -> str:
        return "host" if self.compat is None else f"max={self.compat.name}"

    @classmethod
    def parse(cls, text: str) -> L2Setting:
        """From ``host``, ``p10`` or the same with ``l2`` before it. UsageError otherwise."""
        name = text.lower().removeprefix("l2")
        if name == "host":
            return cls()
        try:
            mode = Mode.parse(name)
        except ValueError:
            mode = Mode.P12
        if not Mode.P9 <= mode <= Mode.P11:
            raise UsageError(f"L2 setting {text!r} is unknown", "known are host, p11, p10, p9")
        return cls(mode)


def kernels_id(kernel: str, l0: str) -> str:
    """The kernels' part of a full id: ``7.3``, or ``7.3-on-7.2`` with the kernel of an L0."""
    return f"{kernel}-on-{l0}" if l0 else kernel


@dataclass(frozen=True)
class Placement:
    """Where scenarios share an L1: the kernel under test, the topology, the L1 setting.

    kernel: the label of the kernel under test (``7.3``), unique within a run, which L1 and L2 boot;
    l0: the label of L0's, '' where L0 is QEMU.
    """

    kernel: str
    topology: Topology
    l1: L1Setting
    l0: str = ""

    @property
    def id(self) -> str:
        return f"{self.topology.short}-{self.l1.id}"

    @property
    def full_id(self) -> str:
        """Unique within a run: with the kernels before it."""
        return f"{kernels_id(self.kernel, self.l0)}-{self.id}"


@dataclass(frozen=True)
class Scenario:
    placement: Placement
    l2: L2Setting

    @property
    def id(self) -> str:
        return f"{self.placement.id}-{self.l2.id}"

    @property
    def full_id(self) -> str:
        return f"{self.placement.full_id}-{self.l2.id}"
