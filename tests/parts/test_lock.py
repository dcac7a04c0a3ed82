# SPDX-License-Identifier: GPL-2.0-only
"""The lock file, and what happens when the archive has moved on."""

import pytest

from harness.model.errors import InfrastructureError, UsageError
from harness.parts import archive, debian, lock
from harness.parts.archive import Deb, Fetched
from harness.parts.cache import Cache
from harness.parts.lock import Locked
from harness.parts.packages import Part, Suite

OLD = (Deb("libc6", "2.41-1", "ppc64el", "a" * 64), Deb("qemu", "1:11.1.2", "ppc64el", "b" * 64))
NEW = (Deb("libc6", "2.41-2", "ppc64el", "c" * 64), Deb("qemu", "1:11.1.2", "ppc64el", "b" * 64))
PART = Part("userland", "ppc64el", (Suite("forky"),), ("qemu",))


@pytest.fixture
def locked(tmp_path, monkeypatch):
    monkeypatch.setenv("KVMPPC_LOCK", str(tmp_path / "lock"))
    lock.write({"userland": Locked("forky", OLD)})
    return tmp_path / "lock"


@pytest.fixture
def the_archive(monkeypatch):
    """Stands in for the network: what the archive has now, and how often it was asked."""
    state = {"debs": OLD, "asked": 0}

    def fetch(part, tree, wanted, work, log, progress):
        state["asked"] += 1
        state["wanted"] = wanted
        tree.mkdir(parents=True)
        (tree / "file").write_text(part.name)
        return Fetched("forky", tuple(sorted(state["debs"])), ())

    monkeypatch.setattr(debian, "fetch", fetch)
    return state


def obtain(cache, locked_only=False):
    said = []
    unpacked = debian.obtain(PART, cache, locked_only=locked_only, progress=said.append)
    return unpacked, said


def test_the_file_reads_back_as_written(locked):
    assert lock.read() == {"userland": Locked("forky", OLD)}
    assert sum("libc6" in line for line in locked.read_text().splitlines()) == 1


def test_the_committed_lock_file_has_every_part():
    from harness.parts.packages import all_parts

    known = lock.read()
    assert set(known) == {part.name for part in all_parts()}
    for entry in known.values():
        assert entry.debs
        assert all(len(deb.sha256) == 64 for deb in entry.debs)


@pytest.mark.parametrize(
    "text", ["", "[]", '{"format": 99, "parts": {}}', '{"format": 1, "parts": {"x": 1}}']
)
def test_a_damaged_lock_file_is_told(locked, text):
    locked.write_text(text)
    with pytest.raises(UsageError, match="lock file"):
        lock.read()


def test_as_locked_needs_the_archive_once(tmp_path, locked, the_archive):
    cache = Cache(tmp_path / "cache")
    for _ in range(2):
        unpacked, _ = obtain(cache)
        assert unpacked.drift == ()
        assert (unpacked.tree / "file").read_text() == "userland"
    assert the_archive["asked"] == 1
    assert tuple(the_archive["wanted"]) == tuple(sorted(OLD))


def test_an_archive_that_moved_on_is_used_said_and_remembered(tmp_path, locked, the_archive):
    the_archive["debs"] = NEW
    cache = Cache(tmp_path / "cache")
    unpacked, said = obtain(cache)
    assert unpacked.drift == ("libc6 2.41-1 -> 2.41-2",)
    assert any("not as locked" in line for line in said)
    again, _ = obtain(cache)
    assert again.drift == unpacked.drift  # still marked, without asking again
    assert the_archive["asked"] == 1


@pytest.mark.parametrize("text", ["", "{", "[]", "7", "{}", '{"key": 7}', '{"key": "../../.."}'])
def test_a_damaged_memory_of_a_drift_is_none(tmp_path, locked, the_archive, text):
    the_archive["debs"] = NEW
    cache = Cache(tmp_path / "cache")
    obtain(cache)
    (record,) = (cache.root / "drift").iterdir()
    record.write_text(text)
    assert obtain(cache)[0].drift == ("libc6 2.41-1 -> 2.41-2",)
    assert the_archive["asked"] == 2


def test_a_damaged_part_is_taken_anew(tmp_path, locked, the_archive, capsys):
    cache = Cache(tmp_path / "cache")
    unpacked, _ = obtain(cache)
    (unpacked.tree / "file").write_text("usurland")
    unpacked, _ = obtain(cache)
    assert (unpacked.tree / "file").read_text() == "userland"
    assert the_archive["asked"] == 2
    assert "tree/file: has another content" in capsys.readouterr().err


def test_locked_makes_drift_an_error_before_and_after_it_is_cached(tmp_path, locked, the_archive):
    the_archive["debs"] = NEW
    cache = Cache(tmp_path / "cache")
    for _ in range(2):
        with pytest.raises(InfrastructureError, match="parts update"):
            obtain(cache, locked_only=True)
        obtain(cache)


def test_same_version_with_another_content_is_drift():
    other = (Deb("libc6", "2.41-1", "ppc64el", "d" * 64), OLD[1])
    assert lock.drift(OLD, other) == ("libc6 2.41-1 has another content",)
    assert lock.drift(OLD, OLD[:1]) == ("qemu 1:11.1.2 -> (none)",)
    assert lock.digest(other) != lock.digest(OLD)


def test_update_takes_what_is_current_and_asks_for_no_version(tmp_path, locked, the_archive):
    the_archive["debs"] = NEW
    debian.update([PART], Cache(tmp_path / "cache"), lambda _text: None)
    assert the_archive["wanted"] == ()
    assert lock.read()["userland"].debs == tuple(sorted(NEW))


def test_pins_name_exact_versions():
    text = archive.pins(OLD)
    assert "Package: qemu\nPin: version 1:11.1.2\nPin-Priority: 1001\n" in text
    assert text.count("Pin-Priority") == len(OLD)
