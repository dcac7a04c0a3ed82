# SPDX-License-Identifier: GPL-2.0-only
"""No package is downloaded twice, and no damaged one is used."""

import hashlib

import pytest

from harness.model.errors import InfrastructureError, UsageError
from harness.parts import debian, lock
from harness.parts.archive import Deb, Fetched
from harness.parts.cache import Cache
from harness.parts.debstore import DebStore, file_name
from harness.parts.lock import Locked
from harness.parts.packages import Part, Suite

PART = Part("userland", "ppc64el", (Suite("forky"),), ("qemu",))


def deb(version):
    return Deb("qemu", version, "ppc64el", hashlib.sha256(version.encode()).hexdigest())


@pytest.fixture
def store(tmp_path):
    store = DebStore(Cache(tmp_path / "cache"))
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / file_name(deb("1:11"))).write_text("1:11")
    store.keep(tmp_path / "in")
    return store


def test_what_was_kept_is_offered_under_apts_name(tmp_path, store):
    store.offer([deb("1:11"), deb("1:12")], tmp_path / "offer")
    assert [(path.name, path.read_text()) for path in (tmp_path / "offer").iterdir()] == [
        ("qemu_1%3a11_ppc64el.deb", "1:11")
    ]


def test_a_damaged_one_is_not_offered_and_goes(tmp_path, store):
    (kept,) = (tmp_path / "cache/trees/debs/sha256").glob("*/*.deb")
    kept.write_text("1:1X")  # of the same size, which is all that apt looks at
    store.offer([deb("1:11")], tmp_path / "offer")
    assert list((tmp_path / "offer").iterdir()) == []
    assert not kept.exists()


def test_it_is_listed_and_pruned_like_a_tree(tmp_path, store):
    cache = Cache(tmp_path / "cache")
    assert [(entry.kind, entry.why) for entry in cache.entries()] == [("debs", "packages as downloaded")]
    cache.prune(0)
    store.offer([deb("1:11")], tmp_path / "offer")
    assert list((tmp_path / "offer").iterdir()) == []
    store.keep(tmp_path / "in")
    assert len(cache.entries()) == 1


@pytest.fixture
def the_archive(tmp_path, monkeypatch):
    monkeypatch.setenv("KVMPPC_LOCK", str(tmp_path / "lock"))
    state = {"has": "1:11", "offered": []}

    def fetch(part, tree, wanted, work, log, progress):
        state["offered"].append(sorted(path.name for path in (work / "offer").iterdir()))
        tree.mkdir(parents=True)
        (work / "debs").mkdir()
        (work / "debs" / file_name(deb(state["has"]))).write_text(state["has"])
        return Fetched("forky", (deb(state["has"]),), ())

    monkeypatch.setattr(debian, "fetch", fetch)
    return state


def test_locked_and_drifted_packages_are_offered(tmp_path, the_archive):
    cache = Cache(tmp_path / "cache")
    debian.update([PART], cache, print)
    the_archive["has"] = "1:12"
    key = lock.digest(lock.read()["userland"].debs)
    # The tree of the lock is lost, its package is not.
    (tmp_path / "cache/trees/debian" / key).rename(tmp_path / "lost")
    debian.obtain(PART, cache, locked_only=False, progress=print)
    debian.update([PART], cache, print)
    old, new = file_name(deb("1:11")), file_name(deb("1:12"))
    assert the_archive["offered"] == [[], [old], [old, new]]


def test_locked_without_a_lock_is_told_before_any_download(tmp_path, the_archive):
    lock.write({"other": Locked("forky", (deb("1"),))})
    with pytest.raises(InfrastructureError, match=r"not in the lock file .*parts update"):
        debian.obtain(PART, Cache(tmp_path / "cache"), locked_only=True, progress=print)
    assert the_archive["offered"] == []


def test_a_lock_file_named_but_missing_is_a_mistake_except_for_update(tmp_path, the_archive):
    with pytest.raises(UsageError, match="does not exist"):
        debian.obtain(PART, Cache(tmp_path / "cache"), locked_only=False, progress=print)
    debian.update([PART], Cache(tmp_path / "cache"), print)
    assert lock.read()["userland"].debs == (deb("1:11"),)


def test_update_asks_first_whether_it_can_write(tmp_path, the_archive, monkeypatch):
    monkeypatch.setenv("KVMPPC_LOCK", str(tmp_path / "no-such-directory" / "lock"))
    with pytest.raises(InfrastructureError, match="cannot write the lock file"):
        debian.update([PART], Cache(tmp_path / "cache"), print)
    assert the_archive["offered"] == []
