# SPDX-License-Identifier: GPL-2.0-only
"""Does Documentation/virt/kvm/api.rst say what the header says and what the kernel does?"""

from __future__ import annotations

import errno
from collections.abc import Mapping, Sequence

from harness.features.compat_caps.abi import Revision, distinct
from harness.features.compat_caps.caps_checks import checks, right_call
from harness.features.compat_caps.docs_facts import (
    BitNames,
    BitsAnswered,
    BitsWrong,
    ErrorNames,
    ErrorsUnlisted,
    KernelWithIoctl,
    NoSource,
    SaysItHasNone,
    Section,
    SomeStruct,
    SourceFiles,
    StructFields,
)
from harness.features.compat_caps.suite import Answers
from harness.features.compat_caps.uapi import (
    CAPABILITY,
    DOCUMENTATION,
    FILES,
    IOCTL,
    STRUCT,
    read_header,
    read_section,
)
from harness.model.fact import Fact
from harness.model.facts import Absent, Quote
from harness.model.verdict import Kind, Verdict

# What a caller can meet, by revision: caps_rules.py, on a host that has modes and on one that has none.
ERRORS = {
    "v1": ("EFAULT", "EINVAL"),
    "v2": ("EFAULT", "EINVAL"),
    "v3": ("EFAULT", "EINVAL", "ENOTTY"),
    "v4": ("EFAULT", "EINVAL", "ENOTTY"),
    "v5": ("EFAULT", "EINVAL", "E2BIG", "ENOTTY"),
    "merged": ("EFAULT", "EINVAL", "E2BIG", "ENOTTY"),
}

_SOURCE = "Documentation/process/adding-syscalls.rst and the head of api.rst: what userspace may rely on"


def judge(texts: Mapping[str, str], revision: Revision | None, answers: Answers) -> list[Verdict]:
    """texts: of uapi.FILES, empty if the kernel has no source here; revision: that it should have."""
    if not texts:
        return [_skip(SourceFiles(tuple(FILES)), NoSource())]
    if revision is None and IOCTL not in "".join(texts.values()):
        return [_skip(KernelWithIoctl(), SaysItHasNone())]
    section, header = read_section(texts.get(DOCUMENTATION, "")), read_header(texts)
    if section is None:
        return [_verdict("section", Section(True), Section(False))]
    named, shown = _fields(header.fields), _fields(section.fields)
    found = [
        _verdict("section", Section(True), Section(True)),
        _verdict("capability", Quote(CAPABILITY), Quote(section.capability)),
        _verdict("type", Quote("vm ioctl"), Quote(section.type)),
        _verdict("parameters", Quote(f"struct {STRUCT}"), _parameters(section.parameters)),
        _verdict("struct's fields are the header's", named or SomeStruct(), shown or Absent()),
        _bits(header.bits, section.bits),
    ]
    if revision is not None:
        found += [_errors(ERRORS[revision.name], section.errors), _seen_errors(section.errors, answers)]
        found.append(_seen_bits(header.bits, revision, answers))
    return found


def _fields(fields: Sequence[tuple[str, str]]) -> StructFields | None:
    return StructFields(tuple((kind, name) for kind, name in fields)) if fields else None


def _parameters(text: str) -> Fact:
    words = " ".join(text.split()[:2])
    return Quote(words) if words else Absent()


def _verdict(what: str, expected: Fact, observed: Fact, right: bool | None = None) -> Verdict:
    good = expected == observed if right is None else right
    return Verdict(
        f"api.rst: {what}", Kind.OK if good else Kind.FAIL, expected, observed, DOCUMENTATION, _SOURCE,
        right=good,  # of any kernel's documentation
    )  # fmt: skip


def _skip(expected: Fact, observed: Fact) -> Verdict:
    return Verdict("api.rst", Kind.SKIP, expected, observed, DOCUMENTATION, _SOURCE)


def _bits(header: Mapping[str, int], section: Mapping[str, frozenset[int] | None]) -> Verdict:
    """Named are all, and where a value stands it is the header's."""
    wrong = [
        name for name, values in section.items() if values is not None and header.get(name) not in values
    ]
    missing = [name for name in header if name not in section]
    extra = [name for name in section if name not in header]
    expected = BitNames(tuple(header))
    if wrong or missing or extra:
        observed = BitsWrong(tuple(wrong), tuple(missing), tuple(extra))
        return _verdict("bits are the header's", expected, observed, False)
    return _verdict("bits are the header's", expected, expected, bool(header))


def _errors(wanted: tuple[str, ...], listed: tuple[str, ...]) -> Verdict:
    """In any order; more may be listed than we know a reason for."""
    missing = [name for name in wanted if name not in listed]
    return _verdict(
        "errors that can happen are listed",
        ErrorNames(tuple(sorted(wanted))),
        ErrorNames(tuple(sorted(listed)), missing=tuple(missing)),
        right=not missing,
    )


def _seen_errors(listed: tuple[str, ...], answers: Answers) -> Verdict:
    """What this very kernel answered to a request that it knows."""
    seen: dict[str, None] = {}
    for revision in distinct():
        if any(each.errno != errno.ENOTTY for each in answers.calls(right_call(revision))):
            for check in checks(revision, answers.page):
                if check.call.fd.startswith("vm"):
                    numbers = [each.errno for each in answers.calls(check.call) if each.errno]
                    names = [errno.errorcode.get(number, f"errno {number}") for number in numbers]
                    seen.update(dict.fromkeys(names))
    unlisted = [name for name in seen if name not in listed]
    return _verdict(
        "errors that the kernel answered are listed",
        ErrorNames(tuple(sorted(seen)), listed=False),
        ErrorsUnlisted(tuple(unlisted)) if unlisted else ErrorNames(tuple(sorted(seen)), listed=False),
        right=bool(seen) and not unlisted,
    )


def _seen_bits(header: Mapping[str, int], revision: Revision, answers: Answers) -> Verdict:
    call = right_call(revision)
    got = answers.calls(call)
    caps = got[0].after64(call.memory, revision.offset_caps) if got and not got[0].errno else 0
    unknown = caps & ~sum(header.values())
    observed = BitsAnswered(unknown, some=bool(caps))
    return _verdict("bits that the kernel answered are named", BitsAnswered(), observed)
