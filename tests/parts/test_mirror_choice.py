# SPDX-License-Identifier: GPL-2.0-only
"""Debian's own archive is told from those that call their suites the same."""

import pytest

from harness.parts.mirror import host_mirror

DEBIAN = """\
Types: deb
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
"""
VENDOR = "deb [signed-by=/k.gpg] http://vendor.example/apt bookworm main\n"


@pytest.fixture
def host(tmp_path, monkeypatch):
    monkeypatch.delenv("KVMPPC_MIRROR", raising=False)
    (tmp_path / "etc/apt/sources.list.d").mkdir(parents=True)
    (tmp_path / "etc/os-release").write_text("ID=debian\nVERSION_CODENAME=bookworm\n")

    def make(**files):
        for name, text in files.items():
            (tmp_path / "etc/apt/sources.list.d" / name).write_text(text)
        found = host_mirror(tmp_path)
        return found and found.uri

    return make


@pytest.mark.parametrize(
    "other",
    [
        VENDOR,
        VENDOR.replace("bookworm", "stable"),
        VENDOR.replace("vendor.example/apt", "vendor.example/debian/12/prod"),
        "deb cdrom:[Debian]/ bookworm main\n",
    ],
)
def test_an_archive_of_a_vendor_that_sorts_first_is_passed_over(host, other):
    assert host(**{"a.list": other, "debian.sources": DEBIAN}) == "http://mirror.example/debian"


def test_a_disc_is_no_mirror(host):
    assert host(**{"a.list": "deb cdrom:[Debian]/ bookworm main\n"}) is None


def test_one_bare_line_is_enough(host):
    line = "deb http://mirror.example/debian bookworm main\n"
    assert host(**{"a.list": VENDOR, "debian.list": line}) == "http://mirror.example/debian"


def test_files_that_apt_ignores_are_ignored(host):
    old = "deb http://old.example/debian bookworm main\ndeb http://old.example/debian bookworm-updates main\n"
    assert (
        host(**{"debian.list.save": old, "e.list": old.replace("old", "mirror")})
        == "http://mirror.example/debian"
    )


def test_a_mirror_of_any_name_is_taken_if_it_is_the_only_one(host):
    assert host(**{"x.list": "deb http://mirror.example/x bookworm main\n"}) == "http://mirror.example/x"
