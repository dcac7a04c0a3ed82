# SPDX-License-Identifier: GPL-2.0-only
"""``kvmppc boot``, as far as it goes without a machine."""

import pytest

from harness.commands import boot as byhand
from harness.engine.options import RunOptions
from harness.model.errors import UsageError


@pytest.mark.parametrize(
    ("where", "level", "choices", "words"),
    [
        ("pseries-hv", 0, {}, "L0 of pseries-hv is QEMU itself"),
        ("nowhere", 1, {}, "unknown topology 'nowhere'"),
        ("hv", 1, {"kernels": ("debian:7.3", "debian:7.2")}, "takes one --kernel"),
        ("hv", 1, {"l1": ("p11", "p10")}, "takes one --l1"),
        ("pnv10", 1, {"l1": ("p11",)}, "no L1 setting of these fits powernv10"),
        ("hv", 2, {}, "L2's console needs a terminal"),
        ("hv", 1, {"kernels": ("/nowhere/vmlinux",)}, "/nowhere/vmlinux"),
    ],
)
def test_bad_words_are_told_before_anything_starts(where, level, choices, words, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.stdin", (tmp_path / "empty").open("w+"))
    with pytest.raises(UsageError) as error:
        byhand.run(where, level, False, RunOptions(**choices), lambda _text: None)
    assert words in str(error.value)
    assert not (tmp_path / "runs").exists()
