# SPDX-License-Identifier: GPL-2.0-only
"""Nothing is removed from under a run: prune waits for it. With real processes."""

import fcntl
import gc
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import preloaded
import pytest

from harness.model.errors import InfrastructureError
from harness.parts import inuse
from harness.parts.cache import Cache
from harness.parts.inuse import InUse

ROOT = Path(__file__).parent.parent.parent

# As every process of a run: it looks for something in the cache, and goes on with what it found.
USER = """
import gc, subprocess, sys
from pathlib import Path
from harness.parts.cache import Cache
tree = Cache(Path(sys.argv[1])).tree("kernel", "key", lambda tree: (tree / "vmlinux").write_text("x"), "why")
gc.collect()  # and nobody has the Cache any more
workers = [subprocess.Popen([sys.executable, "-c", sys.argv[2], sys.argv[1]])] if sys.argv[2:] else []
print("using", flush=True)
sys.stdin.readline()
print((tree / "vmlinux").read_text(), flush=True)
for each in workers: each.kill()
"""
WORKER = """
import sys, time
from pathlib import Path
from harness.parts.cache import Cache
Cache(Path(sys.argv[1]))
time.sleep(60)
"""


@pytest.fixture
def use(tmp_path):
    users = []

    def start(*more):
        process = preloaded.Popen(
            ["-c", USER, tmp_path, *more],
            imports=["harness.parts.cache"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        users.append(process)
        assert process.stdout.readline() in ("using\n", "up\n")
        return process

    yield start
    for each in users:
        each.kill()
        each.wait()


def prune(tmp_path, *words):
    return preloaded.Popen(
        ["-m", "harness", "parts", "prune", "--all", *words], stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, imports=["needed_by_commands"],
        env={**os.environ, "PYTHONPATH": str(ROOT), "KVMPPC_CACHE": str(tmp_path)},
    )  # fmt: skip


def test_prune_waits_for_a_run_and_goes_on_when_it_has_ended(use, tmp_path):
    run = use()
    waiting = prune(tmp_path)
    said = waiting.stderr.readline()
    assert said == f"waiting for 1 run (process {run.pid}) in the cache {tmp_path}\n"
    time.sleep(0.3)  # long enough to have removed it, if it were not waiting
    assert waiting.poll() is None
    assert (tmp_path / "trees/kernel/key/vmlinux").exists()
    run.stdin.write("\n")
    run.stdin.flush()
    assert run.stdout.readline() == "x\n"
    assert run.wait(20) == 0
    out, err = waiting.communicate(timeout=20)
    assert (waiting.returncode, err) == (0, "")
    assert "removed kernel/key" in out
    assert not (tmp_path / "trees/kernel/key").exists()


def test_a_run_that_is_killed_is_not_waited_for(use, tmp_path):
    run = use()
    waiting = prune(tmp_path)
    waiting.stderr.readline()
    run.kill()
    assert waiting.wait(20) == 0


def test_prune_that_may_not_wait_is_an_error(use, tmp_path):
    run = use()
    refused = prune(tmp_path, "--no-wait")
    out, err = refused.communicate(timeout=20)
    assert refused.returncode == 3
    assert f"is in use by 1 run (process {run.pid})" in err
    assert len(err.splitlines()) == 1 and out == ""
    assert (tmp_path / "trees/kernel/key/vmlinux").exists()


def test_waiting_can_be_interrupted(use, tmp_path):
    use()
    waiting = prune(tmp_path)
    waiting.stderr.readline()
    waiting.send_signal(signal.SIGINT)
    assert waiting.wait(20) == 130
    assert (tmp_path / "trees/kernel/key/vmlinux").exists()


def test_a_runs_workers_are_not_runs_of_their_own(use, tmp_path):
    first = use(WORKER)
    second = use()
    with (tmp_path / "in-use").open() as file:
        deadline = time.monotonic() + 20
        while len(_holders(file)) < 3:
            assert time.monotonic() < deadline
            time.sleep(0.02)
    refused = prune(tmp_path, "--no-wait")
    runs = ", ".join(map(str, sorted([first.pid, second.pid])))
    assert f"is in use by 2 runs (processes {runs})" in refused.communicate(timeout=20)[1]


def _holders(file):
    return [
        each
        for each in Path("/proc").glob("[0-9]*")
        if int(each.name) != os.getpid() and inuse._has_open(each / "fd", os.fstat(file.fileno()))
    ]


def taken(path):
    """Whether somebody else could have it alone."""
    with path.open() as other:
        try:
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False


def test_it_is_held_when_whoever_looked_is_gone(tmp_path):
    Cache(tmp_path)
    gc.collect()
    assert taken(tmp_path / "in-use")


def test_a_refused_prune_does_not_expose_our_own_trees(use, tmp_path):
    cache = Cache(tmp_path)
    run = use()
    with pytest.raises(InfrastructureError, match=f"process {run.pid}"):
        cache.prune(0, wait=False)
    run.kill()
    run.wait()
    assert taken(tmp_path / "in-use")


def test_after_a_prune_it_is_in_use_as_before(tmp_path):
    Cache(tmp_path).prune(0)
    assert taken(tmp_path / "in-use")


def test_a_cache_that_was_removed_and_made_anew_is_held_anew(tmp_path):
    Cache(tmp_path / "cache")
    shutil.rmtree(tmp_path / "cache")
    Cache(tmp_path / "cache")
    assert taken(tmp_path / "cache/in-use")


def test_who_comes_while_a_prune_goes_on_waits_and_says_so(tmp_path):
    held = (tmp_path / "in-use").open("w")
    fcntl.flock(held, fcntl.LOCK_EX)
    newcomer = preloaded.Popen(
        ["-c", USER, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, imports=["harness.parts.cache"],
    )  # fmt: skip
    assert newcomer.stderr.readline() == f"waiting for kvmppc parts prune in {tmp_path}\n"
    held.close()
    assert newcomer.stdout.readline() == "using\n"
    newcomer.kill()
    newcomer.wait()


def test_a_run_that_cannot_be_seen_is_waited_for_all_the_same(use, tmp_path, monkeypatch):
    """Another user's."""
    cache = Cache(tmp_path)
    use()
    monkeypatch.setattr(inuse, "_has_open", lambda *_: False)
    with pytest.raises(InfrastructureError, match="in use by another run"):
        cache.prune(0, wait=False)


def test_a_process_that_ends_meanwhile_is_not_seen(tmp_path):
    (tmp_path / "file").touch()
    assert not inuse._has_open(tmp_path / "no/such/fd", (tmp_path / "file").stat())
    assert InUse.of(tmp_path / "file", print).runs() == []
