# SPDX-License-Identifier: GPL-2.0-only
"""What a machine lacks, told before a run finds out."""

import pytest

from harness.parts import doctor
from harness.parts.doctor import State


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """One without any program, and with an empty cache."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("KVMPPC_CACHE", str(tmp_path / "cache"))
    return tmp_path


def found(name):
    return next(each for each in doctor.examine() if each.what == name)


def test_what_a_run_cannot_do_without_is_missing(machine):
    for name in ("mmdebstrap", "gpg", "mkfs.erofs"):
        assert found(name).state is State.MISSING
        assert "apt-get install" in found(name).hint
    lines = []
    assert doctor.report(lines.append) == 3
    assert lines[-1].startswith("missing: mmdebstrap, gpg, mkfs.erofs") and "ci/setup" in lines[-1]


def test_what_makes_it_slower_or_smaller_is_less(machine):
    for name in ("qemu-ppc64le", "cross compiler", "git"):
        assert found(name).state is State.LESS
        assert found(name).hint


def test_a_program_that_is_there_is_fine(machine):
    (machine / "mmdebstrap").write_text("#!/bin/sh\n")
    (machine / "mmdebstrap").chmod(0o755)
    assert found("mmdebstrap").state is State.FINE


def test_a_full_disk_is_told(machine, monkeypatch):
    usage = doctor.shutil.disk_usage(machine)
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _path: usage._replace(free=2 << 30))
    assert found("cache").state is State.LESS
    assert "KVMPPC_CACHE" in found("cache").hint
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _path: usage._replace(free=1 << 20))
    assert found("cache").state is State.MISSING


def test_a_cache_that_cannot_be_used_is_missing(machine, monkeypatch):
    (machine / "file").touch()
    monkeypatch.setenv("KVMPPC_CACHE", str(machine / "file"))
    assert found("cache").state is State.MISSING


def test_a_qemu_that_is_none_does_no_harm(machine):
    (machine / "qemu-system-ppc64").write_text("#!/bin/false\n")
    (machine / "qemu-system-ppc64").chmod(0o755)
    assert found("QEMU on PATH").state is State.LESS
