# SPDX-License-Identifier: GPL-2.0-only
"""The QEMU of L0: from Debian, run through its own loader, or the user's own; probed, not assumed."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile

from harness.model.errors import InfrastructureError, UsageError
from harness.parts import debian
from harness.parts.cache import Cache
from harness.parts.packages import QEMU
from harness.parts.progress import Progress, to_stderr
from harness.processes import group

_PROGRAM = "qemu-system-ppc64"


@dataclass(frozen=True)
class QemuBuild:
    """argv: prefix that runs it; cpus, machines: names it lists; pseries_options: of ``-machine pseries``."""

    label: str
    argv: tuple[str, ...]
    version: tuple[int, int, int]
    version_text: str
    cpus: frozenset[str]
    machines: frozenset[str]
    pseries_options: frozenset[str]
    drift: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()

    def lacks(self, cpu: str, machine: str, options: Collection[str]) -> str:
        """Why it cannot run this, e.g. ``QEMU 7.2.0 has no -cpu power11``; '' if it can."""
        name = f"QEMU {'.'.join(map(str, self.version))} ({self.label})"
        if machine not in self.machines:
            return f"{name} has no -machine {machine}"
        if cpu not in self.cpus:
            return f"{name} has no -cpu {cpu}"
        missing = sorted(set(options) - self.pseries_options)
        return f"{name} has no -machine {machine},{missing[0]}=" if missing else ""


def resolve_qemu(
    spec: str, cache: Cache, *, locked_only: bool = False, progress: Progress = to_stderr
) -> QemuBuild:
    """spec: ``debian``, ``host`` (the one on PATH) or a path. UsageError if that is no such QEMU."""
    if spec == "debian":
        unpacked = debian.obtain(QEMU, cache, locked_only=locked_only, progress=progress)
        argv = through_loader(unpacked.tree)
        return _probed("debian", argv, cache, unpacked.drift, unpacked.notices)
    if spec == "host":
        found = shutil.which(_PROGRAM)
        if found is None:
            raise UsageError(f"there is no {_PROGRAM} on PATH", "install it, or use --qemu debian")
        return _probed(found, (str(Path(found).resolve()),), cache)
    path = Path(spec).expanduser()
    if not path.is_file():
        state = "is no file" if path.exists() else "does not exist"
        raise UsageError(f"QEMU {spec} {state}", "give a path of qemu-system-ppc64, host or debian")
    if not os.access(path, os.X_OK):
        raise UsageError(f"QEMU {spec} is not executable", "give a path of qemu-system-ppc64, host or debian")
    # Whatever becomes of a symbolic link, a run keeps what it led to.
    return _probed(spec, (str(path.resolve()),), cache)


def through_loader(tree: Path) -> tuple[str, ...]:
    """argv prefix for the QEMU in an unpacked tree: its own loader, libraries and firmware.

    The loader's place differs between releases (/usr merged or not) and its name between
    architectures, so the program is asked for it.
    """
    program = tree / "usr/bin" / _PROGRAM
    try:
        with program.open("rb") as file:
            interpreter = next(
                str(segment.get_interp_name())  # type: ignore[attr-defined]
                for segment in ELFFile(file).iter_segments("PT_INTERP")
            )
    except (OSError, ELFError, StopIteration) as error:
        raise InfrastructureError(
            f"the unpacked {_PROGRAM} is damaged: {error}", "remove it with kvmppc parts prune --all"
        ) from None
    name = Path(interpreter).name
    loader = next((path for path in _places(tree, name) if path.exists()), None)
    if loader is None:
        raise InfrastructureError(f"the unpacked tree {tree} has no {name}")
    libraries = {path.parent for path in tree.glob("*lib*/*-linux-gnu/libc.so.6")}
    libraries |= {path.parent for path in tree.glob("usr/lib*/*-linux-gnu/*.so*")}
    words = (str(program), "-L", str(tree / "usr/share/qemu"))
    if not re.search("[:;$]", str(tree)):
        return (str(loader), "--library-path", ":".join(map(str, sorted(libraries))), *words)
    # ld.so(8) has no way to write these in the name of a directory, so it gets names without them.
    names = (str(path.relative_to(tree)) for path in sorted(libraries))
    return ("env", "-C", str(tree), str(loader), "--library-path", ":".join(names), *words)


def _places(tree: Path, loader: str) -> Iterator[Path]:
    """Where it may be, the usual places first: to look through the whole tree takes ten times as long."""
    for place in ("lib*", "usr/lib*", "lib/*", "usr/lib/*"):
        yield from sorted(tree.glob(f"{place}/{loader}"))
    yield from sorted(tree.rglob(loader))


def _probed(
    label: str,
    argv: tuple[str, ...],
    cache: Cache,
    drift: tuple[str, ...] = (),
    notices: tuple[str, ...] = (),
) -> QemuBuild:
    facts = _ask(argv, cache)
    version = tuple(int(part) for part in facts["version"].split("."))
    return QemuBuild(
        label=label,
        argv=argv,
        version=(version[0], version[1], version[2]),
        version_text=facts["text"],
        cpus=frozenset(facts["cpus"].split()),
        machines=frozenset(facts["machines"].split()),
        pseries_options=frozenset(facts["options"].split()),
        drift=drift,
        notices=notices,
    )


_ANSWERS = ("version", "text", "machines", "cpus", "options")


def _ask(argv: Sequence[str], cache: Cache) -> dict[str, str]:
    """The binary's answers; kept in the cache by what identifies the binary. Not those of a script: it may
    start another one tomorrow."""
    program = next(word for word in argv if Path(word).name.startswith("qemu-") or word == argv[-1])
    if _is_script(Path(program)):
        return _run_probes(argv, program)
    at = Path(program).stat()
    key = f"{program} {at.st_size} {at.st_mtime_ns} {at.st_ctime_ns} {at.st_ino}"
    memory = cache.root / "qemu-answers.json"
    known = _remembered(memory)
    if key not in known:
        known[key] = _run_probes(argv, program)
        partial = memory.with_suffix(f".{os.getpid()}")
        with contextlib.suppress(OSError):  # then they are asked again
            partial.write_text(json.dumps(known, indent=1))
            partial.replace(memory)
    return known[key]


def _is_script(program: Path) -> bool:
    try:
        with program.open("rb") as file:
            return file.read(2) == b"#!"
    except OSError:
        return False  # it cannot be run either, which is told


def _remembered(memory: Path) -> dict[str, dict[str, str]]:
    """What of it makes sense."""
    try:
        document = json.loads(memory.read_text())
    except (OSError, ValueError):
        return {}
    known = document if isinstance(document, dict) else {}
    return {key: answers for key, answers in known.items() if _is_whole(answers)}


def _is_whole(answers: object) -> bool:
    return (
        isinstance(answers, dict)
        and all(isinstance(answers.get(name), str) for name in _ANSWERS)
        and re.fullmatch(r"\d+\.\d+\.\d+", answers["version"]) is not None
    )


def _run_probes(argv: Sequence[str], program: str) -> dict[str, str]:
    text = _output([*argv, "--version"], program).splitlines()
    match = re.search(r"QEMU emulator version (\d+\.\d+\.\d+)", text[0] if text else "")
    if match is None:
        raise UsageError(f"{program} does not say that it is QEMU", "give a path of qemu-system-ppc64")
    machines = re.findall(r"^(\S+)\s", _output([*argv, "-machine", "help"], program), re.MULTILINE)
    if "pseries" not in machines:
        raise UsageError(f"{program} has no pseries machine", "give a path of qemu-system-ppc64")
    cpus = re.findall(
        r"^\s*(?:PowerPC )?(power\d+\S*)", _output([*argv, "-cpu", "help"], program), re.MULTILINE
    )
    options = re.findall(
        r"^\s+([\w-]+)=", _output([*argv, "-machine", "pseries,help"], program), re.MULTILINE
    )
    return {
        "version": match[1],
        "text": text[0],
        "machines": " ".join(machines),
        "cpus": " ".join(cpus),
        "options": " ".join(options),
    }


def _output(command: Sequence[str], program: str) -> str:
    try:
        done = group.run(command, timeout=60)  # it may be a script that starts the real one
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UsageError(f"{program} cannot be run: {error}", "give a path of qemu-system-ppc64") from None
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no output"])[-1]
        raise UsageError(
            f"{program} does not run: {last}", "give a path of qemu-system-ppc64 for this machine"
        )
    return done.stdout
