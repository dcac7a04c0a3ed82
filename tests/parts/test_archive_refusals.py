# SPDX-License-Identifier: GPL-2.0-only
"""When Debian cannot be had: each reason by its own name, with what helps. Lines as apt 2.6 prints them."""

import shlex

import pytest

from harness.model.errors import InfrastructureError, UsageError
from harness.parts import archive, debian
from harness.parts.aptoutput import AptOutput
from harness.parts.archive import Trouble, fetch, trouble
from harness.parts.cache import Cache
from harness.parts.kernels import resolve_kernel
from harness.parts.mirror import Source
from harness.parts.packages import Part, Suite

REFUSED = (
    "E: Failed to fetch http://mirror.example/debian/dists/sid/InRelease  "
    "Could not connect to mirror.example:80 (192.0.2.1). - connect (111: Connection refused)\n"
    "E: Some index files failed to download. They have been ignored, or old ones used instead.\n"
)
NO_NAME = "E: Failed to fetch http://mirror.example/x/InRelease  Could not resolve 'mirror.example'\n"
UNSIGNED = (
    "W: GPG error: http://mirror.example/debian sid InRelease: The following signatures couldn't be "
    "verified because the public key is not available: NO_PUBKEY 6ED0E7B82643E131\n"
    "E: The repository 'http://mirror.example/debian sid InRelease' is not signed.\n"
)
NO_SUITE = "E: The repository 'http://mirror.example/debian nosuch Release' does not have a Release file.\n"
SYNC = (
    "E: Failed to fetch http://mirror.example/debian/dists/trixie/main/binary-ppc64el/Packages.xz  File has "
    "unexpected size (9515196 != 9516256). Mirror sync in progress? [IP: 192.0.2.1 80]\n"
)
PART = Part("userland", "ppc64el", (Suite("forky"), Suite("sid")), ("qemu",))


@pytest.mark.parametrize(
    ("output", "kind"),
    [
        (REFUSED, Trouble.UNREACHABLE),
        (NO_NAME, Trouble.UNREACHABLE),
        (UNSIGNED, Trouble.SIGNATURE),
        (NO_SUITE, Trouble.NO_SUITE),
        (SYNC, Trouble.SYNC),
    ],
)
def test_kinds(output, kind):
    assert trouble(output) is kind


@pytest.fixture
def answers(monkeypatch):
    """mmdebstrap's answers, one for each time it is run; the last one is repeated."""
    monkeypatch.setattr(archive, "require_programs", lambda packages: None)
    monkeypatch.setattr(archive, "host_architecture", lambda: "amd64")
    monkeypatch.setattr(
        archive, "host_mirror", lambda: Source("http://mirror.example/debian", (), ("main",), "/no/such.gpg")
    )
    monkeypatch.setattr(archive.time, "sleep", lambda seconds: None)
    waiting, commands = [], []

    def run(command, environment, log, progress):
        commands.append(command)
        return (waiting.pop(0) if len(waiting) > 1 else waiting[0]), 25

    monkeypatch.setattr(archive, "_run", run)
    return waiting, commands


def refusal(tmp_path, kind=InfrastructureError):
    with pytest.raises(kind) as raised:
        fetch(PART, tmp_path / "tree", (), tmp_path, tmp_path / "log", lambda text: None)
    return raised.value


@pytest.mark.parametrize("output", [REFUSED, NO_NAME])
def test_without_a_network_nobody_waits_through_all_suites(tmp_path, answers, output):
    answers[0].append(output)
    error = refusal(tmp_path)
    assert len(answers[1]) == 1
    assert "network" in error.hint
    assert "mirror.example" not in str(error)
    assert "192.0.2.1" not in str(error)


def test_a_missing_key_names_its_package(tmp_path, answers):
    answers[0].append(UNSIGNED)
    error = refusal(tmp_path)
    assert "debian-archive-keyring" in error.hint


def test_addresses_stay_here(tmp_path, answers):
    answers[0].append(SYNC)
    assert "192.0.2.1" not in str(refusal(tmp_path))
    assert len(answers[1]) == 6


def test_not_in_any_suite_is_told_from_trouble(tmp_path, answers):
    answers[0][:] = [NO_SUITE, "E: Unable to locate package x\n"]
    refusal(tmp_path, UsageError)
    answers[0][:] = [*[SYNC] * 3, NO_SUITE]
    refusal(tmp_path, InfrastructureError)
    answers[0][:] = [NO_SUITE]  # a mirror's address that is wrong
    refusal(tmp_path, InfrastructureError)


def test_a_kernel_that_debian_does_not_have_is_a_usage_error(tmp_path, answers, monkeypatch):
    answers[0].append("E: Unable to locate package linux-image-9.9*-powerpc64le-64k\n")
    monkeypatch.setattr(debian.lock, "read", dict)
    with pytest.raises(UsageError, match=r"kernel-9\.9"):
        resolve_kernel("debian:9.9", Cache(tmp_path / "cache"), progress=lambda text: None)


def test_a_keyring_that_is_not_there_is_left_to_mmdebstrap(tmp_path, answers):
    answers[0].append(NO_SUITE)
    refusal(tmp_path)
    assert not any("signed-by" in word for word in answers[1][0])


def test_progress_counts_packages():
    now = [0.0]
    output = AptOutput(pause=2, clock=lambda: now[0])
    lines = [
        "Get:1 http://mirror.example/debian sid/main amd64 Packages [10.8 MB]",
        "0 upgraded, 11 newly installed, 0 to remove and 0 not upgraded.",
        "Need to get 500 kB/5491 kB of archives.",
        "Get:3 http://mirror.example/debian sid/main amd64 libc6 amd64 2.43-7 [400 kB]",
        "Get:4 http://mirror.example/debian sid/main amd64 zlib1g amd64 1:1.3 [100 kB]",
        "I: extracting archives...",
    ]
    said = []
    for line in lines:
        now[0] += 1.1
        said.append(output.feed(line + "\n"))
    assert said == ["", "", "downloading 500 kB for 11 packages", "", "2 of 11 packages, 0.5 MB", "unpacking"]


def test_progress_names_a_package_taken_alone():
    line = "Get:3 http://mirror.example/debian sid/main ppc64el linux-x ppc64el 7.3-1 [75.1 MB]\n"
    assert AptOutput().feed(line) == "downloading linux-x (75.1 MB)"


@pytest.mark.parametrize("name", ['a"b', "a\\b", "a\nb"])
def test_a_place_that_apt_cannot_name_is_told_before_anything_is_asked(tmp_path, answers, name):
    with pytest.raises(InfrastructureError, match=r"apt takes no path with .* in it; set KVMPPC_CACHE"):
        fetch(PART, tmp_path / name, (), tmp_path, tmp_path / "log", lambda text: None)
    assert answers[1] == []


def test_the_hook_is_found_wherever_the_checkout_is(tmp_path, answers, monkeypatch):
    place = tmp_path / "with space, it's"
    place.mkdir()
    (place / "mmdebstrap-hook").touch()
    monkeypatch.setattr(archive.resources, "files", lambda package: place)
    answers[0].append(SYNC)
    refusal(tmp_path)
    hooks = [word.partition("-hook=")[2] for word in answers[1][0] if "-hook=" in word]
    assert [shlex.split(hook) for hook in hooks] == [["sh", str(place / "mmdebstrap-hook"), "$@"]] * 2
