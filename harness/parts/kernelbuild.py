# SPDX-License-Identifier: GPL-2.0-only
"""A kernel out of a source, series and a configuration; the same three are built once.

For each place a source comes from and each configuration there is one area in the cache, with
one built tree. A revision or a series changes only the files that differ in it, so that make
finds the rest done. The image is then published under its identity; nothing is ever run from
an area, where a build may be half done.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from harness import features
from harness.model.errors import HarnessError, InfrastructureError
from harness.parts import kernelconfig, ownseries
from harness.parts.apply import Applied, apply_series
from harness.parts.cache import Cache
from harness.parts.git import Git, GitError, init
from harness.parts.kernelconfig import KernelConfig
from harness.parts.kernelmake import Make, require_path
from harness.parts.kernelspec import KernelSpec
from harness.parts.progress import Progress
from harness.parts.series import Patch, Series, read_series
from harness.parts.source import Source, linux_version, obtain_source, place_of
from harness.parts.toolchain import Toolchain, find_toolchain

# Bumped when this file, or how make is called, changes what comes out.
_RECIPE = "3"


@dataclass(frozen=True)
class BuildChoices:
    """config: the user's own file, '' for ours; cross_compile: prefix, '' to look for one."""

    config: str = ""
    cross_compile: str = ""
    llvm: bool = False


@dataclass(frozen=True)
class Built:
    """directory: with vmlinux, System.map, .config, build.log and, if it has modules, lib/modules;
    identity: of source, series, configuration and compiler together; origin: for people;
    lacks: text that a series of ours should have added, and did not; texts: files of the source in which
    the kernel says or shows what it can, of model.kernelsource.FILES."""

    directory: Path
    identity: str
    version: tuple[int, int]
    origin: str
    drift: tuple[str, ...]
    notices: tuple[str, ...]
    lacks: tuple[str, ...] = ()
    texts: Mapping[str, str] = field(default_factory=dict)


def build_kernel(
    spec: KernelSpec, choices: BuildChoices, cache: Cache, *, locked_only: bool, progress: Progress
) -> Built:
    """UsageError for a source, series or configuration that is none; BuildError if it does not compile."""
    with _area(spec, choices, cache, locked_only, progress) as area:
        return area.build()


def kernel_identity(spec: KernelSpec, choices: BuildChoices, cache: Cache, *, progress: Progress) -> str:
    """That build_kernel would give it, without building. Errors as of build_kernel."""
    with _area(spec, choices, cache, False, progress) as area:
        return area.identity()


def patches_of(
    spec: KernelSpec, choices: BuildChoices, cache: Cache, *, locked_only: bool, progress: Progress
) -> tuple[Patch, ...]:
    """Those of the spec's last series. Errors as of build_kernel."""
    with _area(spec, choices, cache, locked_only, progress) as area:
        return area.patches()


def _texts(repository: Git, tree: str) -> dict[str, str]:
    found = {}
    for file in features.source_files():
        done = repository.run("show", f"{tree}:{file}")
        if done.returncode == 0:
            found[file] = done.stdout
    return found


@contextlib.contextmanager
def _area(
    spec: KernelSpec, choices: BuildChoices, cache: Cache, locked_only: bool, progress: Progress
) -> Iterator[_Area]:
    config = (
        kernelconfig.user_config(Path(choices.config).expanduser())
        if choices.config
        else kernelconfig.small_config()
    )
    toolchain = find_toolchain(choices.cross_compile, choices.llvm)
    require_path(cache.root)
    place = place_of(spec)
    setting = hashlib.sha256(f"{config.digest} {toolchain.words} {toolchain.version}".encode()).hexdigest()[
        :8
    ]
    name = f"{place}-{setting}"
    with (
        cache.lock(f"kernel-{name}"),
        cache.area("build", name, f"built tree of {spec.base}, configuration {config.name}") as directory,
    ):
        yield _Area(directory, spec, config, toolchain, cache, locked_only, progress)


