# SPDX-License-Identifier: GPL-2.0-only
"""Kernel source as a git tree object, wherever it comes from; what is the user's is only read."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from harness.model.errors import InfrastructureError, UsageError
from harness.parts import debian
from harness.parts.cache import Cache
from harness.parts.git import Git, GitError, init
from harness.parts.kernelspec import BaseKind, KernelSpec
from harness.parts.packages import source_part
from harness.parts.progress import Progress
from harness.processes import single


@dataclass(frozen=True)
class Source:
    """objects: directories of git objects that *tree* (git's id) is in; description: for people;
    drift, notices: of the package."""

    tree: str
    objects: tuple[Path, ...]
    description: str
    drift: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()


def obtain_source(
    spec: KernelSpec, repository: Git, cache: Cache, *, locked_only: bool, progress: Progress
) -> Source:
    """repository: a git directory of ours, which takes what has no object yet. UsageError for a
    directory that is no kernel source, or a revision that is not in it."""
    if spec.kind is BaseKind.DEBIAN_SOURCE:
        return _debian(spec, cache, locked_only, progress)
    if _inside_git(spec.path):
        return _git(spec, repository)
    if spec.revision:
        raise UsageError(f"{spec.path} is no git tree, so it has no revision {spec.revision}")
    return _directory(spec, repository, progress)


def place_of(spec: KernelSpec) -> str:
    """Names where a source comes from: the same for all its revisions and series."""
    if spec.kind is BaseKind.DEBIAN_SOURCE:
        return f"debian-{spec.version}"
    name = re.sub(r"[^\w.-]+", "_", spec.path.name) or "root"
    return f"{name}-{hashlib.sha256(str(spec.path.resolve()).encode()).hexdigest()[:12]}"


def linux_version(repository: Git, tree: str, where: str) -> tuple[int, int]:
    """(7, 3) from the Makefile. UsageError if the tree is no Linux with powerpc."""
    try:
        makefile = repository("show", f"{tree}:Makefile")
        repository("cat-file", "-e", f"{tree}:arch/powerpc/kvm/Makefile")
    except GitError:
        raise UsageError(
            f"{where} is no Linux source with arch/powerpc/kvm", "give the top of a kernel tree"
        ) from None
    numbers = dict(re.findall(r"^(VERSION|PATCHLEVEL) = (\d+)$", makefile, re.M))
    if len(numbers) != 2:
        raise UsageError(
            f"{where} is no Linux source: its Makefile has no version", "give the top of a kernel tree"
        )
    return int(numbers["VERSION"]), int(numbers["PATCHLEVEL"])


# -- git trees -------------------------------------------------------------------------------


def _inside_git(path: Path) -> bool:
    """Whether *path* is the top of a git tree; below one it is just a directory."""
    return (path / ".git").exists()


def _git(spec: KernelSpec, repository: Git) -> Source:
    user = Git(None, spec.path)
    try:
        objects = Path(user("rev-parse", "--path-format=absolute", "--git-path", "objects"))
        if spec.revision:
            tree = user("rev-parse", "--verify", "--quiet", "--end-of-options", f"{spec.revision}^{{tree}}")
        else:
            head = user("rev-parse", "--verify", "--quiet", "HEAD^{tree}")
    except GitError as error:
        if spec.revision:
            shallow = user.run("rev-parse", "--is-shallow-repository").stdout.strip() == "true"
            hint = (
                "it is a shallow clone: git fetch --unshallow, or fetch that revision"
                if shallow
                else "git fetch it first"
            )
            raise UsageError(f"{spec.path} has no revision {spec.revision}", hint) from None
        raise UsageError(f"{spec.path} is no usable git tree: {error or 'it has no commit'}") from None
    if spec.revision:
        return Source(tree, (objects,), _describe(user, spec.revision))
    tree = _snapshot(spec.path, user, repository, objects)
    words = _describe(user, "HEAD")
    if tree != head:
        ours = repository.with_environment(GIT_ALTERNATE_OBJECT_DIRECTORIES=str(objects))
        changes = ours("diff-tree", "-p", "--no-renames", head, tree)
        digest = hashlib.sha256(changes.encode("utf-8", "surrogateescape")).hexdigest()[:12]
        words += f" dirty, diff {digest}"
    return Source(tree, (objects,), words)


def _describe(user: Git, revision: str) -> str:
    done = user.run("describe", "--tags", "--always", "--abbrev=12", revision)
    return done.stdout.strip() if done.returncode == 0 else user("rev-parse", "--short=12", revision)


def _snapshot(path: Path, user: Git, repository: Git, objects: Path) -> str:
    """The files as they are, as a tree. New objects go to ours, and the index is a copy: git knows
    from it which files it need not read."""
    assert repository.directory is not None
    index = repository.directory / "snapshot.index"
    theirs = Path(user("rev-parse", "--path-format=absolute", "--git-path", "index"))
    if theirs.exists():
        shutil.copy2(theirs, index)
    else:
        index.unlink(missing_ok=True)
    copy = Git(
        None,
        path,
        {
            "GIT_INDEX_FILE": str(index),
            "GIT_OBJECT_DIRECTORY": str(repository.directory / "objects"),
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": str(objects),
        },
    )
    try:
        copy("add", "--all", ".")
        return copy("write-tree")
    except GitError as error:
        raise UsageError(f"the files of {path} cannot be taken: {error}") from None
    finally:
        index.unlink(missing_ok=True)


# -- unpacked source -------------------------------------------------------------------------


# Left by a build; without git nobody could tell such files from the source.
_BUILT = (".config", "include/config", "include/generated", "vmlinux")


def _directory(spec: KernelSpec, repository: Git, progress: Progress) -> Source:
    if not (spec.path / "Makefile").is_file() or not (spec.path / "arch/powerpc/kvm").is_dir():
        raise UsageError(
            f"{spec.path} is no kernel source", "give the top of a git tree or of an unpacked source"
        )
    built = [name for name in _BUILT if (spec.path / name).exists()]
    if built:
        raise UsageError(
            f"{spec.path} was built in place: it has {built[0]}",
            "type make mrproper there; a git tree may stay as it is",
        )
    assert repository.directory is not None
    progress(f"reading {spec.path}")
    # The index stays, so that the next time only what changed is read.
    index = repository.directory / "directory.index"
    copy = Git(repository.directory, spec.path, {"GIT_INDEX_FILE": str(index)})
    try:
        # All of it: the .gitignore of a distribution's source can leave out everything.
        copy("add", "--all", "--force", ".")
        tree = copy("write-tree")
    except GitError as error:
        raise UsageError(f"the files of {spec.path} cannot be taken: {error}") from None
    return Source(tree, (), f"files {tree[:12]}")


# -- Debian's source packages ----------------------------------------------------------------


def _debian(spec: KernelSpec, cache: Cache, locked_only: bool, progress: Progress) -> Source:
    part = source_part(spec.version)
    unpacked = debian.obtain(part, cache, locked_only=locked_only, progress=progress)
    archives = sorted(unpacked.tree.rglob("linux-source-*.tar.*"))
    if len(archives) != 1:
        raise InfrastructureError(
            f"the package of {spec.text} holds {len(archives)} source archives, not one"
        )

    def build(directory: Path) -> None:
        progress(f"unpacking {archives[0].name}")
        repository = init(directory / "git")
        (directory / "tree").write_text(_import(archives[0], repository))

    made = cache.tree("source", unpacked.identity, build, why=f"Linux source of {spec.base}")
    package = next(deb for deb in unpacked.locked.debs if deb.package.startswith("linux-source-"))
    return Source(
        tree=(made / "tree").read_text().strip(),
        objects=(made / "git/objects",),
        description=f"{package.package} {package.version}",
        drift=unpacked.drift,
        notices=unpacked.notices,
    )


def _import(archive: Path, repository: Git) -> str:
    """The archive as one pack; its tree. A file for each object would be 90,000 of them."""
    with _fast_import(repository) as stream:
        stream.write(
            b"commit refs/heads/source\ncommitter kvmppc-harness <kvmppc-harness@localhost> 0 +0000\n"
        )
        stream.write(b"data 0\n")
        with tarfile.open(archive, "r|*") as tar:
            for member in tar:
                _, _, name = member.name.partition("/")  # all is below one directory
                if not name:
                    continue
                if member.isfile():
                    content = tar.extractfile(member)
                    assert content is not None
                    data, mode = content.read(), b"100755" if member.mode & 0o100 else b"100644"
                elif member.issym():
                    data, mode = member.linkname.encode(), b"120000"
                else:
                    continue
                stream.write(b"M %s inline %s\ndata %d\n" % (mode, _quoted(name), len(data)))
                stream.write(data)
                stream.write(b"\n")
        stream.write(b"done\n")
    return repository("rev-parse", "refs/heads/source^{tree}")


def _quoted(name: str) -> bytes:
    return b'"' + name.encode("utf-8", "surrogateescape").replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'


@contextmanager
def _fast_import(repository: Git) -> Iterator[IO[bytes]]:
    assert repository.directory is not None
    process = subprocess.Popen(
        ["git", "-c", "core.compression=1", "fast-import", "--quiet", "--done"],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", "GIT_DIR": str(repository.directory)},
        preexec_fn=single.dying_with_us(),
    )
    assert process.stdin is not None and process.stderr is not None
    try:
        yield process.stdin
        process.stdin.close()
        if process.wait() != 0:
            raise _import_failed(process)
    except BrokenPipeError:
        process.wait()
        raise _import_failed(process) from None
    finally:
        process.kill()
        process.wait()


def _import_failed(process: subprocess.Popen[bytes]) -> InfrastructureError:
    assert process.stderr is not None
    words = process.stderr.read().decode(errors="replace").strip().splitlines()
    return InfrastructureError(f"git could not take the source: {words[0] if words else 'no reason given'}")
