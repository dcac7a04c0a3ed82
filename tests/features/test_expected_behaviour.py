# SPDX-License-Identifier: GPL-2.0-only
"""By what a kernel is judged: by its source, its release, its symbols, its series, or the user's word."""

from types import SimpleNamespace

import pytest

from harness.engine.kernel_description import description_of
from harness.features.compat_caps import behaviour as b
from harness.features.compat_caps import source_content as kernelsource
from harness.features.compat_caps.behaviour import Refusal
from harness.features.compat_caps.expected_behaviour import expectation
from harness.features.compat_caps.kernel_symbols import SYMBOLS
from harness.features.compat_caps.source_content import Content
from harness.model.topology import NestedApi
from harness.parts.kernels import version_of

BOTH = b.BOTH_APIS
NOTHING = Content(Refusal.NONE, (), ())
VALIDATION = Content(Refusal.STORED, (), ())
MERGED = Content(Refusal.STORED, ("merged",), BOTH)


@pytest.fixture
def kernel(monkeypatch):
    """shown: what its source shows, None for a prebuilt one."""

    def make(spec="debian-source:6.12", release="6.12.95", shown=None, has_ioctl=None):
        texts = {} if shown is None else {"source": shown}
        names = {True: SYMBOLS, False: SYMBOLS[:1], None: ()}[has_ioctl]
        build = SimpleNamespace(
            spec=spec, label="k", release=release, banner="", version=version_of(release, spec),
            texts=texts, symbol_names=frozenset(names),
        )  # fmt: skip
        return description_of(build)

    monkeypatch.setattr(kernelsource, "read", lambda texts: texts.get("source"))
    return make


# -- prebuilt kernels ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("release", "behaviour"),
    [
        ("6.12.95+deb12-powerpc64le-64k", b.NONE),
        ("7.2.0", b.NONE),  # README's own example: a defect that it is known to have
        ("7.2.4-mine", b.NONE),
        ("7.2.12+deb14-powerpc64le", b.VALIDATION),
        ("6.18.50", b.NONE),
        ("6.18.51", b.VALIDATION),
        ("7.3.0-rc7", b.MERGED_SERIES),
        ("7.3-powerpc64le-64k", b.MERGED_SERIES),
    ],
)
def test_an_image_is_judged_by_its_release_down_to_the_point(kernel, release, behaviour):
    seen = expectation(kernel("debian:7.3", release))
    assert (seen.behaviour, seen.sure, seen.note) == (behaviour, True, "")


@pytest.mark.parametrize(
    ("release", "words"),
    [
        ("7.2.0+", "7.2.0+ says little of what is in it (it is no tagged release)"),
        ("7.2.0-rc3-next-20260801", "linux-next"),
        ("7.3.0-00012-gabcdef0-dirty", "on top of the release"),
        ("6.12.0-55.el10.ppc64le", "its distribution"),
        ("5.10.3", "5.10.3 is a release of which nothing is known"),
    ],
)
def test_an_image_of_which_too_little_is_known_is_any_kernel(kernel, release, words):
    seen = expectation(kernel("debian:7.3", release))
    assert not seen.sure
    # Which revision it has is found from what answers.
    assert seen.behaviour.revision is None
    assert words in seen.note and "judged by what any kernel should do" in seen.note
    assert seen.note.startswith("k: ") and "--expect" in seen.note


@pytest.mark.parametrize(
    ("release", "has_ioctl", "sure", "revision"),
    [
        ("7.3.0", True, True, "merged"),
        ("7.3.0", None, True, "merged"),  # stripped: nothing is shown, and nothing missing
        ("7.3.0", False, False, ""),
        ("7.2.12", True, False, ""),
        ("7.2.12", False, True, ""),
        ("7.2.12", None, True, ""),
    ],
)
def test_symbols_win_over_the_release(kernel, release, has_ioctl, sure, revision):
    seen = expectation(kernel("debian:7.3", release, has_ioctl=has_ioctl))
    name = seen.behaviour.revision.name if seen.behaviour.revision else ""
    assert (seen.sure, name) == (sure, revision)
    assert sure or "symbols" in seen.note


# -- sources ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("release", "shown", "name"),
    [
        ("6.12.95", NOTHING, "none"),
        ("7.2.0", NOTHING, "none"),
        ("7.2.0", VALIDATION, "validation"),  # a tree between 7.2.4 and 7.2.5, or a backport
        ("7.2.12", VALIDATION, "validation"),
        ("7.2.0-rc3-next-20260810", MERGED, "merged"),
        ("7.2.0-rc3-next-20260810", NOTHING, "none"),
        ("7.3.0", MERGED, "merged"),
        ("7.2.12", MERGED, "merged"),
        ("6.12.95", Content(Refusal.CLEAN, ("v1",), BOTH), "v1"),
        ("6.12.95", Content(Refusal.CLEAN, ("v1",), (NestedApi.V2,)), "clean,v1,v2"),
        ("7.2.12", Content(Refusal.STORED, ("merged",), ()), "stored,merged"),
        ("5.10.3", NOTHING, "none"),
        # A release's word where the source is of another shape than is understood.
        ("7.3.0", Content(None, None, None), "merged"),
        ("7.2.12", Content(None, (), ()), "validation"),
        ("7.3.0", Content(Refusal.STORED, ("merged", "v5"), BOTH), "merged"),
    ],
)
def test_a_source_is_judged_by_what_it_shows(kernel, release, shown, name):
    seen = expectation(kernel("debian-source:7.2", release, shown))
    assert (seen.behaviour.name, seen.sure, seen.note) == (name, True, "")


