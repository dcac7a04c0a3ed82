# SPDX-License-Identifier: GPL-2.0-only
"""kernel-patches/mutants/: kernels with one defect each, to see that a check catches it."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

from harness.model.errors import UsageError
from harness.parts import ownseries

_FOLDER = "mutants"


@dataclass(frozen=True)
class Mutant:
    """on: the series its patch sits on; caught_by: name of the check that must fail."""

    name: str
    base: str
    on: str
    defect: str
    caught_by: str

    @property
    def original(self) -> str:
        """Kernel without the defect, as for --kernel."""
        return f"debian-source:{self.base}+{self.on}"

    @property
    def kernel(self) -> str:
        """With it."""
        return f"{self.original}+{_FOLDER}/{self.name}"


def all_mutants() -> list[Mutant]:
    """UsageError if the list is wrong."""
    path = ownseries.directory() / _FOLDER / "mutants.toml"
    try:
        document = tomllib.loads(path.read_text())
        return [Mutant(base=document["base"], **each) for each in document["mutant"]]
    except (OSError, tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        raise UsageError(f"{path} is wrong: {error!r}") from None


def patch_of(text: str) -> Path | None:
    """File of a mutant that is named like ``mutants/flags-ignored``; None for what is none."""
    folder, _, name = text.partition("/")
    path = ownseries.directory() / _FOLDER / f"{name}.patch"
    return path if folder == _FOLDER and name and "/" not in name and path.is_file() else None
