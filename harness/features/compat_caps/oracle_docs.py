# SPDX-License-Identifier: GPL-2.0-only
"""Does Documentation/virt/kvm/api.rst say what the header says and what the kernel does?"""

from __future__ import annotations

import errno
from collections.abc import Mapping

from harness.features.compat_caps.abi import Revision, distinct
from harness.features.compat_caps.caps_checks import checks, right_call
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
        return [_skip(f"the kernel's {', '.join(FILES)}", "a prebuilt kernel: its source is not at hand")]
    if revision is None and IOCTL not in "".join(texts.values()):
        return [_skip("a kernel with the ioctl", "this kernel has none, and says so")]
    section, header = read_section(texts.get(DOCUMENTATION, "")), read_header(texts)
    if section is None:
        return [_verdict("section", f"a section {IOCTL}", "there is none")]
    named = ", ".join(f"{kind} {name}" for kind, name in header.fields)
    shown = ", ".join(f"{kind} {name}" for kind, name in section.fields)
    found = [
        _verdict("section", f"a section {IOCTL}", f"a section {IOCTL}"),
        _verdict("capability", CAPABILITY, section.capability),
        _verdict("type", "vm ioctl", section.type),
        _verdict("parameters", f"struct {STRUCT}", " ".join(section.parameters.split()[:2]) or "none named"),
        _verdict("struct's fields are the header's", named or "a struct", shown or "none"),
        _bits(header.bits, section.bits),
    ]
    if revision is not None:
        found += [_errors(ERRORS[revision.name], section.errors), _seen_errors(section.errors, answers)]
        found.append(_seen_bits(header.bits, revision, answers))
    return found


def _verdict(what: str, expected: str, observed: str, right: bool | None = None) -> Verdict:
    good = expected == observed if right is None else right
    return Verdict(
        f"api.rst: {what}", Kind.OK if good else Kind.FAIL, expected, observed, DOCUMENTATION, _SOURCE,
        right=good,  # of any kernel's documentation
    )  # fmt: skip


def _skip(expected: str, observed: str) -> Verdict:
    return Verdict("api.rst", Kind.SKIP, expected, observed, DOCUMENTATION, _SOURCE)


def _bits(header: Mapping[str, int], section: Mapping[str, frozenset[int] | None]) -> Verdict:
    """Named are all, and where a value stands it is the header's."""
    wrong = [
        name for name, values in section.items() if values is not None and header.get(name) not in values
    ]
    missing = [name for name in header if name not in section]
    extra = [name for name in section if name not in header]
    words = [f"{name} has another value" for name in wrong]
    words += [f"{name} is missing" for name in missing] + [f"{name} is unknown" for name in extra]
    expected = ", ".join(header) or "no bits"
    right = bool(header) and not words
    return _verdict("bits are the header's", expected, "; ".join(words) or expected, right)


def _errors(wanted: tuple[str, ...], listed: tuple[str, ...]) -> Verdict:
    """In any order; more may be listed than we know a reason for."""
    missing = [name for name in wanted if name not in listed]
    return _verdict(
        "errors that can happen are listed",
        " ".join(sorted(wanted)),
        f"{' '.join(sorted(listed)) or 'none'}" + (f"; not {' '.join(missing)}" if missing else ""),
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
        " ".join(sorted(seen)) or "none seen",
        f"not {' '.join(unlisted)}" if unlisted else " ".join(sorted(seen)) or "none seen",
        right=bool(seen) and not unlisted,
    )


def _seen_bits(header: Mapping[str, int], revision: Revision, answers: Answers) -> Verdict:
    call = right_call(revision)
    got = answers.calls(call)
    caps = got[0].after64(call.memory, revision.offset_caps) if got and not got[0].errno else 0
    unknown = caps & ~sum(header.values())
    fine = "none but those of the header"
    observed = f"{unknown:#018x} as well" if unknown else fine if caps else "none at all"
    return _verdict("bits that the kernel answered are named", fine, observed)