@pytest.mark.parametrize(
    ("release", "shown", "name", "words"),
    [
        ("7.2.12", NOTHING, "validation", "with PVR_ARCH_INVALID stored (bb9f763d7aed)"),
        ("7.2.12", Content(Refusal.CLEAN, (), ()), "validation", "with PVR_ARCH_INVALID stored"),
        ("7.3.0", VALIDATION, "merged", "Linux 7.3.0 has KVM_PPC_GET_COMPAT_CAPS (884ea0283f4e"),
        ("7.3.0", Content(Refusal.STORED, ("merged",), (NestedApi.V2,)), "merged", "for nested API v1"),
        ("7.3.0", Content(Refusal.STORED, ("merged",), ()), "merged", "for nested API v1 and v2"),
        ("7.3.0", Content(Refusal.STORED, ("v5",), BOTH), "merged", "the ABI that KVM_PPC"),
    ],
)  # fmt: skip
def test_what_a_source_lost_of_its_release_is_missed(kernel, release, shown, name, words):
    """A validation that was removed from 7.2.12 is no known defect of 7.2.12."""
    seen = expectation(kernel("debian-source:7.2", release, shown))
    assert (seen.behaviour.name, seen.sure) == (name, True)
    assert words in seen.note and "this source has not: judged as the release" in seen.note


@pytest.mark.parametrize(
    ("shown", "words"),
    [
        (Content(None, (), ()), "what becomes of POWER11"),
        (Content(Refusal.STORED, None, ()), "the revision of KVM_PPC_GET_COMPAT_CAPS"),
        (Content(Refusal.STORED, ("v2", "v3"), BOTH), "the revision of KVM_PPC_GET_COMPAT_CAPS"),
        (Content(Refusal.STORED, ("merged",), None), "the nested APIs"),
        (Content(None, None, None), "what becomes of POWER11 in a POWER10 mode and the revision of"),
    ],
)
def test_a_source_that_is_not_understood_is_any_kernel(kernel, shown, words):
    seen = expectation(kernel("debian-source:7.2", "7.2.0", shown))
    assert not seen.sure and words in seen.note


# -- series ----------------------------------------------------------------------------------


def test_our_series_say_what_they_turn(kernel):
    seen = [expectation(kernel(f"debian-source:6.12+compat-caps-v1@{count}")) for count in range(8)]
    assert all(each.sure for each in seen)
    assert [each.behaviour.refusal.value for each in seen] == ["none"] * 2 + ["clean"] * 6
    assert [len(each.behaviour.served) for each in seen] == [0] * 5 + [1] + [2] * 2
    merged = expectation(kernel("debian-source:7.2+compat-caps-merged", "7.2.12")).behaviour
    assert (merged.refusal, merged.revision.name) == (b.Refusal.STORED, "merged")


def test_where_the_source_of_our_series_agrees_there_is_no_note(kernel):
    seen = expectation(kernel("debian-source:7.2+compat-caps-merged", "7.2.12", MERGED))
    assert (seen.behaviour.name, seen.note) == ("compat-caps-merged", "")
    early = expectation(kernel("debian-source:7.2+compat-caps-merged@1", "7.2.12", VALIDATION))
    assert early.note == ""
    unread = expectation(kernel("debian-source:7.2+compat-caps-merged", "7.2.12", Content(None, None, None)))
    assert unread.note == ""


@pytest.mark.parametrize(
    ("shown", "words"),
    [
        (Content(Refusal.NONE, ("merged",), BOTH), "refused: none, not stored"),
        (Content(Refusal.STORED, ("v5",), BOTH), "the ioctl is v5, not merged"),
        (Content(Refusal.STORED, (), BOTH), "the ioctl is not there, not merged"),
        (Content(Refusal.STORED, ("merged",), ()), "served: none, not v1, v2"),
    ],
)
def test_where_it_does_not_the_series_word_counts_and_the_report_says_so(kernel, shown, words):
    seen = expectation(kernel("debian-source:7.2+compat-caps-merged", "7.2.12", shown))
    assert (seen.behaviour.name, seen.sure) == ("compat-caps-merged", True)
    assert words in seen.note


def test_a_series_of_ours_without_the_ioctl_and_a_source_with_it(kernel):
    seen = expectation(kernel("debian-source:7.2+compat-caps-merged@1", "7.2.12", MERGED))
    assert "the ioctl is merged, not absent" in seen.note


@pytest.fixture
def fix(tmp_path):
    (tmp_path / "fix.mbox").touch()
    return f"{tmp_path}/fix.mbox"


def test_of_a_series_that_is_not_ours_nothing_is_known(kernel, fix):
    seen = expectation(kernel(f"debian-source:6.12+{fix}"))
    assert not seen.sure and seen.behaviour.traits == b.NONE.traits
    assert "nothing is known of series" in seen.note and "--expect" in seen.note


def test_what_it_claims_to_be_is_taken_from_its_source(kernel, fix):
    def behaviour(spec, shown):
        seen = expectation(kernel(spec, "7.2.12", shown))
        assert not seen.sure
        return seen.behaviour.name

    assert behaviour(f"debian-source:7.2+{fix}", MERGED) == "merged"
    assert behaviour(f"debian-source:7.2+{fix}", NOTHING) == "none"
    assert behaviour(f"debian-source:7.2+compat-caps-merged+{fix}", Content(None, None, None)) == "merged"
    assert behaviour(f"debian-source:7.2+compat-caps-merged+{fix}", Content(None, (), ())) == "validation"
    # Ours on top of one of which nothing is known does not make it known.
    assert behaviour(f"debian-source:7.2+{fix}+compat-caps-merged", VALIDATION) == "validation"


def test_none_of_its_patches_is_no_series(kernel, fix):
    seen = expectation(kernel(f"debian-source:7.2+{fix}@0", "7.2.12", VALIDATION))
    assert (seen.behaviour.name, seen.sure) == ("validation", True)
