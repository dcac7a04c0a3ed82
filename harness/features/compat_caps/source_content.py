# SPDX-License-Identifier: GPL-2.0-only
"""What a kernel's source shows of the series. Pure: texts in, facts out; where a text is of a shape that is
not understood, the fact is None, and never a guess."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from harness.features.compat_caps import uapi
from harness.features.compat_caps.behaviour import BOTH_APIS, Refusal
from harness.features.compat_caps.uapi import IOCTL
from harness.model.topology import NestedApi

# Where the kernel refuses a mode and answers for its nested APIs, and where the ioctl is dispatched.
BACKEND = "arch/powerpc/kvm/book3s_hv.c"
DISPATCH = "arch/powerpc/kvm/powerpc.c"
FILES = (*uapi.FILES, BACKEND, DISPATCH)

# What kvmppc_set_arch_compat calls in 6.12 to 7.3 and with our series; another function may hide a check.
_KNOWN_CALLS = frozenset(
    (
        "cpu_has_feature",
        "kvmhv_on_pseries",
        "kvmhv_is_nestedv2",
        "map_pcr_to_cap",
        "spin_lock",
        "spin_unlock",
        "kvmhv_nestedv2_mark_dirty",
        "kvmppc_sanity_check",
    )
)
_KEYWORDS = frozenset(("if", "switch", "while", "for", "return", "sizeof"))

# Since 6.13 the host's own PCR bit is found with this; it refuses nothing.
_OWN_PCR = re.compile(r"cpu_has_feature\(CPU_FTR_P11_PVR\)\s*\|\|\s*cpu_has_feature\(CPU_FTR_ARCH_31\)")

_REFUSES_CLEANLY = re.compile(
    r"if\s*\([^;{]*!\s*cpu_has_feature\(\s*CPU_FTR_P11_PVR\s*\)[^;{]*\)\s*\{?\s*return\s+-EINVAL\s*;"
)
_STORES = re.compile(r"\barch_compat\s*=\s*PVR_ARCH_INVALID\b")


@dataclass(frozen=True)
class Content:
    """refusal: of POWER11 in a POWER10 mode; revisions: names that the ioctl can be, by its header, () where
    there is no ioctl; served: nested APIs that it has an answer for. Each None where that is not clear."""

    refusal: Refusal | None
    revisions: tuple[str, ...] | None
    served: tuple[NestedApi, ...] | None


def read(texts: Mapping[str, str]) -> Content | None:
    """texts: file -> content, of FILES. None where there is nothing to read."""
    backend, dispatch = texts.get(BACKEND), texts.get(DISPATCH)
    if not backend and not dispatch:
        return None
    backend, dispatch = _without_comments(backend or ""), _without_comments(dispatch or "")
    wired = bool(re.search(rf"\bcase\s+{IOCTL}\s*:", dispatch)) if dispatch else None
    return Content(_refusal(backend), _revisions(texts, wired), _served(backend, dispatch, wired))


def _refusal(backend: str) -> Refusal | None:
    body = body_of("kvmppc_set_arch_compat", backend)
    if body is None or "PVR_ARCH_31_P11" not in body:
        return None
    if _STORES.search(body):
        return Refusal.STORED
    if _REFUSES_CLEANLY.search(body):
        return Refusal.CLEAN
    rest = _OWN_PCR.sub("", body)
    if "CPU_FTR_P11_PVR" in rest or "PVR_ARCH_INVALID" in rest or _calls(body) - _KNOWN_CALLS:
        return None
    return Refusal.NONE


def _revisions(texts: Mapping[str, str], wired: bool | None) -> tuple[str, ...] | None:
    if wired is None:
        return None
    if not wired:
        return ()
    return uapi.read_header(texts).revisions or None


def _served(backend: str, dispatch: str, wired: bool | None) -> tuple[NestedApi, ...] | None:
    if wired is None or not backend:
        return None
    if not wired:
        return ()
    hook = re.search(r"\.get_compat_\w+\s*=\s*(\w+)", backend)
    if hook is None:
        # Only of a dispatcher that would ask this hook is it known that nothing is behind it.
        return () if re.search(r"->\s*get_compat_\w+", dispatch) else None
    body = body_of(hook[1], backend)
    if body is None:
        return None
    text = body + "".join(body_of(name, backend) or "" for name in sorted(_calls(body)))
    shown = {
        NestedApi.V1: "cpu-version" in text,
        NestedApi.V2: "nested_capabilities" in text or "plpar_guest_get_capabilities" in text,
    }
    return tuple(api for api in BOTH_APIS if shown[api]) or None


def body_of(function: str, text: str) -> str | None:
    """Between the braces of a function's definition, without comments; None if it is not defined there."""
    for match in re.finditer(rf"\b{re.escape(function)}\s*\(", text):
        after = _closing(text, match.end() - 1, "()")
        opened = re.match(r"\s*\{", text[after:]) if after else None
        # A call that ends a condition may be followed by a brace as well; it stands behind more than words.
        line = text[text.rfind("\n", 0, match.start()) + 1 : match.start()]
        if after and opened and re.fullmatch(r"[\w\s*]*", line):
            begin = after + opened.end() - 1
            end = _closing(text, begin, "{}")
            return text[begin + 1 : end - 1] if end else None
    return None


def _closing(text: str, at: int, pair: str) -> int:
    """Behind the bracket that closes the one at *at*; 0 if none does."""
    depth = 0
    for position in range(at, len(text)):
        depth += (text[position] == pair[0]) - (text[position] == pair[1])
        if depth == 0:
            return position + 1
    return 0


def _calls(body: str) -> set[str]:
    return set(re.findall(r"\b([a-z_]\w*)\s*\(", body)) - _KEYWORDS


def _without_comments(text: str) -> str:
    return re.sub(r"/\*.*?\*/|//[^\n]*", " ", text, flags=re.S)
