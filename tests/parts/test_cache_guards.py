# SPDX-License-Identifier: GPL-2.0-only
"""The cache's locks hold at the moments when it is hard."""

import fcntl
import threading
from pathlib import Path

from harness.parts import cache as cache_module
from harness.parts.cache import Cache


def test_a_builder_is_safe_from_those_who_clean_up(tmp_path):
    # Every new Cache removes what dead processes left; a builder that has just begun is not dead.
    stop = threading.Event()

    def come_and_go():
        while not stop.is_set():
            Cache(tmp_path)

    others = [threading.Thread(target=come_and_go) for _ in range(2)]
    for other in others:
        other.start()
    try:
        cache = Cache(tmp_path)
        for number in range(150):
            cache.tree("kind", str(number), lambda directory: (directory / "file").write_text("x"))
    finally:
        stop.set()
        for other in others:
            other.join()
    assert len(cache.entries()) == 150
    assert list((tmp_path / "tmp").iterdir()) == []


def test_a_claim_that_was_swept_away_before_it_was_locked_is_made_anew(tmp_path, monkeypatch):
    cache = Cache(tmp_path)
    swept = []

    def flock(file, operation):
        if not swept and operation == fcntl.LOCK_EX:
            swept.append(file.name)
            Path(file.name).unlink()
        fcntl.flock(file, operation)

    class Fcntl:
        LOCK_EX, LOCK_NB, LOCK_SH = fcntl.LOCK_EX, fcntl.LOCK_NB, fcntl.LOCK_SH

    Fcntl.flock = staticmethod(flock)
    monkeypatch.setattr(cache_module, "fcntl", Fcntl)
    with cache.building() as directory:
        assert swept
        assert directory.with_suffix(".owner").exists()
