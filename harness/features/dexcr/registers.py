# SPDX-License-Identifier: GPL-2.0-only
"""DEXCR, HASHKEYR and HASHPKEYR as KVM HV keeps them for a guest: which kernel has them, and what is known to
be wrong with them.

- Power ISA 3.1B: DEXCR (SPR 828) switches speculation and the hash instructions, one half for privileged and
  one for problem state; HASHKEYR (468) is the key of hashst and hashchk, HASHPKEYR (469) that of hashstp and
  hashchkp. A guest may read and write DEXCR and HASHKEYR; HASHPKEYR only a hypervisor may.
- Linux 6.11, arch/powerpc/include/uapi/asm/kvm.h: one register of 64 bits for each, whatever the CPU.
  book3s_hv.c, kvmppc_get_one_reg_hv and kvmppc_set_one_reg_hv; book3s_hv.h makes the accessors. No bit is
  checked or masked, and POWER9, which has none of the three, takes and keeps them as well. KVM PR has none.
- Nested API v2: elements 0x104E, 0x1050 and 0x1051 of the guest state buffer, one of each for a vcpu; what
  was set goes to L0 with the next H_GUEST_RUN_VCPU, and after it L0 is asked (book3s_hv_nestedv2.c,
  gs_msg_ops_vcpu_fill_info and __kvmhv_nestedv2_cached_reload).
- Nested API v1, and bare metal: see NOT_LOADED.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from harness.features.feature import Expectation
from harness.model.kernel import Kernel
from harness.model.release import Release, Version, parse_release
from harness.model.topology import NestedApi

UAPI = "arch/powerpc/include/uapi/asm/kvm.h"
ONE_REG = "arch/powerpc/kvm/book3s_hv.c"
ENTRY = "arch/powerpc/kvm/book3s_hv_p9_entry.c"
SOURCE_FILES = (UAPI, ONE_REG, ENTRY)


@dataclass(frozen=True)
class Register:
    """name: as the guest program takes it; number: low bits of its KVM_REG_PPC_ id; since: of mainline;
    commit: that added it there; spr: that a guest may use for it, None if it may not."""

    name: str
    number: int
    since: Version
    commit: str
    spr: int | None

    @property
    def macro(self) -> str:
        return f"KVM_REG_PPC_{self.name.upper()}"


DEXCR = Register("dexcr", 0xC6, (6, 11, 0), "1a1e6865f516", 828)
HASHKEYR = Register("hashkeyr", 0xC7, (6, 11, 0), "e9eb790b2557", 468)
HASHPKEYR = Register("hashpkeyr", 0xC8, (6, 11, 0), "9a0d2f4995dd", None)
REGISTERS = (DEXCR, HASHKEYR, HASHPKEYR)


@dataclass(frozen=True)
class KnownDefect:
    """Of releases [since, before) with one nested API; before: None where no end is known."""

    name: str
    since: Version
    before: Version | None
    api: NestedApi
    words: str
    reason: str


# Read in 6.12.95, 7.2.12 and 7.3-rc7. Measured under QEMU 11.1.3 with L1 p11 and p10 on pseries-hv: a guest
# reads L1's own registers, and what it writes to DEXCR is in force for L1's processes when it has ended.
NOT_LOADED = KnownDefect(
    "not loaded", (6, 11, 0), None, NestedApi.V1,
    "the registers are kept and not loaded: a guest has L1's own",
    "book3s_hv_p9_entry.c, load_spr_state and store_spr_state switch neither DEXCR nor HASHKEYR; struct "
    "hv_guest_state has none of the three, so that L0 has no HASHPKEYR to load",
)  # fmt: skip


def expect(kernel: Kernel) -> Expectation:
    """data: {"has": names of the registers that it has, "defects": names of known defects}."""
    release = parse_release(kernel.release, kernel.banner)
    # What the source of a mutant shows is the defect.
    texts = {} if any(each.mutant for each in kernel.series) else kernel.texts
    shown = _shown(texts)
    if shown is None and release is None:
        return _unknown(f"{kernel.label}: {kernel.release!r} is no release")
    by_release = {each.name for each in REGISTERS if release and release.version >= each.since}
    if shown is None and release is not None and release.modified and not by_release:
        return _unknown(f"{kernel.label}: {release.text} says little of what is in it ({release.modified})")
    # A uapi is not taken back: what its release has and a source has not was lost.
    has = by_release | (shown or set())
    lost = by_release - has if shown is None else by_release - shown
    note = (
        f"{kernel.label}: Linux {release.short} has {_named(lost)}, and this source has not"
        if lost and release
        else ""
    )
    return _known(has, _defects(texts, release, has), note)


def _known(has: set[str], defects: list[str], note: str) -> Expectation:
    data = {"has": [each.name for each in REGISTERS if each.name in has], "defects": defects}
    return Expectation(_named(has) or "none of them", data, True, note)


def _unknown(why: str) -> Expectation:
    return Expectation(
        "not known", {"has": [], "defects": []}, False, f"{why}; judged by what any kernel should do"
    )


def _named(names: set[str]) -> str:
    return ", ".join(each.name.upper() for each in REGISTERS if each.name in names)


def _shown(texts: Mapping[str, str]) -> set[str] | None:
    """What a source has; None without one. A register has its number, a way to get it and one to set it."""
    if UAPI not in texts or ONE_REG not in texts:
        return None
    return {
        each.name
        for each in REGISTERS
        if each.macro in texts[UAPI] and texts[ONE_REG].count(f"case {each.macro}:") >= 2
    }


def _defects(texts: Mapping[str, str], release: Release | None, has: set[str]) -> list[str]:
    row = NOT_LOADED
    if not has:
        return []
    if ENTRY in texts:
        return [] if "SPRN_DEXCR" in texts[ENTRY] else [row.name]
    if release is None:
        return []
    holds = row.since <= release.version and (row.before is None or release.version < row.before)
    return [row.name] if holds else []
