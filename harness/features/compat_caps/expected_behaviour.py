# SPDX-License-Identifier: GPL-2.0-only
"""By what a kernel is judged: the user's word, what our own series say of themselves, what a source shows,
or the release. The first of these that there is decides; where another disagrees, the report has a note."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.features.compat_caps import source_content as kernelsource
from harness.features.compat_caps.abi import REVISIONS, Revision
from harness.features.compat_caps.behaviour import (
    NONE,
    Behaviour,
    Refusal,
    ReleaseRow,
    made_of,
    of_series,
    row_of_release,
)
from harness.features.compat_caps.kernel_symbols import has_ioctl
from harness.features.compat_caps.source_content import Content
from harness.features.compat_caps.uapi import IOCTL
from harness.model.expectation import Expectation
from harness.model.kernel import Kernel
from harness.model.release import Release, parse_release
from harness.model.topology import NestedApi


@dataclass(frozen=True)
class Expected:
    """sure: False where too little is known of the kernel: it is then judged by what any kernel should do
    (verdict.by_any_kernel), and *behaviour* is no more than what is known; note: for the report, '' for
    none."""

    behaviour: Behaviour
    sure: bool = True
    note: str = ""


def expect(kernel: Kernel) -> Expectation:
    """As a plan keeps it: the data are a behaviour's."""
    return kept(expectation(kernel))


def kept(found: Expected) -> Expectation:
    return Expectation(found.behaviour.name, found.behaviour.to_json(), found.sure, found.note)


def expectation(kernel: Kernel) -> Expected:
    series = [each for each in kernel.series if not each.mutant]
    # A mutant is judged as the kernel it is a mutant of: what its source shows is the defect.
    content = kernelsource.read(kernel.texts) if len(series) == len(kernel.series) else None
    release = parse_release(kernel.release, kernel.banner)
    row = row_of_release(release.version) if release else None
    found, from_own = _base(kernel, content, release, row), False
    unknown = []
    for each in series:
        if each.words is None and each.patches == 0:
            continue  # none of its patches is on
        if each.words is None:
            unknown.append(each.name)
            from_own = False
        elif not unknown:
            found = Expected(of_series(each.name, each.words, each.patches))
            from_own = True
    if unknown:
        return _with_unknown(kernel, found.behaviour, content, unknown)
    if from_own and content is not None:
        return Expected(found.behaviour, True, _disagreement(kernel, found.behaviour, content))
    return found


# -- a kernel without a series ---------------------------------------------------------------


def _base(
    kernel: Kernel, content: Content | None, release: Release | None, row: ReleaseRow | None
) -> Expected:
    if content is not None:
        return _by_source(kernel, content, release, row)
    if release is None or row is None:
        return _unknown(kernel, NONE, f"{kernel.release} is a release of which nothing is known")
    if release.modified:
        words = f"{kernel.release} says little of what is in it ({release.modified})"
        return _unknown(kernel, _without_ioctl(row.behaviour), words)
    known = row.behaviour
    if has_ioctl(kernel.symbols) is True and known.revision is None:
        return _unknown(kernel, known, f"{release.short} has no {IOCTL}, and its symbols show one")
    if has_ioctl(kernel.symbols) is False and known.revision is not None:
        words = f"{release.short} has {IOCTL}, and its symbols show none"
        return _unknown(kernel, _without_ioctl(known), words)
    return Expected(known)


def _unknown(kernel: Kernel, behaviour: Behaviour, why: str) -> Expected:
    return Expected(behaviour, False, f"{kernel.label}: {why}; {_ANY}")


_ANY = "judged by what any kernel should do, as nothing more is known; see --expect"


def _without_ioctl(behaviour: Behaviour) -> Behaviour:
    """What is known where the ioctl's revision is not: it is then found from what answers."""
    return made_of(behaviour.refusal, None, (), behaviour.source)


# -- sources ---------------------------------------------------------------------------------


# With CLEAN a guest that is refused by CAS goes on in raw mode, with STORED it cannot.
_STRENGTH = (Refusal.NONE, Refusal.CLEAN, Refusal.STORED)
_REFUSAL = {
    Refusal.CLEAN: "the refusal of POWER11 in a POWER10 mode",
    Refusal.STORED: "the refusal of POWER11 in a POWER10 mode, with PVR_ARCH_INVALID stored",
}


