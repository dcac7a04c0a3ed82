# SPDX-License-Identifier: GPL-2.0-only
"""Which Debian mirror this host uses, from its own apt configuration."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Source:
    """One archive of an apt configuration. signed_by: a keyring file, '' if none is named."""

    uri: str
    suites: tuple[str, ...]
    components: tuple[str, ...]
    signed_by: str


def host_mirror(root: Path = Path("/")) -> Source | None:
    """The archive that carries this Debian's own suite; None where the host is no Debian or has none.

    $KVMPPC_MIRROR overrides. root: for tests.
    """
    chosen = os.environ.get("KVMPPC_MIRROR")
    if chosen:
        return Source(chosen, (), ("main",), "")
    release = _os_release(root / "etc/os-release")
    if release.get("ID") != "debian":
        return None
    codename = release.get("VERSION_CODENAME", "")
    names = {codename, "stable", "testing", "unstable", "sid"} - {""}
    every = [source for source in sources(root) if not source.uri.startswith("cdrom:")]
    fitting = [source for source in every if "main" in source.components and names & set(source.suites)]
    return max(fitting, key=lambda source: _signs(source, codename, every), default=None)


def _signs(source: Source, codename: str, every: list[Source]) -> tuple[bool, ...]:
    """Signs that this is Debian's archive, the strongest first.

    Vendors call suites of their own by Debian's names (``bookworm main``, ``stable main``), and
    their files may sort before Debian's.
    """
    beside = {suite for each in every if each.uri == source.uri for suite in each.suites}
    return (
        bool(beside & {f"{name}-{kind}" for name in source.suites for kind in ("updates", "backports")}),
        "debian-archive" in source.signed_by,
        source.uri.rstrip("/").endswith("/debian"),
        codename in source.suites,
    )


def sources(root: Path) -> Iterator[Source]:
    """All binary archives of the apt configuration below *root*, in apt's order."""
    apt = root / "etc/apt"
    for path in [apt / "sources.list", *sorted((apt / "sources.list.d").glob("*"))]:
        # apt leaves others alone: an editor's copies, what an upgrade saved.
        if path.suffix not in (".list", ".sources") or not path.is_file():
            continue
        text = path.read_text(errors="replace")
        yield from _deb822(text) if path.suffix == ".sources" else _one_line(text)


def _os_release(path: Path) -> dict[str, str]:
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return {}
    pairs = (line.partition("=") for line in lines if "=" in line)
    return {name: value.strip("\"'") for name, _, value in pairs}


def _one_line(text: str) -> Iterator[Source]:
    for line in text.splitlines():
        match = re.match(r"deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s+([^#]+)", line.strip())
        if match:
            signed = re.search(r"signed-by=(\S+)", match[1] or "")
            yield Source(match[2], (match[3],), tuple(match[4].split()), signed[1] if signed else "")


def _deb822(text: str) -> Iterator[Source]:
    for stanza in re.split(r"\n[ \t]*\n", text):
        values: dict[str, str] = {}
        name = ""
        for line in stanza.splitlines():
            if line.startswith("#"):
                continue
            if line[:1] in " \t" and name:
                values[name] += " " + line.strip()
            elif ":" in line:
                name, _, value = line.partition(":")
                name = name.strip().lower()
                values[name] = value.strip()
        if (
            values.get("enabled", "yes").lower() in ("no", "false")
            or "deb" not in values.get("types", "").split()
        ):
            continue
        signed = values.get("signed-by", "")
        for uri in values.get("uris", "").split():
            yield Source(
                uri,
                tuple(values.get("suites", "").split()),
                tuple(values.get("components", "").split()),
                signed if signed.startswith("/") else "",
            )
