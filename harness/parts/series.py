# SPDX-License-Identifier: GPL-2.0-only
"""A series of patches: a folder, an mbox as b4 or a list's archive saves it, or one of ours by name."""

from __future__ import annotations

import email
import email.header
import email.message
import email.policy
import email.utils
import mailbox
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from harness.model.errors import UsageError
from harness.parts import mutant_catalogue as mutants
from harness.parts import ownseries


@dataclass(frozen=True)
class Patch:
    """number: its place in the series, from 1; name: file name or place in the mbox, for messages;
    mail: what ``git am`` reads, UTF-8 with \\n line ends."""

    number: int
    subject: str
    name: str
    mail: str


@dataclass(frozen=True)
class Series:
    """name: as reports call it; notes: what was odd about it and how it was read."""

    name: str
    path: Path
    patches: tuple[Patch, ...]
    notes: tuple[str, ...] = ()

    def first(self, count: int) -> Series:
        """The series up to a patch boundary. UsageError if it has not so many patches."""
        if not 0 <= count <= len(self.patches):
            raise UsageError(f"series {self.name} has {len(self.patches)} patches, not {count}")
        return replace(self, patches=self.patches[:count])


def read_series(text: str, base: str = "") -> Series:
    """text: a path, or a name from kernel-patches/; base: version such as ``6.12``, for a series of
    ours that has patches for several. UsageError for anything that is no series."""
    own = ownseries.directory() / text
    if "/" not in text and (own / "series.toml").is_file():
        return _own(own, base)
    mutant = mutants.patch_of(text)
    if mutant is not None:
        return _mbox(mutant)
    path = Path(text).expanduser().absolute()
    if path.is_dir():
        if (path / "series.toml").is_file():
            return _own(path, base)
        return _folder(path)
    if path.is_file():
        return _mbox(path)
    raise UsageError(
        f"there is no series {text!r}",
        f"give a folder of patches, an mbox, or one of {', '.join(ownseries.names()) or 'kernel-patches/'}",
    )


# -- folders ---------------------------------------------------------------------------------


def _own(directory: Path, base: str) -> Series:
    """A folder with series.toml: patches are in a folder for each base version they are for."""
    folders = sorted(path.name for path in directory.iterdir() if path.is_dir())
    if not folders:
        return _folder(directory)
    if base not in folders:
        raise UsageError(
            f"series {directory.name} is for Linux {' and '.join(folders)}, not {base or 'this kernel'}",
            "give another kernel before the +",
        )
    return replace(_folder(directory / base), name=directory.name, path=directory)


def _folder(directory: Path) -> Series:
    listing = directory / "series"  # quilt's
    if listing.is_file():
        lines = [line.split("#")[0].split() for line in listing.read_text().splitlines()]
        paths = [directory / words[0] for words in lines if words]
    else:
        paths = sorted((*directory.glob("*.patch"), *directory.glob("*.diff"), *directory.glob("*.eml")))
    if not paths:
        raise UsageError(f"there are no patches in {directory}", "they end in .patch, .diff or .eml")
    patches: list[Patch] = []
    for path in paths:
        try:
            data = path.read_bytes()
        except OSError as error:
            raise UsageError(f"patch {path} cannot be read: {error.strerror}") from None
        message = _parse(data)
        if not _has_diff(message):
            if _is_cover(_subject(message)) or path.name.startswith("0000-"):
                continue
            raise UsageError(f"{path} holds no patch", "it has no line that starts with diff --git or ---")
        patches.append(_patch(message, len(patches) + 1, path.name))
    return Series(directory.name, directory, tuple(patches))


# -- mail ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Tag:
    """What stands in brackets before a subject. number is None without n/m."""

    version: int
    number: int | None
    total: int | None
    title: str


def _tag(subject: str) -> _Tag | None:
    """None for a subject that is no patch's, such as a reply's."""
    match = re.match(r"\s*((?:\[[^]]*\]\s*)+)(.*)", subject, re.S)
    if match is None or not re.search(r"\bPATCH|\bRFC", match[1], re.I):
        return None
    count = re.search(r"(\d+)\s*/\s*(\d+)", match[1])
    version = re.search(r"\bv(\d+)\b", match[1], re.I)
    return _Tag(
        int(version[1]) if version else 1,
        int(count[1]) if count else None,
        int(count[2]) if count else None,
        match[2].strip(),
    )


def _is_cover(subject: str) -> bool:
    tag = _tag(subject)
    return tag is not None and tag.number == 0


def _mbox(path: Path) -> Series:
    """Patches in the order their subjects say; replies, cover letters and copies are left out."""
    data = path.read_bytes()
    if not data.startswith(b"From "):
        message = _parse(data)
        if _has_diff(message):
            return Series(path.name, path, (_patch(message, 1, path.name),))
        raise UsageError(
            f"{path} is no mbox and holds no patch", "save the whole thread, for instance with b4 mbox"
        )
    box = mailbox.mbox(path, create=False)
    messages = [_parse(box.get_bytes(key)) for key in box.keys()]  # noqa: SIM118 - no mapping
    box.close()
    found: list[tuple[_Tag, email.message.EmailMessage]] = []
    totals: set[tuple[int, int]] = set()
    known: set[str] = set()
    for message in messages:
        tag = _tag(_subject(message))
        if tag is None:
            continue
        if tag.total is not None:
            totals.add((tag.version, tag.total))
        identity = str(message.get("Message-ID", "")).strip()
        if not _has_diff(message) or tag.number == 0 or (identity and identity in known):
            continue
        known.add(identity)
        found.append((tag, message))
    if not found:
        raise UsageError(f"{path} holds {len(messages)} mails and no patch", "is it the right thread?")
    return _ordered(path, found, totals)


