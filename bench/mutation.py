# SPDX-License-Identifier: GPL-2.0-only
"""Change the code that decides a verdict, one place at a time, and see whether a test goes red.

    python -m venv /tmp/mutation && /tmp/mutation/bin/pip install '.[dev,mutation]'
    PYTHONPATH=$PWD /tmp/mutation/bin/python bench/mutation.py                 # all files, an hour or two
    PYTHONPATH=$PWD /tmp/mutation/bin/python bench/mutation.py ending.py       # one of them, minutes

The changes are mutmut's (operators, constants, arguments, assignments, strings), made everywhere in a file
and not only in its functions, and ours, which take out one rule or branch: a condition is always or never
true, one side of an "and" goes, one entry of a table goes, one statement goes. Each runs in a process of its
own against the tests of its file. Survivors that do no harm are named with their reason in
mutation_survivors.toml; the rest are printed, and the exit status is 1.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import importlib.abc
import importlib.machinery
import importlib.util
import os
import re
import shutil
import signal
import sys
import tempfile
import time
import tomllib
import types
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import libcst as cst
from libcst.metadata import ByteSpanPositionProvider, MetadataWrapper, PositionProvider
from mutmut.mutation.mutators import mutation_operators, operator_assignment

ROOT = Path(__file__).parent.parent
EXPLAINED = Path(__file__).with_name("mutation_survivors.toml")

# What decides, and the tests that must notice if it decides otherwise.
TARGETS = {
    "harness/health/cause.py": ("health/test_cause.py",),
    "harness/health/ending.py": ("health/test_ending.py",),
    "harness/health/oracle_health.py": ("health/test_oracle_health.py",),
    "harness/health/oracle_loss.py": ("health/test_oracle_health.py",),
    "harness/levels/asking.py": ("levels/test_asking.py",),
    "harness/levels/console.py": (
        "levels/test_console_watch.py", "levels/test_console.py", "levels/test_chain.py",
    ),
    "harness/levels/guest.py": ("levels/test_guest.py",),
    "harness/levels/healthlook.py": ("levels/test_healthlook.py",),
    "harness/levels/linux.py": ("levels/test_linux.py",),
    "harness/levels/nested.py": ("levels/test_nested.py",),
    "harness/levels/patience.py": ("levels/test_patience.py",),
    "harness/levels/nip_samples.py": ("levels/test_vcpus.py",),
    "harness/levels/stuck.py": ("levels/test_stuck.py",),
    "harness/levels/symbols.py": ("levels/test_vcpus.py",),
    "harness/levels/tcg.py": ("levels/test_tcg.py",),
    "harness/engine/placement_levels.py": ("engine/test_placement_levels.py",),
    "harness/engine/running_l1.py": ("engine/test_running_l1.py",),
}  # fmt: skip

# A test that hangs has noticed.
_AT_LEAST, _TIMES = 20.0, 6.0


@dataclass(frozen=True)
class Mutant:
    """place: the function that it is in, '' outside; words: what became of what; code: of the whole file."""

    line: int
    place: str
    words: str
    code: str


# -- changes ---------------------------------------------------------------------------------


def _changed(node: cst.CSTNode) -> Iterator[tuple[cst.CSTNode, cst.CSTNode]]:
    """A node, it or one in it, and what may stand in its place."""
    for kind, operator in mutation_operators:
        if isinstance(node, kind) and not (operator is operator_assignment and _is_nothing(node)):
            found = list(operator(node))
            # Of a string one other is enough.
            yield from ((node, each) for each in (found[:1] if isinstance(node, cst.BaseString) else found))
    yield from _without(node)


def _is_nothing(node: cst.CSTNode) -> bool:
    """Whether what is assigned is as good as None, or a name for a type."""
    value = getattr(node, "value", None)
    empty = isinstance(value, cst.Tuple | cst.List | cst.Dict) and not value.elements
    text = cst.Module([]).code_for_node(value) if isinstance(value, cst.BaseExpression) else ""
    alias = isinstance(value, cst.Subscript) and text.startswith(("tuple[", "Callable["))
    return empty or alias or text in ("None", "False", '""', "0", "0.0", "set()")


def _without(node: cst.CSTNode) -> Iterator[tuple[cst.CSTNode, cst.CSTNode]]:
    """One rule or branch less."""
    if isinstance(node, cst.If | cst.While | cst.CompIf):
        yield node.test, cst.Name("False")
        if not isinstance(node, cst.While):
            yield node.test, cst.Name("True")
    elif isinstance(node, cst.BooleanOperation):
        yield node, node.left
        yield node, node.right
    elif isinstance(node, cst.Tuple | cst.List | cst.Set | cst.Dict) and len(node.elements) > 1:
        for number in range(len(node.elements)):
            left = [*node.elements[:number], *node.elements[number + 1 :]]
            if isinstance(node, cst.Tuple) and len(left) == 1:
                left[0] = left[0].with_changes(comma=cst.Comma())
            yield node, node.with_changes(elements=left)
    elif isinstance(node, cst.Expr | cst.AugAssign | cst.Raise | cst.Continue | cst.Break):
        yield node, cst.Pass()
    elif isinstance(node, cst.Return) and node.value is not None:
        yield node.value, cst.Name("None")
    elif isinstance(node, cst.ExceptHandler) and node.type is not None:
        yield node.type, cst.Name("GeneratorExit")  # as good as no handler


def _named(node: cst.Arg | cst.AssignTarget, name: str) -> bool:
    what = node.value if isinstance(node, cst.Arg) else node.target
    return isinstance(what, cst.Name) and what.value == name


def _places(node: cst.CSTNode, names: tuple[str, ...] = ()) -> Iterator[tuple[cst.CSTNode, str]]:
    """Nodes that may be changed, each with the function that it is in."""
    if isinstance(node, cst.Annotation | cst.Import | cst.ImportFrom | cst.Decorator):
        return
    if isinstance(node, cst.ClassDef) and any(_named(each, "Enum") for each in node.bases):
        return  # what its members are called
    if isinstance(node, cst.ClassDef) and any(_named(each, "Protocol") for each in node.bases):
        return  # for mypy alone
    if isinstance(node, cst.Assign) and any(_named(each, "__all__") for each in node.targets):
        return
    if isinstance(node, cst.Expr) and isinstance(node.value, cst.SimpleString):
        return  # for people
    if isinstance(node, cst.FunctionDef | cst.ClassDef):
        names = (*names, node.name.value)
    yield node, ".".join(names)
    for child in node.children:
        yield from _places(child, names)


def mutants(source: str) -> Iterator[Mutant]:
    """All of a file that are code, and other code than it."""
    wrapper = MetadataWrapper(cst.parse_module(source), unsafe_skip_copy=True)
    lines, spans = wrapper.resolve(PositionProvider), wrapper.resolve(ByteSpanPositionProvider)
    text, empty, seen = source.encode(), cst.Module([]), {source}
    same = ast.dump(ast.parse(source))
    for each, place in _places(wrapper.module):
        for node, other in _changed(each):
            start, length = spans[node].start, spans[node].length
            new = empty.code_for_node(other).encode()
            code = (text[:start] + new + text[start + length :]).decode()
            if code in seen:
                continue
            seen.add(code)
            with contextlib.suppress(SyntaxError):
                if ast.dump(ast.parse(code)) != same:
                    yield Mutant(lines[each].start.line, place, _words(source, code), code)


def _words(before: str, after: str) -> str:
    """``seen.runs is False → seen.runs is not False``, of the lines that differ."""
    old, new = before.splitlines(), after.splitlines()
    start = next((at for at, pair in enumerate(zip(old, new, strict=False)) if pair[0] != pair[1]), 0)
    end = 0
    while end < min(len(old), len(new)) - start and old[-1 - end] == new[-1 - end]:
        end += 1
    texts = [" ".join(" ".join(each[start : len(each) - end]).split()) for each in (old, new)]
    return f"{texts[0]} → {texts[1]}"


# -- a trial ---------------------------------------------------------------------------------


class _Changed(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Gives one module from a text."""

    def __init__(self, name: str, path: Path, code: str):
        self._name, self._path, self._code = name, path, code

    def find_spec(
        self, fullname: str, path: object = None, target: object = None
    ) -> importlib.machinery.ModuleSpec | None:
        del path, target
        if fullname != self._name:
            return None
        return importlib.util.spec_from_file_location(fullname, self._path, loader=self)

    def exec_module(self, module: types.ModuleType) -> None:
        exec(compile(self._code, self._path, "exec"), module.__dict__)


