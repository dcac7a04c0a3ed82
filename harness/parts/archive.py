# SPDX-License-Identifier: GPL-2.0-only
"""The way into Debian's archives: mmdebstrap, which brings apt, keyrings and signature checks."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import time
import urllib.parse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from importlib import resources
from pathlib import Path

from harness.model.errors import InfrastructureError, UsageError
from harness.parts.aptoutput import AptOutput
from harness.parts.child import run_lines
from harness.parts.mirror import Source, host_mirror
from harness.parts.packages import KERNEL_FLAVOUR, Part, Suite
from harness.parts.progress import Progress
from harness.processes import single

# A mirror that is being synchronised: worth a second and a third look, seconds later.
_TRIES = 3
_WAIT_SECONDS = 5.0


@dataclass(frozen=True, order=True)
class Deb:
    """A package as it was used. sha256: of the .deb file."""

    package: str
    version: str
    architecture: str
    sha256: str


@dataclass(frozen=True)
class Fetched:
    """suite: the one that had it; notices: what the user should know of the archive's state."""

    suite: str
    debs: tuple[Deb, ...]
    notices: tuple[str, ...]


class Trouble(Enum):
    """Why mmdebstrap failed, as its output tells."""

    UNREACHABLE = "the mirror cannot be reached"
    SIGNATURE = "its signature cannot be verified with the keys of this host"
    EXPIRED = "its Release file is past its Valid-Until"
    SYNC = "the mirror is being updated"
    MISSING = "it does not have the package"
    NO_SUITE = "the mirror does not have this suite"
    FULL = "the disk is full"
    OTHER = "mmdebstrap failed"


_TROUBLES = (
    (Trouble.FULL, re.compile(r"No space left on device|Disk quota exceeded")),
    (
        Trouble.UNREACHABLE,
        re.compile(
            r"Could not (?:connect to|resolve)|Unable to connect to|Temporary failure resolving"
            r"|Network is unreachable|Connection (?:failed|timed out)"
        ),
    ),
    (Trouble.SIGNATURE, re.compile(r"NO_PUBKEY|EXPKEYSIG|BADSIG|signatures? .*invalid|is not signed")),
    (Trouble.NO_SUITE, re.compile(r"does not have a Release file")),
    (Trouble.EXPIRED, re.compile(r"is expired \(invalid since|Release file .* is expired")),
    (
        Trouble.SYNC,
        re.compile(r"Hash Sum mismatch|File has unexpected size|Mirror sync in progress|404  Not Found"),
    ),
    (
        Trouble.MISSING,
        re.compile(r"Unable to locate package|has no installation candidate|unmet dependencies"),
    ),
)


def trouble(output: str) -> Trouble:
    """What kind of failure mmdebstrap's or apt's *output* shows."""
    return next((kind for kind, pattern in _TROUBLES if pattern.search(output)), Trouble.OTHER)


def require_programs(packages: Mapping[str, str]) -> None:
    """InfrastructureError with the command to type, if a program is not on PATH.

    packages: program -> Debian package that has it.
    """
    missing = {name: package for name, package in packages.items() if shutil.which(name) is None}
    if missing:
        raise InfrastructureError(
            f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} not installed",
            f"type: sudo apt-get install {' '.join(sorted(set(missing.values())))}",
        )


def fetch(
    part: Part, tree: Path, locked: Sequence[Deb], work: Path, log: Path, progress: Progress
) -> Fetched:
    """Unpack *part* into the empty directory *tree*, from the first of its suites that can give it.

    locked: versions to prefer; work: a directory for our own files; log: gets all output.
    UsageError if no suite has it, InfrastructureError if none can give it, with what the last said.
    """
    require_programs({"mmdebstrap": "mmdebstrap", "dpkg-deb": "dpkg"})
    if unfit := re.search(r'["\\\n]', str(tree)):
        raise InfrastructureError(
            f"Debian's packages cannot be unpacked into {tree}: apt takes no path with {unfit[0]!r} in it",
            "set KVMPPC_CACHE to another directory",
        )
    mirror = host_mirror()
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text("")
    said: list[str] = []
    kinds: set[Trouble] = set()
    for suite in part.suites:
        if suite.base and mirror is None:
            continue  # needs two suites of one mirror, and we have no mirror's name
        notices: list[str] = []
        check_date = suite.checks_date
        attempt, words = 0, "taking it from"
        while attempt < _TRIES:
            attempt += 1
            progress(f"{part.name}: {words} {suite.name}")
            words = "once more from"
            _empty(tree)
            output, status = _mmdebstrap(part, suite, mirror, tree, locked, check_date, work, log, progress)
            if status == 0:
                return Fetched(suite.name, _used(work / "list", part), tuple(notices))
            kind = trouble(output)
            if kind is Trouble.FULL:
                raise InfrastructureError(
                    f"the disk is full while unpacking {part.name}",
                    "free some space, for instance with kvmppc parts prune, or set KVMPPC_CACHE",
                    log,
                )
            if kind is Trouble.UNREACHABLE:
                # apt has tried several times, and all suites are in one place.
                raise InfrastructureError(
                    f"the Debian mirror cannot be reached for {part.name} ({_last_error(output)})",
                    "check the network and the proxy, or set KVMPPC_MIRROR to another Debian mirror",
                    log,
                )
            if kind is Trouble.EXPIRED and check_date:
                check_date = False
                attempt -= 1
                notices.append(f"{suite.name}: {_expiry(output)}; its signature is good, so it was used")
                progress(f"{part.name}: {notices[-1]}")
                continue
            kinds.add(kind)
            said.append(f"{suite.name}: {kind.value} ({_last_error(output)})")
            progress(f"{part.name}: {suite.name} cannot give it: {kind.value}")
            if kind is not Trouble.SYNC:
                break
            if attempt < _TRIES:
                time.sleep(_WAIT_SECONDS * attempt)  # the mirror gives no sign when it is done
    # Not if all that is missing are suites: then it is the mirror that is wrong.
    if Trouble.MISSING in kinds and kinds <= {Trouble.MISSING, Trouble.NO_SUITE}:
        raise UsageError(f"no Debian suite has {part.name}", "check the version", log)
    raise InfrastructureError(
        f"no suite can give {part.name}; the last said: {said[-1] if said else 'nothing'}",
        "install debian-archive-keyring"
        if Trouble.SIGNATURE in kinds
        else "try again later, or set KVMPPC_MIRROR to another Debian mirror",
        log,
    )


