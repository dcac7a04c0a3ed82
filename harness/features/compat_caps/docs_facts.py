# SPDX-License-Identifier: GPL-2.0-only
"""Facts about Documentation/virt/kvm/api.rst. What each is in words is in sentences.py."""

from __future__ import annotations

from dataclasses import dataclass

from harness.model.fact import Fact, Hex


@dataclass(frozen=True)
class SourceFiles(Fact):
    """Expected: that these files of the kernel's source are at hand."""

    kind = "source-files"

    names: tuple[str, ...]


@dataclass(frozen=True)
class NoSource(Fact):
    """A prebuilt kernel's source is not at hand."""

    kind = "no-source"


@dataclass(frozen=True)
class KernelWithIoctl(Fact):
    kind = "kernel-with-ioctl"


@dataclass(frozen=True)
class SaysItHasNone(Fact):
    """This kernel has no ioctl, and its source names none."""

    kind = "says-it-has-none"


@dataclass(frozen=True)
class Section(Fact):
    """About the ioctl."""

    kind = "section"

    present: bool


@dataclass(frozen=True)
class StructFields(Fact):
    """(type, name)"""

    kind = "struct-fields"

    fields: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class SomeStruct(Fact):
    """Expected where the header has none to compare with."""

    kind = "some-struct"


@dataclass(frozen=True)
class BitNames(Fact):
    """Of the header."""

    kind = "bit-names"

    names: tuple[str, ...]


@dataclass(frozen=True)
class BitsWrong(Fact):
    """Names of bits: with another value than the header's, missing in the text, missing in the header."""

    kind = "bits-wrong"

    values: tuple[str, ...]
    missing: tuple[str, ...]
    unknown: tuple[str, ...]


@dataclass(frozen=True)
class ErrorNames(Fact):
    """listed: by the text; else those that were seen. missing: those that should be as well."""

    kind = "error-names"

    names: tuple[str, ...]
    listed: bool = True
    missing: tuple[str, ...] = ()


@dataclass(frozen=True)
class ErrorsUnlisted(Fact):
    """That the kernel answered."""

    kind = "errors-unlisted"

    names: tuple[str, ...]


@dataclass(frozen=True)
class BitsAnswered(Fact):
    """Bits of the kernel's answer that no header names, and whether it has any bit at all."""

    kind = "bits-answered"

    unknown: Hex = 0
    some: bool = True