def _tests(target: str, code: str, quiet: bool = True) -> int:
    """Exit status of the tests of that file, in this process, which is of no other use."""
    name = target.removesuffix(".py").replace("/", ".")
    sys.meta_path.insert(0, _Changed(name, ROOT / target, code))
    if quiet:
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, 1)
        os.dup2(nothing, 2)
    import pytest

    # Nobody reads why a test is red; and old directories of tests are not cleared away in each trial.
    words = ["-x", "-q", "--noconftest", "-p", "no:cacheprovider", "-W", "ignore", "--assert=plain"]
    words.append(f"--basetemp={_directory(os.getppid())}")
    return int(pytest.main([*words, *(str(ROOT / "tests" / each) for each in TARGETS[target])]))


def _directory(process: int) -> Path:
    """For what the tests write, one trial after the other. process: id of the one that makes the trials."""
    return Path(tempfile.gettempdir()) / f"mutation-{process}"


def survives(target: str, code: str, limit: float) -> bool:
    """Whether the tests of that file are green with this code in its place."""
    child = os.fork()
    if child == 0:
        status = 3
        try:
            os.setsid()
            status = _tests(target, code)
        finally:
            os._exit(status)
    deadline = time.monotonic() + limit
    while time.monotonic() < deadline:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status) == 0
        time.sleep(0.01)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return False


