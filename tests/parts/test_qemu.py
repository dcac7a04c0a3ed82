# SPDX-License-Identifier: GPL-2.0-only
"""A QEMU is asked what it is once, as long as it is the same; its own loader starts it wherever it lies."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile

from harness.model.errors import UsageError
from harness.parts import qemu
from harness.parts.qemu import resolve_qemu, through_loader

# What a QEMU answers, and that it was asked.
BINARY = """#!/bin/sh
echo asked >>'{log}'
case $* in
--version) echo 'QEMU emulator version {version} (x)' ;;
'-cpu help') echo '  power10_v2.0  PVR 1' ;;
'-machine help') echo 'pseries   a machine' ;;
'-machine pseries,help') echo '  cap-nested-papr=<bool>' ;;
esac
"""


@pytest.fixture
def binary(tmp_path):
    """A program that answers like QEMU; no script as far as anybody sees."""
    script = tmp_path / "qemu-system-ppc64"

    def write(version="11.1.3"):
        log = str(tmp_path / "log")
        script.write_text(BINARY.format(log=log, version=version))
        script.chmod(0o755)
        return script

    write()
    return write


@pytest.fixture
def no_script(monkeypatch):
    monkeypatch.setattr(qemu, "_is_script", lambda program: False)


def asked(tmp_path):
    log = tmp_path / "log"
    return len(log.read_text().splitlines()) if log.exists() else 0


def test_the_same_binary_is_asked_once(binary, no_script, cache, tmp_path):
    first = resolve_qemu(str(binary()), cache)
    assert (first.version, first.machines, first.cpus) == ((11, 1, 3), {"pseries"}, {"power10_v2.0"})
    assert first.pseries_options == {"cap-nested-papr"}
    questions = asked(tmp_path)
    assert resolve_qemu(str(tmp_path / "qemu-system-ppc64"), cache) == first
    assert asked(tmp_path) == questions


def test_a_symbolic_link_may_be_moved_afterwards(binary, no_script, cache, tmp_path):
    link = tmp_path / "current"
    link.symlink_to(binary())
    assert resolve_qemu(str(link), cache).argv == (str(tmp_path / "qemu-system-ppc64"),)


def test_a_binary_that_was_replaced_is_asked_again(binary, no_script, cache, tmp_path):
    """By one of the same size and time, as an unpacked package may have."""
    path = binary()
    before = path.stat()
    resolve_qemu(str(path), cache)
    path.unlink()
    binary("11.1.4")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_size == before.st_size
    assert resolve_qemu(str(path), cache).version == (11, 1, 4)


def test_a_script_is_asked_each_time(binary, cache, tmp_path):
    """It may start another QEMU tomorrow."""
    path = binary()
    resolve_qemu(str(path), cache)
    questions = asked(tmp_path)
    resolve_qemu(str(path), cache)
    assert asked(tmp_path) == 2 * questions
    assert not (cache.root / "qemu-answers.json").exists()


WHOLE = {"version": "1.2.3", "text": "t", "machines": "m", "cpus": "c", "options": "o"}


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", "7", "null", json.dumps({"KEY": 1}), json.dumps({"KEY": {**WHOLE, "version": "new"}}),
     json.dumps({"KEY": {**WHOLE, "cpus": None}}), json.dumps({"KEY": {"version": "1.2.3"}}), "\0\0\0"],
)  # fmt: skip
def test_a_damaged_memory_is_ignored(binary, no_script, cache, tmp_path, content):
    path = binary()
    resolve_qemu(str(path), cache)
    memory = cache.root / "qemu-answers.json"
    (key,) = json.loads(memory.read_text())
    memory.write_text(content.replace("KEY", key))
    assert resolve_qemu(str(path), cache).version == (11, 1, 3)
    assert json.loads(memory.read_text())[key]["version"] == "11.1.3"


def test_memories_of_others_stay(binary, no_script, cache):
    memory = cache.root / "qemu-answers.json"
    memory.write_text(json.dumps({"other": WHOLE, "damaged": {}}))
    resolve_qemu(str(binary()), cache)
    assert json.loads(memory.read_text())["other"] == WHOLE
    assert len(json.loads(memory.read_text())) == 2


def test_a_memory_that_cannot_be_written_costs_time_only(binary, no_script, cache):
    (cache.root / "qemu-answers.json").mkdir()
    assert resolve_qemu(str(binary()), cache).version == (11, 1, 3)


def test_a_script_that_never_answers_is_ended_with_what_it_started(cache, tmp_path, monkeypatch):
    path = tmp_path / "qemu.sh"
    path.write_text(f"#!/bin/sh\nsleep 60 &\necho $! >{tmp_path}/pid\nwait\n")
    path.chmod(0o755)
    run = qemu.group.run
    monkeypatch.setattr(qemu.group, "run", lambda command, timeout: run(command, timeout=0.5))
    with pytest.raises(UsageError, match="cannot be run"):
        resolve_qemu(str(path), cache)
    assert not Path("/proc", (tmp_path / "pid").read_text().strip()).exists()


@pytest.fixture
def tree(tmp_path):
    """What a package unpacks to, with a program of this host in QEMU's place."""

    def make(name):
        root = tmp_path / name / "tree"
        program, libraries = Path(shutil.which("true")), root / "usr/lib/any-linux-gnu"
        (root / "usr/bin").mkdir(parents=True)
        libraries.mkdir(parents=True)
        shutil.copy(program, root / "usr/bin/qemu-system-ppc64")
        with program.open("rb") as file:
            loaders = [each.get_interp_name() for each in ELFFile(file).iter_segments("PT_INTERP")]
        if not loaders:
            pytest.skip("this host's true needs no libraries")
        shutil.copy(loaders[0], libraries)
        listing = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
        for word in listing.split():
            if word.startswith("/") and "ld-" not in word:
                shutil.copy(word, libraries)
        return root

    return make


@pytest.mark.parametrize(
    "name", ["plain", "a b", "a,b", "a:b", "a;b", "a$ORIGINb", 'a"b', "a'b", "a\\b", "größer"]
)
def test_it_starts_wherever_it_lies(tree, name):
    argv = through_loader(tree(name))
    done = subprocess.run([*argv, "--version"], capture_output=True, text=True, check=False, cwd="/")
    assert done.returncode == 0, done.stderr
    # By the loader that was unpacked with it, and with its libraries.
    listing = subprocess.run(
        [*argv[: argv.index("--library-path") + 2], "--list", argv[argv.index("--library-path") + 2]],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert str(Path("usr/lib/any-linux-gnu/libc.so.6")) in listing
    assert "=> /lib/" not in listing


def test_a_loader_in_an_unusual_place_is_found(tree):
    root = tree("plain")
    (root / "usr/lib/any-linux-gnu").rename(root / "elsewhere")
    (root / "usr/lib/any-linux-gnu").mkdir()
    loader = next(path for path in (root / "elsewhere").iterdir() if path.name.startswith("ld"))
    (root / "usr/lib/any-linux-gnu/libc.so.6").touch()
    assert through_loader(root)[0] == str(loader)
