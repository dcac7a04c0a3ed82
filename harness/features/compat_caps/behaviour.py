# SPDX-License-Identifier: GPL-2.0-only
"""What a kernel is expected to do: the series' state in it. The oracle's first key."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

from harness.features.compat_caps.abi import MERGED, REVISIONS, V1, V2, V3, V4, V5, Revision
from harness.model.errors import UsageError
from harness.model.release import Version, parse_release
from harness.model.topology import NestedApi

BOTH_APIS = tuple(NestedApi)


class Refusal(Enum):
    """What becomes of arch_compat POWER11 in an L1 that runs as POWER10. Values as in series.toml."""

    NONE = "none"  # it is accepted
    CLEAN = "clean"  # EINVAL, nothing is stored
    STORED = "stored"  # EINVAL, PVR_ARCH_INVALID is stored, with which KVM_RUN answers EINVAL


@dataclass(frozen=True)
class Behaviour:
    """name: what ``--expect`` takes; revision: the ioctl's ABI, None without the ioctl; served:
    nested APIs that it has an answer for; source: why this is expected.
    """

    name: str
    refusal: Refusal
    revision: Revision | None
    served: tuple[NestedApi, ...]
    source: str

    @property
    def traits(self) -> tuple[Refusal, Revision | None, tuple[NestedApi, ...]]:
        """What it does, whatever it is called."""
        return self.refusal, self.revision, self.served

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "refusal": self.refusal.value,
            "revision": self.revision.name if self.revision is not None else None,
            "served": [each.value for each in self.served],
            "source": self.source,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Behaviour:
        """Inverse of to_json. KeyError, ValueError or StopIteration for anything else."""
        name = data["revision"]
        revision = next(each for each in REVISIONS if each.name == name) if name is not None else None
        served = tuple(NestedApi(each) for each in data["served"])
        return cls(data["name"], Refusal(data["refusal"]), revision, served, data["source"])


NONE = Behaviour("none", Refusal.NONE, None, (), "nothing of the series; Linux 6.12 book3s_hv.c")
VALIDATION = Behaviour(
    "validation",
    Refusal.STORED,
    None,
    (),
    "Linux 7.2.5 book3s_hv.c, kvmppc_set_arch_compat: POWER11 needs CPU_FTR_P11_PVR",
)
V1_SERIES = Behaviour(
    "v1", Refusal.CLEAN, V1, BOTH_APIS, "the series as first posted, on a kernel that has none of it"
)
MERGED_SERIES = Behaviour(
    "merged", Refusal.STORED, MERGED, BOTH_APIS, "Linux 7.3 powerpc.c, kvm_arch_vm_ioctl"
)

# What was posted in between, on a kernel that has the validation; no kernel at hand is one of them but
# those that kernel-patches/compat-caps-v2 to -v5 make.
BETWEEN = tuple(
    Behaviour(each.name, Refusal.STORED, each, BOTH_APIS, f"the series' {each.name}, on Linux 7.2.5")
    for each in (V2, V3, V4, V5)
)

BEHAVIOURS = (NONE, VALIDATION, V1_SERIES, *BETWEEN, MERGED_SERIES)


@dataclass(frozen=True)
class ReleaseRow:
    """What releases of [since, before) do; before: None where no end is known."""

    since: Version
    before: Version | None
    behaviour: Behaviour
    commit: str
    reason: str

    def holds(self, version: Version) -> bool:
        return self.since <= version and (self.before is None or version < self.before)


# Of mainline and of kernel.org's stable branches. What is before the first row was not looked at.
RELEASES = (
    ReleaseRow(
        (6, 12, 0),
        (6, 18, 51),
        NONE,
        "",
        "6.12 was read; the validation is marked for stable from 6.13 on, and none had it before this",
    ),
    ReleaseRow(
        (6, 18, 51),
        (6, 19, 0),
        VALIDATION,
        "5778dda871f1",
        "the validation; in the list of commits up to 'Linux 6.18.51', pushed 2026-09-11",
    ),
    ReleaseRow(
        (6, 19, 0),
        (7, 2, 5),
        NONE,
        "",
        "v7.2 has no validation: it was queued for it, dropped and reverted; no branch between was seen to "
        "take it",
    ),
    ReleaseRow(
        (7, 2, 5),
        (7, 3, 0),
        VALIDATION,
        "bb9f763d7aed",
        "the validation; in the list of commits up to 'Linux 7.2.5', pushed 2026-09-11",
    ),
    ReleaseRow(
        (7, 3, 0),
        None,
        MERGED_SERIES,
        "884ea0283f4e, ac3e65ddddf3, b76fb087efcd, 8735048f54ec, c1721e584244",
        "v7.3-rc1, merge 1200d84f4c0a of 2026-08-18: the validation, the capability and the ioctl",
    ),
)


def row_of_release(version: Version) -> ReleaseRow | None:
    """None for a version of which nothing is known."""
    return next((row for row in RELEASES if row.holds(version)), None)


def parse_behaviour(text: str) -> Behaviour:
    """By name; by what it does (see made_of); or by a release such as 7.2.5, or 6.12 where all of that
    branch do the same. UsageError for anything else."""
    for each in BEHAVIOURS:
        if text == each.name:
            return each
    composed = _composed(text)
    if composed is not None:
        return composed
    release = parse_release(text)
    if release is None:
        raise UsageError(
            f"--expect {text!r} is unknown",
            f"give one of {', '.join(each.name for each in BEHAVIOURS)} or a release such as 7.2.5",
        )
    if release.modified:
        raise UsageError(
            f"--expect {text!r} is no release: {release.modified}", "give one such as 7.2.5, or a name"
        )
    return _of_branch(text, release.version) if not release.point_given else _of(text, release.version)


def is_name(text: str) -> bool:
    """Whether parse_behaviour knows it by itself, and not as a release."""
    return any(text == each.name for each in BEHAVIOURS) or _composed(text) is not None


def _of(text: str, version: Version) -> Behaviour:
    row = row_of_release(version)
    if row is None:
        oldest = ".".join(map(str, RELEASES[0].since[:2]))
        raise UsageError(
            f"--expect {text!r}: nothing is known of that release", f"the oldest known is {oldest}"
        )
    return row.behaviour


def _of_branch(text: str, first: Version) -> Behaviour:
    """Of all point releases of a branch. UsageError if they differ."""
    end = (first[0], first[1] + 1, 0)
    found = _of(text, first)
    for row in RELEASES:
        if first < row.since < end and row.behaviour is not found:
            turn = ".".join(map(str, row.since))
            both = f"{found.name!r} before {turn}, {row.behaviour.name!r} from it on"
            raise UsageError(
                f"--expect {text!r} is two kernels: {both}", f"give the point release, such as {turn}"
            )
    return found


def made_of(
    refusal: Refusal, revision: Revision | None, served: tuple[NestedApi, ...], source: str
) -> Behaviour:
    """The one of BEHAVIOURS that does this, else one whose name says what it does: refusal, revision, and
    the nested APIs that are served: ``stored,merged,v2``."""
    for each in BEHAVIOURS:
        if each.traits == (refusal, revision, served):
            return replace(each, source=source)
    words = [refusal.value]
    if revision is not None:
        words.append(revision.name)
        words += ["+".join(api.value for api in served)] if served else []
    return Behaviour(",".join(words), refusal, revision, served, source)


def _composed(text: str) -> Behaviour | None:
    """Inverse of made_of's naming; None for another text."""
    match = re.fullmatch(r"(\w+)(?:,(\w+)(?:,(v[12])(?:\+(v[12]))?)?)?", text)
    if match is None or match[1] not in {each.value for each in Refusal}:
        return None
    revision = next((each for each in REVISIONS if each.name == match[2]), None)
    if match[2] and revision is None:
        return None
    apis = [NestedApi(each) for each in (match[3], match[4]) if each]
    return made_of(
        Refusal(match[1]), revision, tuple(api for api in BOTH_APIS if api in apis), f"--expect {text}"
    )


def of_series(name: str, words: Mapping[str, Any], count: int | None) -> Behaviour:
    """Of a base with the first *count* patches of a series on it, or all if None. words: of series.toml, of
    that base: ``before``, a name of BEHAVIOURS, and ``turns``, one for each patch. UsageError, KeyError or
    ValueError for anything else."""
    whole = name if count is None else f"{name}@{count}"
    return after_patches(parse_behaviour(words["before"]), whole, words["turns"][:count])


def after_patches(before: Behaviour, name: str, turns: Iterable[Mapping[str, Any]]) -> Behaviour:
    """What *before* becomes with patches on it. turns: for each patch what it turns, as in series.toml:
    refusal (of Refusal), revision (of the ioctl it adds), serves (nested APIs that then have an answer).
    KeyError or ValueError for anything else."""
    now = replace(before, name=name)
    for each in turns:
        for what, value in each.items():
            if what == "refusal":
                now = replace(now, refusal=Refusal(value))
            elif what == "revision":
                now = replace(now, revision=next(one for one in REVISIONS if one.name == value))
            elif what == "serves":
                now = replace(now, served=tuple(NestedApi(one) for one in value))
            else:
                raise KeyError(what)
    return replace(now, source=f"kernel-patches/{name}")