def _preload(target: str) -> None:
    """What takes long to import and is the same in each trial, which is a fork of this process: what is not
    ours, and of ours what the tests need and what does not import that file."""
    import _pytest.assertion.rewrite
    import elftools.elf.elffile
    import paramiko
    import pexpect.fdpexpect
    import pytest
    import qemu.qmp

    del _pytest, elftools, paramiko, pexpect, pytest, qemu
    known: dict[Path, set[Path]] = {}
    for test in TARGETS[target]:
        _reach(ROOT / "tests" / test, known)
    changed = {ROOT / target}
    while more := {path for path, needs in known.items() if needs & changed} - changed:
        changed |= more
    for path in sorted({path for path in known if path.is_relative_to(ROOT / "harness")} - changed):
        importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))


def _reach(path: Path, known: dict[Path, set[Path]]) -> None:
    """Adds to *known*: file of ours -> files of ours that it imports, of this one and of all it needs."""
    if path in known:
        return
    known[path] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [each.name for each in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{each.name}" for each in node.names)]
        for name in names:
            for root in (ROOT, ROOT / "tests"):
                found = root.joinpath(*name.split(".")).with_suffix(".py")
                if found.is_file():
                    known[path].add(found)
                    _reach(found, known)


# -- all of them -----------------------------------------------------------------------------


def explained(path: Path = EXPLAINED) -> dict[tuple[str, str, str], str]:
    """(file, function, words) -> the reason why that change does no harm."""
    table = tomllib.loads(path.read_text()) if path.is_file() else {}
    return {
        (file, each["in"], words): each["why"]
        for file, entries in table.items()
        for each in entries
        for words in each["changes"]
    }


def run(targets: Sequence[str], only: str, reasons: dict[tuple[str, str, str], str]) -> int:
    """Prints survivors as they are found, and a line for each file. 1 if one has no reason."""
    failed = False
    for target in targets:
        child = os.fork()  # for what is imported for one file is not for the next
        if child == 0:
            status = 3
            try:
                _preload(target)
                status = _run(target, only, reasons)
            finally:
                shutil.rmtree(_directory(os.getpid()), ignore_errors=True)
                os._exit(status)
        _, status = os.waitpid(child, 0)
        failed |= status != 0
    return int(failed)


def _run(target: str, only: str, reasons: dict[tuple[str, str, str], str]) -> int:
    source = (ROOT / target).read_text()
    began = time.monotonic()
    if not survives(target, source, 600):
        print(f"{target}: its tests are red as it is", flush=True)
        return 1
    limit = max(_AT_LEAST, _TIMES * (time.monotonic() - began))
    total = killed = known = 0
    for each in mutants(source):
        if only and not re.search(only, f"{each.place} {each.words}"):
            continue
        total += 1
        if not survives(target, each.code, limit):
            killed += 1
        elif (target, each.place, each.words) in reasons:
            known += 1
        else:
            print(f"{target}:{each.line}: {each.place}: {each.words}", flush=True)
    left = total - killed - known
    print(f"{target}: {total} changes, {killed} noticed, {known} harmless, {left} not explained", flush=True)
    return 1 if left else 0


def _chosen(words: Iterable[str]) -> list[str]:
    names = list(words)
    found = [target for target in TARGETS if not names or any(target.endswith(each) for each in names)]
    if names and not found:
        raise SystemExit(f"no file of these is tried: {' '.join(names)}; see TARGETS in {__file__}")
    return found


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("files", nargs="*", help="ends of the names of files, default all")
    parser.add_argument("--only", default="", metavar="REGEX", help="changes whose function or words match")
    asked = parser.parse_args()
    os.chdir(ROOT)
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    return run(_chosen(asked.files), asked.only, explained())


if __name__ == "__main__":
    sys.exit(main())