def host_architecture() -> str:
    """Debian's name for this machine's architecture."""
    require_programs({"dpkg": "dpkg"})
    done = single.run(["dpkg", "--print-architecture"], capture_output=True, text=True, check=True)
    return str(done.stdout).strip()


def pins(locked: Sequence[Deb]) -> str:
    """apt preferences: the locked version of each package, even if that means a downgrade."""
    return "".join(
        f"Package: {deb.package}\nPin: version {deb.version}\nPin-Priority: 1001\n\n" for deb in locked
    )


def _empty(tree: Path) -> None:
    shutil.rmtree(tree, ignore_errors=True)
    tree.mkdir(parents=True)


def _mmdebstrap(
    part: Part, suite: Suite, mirror: Source | None, tree: Path, locked: Sequence[Deb], check_date: bool,
    work: Path, log: Path, progress: Progress,
) -> tuple[str, int]:  # fmt: skip
    """(output, exit status) of one attempt."""
    (work / "pins").write_text(pins(locked))
    hook = resources.files("harness.parts").joinpath("mmdebstrap-hook")
    architecture = host_architecture() if part.architecture == "host" else part.architecture
    with resources.as_file(hook) as script:
        command = [
            "mmdebstrap",
            "--verbose",  # apt's lines, for the log and for progress
            # Nothing is run in the tree, so neither root nor a user namespace is needed.
            "--mode=chrootless",
            # Newer ones refuse that to root, for fear of what packages' scripts do: none is run.
            "--skip=check/chrootless",
            "--variant=extract",
            "--format=directory",
            f"--architectures={architecture}",
            f'--setup-hook=sh {shlex.quote(str(script))} "$@"',
            f'--extract-hook=sh {shlex.quote(str(script))} "$@"',
        ]
        if not check_date:
            command.append('--aptopt=Acquire::Check-Valid-Until "false"')
        if suite.base:
            command.append(f'--aptopt=APT::Default-Release "{suite.name}"')
        if part.packages and not part.alone:
            command.append(f"--include={','.join(part.packages)}")
        command += [suite.name, str(tree)]
        if mirror is not None:
            # Without, mmdebstrap looks for the right key itself.
            keyring = mirror.signed_by if Path(mirror.signed_by.partition(",")[0]).is_file() else ""
            option = f"[signed-by={keyring}] " if keyring else ""
            names = [suite.base, suite.name] if suite.base else [suite.name]
            command += [f"deb {option}{mirror.uri} {name} main" for name in names]
        environment = {
            **os.environ,
            "LC_ALL": "C",
            "KVMPPC_PINS": str(work / "pins"),
            "KVMPPC_LIST": str(work / "list"),
            "KVMPPC_PACKAGES": " ".join(part.packages),
            "KVMPPC_OFFER": str(work / "offer"),
            "KVMPPC_DEBS": str(work / "debs"),
            "KVMPPC_KERNEL": part.kernel,
            "KVMPPC_ALONE": "yes" if part.alone else "",
            "KVMPPC_PREFER": " ".join(deb.package for deb in locked) if part.kernel else "",
            "KVMPPC_FLAVOUR": KERNEL_FLAVOUR,
        }
        return _run(command, environment, log, lambda text: progress(f"{part.name}: {text}"))


def _run(
    command: Sequence[str], environment: dict[str, str], log: Path, progress: Progress
) -> tuple[str, int]:
    lines: list[str] = []
    output = AptOutput()
    with log.open("a") as file:

        def each(line: str) -> None:
            file.write(line)
            lines.append(line)
            if text := output.feed(line):
                progress(text)

        status = run_lines(command, environment, each)
    return "".join(lines), status


def _used(listing: Path, part: Part) -> tuple[Deb, ...]:
    """From lines of ``sha256sum``: file names are PACKAGE_VERSION_ARCHITECTURE.deb, ':' as %3a."""
    debs = []
    for line in listing.read_text().splitlines():
        digest, _, name = line.partition("  ")
        fields = urllib.parse.unquote(Path(name).name.removesuffix(".deb")).split("_")
        if len(fields) != 3:
            raise InfrastructureError(f"{part.name}: apt kept a file with an odd name, {name!r}")
        package, version, architecture = fields
        debs.append(Deb(package, version, architecture, digest))
    return tuple(sorted(debs))


def _last_error(output: str) -> str:
    errors = [
        line for line in output.splitlines() if line.startswith("E: ") and "mmdebstrap failed" not in line
    ]
    # Without addresses: where packages come from is the host's own affair.
    text = re.sub(r"\S+://\S+", "(address)", errors[0] if errors else "no error line")
    text = re.sub(r"(connect to|resolve|resolving) '?[^\s')]+'?(?: \([^)]*\))?", r"\1 (address)", text)
    text = re.sub(r" \[IP: [^]]*\]", "", text)
    return text[:200]


def _expiry(output: str) -> str:
    match = re.search(r"invalid since (?:(\d+)d)?", output)
    days = int(match[1] or 0) if match else 0
    return f"its Release file is past its Valid-Until since {days} days"