def _by_source(kernel: Kernel, content: Content, release: Release | None, row: ReleaseRow | None) -> Expected:
    """What the source shows. A tree whose Makefile says 7.2.5 has all that 7.2.5 has, and perhaps more: what
    it lacks of that was lost, and it is judged as the release."""
    least = row.behaviour if row is not None else NONE
    lost: list[str] = []
    unclear: list[str] = []
    refusal = content.refusal
    if refusal is not None and _STRENGTH.index(refusal) < _STRENGTH.index(least.refusal):
        lost.append(_REFUSAL[least.refusal])
        refusal = least.refusal
    elif refusal is None and least.refusal is not Refusal.NONE:
        refusal = least.refusal
    if refusal is None:
        unclear.append("what becomes of POWER11 in a POWER10 mode")
    revision, served = _ioctl(content, least, lost, unclear)
    source = f"the kernel's source: {kernelsource.BACKEND}, {kernelsource.DISPATCH}, uapi headers"
    behaviour = made_of(refusal or Refusal.NONE, revision, served if revision else (), source)
    if unclear:
        return _unknown(kernel, behaviour, f"its source does not show {' and '.join(unclear)} in a known way")
    if not lost or row is None or release is None:
        return Expected(behaviour)
    commit = f" ({row.commit})" if row.commit else ""
    words = f"Linux {release.short} has {' and '.join(lost)}{commit}, and this source has not"
    return Expected(behaviour, True, f"{kernel.label}: {words}: judged as the release")


def _ioctl(
    content: Content, least: Behaviour, lost: list[str], unclear: list[str]
) -> tuple[Revision | None, tuple[NestedApi, ...]]:
    """Revision and nested APIs by source and release. lost, unclear: what to say of it is added."""
    known = least.revision
    if content.revisions == ():
        if known is not None:
            lost.append(IOCTL)
        return known, least.served
    revision = known if content.revisions is None else _one_of(content.revisions, known)
    if known is not None and revision is not known:
        lost.append(f"the ABI that {IOCTL} was merged with")  # a uapi is not changed
        revision = known
    if revision is None:
        unclear.append(f"the revision of {IOCTL}")
    served = least.served if content.served is None else content.served
    missing = sorted(api.value for api in least.served if api not in served)
    if missing:
        lost.append(f"an answer of {IOCTL} for nested API {' and '.join(missing)}")
    if content.served is None and not least.served:
        unclear.append(f"the nested APIs that {IOCTL} has an answer for")
    return revision, least.served if missing else served


def _one_of(names: Sequence[str] | None, wanted: Revision | None) -> Revision | None:
    """The revision that these names leave; None if they leave none, or several and not the wanted one."""
    fits = [each for each in REVISIONS if each.name in (names or ())]
    if wanted in fits:
        return wanted
    return fits[0] if len(fits) == 1 else None


# -- series ----------------------------------------------------------------------------------


def _disagreement(kernel: Kernel, said: Behaviour, content: Content) -> str:
    """Where what a series of ours says of itself is not what the tree shows; '' if it is."""
    words = []
    if content.refusal not in (None, said.refusal):
        words.append(
            f"POWER11 in a POWER10 mode is refused: {content.refusal.value}, not {said.refusal.value}"
        )
    name = said.revision.name if said.revision is not None else ""
    if content.revisions is not None and name not in (content.revisions or ("",)):
        words.append(f"the ioctl is {' or '.join(content.revisions) or 'not there'}, not {name or 'absent'}")
    if content.served is not None and set(content.served) != set(said.served):
        words.append(f"nested APIs that are served: {_apis(content.served)}, not {_apis(said.served)}")
    if not words:
        return ""
    return f"{kernel.label}: judged as {said.name} says, and its source shows otherwise: {'; '.join(words)}"


def _apis(served: Sequence[NestedApi]) -> str:
    return ", ".join(api.value for api in served) or "none"


def _with_unknown(
    kernel: Kernel, base: Behaviour, content: Content | None, unknown: Sequence[str]
) -> Expected:
    """A series may have changed anything. What its source shows is what it claims to do; of the rest *base*
    is the best guess."""
    behaviour = base
    if content is not None:
        shown = content.revisions
        revision = base.revision if shown is None else _one_of(shown, base.revision)
        served = base.served if content.served is None else content.served
        refusal = content.refusal or base.refusal
        behaviour = made_of(refusal, revision, served if revision else (), base.source)
    return _unknown(kernel, behaviour, f"nothing is known of series {' and '.join(unknown)}")
