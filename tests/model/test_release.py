# SPDX-License-Identifier: GPL-2.0-only
"""What a kernel calls itself, and what releases are known to do."""

from itertools import pairwise

import pytest

from harness.features.compat_caps import behaviour as b
from harness.features.compat_caps.behaviour import (
    RELEASES,
    Refusal,
    is_name,
    made_of,
    parse_behaviour,
    row_of_release,
)
from harness.model.errors import UsageError
from harness.model.release import parse_release
from harness.model.topology import NestedApi

# As the images of Debian have it; the compilers' versions look alike.
DEBIAN = (
    "Linux version {0} (debian-kernel@lists.debian.org) (powerpc64le-linux-gnu-gcc-12 "
    "(Debian 12.2.0-14+deb12u1) 12.2.0, GNU ld (GNU Binutils for Debian) 2.40) #1 SMP Debian {1} (2026-07-05)"
)


@pytest.mark.parametrize(
    ("text", "version", "candidate"),
    [
        ("7.2.12+deb14-powerpc64le", (7, 2, 12), None),
        ("6.12.95+deb12-powerpc64le-64k", (6, 12, 95), None),
        ("6.12.12+bpo-powerpc64le", (6, 12, 12), None),
        ("6.18.51", (6, 18, 51), None),
        ("7.2.0", (7, 2, 0), None),
        ("7.3.0-rc7", (7, 3, 0), 7),
        ("7.3.0-rc7-powerpc64le", (7, 3, 0), 7),
        ("7.3-rc2+unreleased", (7, 3, 0), 2),
        ("7.2.12-kvmppc", (7, 2, 12), None),
        ("7.2.5-200.fc44.ppc64le", (7, 2, 5), None),
    ],
)
def test_a_release_is_read_to_its_end(text, version, candidate):
    found = parse_release(text)
    assert (found.version, found.candidate, found.point_given) == (version, candidate, True)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("7.2.0-rc3-next-20260801", "linux-next"),
        ("7.2.0-next-20260801", "linux-next"),
        ("7.2.0+", "no tagged release"),
        ("7.2.0-00012-gabcdef0-dirty", "on top of the release"),
        ("7.2.0-gabcdef012345", "no tagged release"),
        ("7.2.0-dirty", "not committed"),
        ("7.2.0-test+", "no tagged release"),
        ("6.12.0-55.9.1.el10.ppc64le", "its distribution"),
        ("6.8.0-31-generic", "its distribution"),
        ("6.12.0-160000.5-default", "its distribution"),
    ],
)
def test_what_is_no_release_says_why(text, why):
    assert why in parse_release(text).modified


@pytest.mark.parametrize(
    "text", ["7.2.12+deb14-powerpc64le", "7.2.12", "7.3.0-rc7", "7.2.12-kvmppc", "7.2.5-200.fc44.ppc64le"]
)
def test_a_name_of_ones_own_is_no_modification(text):
    assert parse_release(text).modified == ""


def test_debians_banner_knows_what_its_release_leaves_out():
    text = "7.3-powerpc64le-64k"
    found = parse_release(text, DEBIAN.format(text, "7.3~rc7-1~exp1"))
    assert (found.version, found.candidate, found.short) == ((7, 3, 0), 7, "7.3.0-rc7")
    assert parse_release("7.2-powerpc64le", DEBIAN.format("7.2-powerpc64le", "7.2.3-1")).version == (7, 2, 3)
    # An old kernel of Debian's calls itself by its ABI.
    found = parse_release("6.12.0-18-powerpc64le", DEBIAN.format("x", "6.12.76-1"))
    assert (found.version, found.short) == ((6, 12, 76), "6.12.76")


def test_a_banner_of_another_version_says_nothing():
    found = parse_release("12.2-powerpc64le", DEBIAN.format("x", "7.2.3-1"))
    assert found.version == (12, 2, 0)
    assert not parse_release("7.3", "").point_given


@pytest.mark.parametrize("text", ["", "seven", "7", "v7.2", "7.2.1.4"])
def test_what_is_no_version(text):
    assert parse_release(text) is None


# -- rows ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("version", "name"),
    [
        ((6, 12, 0), "none"),
        ((6, 12, 95), "none"),
        ((6, 13, 0), "none"),
        ((6, 18, 50), "none"),
        ((6, 18, 51), "validation"),
        ((6, 18, 99), "validation"),
        ((6, 19, 0), "none"),
        ((7, 1, 9), "none"),
        ((7, 2, 0), "none"),
        ((7, 2, 4), "none"),
        ((7, 2, 5), "validation"),
        ((7, 2, 13), "validation"),
        ((7, 3, 0), "merged"),
        ((7, 9, 1), "merged"),
    ],
)
def test_what_a_release_does(version, name):
    assert row_of_release(version).behaviour.name == name


def test_of_an_older_release_nothing_is_known():
    assert row_of_release((6, 11, 99)) is None


def test_rows_meet_without_a_gap_and_say_why():
    for row, following in pairwise(RELEASES):
        assert row.before == following.since
        assert row.behaviour is not following.behaviour
    assert RELEASES[-1].before is None
    assert all(row.reason for row in RELEASES)
    assert all(row.commit for row in RELEASES if row.behaviour is not b.NONE)


# -- --expect --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("none", "none"),
        ("v4", "v4"),
        ("7.2.3", "none"),
        ("7.2.12", "validation"),
        ("6.18.51", "validation"),
        ("7.3-rc1", "merged"),
        ("6.12", "none"),
        ("7.3", "merged"),
        ("7.2.12+deb14-powerpc64le", "validation"),
        ("stored", "validation"),
        ("stored,merged,v1+v2", "merged"),
        ("stored,merged,v2+v1", "merged"),
        ("stored,merged,v2", "stored,merged,v2"),
        ("clean", "clean"),
        ("clean,v1", "clean,v1"),
    ],
)
def test_what_expect_takes(text, name):
    assert parse_behaviour(text).name == name


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("7.2", "is two kernels: 'none' before 7.2.5, 'validation' from it on"),
        ("6.18", "is two kernels: 'none' before 6.18.51"),
        ("5.10", "nothing is known of that release; the oldest known is 6.12"),
        ("5.10.3", "nothing is known"),
        ("7.2.0+", "is no release"),
        ("merged-ish", "is unknown"),
        ("stored,v9", "is unknown"),
        ("stored,,v1", "is unknown"),
        ("maybe,merged", "is unknown"),
        ("7", "is unknown"),
    ],
)
def test_what_expect_does_not_take(text, words):
    with pytest.raises(UsageError) as raised:
        parse_behaviour(text)
    assert words in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("refusal", Refusal)
@pytest.mark.parametrize("served", [(), (NestedApi.V1,), (NestedApi.V2,), b.BOTH_APIS])
def test_a_behaviour_is_found_again_by_its_name(refusal, served):
    for revision in (None, *(each.revision for each in (b.V1_SERIES, *b.BETWEEN, b.MERGED_SERIES))):
        made = made_of(refusal, revision, served if revision else (), "x")
        assert parse_behaviour(made.name).traits == made.traits
        assert is_name(made.name)
    assert not is_name("7.3")
