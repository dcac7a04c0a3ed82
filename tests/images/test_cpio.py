# SPDX-License-Identifier: GPL-2.0-only
"""The initramfs writer, read back by busybox-independent means: GNU cpio where it is installed."""

import shutil
import stat
import subprocess

import pytest

from harness.images import cpio


def test_archive_is_readable_by_cpio(tmp_path):
    if shutil.which("cpio") is None:
        pytest.skip("GNU cpio is not installed")
    archive = tmp_path / "a.cpio"
    cpio.write(
        archive,
        [
            cpio.Entry("init", b"#!/bin/sh\n", executable=True),
            cpio.Entry("a/b/odd-length", b"12345"),
            cpio.Entry("a/b/empty", b""),
            cpio.Entry("a/dir"),
        ],
    )
    out = tmp_path / "out"
    out.mkdir()
    subprocess.run(["cpio", "-id", "--quiet"], cwd=out, stdin=archive.open("rb"), check=True)
    assert (out / "a/b/odd-length").read_bytes() == b"12345"
    assert (out / "a/b/empty").read_bytes() == b""
    assert (out / "a/dir").is_dir()
    assert stat.S_IMODE((out / "init").stat().st_mode) == 0o755


def test_bytes_follow_the_format(tmp_path):
    archive = tmp_path / "a.cpio"
    cpio.write(archive, [cpio.Entry("f", b"abc")])
    data = archive.read_bytes()
    assert data[:6] == b"070701"
    assert int(data[54:62], 16) == 3  # size
    assert int(data[94:102], 16) == 2  # name with its NUL
    assert data[110:112] == b"f\0"
    assert data[112:115] == b"abc"
    assert b"TRAILER!!!" in data
    assert len(data) % 4 == 0
