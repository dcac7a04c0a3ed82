# SPDX-License-Identifier: GPL-2.0-only
"""Matrices: named sets of scenarios, and how the command line narrows or widens them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from harness.model.errors import UsageError
from harness.model.scenario import L1Setting, L2Setting, Placement, Scenario
from harness.model.topology import POWERNV, PSERIES, TOPOLOGIES, Topology

# Generic kernels hang as L0 on powernv10 and 11 in half of their boots (QEMU's HDSI recursion); our
# small configuration does not. The version is one that ci/test builds anyway.
DEFAULT_L0 = "debian-source:7.2"

ALL_L2 = ("host", "p11", "p10", "p9")


@dataclass(frozen=True)
class Matrix:
    """kernels: specs as for --kernel; rows: L1 setting -> its L2 settings, on each topology
    that can have that L1; why: one line for --help; l0_kernels: specs as for --l0-kernel, each with each
    of kernels."""

    name: str
    kernels: tuple[str, ...]
    topologies: tuple[Topology, ...]
    rows: tuple[tuple[str, tuple[str, ...]], ...]
    why: str
    l0_kernels: tuple[str, ...] = (DEFAULT_L0,)


MATRICES = (
    Matrix(
        "default",
        ("debian:7.3", "debian:6.12"),
        PSERIES,
        (
            # The row the series is about: every question.
            ("p11@p10", ALL_L2),
            # An L1 in its CPU's own mode: that mode, and one beside it, older or too new.
            # The full matrix has the rest, which differs in nothing a kernel decides.
            ("p11", ("host", "p10")),
            ("p10", ("host", "p11")),
            ("p9", ("host", "p10")),
        ),
        "a kernel with the feature against one without, in the settings that differ",
    ),
    Matrix(
        "full",
        ("debian:7.3", "debian:7.2", "debian:6.12"),
        TOPOLOGIES,
        tuple((l1, ALL_L2) for l1 in ("p11", "p11@p10", "p11@p9", "p10", "p10@p9", "p9")),
        "every L1 setting with every L2 setting in every topology, three kernels",
    ),
    Matrix(
        "powernv",
        (
            "debian-source:7.3",
            "debian-source:7.2+compat-caps-merged",
            "debian-source:7.2",
            "debian-source:6.12+compat-caps-v1",
            "debian-source:6.12",
        ),
        POWERNV,
        (
            ("p11", ("host",)),
            # QEMU up to 11.1 asks for POWER11 here whatever KVM_PPC_GET_COMPAT_CAPS says.
            ("p11@p10", ("host", "p10")),
            ("p11@p9", ("host", "p9")),
            ("p10", ("host", "p9")),
            ("p10@p9", ("host", "p9")),
            ("p9", ("host",)),
        ),
        "three levels on emulated bare metal: the rows the series' author published",
    ),
    Matrix(
        "mixed",
        ("debian-source:6.12", "debian-source:6.12+compat-caps-merged"),
        POWERNV[-1:],
        (("p11@p10", ("host", "p11", "p10")),),
        "only L0 patched, only L1 patched, both, none: which level needs the series",
        l0_kernels=("debian-source:6.12", "debian-source:6.12+compat-caps-merged"),
    ),
    Matrix(
        "patches",
        ("debian:7.3",),
        PSERIES,
        (("p11@p10", ("host", "p11")), ("p11", ("host",))),
        "what a series is about, short enough for each of its patches",
    ),
    Matrix(
        "probe",
        ("debian:7.3",),
        PSERIES[:1],
        (("p11@p10", ("host",)),),
        "one L1, for kvmppc probe",
    ),
    Matrix(
        "abi",
        (
            "debian-source:6.12",
            "debian-source:7.2",
            "debian-source:7.3",
            "debian-source:6.12+compat-caps-v1",
            "debian-source:6.12+compat-caps-merged",
            "debian-source:7.2+compat-caps-v1",
            "debian-source:7.2+compat-caps-merged",
        ),
        PSERIES,
        tuple((l1, ("host",)) for l1 in ("p11", "p11@p10", "p11@p9", "p10", "p10@p9", "p9")),
        "every L1 setting, both nested APIs and each of our series, for the conformance suite",
    ),
    Matrix(
        "ci",
        ("debian:7.3", "debian:6.12"),
        PSERIES[:1],
        (("p11@p10", ("host", "p10")),),
        "a boot that succeeds, one that is refused and the defect shown, in about a minute",
    ),
)


def matrix(name: str) -> Matrix:
    """By name. UsageError when there is none."""
    for candidate in MATRICES:
        if candidate.name == name:
            return candidate
    raise UsageError(
        f"unknown matrix {name!r}", f"known are {', '.join(each.name for each in MATRICES)}, pairwise"
    )


@dataclass(frozen=True)
class Selection:
    """What the command line says beyond the matrix's name. Empty means: as the matrix has it.

    only: scenario ids, with or without the kernel before them; all others are left out.
    """

    topologies: tuple[Topology, ...] = ()
    l1: tuple[L1Setting, ...] = ()
    l2: tuple[L2Setting, ...] = ()
    only: tuple[str, ...] = ()


def parse_id(text: str) -> tuple[str, L1Setting, L2Setting]:
    """Topology short name, L1 and L2 setting of a scenario id; a kernel label before it is dropped."""
    for each in TOPOLOGIES:
        _, found, tail = f"-{text}".rpartition(f"-{each.short}-")
        if not found:
            continue
        l1_text, separator, l2_text = tail.partition("-")
        if separator:
            return each.short, L1Setting.parse(l1_text), L2Setting.parse(l2_text)
    raise UsageError(f"{text!r} is no scenario id", "see kvmppc run --list")


def expand(
    base: Matrix, kernels: Sequence[str], l0_kernels: Sequence[str], selection: Selection
) -> list[Scenario]:
    """Scenarios in the order they run: all L2 settings of an L1 setting together.

    kernels, l0_kernels: labels, one for each kernel under test and for each of L0. An L1 or L2
    setting, or an id, that the matrix does not have but the command line asks for is added: asking is
    reason enough.
    """
    rows: list[tuple[L1Setting, tuple[L2Setting, ...]]] = [
        (L1Setting.parse(l1), tuple(L2Setting.parse(l2) for l2 in l2s)) for l1, l2s in base.rows
    ]
    wanted = [parse_id(text) for text in selection.only]
    if selection.l1:
        known = dict(rows)
        every = tuple(L2Setting.parse(l2) for l2 in ALL_L2)
        rows = [(l1, known.get(l1, every)) for l1 in selection.l1]
    if selection.l2:
        rows = [(l1, selection.l2) for l1, _ in rows]
    topologies = selection.topologies or base.topologies
    if wanted:
        topologies = tuple(each for each in TOPOLOGIES if each.short in {short for short, _, _ in wanted})
        rows = _rows_of((l1, l2) for _, l1, l2 in wanted)

    scenarios = [
        Scenario(Placement(kernel, topology, l1, l0), l2)
        for kernel in kernels
        for topology in topologies
        for l0 in (l0_kernels if topology.has_l0 else ("",))
        for l1, l2s in rows
        if topology.carries(l1.cpu)
        for l2 in l2s
    ]
    if not scenarios:
        raise UsageError(
            f"no L1 setting of these fits {', '.join(each.name for each in topologies)}",
            "the CPU of a powernv machine is the one in its name",
        )
    if not wanted:
        return scenarios
    chosen = [each for each in scenarios if each.id in selection.only or each.full_id in selection.only]
    for text in selection.only:
        if not any(text in (each.id, each.full_id) for each in chosen):
            raise UsageError(
                f"no scenario has the id {text!r}", f"kernels in this run: {', '.join(kernels)}; see --list"
            )
    return chosen


def with_controls(scenarios: Iterable[Scenario]) -> list[Scenario]:
    """The same, and for each L1 an L2 in L1's own mode, which every kernel must boot. Those of an L1 stay
    together."""
    by_placement: dict[Placement, list[Scenario]] = {}
    for each in scenarios:
        by_placement.setdefault(each.placement, []).append(each)
    for placement, found in by_placement.items():
        control = Scenario(placement, control_of(placement.l1))
        if control not in found:
            found.append(control)
    return [each for found in by_placement.values() for each in found]


def control_of(l1: L1Setting) -> L2Setting:
    """The L2 that any kernel must boot under this L1."""
    return L2Setting(l1.mode)


def _rows_of(pairs: Iterable[tuple[L1Setting, L2Setting]]) -> list[tuple[L1Setting, tuple[L2Setting, ...]]]:
    rows: dict[L1Setting, list[L2Setting]] = {}
    for l1, l2 in pairs:
        l2s = rows.setdefault(l1, [])
        if l2 not in l2s:
            l2s.append(l2)
    return [(l1, tuple(l2s)) for l1, l2s in rows.items()]
