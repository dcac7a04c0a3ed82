# SPDX-License-Identifier: GPL-2.0-only
"""kernel-patches/mutants/: kernels with one defect each, to see that a check catches it."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

from harness.model.errors import UsageError
from harness.model.matrix import parse_id
from harness.parts import ownseries

_FOLDER = "mutants"

# What shows a mutant: the conformance suite, or guests that are booted.
COMMANDS = ("probe", "run")

# What must come of it: a failed check, or none where the change is harmless.
KINDS = ("fail", "ok")

# Both nested APIs, in an L1 whose mode is not its machine's.
_SCENARIOS = ("papr-p11@p10-l2p10", "hv-p11@p10-l2p10")


@dataclass(frozen=True)
class Mutant:
    """on: the series its patch sits on; caught_by: name of the check that must fail, '' if none may;
    command: of COMMANDS; scenario: ids of what is booted for "run", without a kernel; kind: of KINDS;
    title: words that the failed check must have in its titles, in the token of what was observed or in its
    proof, '' for any; of a harmless one, words that must be on a console, so that it is known to have run.
    """

    name: str
    base: str
    on: str
    defect: str
    caught_by: str = ""
    command: str = "probe"
    scenario: tuple[str, ...] = ()
    kind: str = "fail"
    title: str = ""

    def __post_init__(self) -> None:
        """ValueError for a word that is none, UsageError for a scenario that is none."""
        if self.command not in COMMANDS or self.kind not in KINDS:
            raise ValueError(f"{self.name}: command {self.command!r}, kind {self.kind!r}")
        if (self.kind == "fail") != bool(self.caught_by):
            raise ValueError(f"{self.name}: caught_by is for what must be caught")
        if self.command == "run" and not self.scenario:
            object.__setattr__(self, "scenario", _SCENARIOS)
        if self.command == "probe" and self.scenario:
            raise ValueError(f"{self.name}: scenario is for command run")
        for each in self.scenario:
            parse_id(each)

    @property
    def original(self) -> str:
        """Kernel without the defect, as for --kernel."""
        return f"debian-source:{self.base}+{self.on}"

    @property
    def kernel(self) -> str:
        """With it."""
        return f"{self.original}+{_FOLDER}/{self.name}"

    @property
    def summary(self) -> str:
        """One line for ``--list``."""
        where = f", {' '.join(self.scenario)}" if self.scenario else ""
        if self.kind == "ok":
            must = "must not be reported"
        else:
            must = f"caught by: {self.caught_by}" + (f": {self.title}" if self.title else "")
        return f"{self.name} ({self.command}{where}): {self.defect}; {must}"


def all_mutants() -> list[Mutant]:
    """UsageError if the list is wrong."""
    path = ownseries.directory() / _FOLDER / "mutants.toml"
    try:
        document = tomllib.loads(path.read_text())
        return [_mutant(document["base"], each) for each in document["mutant"]]
    except (OSError, tomllib.TOMLDecodeError, KeyError, TypeError, ValueError, UsageError) as error:
        raise UsageError(f"{path} is wrong: {error!r}") from None


def _mutant(base: str, entry: dict[str, str | list[str]]) -> Mutant:
    """One id of a scenario may stand without brackets."""
    scenario = entry.pop("scenario", [])
    ids = (scenario,) if isinstance(scenario, str) else tuple(scenario)
    return Mutant(base=base, scenario=ids, **entry)  # type: ignore[arg-type]  # TypeError tells


def patch_of(text: str) -> Path | None:
    """File of a mutant that is named like ``mutants/flags-ignored``; None for what is none."""
    folder, _, name = text.partition("/")
    path = ownseries.directory() / _FOLDER / f"{name}.patch"
    return path if folder == _FOLDER and name and "/" not in name and path.is_file() else None