def _ordered(
    path: Path, found: Sequence[tuple[_Tag, email.message.EmailMessage]], totals: set[tuple[int, int]]
) -> Series:
    notes = []
    versions = {tag.version for tag, _ in found}
    newest = max(versions)
    if len(versions) > 1:
        names = ", ".join(f"v{each}" for each in sorted(versions))
        notes.append(f"{path.name} has {names} of the series; v{newest} was taken")
    found = [(tag, message) for tag, message in found if tag.version == newest]
    wanted = {total for version, total in totals if version == newest}
    if len(wanted) > 1:
        raise UsageError(
            f"{path} holds patches of several series ({', '.join(f'n/{each}' for each in sorted(wanted))})",
            "save one thread",
        )
    if not wanted:
        if len(found) > 1:
            raise UsageError(f"{path} holds {len(found)} patches without numbers", "save one thread")
        return Series(path.name, path, (_patch(found[0][1], 1, path.name),), tuple(notes))
    total = wanted.pop()
    by_number: dict[int, email.message.EmailMessage] = {}
    for tag, message in found:
        number = tag.number or 0
        if number in by_number and _body(by_number[number]) != _body(message):
            raise UsageError(f"{path} has patch {number}/{total} twice, and they differ", "keep one of them")
        by_number[number] = message
    missing = [number for number in range(1, total + 1) if number not in by_number]
    if missing:
        words = ", ".join(f"{number}/{total}" for number in missing)
        raise UsageError(f"{path} lacks patch {words}", "save the whole thread, for instance with b4 mbox")
    arrived = [tag.number for tag, _ in found]
    if arrived != sorted(arrived, key=lambda each: each or 0):
        notes.append(f"{path.name} has its patches out of order; they were put in order")
    patches = [_patch(by_number[number], number, path.name) for number in range(1, total + 1)]
    return Series(path.name, path, tuple(patches), tuple(notes))


def _parse(data: bytes) -> email.message.EmailMessage:
    # A patch file has a line of git's before the headers.
    if data.startswith(b"From "):
        data = data.partition(b"\n")[2]
    head = data.lstrip()[:200]
    if not re.match(rb"[A-Za-z-]+:[ \t]", head) and not re.match(rb"[A-Za-z-]+:\r?\n[ \t]", head):
        data = b"\n" + data  # a bare diff: no headers
    parsed = email.message_from_bytes(data, policy=email.policy.default.clone(raise_on_defect=False))
    assert isinstance(parsed, email.message.EmailMessage)
    return parsed


def _subject(message: email.message.EmailMessage) -> str:
    return " ".join(str(message.get("Subject", "")).split())


def _body(message: email.message.EmailMessage) -> str:
    """The text, decoded, with \\n line ends."""
    texts = []
    for part in message.walk():
        if part.get_content_maintype() != "text" or part.get_content_subtype() == "html":
            continue
        payload = part.get_payload(decode=True)
        data = payload if isinstance(payload, bytes) else b""
        charset = part.get_content_charset() or "utf-8"
        try:
            text = data.decode(charset)
        except (LookupError, UnicodeDecodeError):
            text = data.decode("utf-8", "surrogateescape")
        texts.append(text)
    return "".join(texts).replace("\r\n", "\n")


def _has_diff(message: email.message.EmailMessage) -> bool:
    return re.search(r"^(?:diff --git |--- \S+\n\+\+\+ \S+)", _body(message), re.M) is not None


def _patch(message: email.message.EmailMessage, number: int, name: str) -> Patch:
    subject = _subject(message)
    tag = _tag(subject)
    title = (tag.title if tag is not None else subject) or f"patch {name}"
    author, address = email.utils.parseaddr(str(message.get("From", "")))
    date = str(message.get("Date", "")).strip() or "Thu, 01 Jan 1970 00:00:00 +0000"
    body = _body(message)
    if not message.get("Subject"):
        body = "---\n" + body  # a bare diff: what stands before it is no commit message
    mail = (
        "From 0000000000000000000000000000000000000000 Mon Sep 17 00:00:00 2001\n"
        f"From: {author or 'unknown'} <{address or 'unknown@localhost'}>\n"
        f"Date: {date}\n"
        f"Subject: [PATCH] {title}\n"
        "MIME-Version: 1.0\nContent-Type: text/plain; charset=UTF-8\nContent-Transfer-Encoding: 8bit\n\n"
        f"{body}"
    )
    return Patch(number, title, name, mail if mail.endswith("\n") else mail + "\n")
