# SPDX-License-Identifier: GPL-2.0-only
"""Reading series: folders, mboxes as people save them, and ours."""

import base64
import quopri

import pytest

from harness.features.compat_caps.abi import REVISIONS
from harness.features.compat_caps.behaviour import of_series, parse_behaviour
from harness.model.errors import UsageError
from harness.parts import ownseries
from harness.parts.series import read_series

DIFF = """\
--- a/kernel/{0}
+++ b/kernel/{0}
@@ -1,3 +1,3 @@
 a
-b
+c =3D {0}
 d
"""


def body(name):
    return f"Why {name} is changed.\n\nSigned-off-by: A <a@b>\n---\n{DIFF.format(name)}"


def mail(subject, text, *headers, identity=None):
    lines = ["From: A <a@b>", f"Subject: {subject}", "Date: Mon, 2 Nov 2026 10:00:00 +0000", *headers]
    if identity:
        lines.append(f"Message-ID: <{identity}>")
    return ("\n".join(lines) + "\n\n" + text + "\n").encode()


def mbox(path, *mails):
    path.write_bytes(b"".join(b"From mboxrd@z Thu Jan  1 00:00:00 1970\n" + each + b"\n" for each in mails))
    return str(path)


COVER = mail("[PATCH 0/2] A series", "It does this.\n\n 2 files changed\n")
FIRST = mail("[PATCH 1/2] First", body("one"), identity="1@a")
SECOND = mail("[PATCH 2/2] Second", body("two"), identity="2@a")
REPLY = mail("Re: [PATCH 1/2] First", "> " + body("one").replace("\n", "\n> ") + "\nLooks good.\n")


def subjects(series):
    return [patch.subject for patch in series.patches]


def test_a_thread_is_its_patches_in_order(tmp_path):
    series = read_series(mbox(tmp_path / "a.mbox", COVER, FIRST, REPLY, SECOND))
    assert subjects(series) == ["First", "Second"]
    assert [patch.number for patch in series.patches] == [1, 2]
    assert series.notes == ()
    assert "Signed-off-by: A" in series.patches[0].mail


def test_a_wrong_order_is_put_right_and_said(tmp_path):
    series = read_series(mbox(tmp_path / "a.mbox", SECOND, COVER, FIRST))
    assert subjects(series) == ["First", "Second"]
    assert "out of order" in series.notes[0]


def test_a_missing_patch_is_named(tmp_path):
    with pytest.raises(UsageError, match="lacks patch 1/2"):
        read_series(mbox(tmp_path / "a.mbox", COVER, SECOND))


def test_a_missing_last_patch_is_seen_without_a_cover_letter(tmp_path):
    with pytest.raises(UsageError, match="lacks patch 2/2"):
        read_series(mbox(tmp_path / "a.mbox", FIRST))


def test_a_copy_counts_once_and_a_different_one_is_refused(tmp_path):
    assert len(read_series(mbox(tmp_path / "a.mbox", FIRST, FIRST, SECOND)).patches) == 2
    other = mail("[PATCH 1/2] First", body("three"), identity="3@a")
    with pytest.raises(UsageError, match="twice, and they differ"):
        read_series(mbox(tmp_path / "b.mbox", FIRST, other, SECOND))


def test_the_newest_version_in_a_thread_is_taken(tmp_path):
    newer = mail("[PATCH v2] Only", body("two"))
    series = read_series(mbox(tmp_path / "a.mbox", mail("[PATCH] Only", body("one")), newer))
    assert "kernel/two" in series.patches[0].mail
    assert "v2 was taken" in series.notes[0]


def test_patches_of_two_series_are_refused(tmp_path):
    other = mail("[PATCH 1/3] Other", body("two"))
    with pytest.raises(UsageError, match="several series"):
        read_series(mbox(tmp_path / "a.mbox", FIRST, SECOND, other))


@pytest.mark.parametrize("encoding", ["quoted-printable", "base64", "8bit-crlf"])
def test_encodings_of_mailers_are_undone(tmp_path, encoding):
    text = body("one").replace("A <a@b>", "Ä <a@b>")
    if encoding == "quoted-printable":
        raw, name = quopri.encodestring(text.encode()).decode(), encoding
    elif encoding == "base64":
        raw, name = base64.encodebytes(text.encode()).decode(), encoding
    else:
        raw, name = text.replace("\n", "\r\n"), "8bit"
    headers = ("Content-Type: text/plain; charset=utf-8", f"Content-Transfer-Encoding: {name}")
    series = read_series(mbox(tmp_path / "a.mbox", mail("[PATCH] One", raw, *headers)))
    assert text in series.patches[0].mail


def test_what_is_no_series_is_told_so(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "text").write_text("hello\n")
    for what, words in (("empty", "no patches"), ("text", "no mbox"), ("nothing", "no series")):
        with pytest.raises(UsageError, match=words):
            read_series(str(tmp_path / what))
    with pytest.raises(UsageError, match="holds 1 mails and no patch"):
        read_series(mbox(tmp_path / "a.mbox", COVER))


def test_a_folder_is_read_in_the_order_of_its_names_or_of_quilt(tmp_path):
    for name in ("0000-cover-letter.patch", "0001-a.patch", "0002-b.patch"):
        (tmp_path / name).write_bytes(b"From x Mon\n" + mail(f"[PATCH] {name}", body(name[:4])))
    (tmp_path / "0000-cover-letter.patch").write_bytes(COVER)
    assert subjects(read_series(str(tmp_path))) == ["0001-a.patch", "0002-b.patch"]
    (tmp_path / "series").write_text("# ours\n0002-b.patch\n0001-a.patch -p1\n")
    assert subjects(read_series(str(tmp_path))) == ["0002-b.patch", "0001-a.patch"]


def test_a_bare_diff_is_a_patch(tmp_path):
    (tmp_path / "fix.diff").write_text(DIFF.format("one"))
    series = read_series(str(tmp_path))
    assert series.patches[0].subject == "patch fix.diff"


VARIANTS = tuple(f"compat-caps-{revision}" for revision in ("v2", "v3", "v4", "v5"))


@pytest.mark.parametrize("name", ownseries.names())
def test_our_series_say_what_each_of_their_patches_turns(name):
    own = ownseries.find(name)
    assert own.revision in {each.name for each in REVISIONS}
    for version, (before, patches) in own.bases.items():
        read = read_series(name, version)
        assert [patch.name for patch in read.patches] == [patch.file for patch in patches]
        after = of_series(name, own.words(version), None)
        assert after.revision.name == own.revision
        assert len(after.served) == 2
        assert of_series(name, own.words(version), 0).refusal is parse_behaviour(before).refusal
        # Every patch says something: what it turns, what text it adds, or that it turns nothing.
        assert any(patch.turns for patch in patches)
        # A variant changes what the series below it added.
        assert own.adds(version, None) or name in VARIANTS


def test_a_series_of_ours_for_another_version_is_refused():
    with pytest.raises(UsageError, match=r"is for Linux 6\.12 and 7\.2, not 6\.18"):
        read_series("compat-caps-v1", "6.18")
