# SPDX-License-Identifier: GPL-2.0-only
"""By what a kernel is judged."""

from types import SimpleNamespace

import pytest

from harness.model import behaviour as b
from harness.runs.expect import expectation


def kernel(spec, version=(6, 12)):
    return SimpleNamespace(spec=spec, label="k", version=version)


def test_a_kernel_without_a_series_is_judged_by_its_version():
    assert expectation(kernel("debian-source:6.12"), None).behaviour is b.NONE
    assert expectation(kernel("debian:7.3", (7, 3)), None).behaviour is b.MERGED_SERIES


def test_our_series_say_what_they_turn():
    seen = [expectation(kernel(f"debian-source:6.12+compat-caps-v1@{count}"), None) for count in range(8)]
    assert all(each.sure for each in seen)
    assert [each.behaviour.refusal.value for each in seen] == ["none"] * 2 + ["clean"] * 6
    assert [len(each.behaviour.served) for each in seen] == [0] * 5 + [1] + [2] * 2
    merged = expectation(kernel("debian-source:7.2+compat-caps-merged", (7, 2)), None).behaviour
    assert (merged.refusal, merged.revision.name) == (b.Refusal.STORED, "merged")


def test_of_a_series_that_is_not_ours_nothing_is_known(tmp_path):
    (tmp_path / "fix.mbox").touch()
    seen = expectation(kernel(f"debian-source:6.12+{tmp_path}/fix.mbox"), None)
    assert not seen.sure and seen.behaviour is b.NONE
    assert "--expect" in seen.note


@pytest.mark.parametrize("spec", ["debian:7.3", "debian-source:6.12+compat-caps-v1"])
def test_the_users_word_wins(spec):
    seen = expectation(kernel(spec), b.VALIDATION)
    assert seen.sure and seen.behaviour is b.VALIDATION
