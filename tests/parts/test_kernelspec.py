# SPDX-License-Identifier: GPL-2.0-only
"""The grammar of --kernel."""

import pytest

from harness.model.errors import UsageError
from harness.parts.kernelspec import BaseKind, SeriesRef, parse_spec


@pytest.mark.parametrize(
    ("text", "kind", "series"),
    [
        ("debian:7.3", BaseKind.DEBIAN, ()),
        ("debian-source:7.2", BaseKind.DEBIAN_SOURCE, ()),
        ("debian-source:6.12+compat-caps-v1", BaseKind.DEBIAN_SOURCE, (SeriesRef("compat-caps-v1"),)),
        ("debian-source:6.12+a@3+b", BaseKind.DEBIAN_SOURCE, (SeriesRef("a", 3), SeriesRef("b"))),
        ("{}/linux", BaseKind.TREE, ()),
        ("{}/linux@v1", BaseKind.TREE, ()),
        ("{}/linux+{}/fix.mbox", BaseKind.TREE, (SeriesRef("{}/fix.mbox"),)),
        ("{}/linux@v1+{}/c++.mbox", BaseKind.TREE, (SeriesRef("{}/c++.mbox"),)),
        ("{}/my+linux+x", BaseKind.TREE, (SeriesRef("x"),)),
        ("{}/vmlinux", BaseKind.FILE, ()),
    ],
)
def test_specs(text, kind, series, tmp_path):
    for name in ("linux", "my+linux"):
        (tmp_path / name).mkdir()
    for name in ("vmlinux", "fix.mbox", "c++.mbox"):
        (tmp_path / name).touch()
    spec = parse_spec(text.replace("{}", str(tmp_path)))
    assert spec.kind is kind
    assert spec.series == tuple(
        SeriesRef(each.text.replace("{}", str(tmp_path)), each.first) for each in series
    )
    assert spec.text == text.replace("{}", str(tmp_path))
    assert spec.revision == ("v1" if "@v1" in text else "")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("debian:7.3+compat-caps-v1", "give debian-source:7.3"),
        ("debian-source:7", "names no version"),
        ("debian-source:7.2+", r"a \+ without a series"),
        ("/nowhere/linux", "does not exist"),
        ("ubuntu:7.3", "neither a file nor a known kind"),
    ],
)
def test_what_is_no_spec_is_told_in_one_line(text, words):
    with pytest.raises(UsageError, match=words) as raised:
        parse_spec(text)
    assert "\n" not in str(raised.value)
    assert "ssh:" not in str(raised.value), "build and run take no machine over SSH"


def test_labels_tell_boundaries_apart():
    labels = {parse_spec(f"debian-source:6.12+s@{count}").label for count in range(4)}
    assert len(labels) == 4
    assert all("@" not in label and "/" not in label for label in labels)
