# SPDX-License-Identifier: GPL-2.0-only
"""Finding the host's own mirror in both formats of apt's configuration."""

import pytest

from harness.parts.mirror import host_mirror

BOOKWORM = 'ID=debian\nVERSION_CODENAME=bookworm\nPRETTY_NAME="Debian"\n'

DEB822 = """\
# a comment
Types: deb deb-src
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://mirror.example/security
Suites: bookworm-security
Components: main
"""


@pytest.fixture
def host(tmp_path, monkeypatch):
    monkeypatch.delenv("KVMPPC_MIRROR", raising=False)
    (tmp_path / "etc/apt/sources.list.d").mkdir(parents=True)

    def make(release, **files):
        (tmp_path / "etc/os-release").write_text(release)
        for name, text in files.items():
            (tmp_path / "etc/apt" / name).write_text(text)
        return host_mirror(tmp_path)

    return make


def test_deb822(host):
    found = host(BOOKWORM, **{"sources.list.d/debian.sources": DEB822})
    assert found.uri == "http://mirror.example/debian"
    assert found.signed_by == "/usr/share/keyrings/debian-archive-keyring.gpg"


def test_one_line_with_options_and_others_before_it(host):
    text = (
        "deb https://other.example/apt tool-bookworm main\n"
        "deb-src http://src.example/debian bookworm main\n"
        "# deb http://off.example/debian bookworm main\n"
        "deb [arch=amd64 signed-by=/k.gpg] http://mirror.example/debian bookworm main # here\n"
    )
    found = host(BOOKWORM, **{"sources.list": text})
    assert (found.uri, found.signed_by) == ("http://mirror.example/debian", "/k.gpg")


def test_a_disabled_or_inline_key_source(host):
    text = DEB822.replace("Types: deb deb-src", "Enabled: no\nTypes: deb deb-src")
    assert host(BOOKWORM, **{"sources.list.d/debian.sources": text}) is None
    inline = DEB822.replace(
        "Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg", "Signed-By:\n -----BEGIN PGP\n ."
    )
    assert host(BOOKWORM, **{"sources.list.d/debian.sources": inline}).signed_by == ""


def test_elsewhere_mmdebstrap_decides(host):
    assert host("ID=ubuntu\nVERSION_CODENAME=noble\n", **{"sources.list.d/x.sources": DEB822}) is None


def test_the_environment_overrides(host, monkeypatch):
    monkeypatch.setenv("KVMPPC_MIRROR", "http://chosen.example/debian")
    assert host_mirror().uri == "http://chosen.example/debian"
