# SPDX-License-Identifier: GPL-2.0-only
"""What L1 is asked, and how the answers are read. The guest's half, which explains the words, is
guest/dexcr.py."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from harness.features.dexcr.registers import DEXCR, HASHKEYR, HASHPKEYR, REGISTERS, Register

# Aspects of DEXCR that have a name in Power ISA 3.1B: SBHE, IBRTPD, SRAPD, NPHIE, PHIE; of both halves.
ALL_ASPECTS = 0x9E0000009E000000
# That is in no half of the values below it: L1's own must be seen to change.
WRITTEN = 0x8000000018000000
_PATTERNS = (0x0123456789ABCDEF, 0xFEDCBA9876543210)
_KEYS = (("all ones", (0xFFFFFFFFFFFFFFFF, 0)), ("patterns", _PATTERNS))

# By register: (name for reports, a value for each vcpu of one VM).
PAIRS = {
    DEXCR: (("all aspects", (ALL_ASPECTS, 0)), ("one aspect", (0x0400000080000000, WRITTEN))),
    HASHKEYR: _KEYS,
    HASHPKEYR: _KEYS,
}
# By register that a guest may read: values for each vcpu, and what its guest writes, None for nothing.
TOUCHED = {
    DEXCR: ((ALL_ASPECTS, 0x0400000080000000), (None, WRITTEN)),
    HASHKEYR: (_PATTERNS, (None, 0x5555AAAA5555AAAA)),
}
# The first and the last are the same: so must their hashes be.
HASH_KEYS = (*_PATTERNS, _PATTERNS[0])
HASHED = (HASHKEYR, HASHPKEYR)


def onereg(register: Register, values: tuple[int, ...]) -> str:
    return f"onereg {register.name} {_joined(values)}"


def guest(register: Register) -> str:
    values, writes = TOUCHED[register]
    return f"guest {register.name} {_joined(values)} {_joined(writes)}"


def hashes(register: Register) -> str:
    return f"hash {register.name} {_joined(HASH_KEYS)}"


def odd(register: Register) -> str:
    return f"odd {register.name} {PAIRS[register][0][1][0]:#x}"


def questions(_page: int) -> list[str]:
    return [
        *(onereg(register, values) for register in REGISTERS for _, values in PAIRS[register]),
        *(odd(register) for register in REGISTERS),
        *(guest(register) for register in TOUCHED),
        *(hashes(register) for register in HASHED),
    ]


def _joined(values: tuple[int | None, ...]) -> str:
    return ",".join("-" if each is None else f"{each:#018x}" for each in values)


# -- answers ---------------------------------------------------------------------------------


# (errno, value), the value None where errno is not 0.
Read = tuple[int, int | None]


def reads(found: list[list[Any]]) -> tuple[Read, ...]:
    return tuple((error, value) for error, value in found)


@dataclass(frozen=True)
class Run:
    """A KVM_RUN of a guest. exit: KVM_EXIT_*; hcall: that ended it, None if another thing did; gpr: r0 to r11
    afterwards."""

    errno: int
    exit: int
    hcall: int | None
    gpr: tuple[int, ...]

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Run:
        return cls(data["errno"], data["exit"], data["hcall"], tuple(data["gpr"]))


def runs(found: list[dict[str, Any]]) -> tuple[Run, ...]:
    return tuple(Run.from_json(each) for each in found)
