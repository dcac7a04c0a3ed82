# SPDX-License-Identifier: GPL-2.0-only
"""What is taken from Debian, and from where: packages, and suites in the order they are tried."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Suite:
    """base: the suite beneath a backports suite, whose packages serve for the rest of a closure."""

    name: str
    base: str = ""

    @property
    def checks_date(self) -> bool:
        """Mirrors are often past the Valid-Until of the suites that change daily."""
        return self.name not in ("sid", "experimental")


@dataclass(frozen=True)
class Part:
    """packages: with all they depend on, unless *alone*. kernel: a version whose image package is
    taken alone, instead."""

    name: str
    architecture: str  # "host" or Debian's name
    suites: tuple[Suite, ...]
    packages: tuple[str, ...] = ()
    kernel: str = ""
    alone: bool = False


QEMU = Part(
    "qemu",
    "host",
    (Suite("trixie-backports", base="trixie"), Suite("forky"), Suite("sid")),
    ("qemu-system-ppc",),
)

USERLAND = Part(
    "userland",
    "ppc64el",
    (Suite("forky"), Suite("sid"), Suite("trixie")),
    # libpython3-stdlib: the probe's ctypes is not in the minimal package.
    ("qemu-system-ppc", "busybox-static", "dropbear-bin", "python3-minimal", "libpython3-stdlib"),
)

# Debian builds each kernel with 4 KiB and with 64 KiB pages; nested KVM wants the latter
# (an L1 with 4 KiB pages cannot back QEMU's default hash page table).
KERNEL_FLAVOUR = "powerpc64le-64k"

KERNEL_SUITES = {
    "6.12": (Suite("bookworm-backports"), Suite("trixie")),
    "7.2": (Suite("forky"), Suite("sid")),
    "7.3": (Suite("experimental"), Suite("trixie-backports")),
}

# Where a version that is not in the table is looked for.
ANY_SUITE = tuple(
    Suite(name)
    for name in ("sid", "experimental", "forky", "trixie-backports", "trixie", "bookworm-backports")
)


def kernel_part(version: str) -> Part:
    """version: ``7.3``."""
    return Part(f"kernel-{version}", "ppc64el", KERNEL_SUITES.get(version, ANY_SUITE), kernel=version)


SOURCE_SUITES = {
    "6.12": (Suite("bookworm-backports"), Suite("trixie")),
    "7.2": (Suite("forky"), Suite("sid")),
    "7.3": (Suite("experimental"), Suite("trixie-backports")),
}


def source_part(version: str) -> Part:
    """version: ``7.2``. The package needs nothing of what it depends on to be unpacked."""
    suites = SOURCE_SUITES.get(version, ANY_SUITE)
    return Part(f"source-{version}", "host", suites, (f"linux-source-{version}",), alone=True)


def all_parts() -> tuple[Part, ...]:
    kernels = [kernel_part(version) for version in KERNEL_SUITES]
    return (QEMU, USERLAND, *kernels, *(source_part(version) for version in SOURCE_SUITES))
