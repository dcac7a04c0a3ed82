# SPDX-License-Identifier: GPL-2.0-only
"""What the options ask for: scenarios, kernels by what the user wrote for them. Fetches nothing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from harness.engine.options import RunOptions
from harness.features.compat_caps.behaviour import Behaviour, parse_behaviour
from harness.features.compat_caps.calls import Call
from harness.model import matrix
from harness.model.errors import UsageError
from harness.model.plan import SAME, Suite
from harness.model.scenario import L1Setting, L2Setting, Placement, Scenario
from harness.model.topology import topology
from harness.model.workarounds import check_names
from harness.parts.kernels import kernel_label

# --matrix pairwise: few scenarios of the full matrix, or of what the command line asks for, with all pairs of
# its settings.
PAIRWISE = "pairwise"
_ALL = "full"


@dataclass(frozen=True)
class Wanted:
    """kernels: label -> spec; l0_kernels: the same for L0, empty if no scenario has one; expect: None
    means by each kernel's version."""

    kernels: dict[str, str]
    l0_kernels: dict[str, str]
    scenarios: tuple[Scenario, ...]
    expect: Behaviour | None
    suite: Suite = Suite.BOOT
    fuzz_seconds: float = 0
    seed: int = 1
    calls: tuple[Call, ...] = ()
    timeout_scale: float = 1
    tests: tuple[str, ...] = ()

    @property
    def placements(self) -> tuple[Placement, ...]:
        """Each once, in the order they run."""
        return tuple(dict.fromkeys(each.placement for each in self.scenarios))


def wanted(options: RunOptions) -> Wanted:
    """UsageError for anything in the options that makes no sense."""
    pairs_only = options.matrix == PAIRWISE
    base = matrix.matrix(_ALL if pairs_only else options.matrix)
    kernels = _labelled(options.kernels or base.kernels)
    l0_kernels = _labelled(options.l0_kernels or base.l0_kernels)
    selection = matrix.Selection(
        topologies=tuple(topology(name) for name in options.topologies),
        l1=tuple(L1Setting.parse(text) for text in options.l1),
        l2=tuple(L2Setting.parse(text) for text in options.l2),
        only=options.only,
    )
    check_names(options.no_workaround)
    scenarios = tuple(matrix.expand(base, list(kernels), list(l0_kernels), selection))
    if pairs_only:
        from harness.engine.pairwise import covering  # what it needs takes long to import

        scenarios = covering(scenarios)
    if options.control:
        scenarios = tuple(matrix.with_controls(scenarios))
    used = {each.placement.l0 for each in scenarios}
    suite = _suite(options.suite)
    for flag, value in (("--fuzz", options.fuzz), ("--call", options.calls)):
        if value and not suite.asks_all:
            raise UsageError(f"{flag} is of the conformance suite", "add --suite abi, or use kvmppc probe")
    return Wanted(
        kernels=kernels,
        l0_kernels={name: spec for name, spec in l0_kernels.items() if name in used},
        scenarios=scenarios,
        expect=parse_behaviour(options.expect) if options.expect else None,
        suite=suite,
        fuzz_seconds=_number("--fuzz", options.fuzz or "0", "seconds", 0, 999_999),
        seed=int(_number("--seed", options.seed, "a whole number", 0, 999_999, whole=True)),
        calls=tuple(Call.parse(line) for line in options.calls),
        timeout_scale=timeout_scale_of(options.timeout_scale),
        tests=tuple(_tests(each) for each in options.tests),
    )


def _tests(text: str) -> str:
    """UsageError for what is no folder or file of tests."""
    path = Path(text).expanduser().absolute()
    if path.is_dir():
        if not any(path.rglob("test_*.py")) and not any(path.rglob("*_test.py")):
            raise UsageError(f"--tests {text}: there is no test_*.py in it", "give a folder of pytest tests")
    elif not path.is_file() or path.suffix != ".py":
        raise UsageError(f"--tests {text} is no folder and no file of tests", "give a folder of pytest tests")
    return str(path)


def timeout_scale_of(text: str) -> float:
    """Of --timeout-scale. UsageError for what is no number, or out of range."""
    return _number("--timeout-scale", text, "a number", 0.1, 100)


def _number(flag: str, text: str, what: str, least: float, most: float, *, whole: bool = False) -> float:
    """UsageError for what is none, or out of range; whole: 1.5 is none either."""
    try:
        value = int(text) if whole else float(text)
        if not least <= value <= most:  # nan is neither
            raise ValueError
    except ValueError:
        raise UsageError(f"{flag}: expected {what} from {least:g} to {most:.0f}, got {text!r}") from None
    return value


def _suite(name: str) -> Suite:
    try:
        return Suite(name)
    except ValueError:
        known = ", ".join(each.value for each in Suite)
        raise UsageError(f"--suite {name!r} is unknown", f"known are {known}") from None


def _labelled(specs: Iterable[str]) -> dict[str, str]:
    """Label -> spec, each label once."""
    found: dict[str, str] = {}
    for spec in specs:
        label = spec if spec == SAME else kernel_label(spec)
        name, number = label, 2
        while found.get(name, spec) != spec:
            name, number = f"{label}.{number}", number + 1
        found[name] = spec
    return found
