# SPDX-License-Identifier: GPL-2.0-only
"""The choices of a run, as pytest and ``kvmppc run`` share them.

One table makes pytest's options and click's: ``--kernel`` is ``--kvmppc-kernel`` there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

from harness.model.errors import UsageError


@dataclass(frozen=True)
class Option:
    """field: of RunOptions; flag: as typed; many: may be given repeatedly; builds: it is about
    getting a kernel, so that commands that boot none take it too."""

    field: str
    flag: str
    metavar: str
    help: str
    many: bool = False
    switch: bool = False
    builds: bool = False

    @property
    def pytest_flag(self) -> str:
        """With a prefix of ours: other plugins have options too."""
        return f"--kvmppc-{self.flag.removeprefix('--')}"


OPTIONS = (
    Option("matrix", "--matrix", "NAME", "which scenarios; see kvmppc matrices"),
    Option(
        "kernels",
        "--kernel",
        "KERNEL",
        "kernel under test: debian:7.3, debian-source:7.2, the path of a vmlinux or of a tree (~/linux, "
        "~/linux@REV), a source with +SERIES; may be repeated",
        many=True,
    ),
    Option(
        "l0_kernels",
        "--l0-kernel",
        "KERNEL",
        "kernel of L0 on powernv, as for --kernel, or same: the one under test (default: debian-source:7.2, "
        "small configuration); may be repeated",
        many=True,
    ),
    Option(
        "topologies",
        "--topology",
        "NAME",
        "pseries-papr, pseries-hv, powernv9, powernv10 or powernv11; may be repeated",
        many=True,
    ),
    Option(
        "l1",
        "--l1",
        "SETTING",
        "L1: a CPU, or a CPU in a compat mode: p11, p11@p10; may be repeated",
        many=True,
    ),
    Option("l2", "--l2", "SETTING", "L2: host, p11, p10 or p9; may be repeated", many=True),
    Option("only", "--only", "ID", "just this scenario, as --list shows it; may be repeated", many=True),
    Option(
        "control",
        "--control",
        "",
        "under each L1 also an L2 in L1's own mode, which every kernel must boot",
        switch=True,
    ),
    Option(
        "qemu",
        "--qemu",
        "QEMU",
        "QEMU that runs the outermost machine: debian, host (the one on PATH) or a path",
    ),
    Option(
        "expect",
        "--expect",
        "REVISION",
        "judge every kernel under test as: none, validation, v1 to v5, merged, a release such as 7.2.5, or "
        "what it does, such as stored,merged,v2",
    ),
    Option(
        "no_workaround", "--no-workaround", "NAME", "leave a known workaround out; may be repeated", many=True
    ),
    Option(
        "allow_splat",
        "--allow-splat",
        "TITLE",
        "a splat, kernel message or taint flag that does not count, in L0, L1 and L2: its exact title, "
        "without (during ...); may be repeated",
        many=True,
    ),
    Option(
        "config",
        "--config",
        "FILE",
        "configuration of kernels that are built (default: ours, small)",
        builds=True,
    ),
    Option(
        "cross_compile",
        "--cross-compile",
        "PREFIX",
        "compiler that builds them (default: the one found)",
        builds=True,
    ),
    Option("llvm", "--llvm", "", "build them with clang, as make's LLVM=1 does", switch=True, builds=True),
    Option(
        "locked", "--locked", "", "fail if a package differs from the lock file", switch=True, builds=True
    ),
    Option(
        "suite",
        "--suite",
        "NAME",
        "which tests: boot (how guests end; the default), abi (the conformance suite) or all",
    ),
    Option("fuzz", "--fuzz", "SECONDS", "with the conformance suite: random calls, for so long"),
    Option("seed", "--seed", "N", "with --fuzz: which random calls (default: 1)"),
    Option(
        "calls",
        "--call",
        "CALL",
        "with the conformance suite: this call as well, as a failed check shows it; may be repeated",
        many=True,
    ),
    Option(
        "ssh_config",
        "--ssh-config",
        "FILE",
        "how a machine over SSH is reached, as for ssh -F (default: ~/.ssh/config)",
    ),
    Option(
        "timeout_scale",
        "--timeout-scale",
        "FACTOR",
        "multiply all time limits of levels by this, 0.1 to 100, for a slow machine or a debug kernel "
        "(default: 1)",
    ),
    Option(
        "expect_build_id",
        "--expect-build-id",
        "HEX|VMLINUX",
        "with --ssh: the kernel that should run there, by its build id or its image",
    ),
    Option(
        "tests",
        "--tests",
        "DIR",
        "tests of your own, in place of ours: they take l0, l1, l2 and check; see docs/reference.md; may be "
        "repeated",
        many=True,
    ),
    Option("run_dir", "--run-dir", "DIR", "where results go (default: runs/DATE)"),
)


@dataclass(frozen=True)
class RunOptions:
    matrix: str = "default"
    kernels: tuple[str, ...] = ()
    l0_kernels: tuple[str, ...] = ()
    topologies: tuple[str, ...] = ()
    l1: tuple[str, ...] = ()
    l2: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    control: bool = False
    qemu: str = "debian"
    expect: str = ""
    no_workaround: tuple[str, ...] = ()
    allow_splat: tuple[str, ...] = ()
    config: str = ""
    cross_compile: str = ""
    llvm: bool = False
    locked: bool = False
    suite: str = "boot"
    fuzz: str = ""
    seed: str = "1"
    calls: tuple[str, ...] = ()
    ssh_config: str = ""
    timeout_scale: str = "1"
    expect_build_id: str = ""
    tests: tuple[str, ...] = ()
    run_dir: str = ""

    def arguments(self) -> list[str]:
        """The same choices as words, for pytest or for a command that repeats this run."""
        words: list[str] = []
        for option in OPTIONS:
            value = getattr(self, option.field)
            if option.switch:
                words += [option.flag] if value else []
            elif option.many:
                for each in value:
                    words += [option.flag, each]
            elif value != getattr(_DEFAULTS, option.field):
                words += [option.flag, value]
        return words

    def needed_to_repeat(self) -> RunOptions:
        """Without what selects scenarios and kernels: the rest that a repetition must have too."""
        return RunOptions(
            qemu=self.qemu,
            expect=self.expect,
            no_workaround=self.no_workaround,
            allow_splat=self.allow_splat,
            config=self.config,
            cross_compile=self.cross_compile,
            llvm=self.llvm,
            locked=self.locked,
            suite=self.suite,
            ssh_config=self.ssh_config,
            timeout_scale=self.timeout_scale,
            expect_build_id=self.expect_build_id,
            tests=self.tests,
        )

    @classmethod
    def from_words(cls, words: Sequence[str]) -> RunOptions:
        """Inverse of arguments. UsageError for anything else."""
        by_flag = {option.flag: option for option in OPTIONS}
        values: dict[str, Any] = {}
        rest = list(words)
        while rest:
            flag = rest.pop(0)
            option = by_flag.get(flag)
            if option is None or (not option.switch and not rest):
                raise UsageError(f"{flag!r} is no option of a run, or lacks its value")
            if option.switch:
                values[option.field] = True
            elif option.many:
                values.setdefault(option.field, []).append(rest.pop(0))
            else:
                values[option.field] = rest.pop(0)
        return cls.from_mapping(values)

    @classmethod
    def from_mapping(cls, values: dict[str, Any]) -> RunOptions:
        """From parsed options; None and () mean: not given."""
        known = {each.name for each in fields(cls)}
        given: dict[str, Any] = {
            name: tuple(value) if isinstance(value, Sequence) and not isinstance(value, str) else value
            for name, value in values.items()
            if name in known and value not in (None, (), [])
        }
        return cls(**given)


_DEFAULTS = RunOptions()