class _Area:
    def __init__(
        self, directory: Path, spec: KernelSpec, config: KernelConfig, toolchain: Toolchain, cache: Cache,
        locked_only: bool, progress: Progress,
    ):  # fmt: skip
        self._directory = directory
        self._spec = spec
        self._config = config
        self._toolchain = toolchain
        self._cache = cache
        self._locked_only = locked_only
        self._progress = progress

    def patches(self) -> tuple[Patch, ...]:
        _, _, version = self._source()
        return read_series(self._spec.series[-1].text, f"{version[0]}.{version[1]}").patches

    def _source(self) -> tuple[Git, Source, tuple[int, int]]:
        repository = init(self._directory / "git")
        source = obtain_source(
            self._spec, repository, self._cache, locked_only=self._locked_only, progress=self._progress
        )
        repository = init(self._directory / "git", source.objects)
        return repository, source, linux_version(repository, source.tree, self._spec.base)

    def identity(self) -> str:
        repository, source, version = self._source()
        tree, _ = self._apply(repository, source, version)
        return self._identity(tree)

    def _identity(self, tree: str) -> str:
        words = f"{_RECIPE} {tree} {self._config.digest} {self._toolchain.words} {self._toolchain.version}"
        return hashlib.sha256(words.encode()).hexdigest()[:32]

    def build(self) -> Built:
        repository, source, version = self._source()
        tree, notes = self._apply(repository, source, version)
        identity = self._identity(tree)
        found = self._cache.find("kernel", identity)
        if found is None:
            found = self._make(repository, tree, identity, version)
        series = "".join(f" + {each}" for each in self._spec.series)
        return Built(
            found, identity, version, source.description + series, source.drift, (*source.notices, *notes),
            self._lacks(repository, tree, version), _texts(repository, tree),
        )  # fmt: skip

    def _lacks(self, repository: Git, tree: str, version: tuple[int, int]) -> tuple[str, ...]:
        lacks = []
        for each in self._spec.series:
            own = ownseries.find(each.text)
            for file, words in own.adds(f"{version[0]}.{version[1]}", each.first) if own else ():
                if not repository.succeeds(
                    "grep", "--quiet", "--fixed-strings", "-e", words, tree, "--", file
                ):
                    lacks.append(f"{file} has no {words}")
        return tuple(lacks)

    def _apply(
        self, repository: Git, source: Source, version: tuple[int, int]
    ) -> tuple[str, tuple[str, ...]]:
        tree, base = source.tree, self._spec.base
        notes: tuple[str, ...] = ()
        for each in self._spec.series:
            series = read_series(each.text, f"{version[0]}.{version[1]}")
            if each.first is not None:
                series = series.first(each.first)
            applied = self._applied(repository, tree, series, base)
            tree, notes, base = applied.tree, (*notes, *applied.notes), f"{base}+{each}"
        return tree, notes

    def _applied(self, repository: Git, tree: str, series: Series, base: str) -> Applied:
        """Remembered: git takes a third of a second for each patch, and every worker of a run asks."""
        words = json.dumps([tree, series.name, base, [patch.mail for patch in series.patches]])
        known = self._directory / "applied" / hashlib.sha256(words.encode("utf-8", "replace")).hexdigest()
        with contextlib.suppress(OSError, ValueError):
            result, *notes = json.loads(known.read_text())
            if repository.succeeds("cat-file", "-e", result):
                return Applied(result, tuple(notes))
        with self._cache.building() as work:
            empty = work / "tree"
            empty.mkdir()
            applied = apply_series(repository, tree, series, base, empty)
        known.parent.mkdir(exist_ok=True)
        known.write_text(json.dumps([applied.tree, *applied.notes]))
        return applied

    def _make(self, repository: Git, tree: str, identity: str, version: tuple[int, int]) -> Path:
        assert repository.directory is not None
        objects, source = self._directory / "obj", self._directory / "src"
        busy = self._directory / "busy"
        if busy.exists():
            # It was killed: an object file may be half written and yet newer than its source.
            self._progress("the last build here was interrupted; starting again")
            shutil.rmtree(objects, ignore_errors=True)
            shutil.rmtree(source, ignore_errors=True)
            (self._directory / "src.index").unlink(missing_ok=True)
        log = self._cache.root / "logs" / f"build-{identity[:12]}.log"
        make = Make(source, objects, self._toolchain, log, f"kernel {self._spec.label}")
        source.mkdir(exist_ok=True)
        objects.mkdir(exist_ok=True)
        busy.touch()
        try:
            log.write_text("")
            self._progress(f"checking out {self._spec.text}")
            self._check_out(repository, tree, source)
            self._configure(make, repository, tree, version)
            self._progress(
                f"building {self._spec.text} with {self._toolchain.version}"
                + (" and ccache" if self._toolchain.ccache else "")
            )
            modular = make.symbols().get("MODULES") == "y"
            make.build(["vmlinux", *(["modules"] if modular else [])], self._progress)
            with self._cache.building() as out:
                if modular:
                    make.build(
                        [f"INSTALL_MOD_PATH={out}", "INSTALL_MOD_STRIP=1", "modules_install"], self._progress
                    )
                make.strip(out / "vmlinux")
                shutil.copyfile(objects / "vmlinux", out / "vmlinux.symbols")
                for name in (".config", "System.map"):
                    shutil.copyfile(objects / name, out / name)
                shutil.copyfile(log, out / "build.log")
                found = self._cache.publish(out, "kernel", identity, f"kernel {self._spec.text}")
        except HarnessError as error:
            # make has ended by itself and taken back what it had not finished.
            if not isinstance(error, InfrastructureError):
                busy.unlink()
            raise
        busy.unlink()
        return found

    def _check_out(self, repository: Git, tree: str, source: Path) -> None:
        index = self._directory / "src.index"
        git = Git(repository.directory, source, {"GIT_INDEX_FILE": str(index)})
        try:
            if index.exists():
                git.run("update-index", "-q", "--refresh")
            git("read-tree", "--reset", "-u", tree)
        except GitError as error:
            raise InfrastructureError(
                f"{self._spec.text} cannot be checked out: {str(error).splitlines()[0]}"
            ) from None

    def _configure(self, make: Make, repository: Git, tree: str, version: tuple[int, int]) -> None:
        """Only if the configuration or a Kconfig file differs from last time: it takes seconds."""
        listing = repository("ls-tree", "-r", tree)
        lines = [line for line in listing.splitlines() if "Kconfig" in line]
        state = hashlib.sha256("\n".join([self._config.digest, *lines]).encode()).hexdigest()
        stamp = make.objects / "configured"
        if stamp.exists() and stamp.read_text() == state and (make.objects / ".config").exists():
            return
        stamp.unlink(missing_ok=True)
        self._progress(f"configuring {self._spec.text}")
        make.configure(self._config, f"{version[0]}.{version[1]}")
        stamp.write_text(state)
