# SPDX-License-Identifier: GPL-2.0-only
"""Suites are tried in order, archives' troubles told apart; mmdebstrap itself is the boundary."""

import shutil

import pytest

from harness.model.errors import InfrastructureError, UsageError
from harness.parts import archive
from harness.parts.archive import Trouble, fetch, trouble
from harness.parts.mirror import Source
from harness.parts.packages import Part, Suite

# Lines as apt prints them; addresses are made up.
EXPIRED = (
    "E: Release file for http://mirror.example/debian/dists/forky/InRelease is expired "
    "(invalid since 17d 18h 9min 7s). Updates for this repository will not be applied.\n"
)
MID_SYNC = (
    "E: Failed to fetch http://mirror.example/x  File has unexpected size (1 != 2). "
    "Mirror sync in progress?\n"
)
MISSING = "E: Unable to locate package linux-image-9.9*-powerpc64le-64k\n"
FULL = "E: Write error - write (28: No space left on device)\n"
PART = Part("userland", "ppc64el", (Suite("forky"), Suite("sid")), ("qemu",))


@pytest.mark.parametrize(
    ("output", "kind"),
    [
        (EXPIRED, Trouble.EXPIRED),
        (MID_SYNC, Trouble.SYNC),
        ("E: Failed to fetch http://m.example/a.deb  404  Not Found [IP: 192.0.2.1 80]\n", Trouble.SYNC),
        (MISSING, Trouble.MISSING),
        (FULL, Trouble.FULL),
        ("E: something else\n", Trouble.OTHER),
    ],
)
def test_troubles_are_told_apart(output, kind):
    assert trouble(output) is kind


@pytest.fixture
def run(tmp_path, monkeypatch):
    """fetch() with scripted answers of mmdebstrap: a list of (output, status), and what was asked."""
    asked, said = [], []
    monkeypatch.setattr(archive, "require_programs", lambda packages: None)
    monkeypatch.setattr(
        archive, "host_mirror", lambda: Source("http://mirror.example/debian", (), ("main",), "")
    )
    monkeypatch.setattr(archive.time, "sleep", lambda seconds: None)

    def start(part, *answers):
        remaining = list(answers)

        def mmdebstrap(command, environment, log, progress):
            asked.append(command)
            output, status = remaining.pop(0)
            log.write_text(output)
            if status == 0:
                (tmp_path / "list").write_text(f"{'e' * 64}  ./qemu_1%3a11.1.2+ds-3_ppc64el.deb\n")
            return output, status

        monkeypatch.setattr(archive, "_run", mmdebstrap)
        return fetch(part, tmp_path / "tree", (), tmp_path, tmp_path / "log", said.append)

    start.asked, start.said = asked, said
    return start


def test_the_first_suite_that_works_is_taken(run):
    got = run(PART, ("", 0))
    assert got.suite == "forky"
    assert [(deb.package, deb.version, deb.architecture) for deb in got.debs] == [
        ("qemu", "1:11.1.2+ds-3", "ppc64el")
    ]
    assert not any("Check-Valid-Until" in word for word in run.asked[0])


def test_an_expired_release_is_used_and_said(run):
    got = run(PART, (EXPIRED, 25), ("", 0))
    assert got.suite == "forky"
    assert "past its Valid-Until since 17 days" in got.notices[0]
    assert any("Check-Valid-Until" in word for word in run.asked[1])
    assert [line for line in run.said if line.endswith(" forky")] == [
        "userland: taking it from forky",
        "userland: once more from forky",
    ]


def test_root_unpacks_as_anybody_does(run):
    """mmdebstrap of trixie and later refuses chrootless mode to root unless it is told that it may."""
    run(PART, ("", 0))
    assert {"--mode=chrootless", "--variant=extract", "--skip=check/chrootless"} <= set(run.asked[0])


def test_signatures_are_never_switched_off(run):
    run(PART, (EXPIRED, 25), (MID_SYNC, 25), (MID_SYNC, 25), (MID_SYNC, 25), ("", 0))
    words = " ".join(word for command in run.asked for word in command)
    for bad in (
        "trusted=yes",
        "allow-unauthenticated",
        "AllowUnauthenticated",
        "AllowInsecure",
        "no-check-gpg",
    ):
        assert bad not in words


def test_a_mirror_in_mid_sync_is_asked_again_then_the_next_suite(run):
    got = run(PART, (MID_SYNC, 25), (MID_SYNC, 25), (MID_SYNC, 25), ("", 0))
    assert got.suite == "sid"
    assert len(run.asked) == 4


def test_a_suite_without_the_package_is_not_asked_again(run):
    assert run(PART, (MISSING, 25), ("", 0)).suite == "sid"
    assert len(run.asked) == 2


def test_when_no_suite_can_the_last_word_is_told_without_addresses(run):
    with pytest.raises(InfrastructureError) as raised:
        run(PART, (MISSING, 25), *[(MID_SYNC, 25)] * 3)
    assert "no suite can give userland" in str(raised.value)
    assert "mirror.example" not in str(raised.value)
    assert raised.value.log is not None


def test_what_no_suite_has_is_the_users_mistake(run):
    with pytest.raises(UsageError, match="no Debian suite has userland; check the version"):
        run(PART, (MISSING, 25), (MISSING, 25))


def test_a_full_disk_ends_it_at_once(run):
    with pytest.raises(InfrastructureError, match="disk is full"):
        run(PART, (FULL, 25))


def test_missing_programs_come_with_the_command_to_type(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(InfrastructureError, match="sudo apt-get install erofs-utils"):
        archive.require_programs({"mkfs.erofs": "erofs-utils"})
