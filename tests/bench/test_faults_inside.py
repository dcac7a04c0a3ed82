# SPDX-License-Identifier: GPL-2.0-only
"""What bench/faults.py does to other processes, done to ones of our own."""

import os
import pty
import socket
import subprocess
import sys

import pytest
from injection import cachecopy, inside

_HOLDS_A_CONNECTION = """
import socket, sys
with socket.create_connection(("127.0.0.1", int(sys.argv[1]))) as ours:
    print("connected", flush=True)
    try:
        ours.recv(1)
    except ConnectionError:
        pass
    print("over", flush=True)
"""


@pytest.fixture
def connected():
    with socket.create_server(("127.0.0.1", 0)) as server:
        command = [sys.executable, "-c", _HOLDS_A_CONNECTION, str(server.getsockname()[1])]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            came, _ = server.accept()
            came.settimeout(5)
            assert process.stdout.readline() == "connected\n"
            yield process, came
            came.close()
            process.kill()


def test_a_connection_of_another_process_is_reset(connected):
    process, came = connected
    (number,) = inside.tcp_connections(process.pid)
    inside.reset(process.pid, number)
    with pytest.raises(ConnectionResetError):
        came.recv(1)
    assert process.stdout.readline() == "over\n"


def test_what_is_no_connection_is_none():
    assert inside.tcp_connections(2**22 + 1) == []
    with pytest.raises(OSError, match="no copy of descriptor"), inside.descriptor(os.getpid(), 987654):
        pass


def test_typing_on_the_terminal_that_a_process_holds():
    master, slave = pty.openpty()
    try:
        inside.type_on_terminal(os.getpid(), "true\n")
        assert os.read(slave, 100) == b"true\n"
    finally:
        os.close(master)
        os.close(slave)


def test_processes_are_known_by_a_word_in_their_environment():
    command = [sys.executable, "-c", "import sys; sys.stdin.read()"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, env={"KVMPPC_TEST_MARK": "one"}) as process:
        deadline = 1000
        while process.pid not in inside.marked("KVMPPC_TEST_MARK=one") and deadline:
            deadline -= 1
        assert process.pid in inside.marked("KVMPPC_TEST_MARK=one")
        assert process.pid not in inside.marked("KVMPPC_TEST_MARK=two")
        assert inside.command_of(process.pid) == command
        process.stdin.close()
    assert process.pid not in inside.marked("KVMPPC_TEST_MARK=one")
    assert inside.command_of(process.pid) == []


@pytest.fixture
def original(tmp_path):
    tree = tmp_path / "cache/trees/kind/key"
    tree.mkdir(parents=True)
    (tree / "image").write_bytes(bytes(100_000))
    (tree / "link").symlink_to("image")
    (tree.parent / "key.json").write_text("{}")
    (tmp_path / "cache/qemu-answers.json").write_text("{}")
    (tmp_path / "cache/areas/build").mkdir(parents=True)
    return tmp_path / "cache"


def test_only_what_was_used_is_copied_and_the_original_is_not_touched(original, tmp_path):
    inode = (original / "trees/kind/key/image").stat()
    (original / "trees/kind/old").mkdir()
    about = original / "trees/kind/old.json"
    about.write_text("{}")
    os.utime(about, (1000, 1000))
    cachecopy.copy_used(original, tmp_path / "copy", 2000.0)
    assert sorted(each.name for each in (tmp_path / "copy/trees/kind").iterdir()) == ["key", "key.json"]
    assert (tmp_path / "copy/qemu-answers.json").read_text() == "{}"
    assert not (tmp_path / "copy/areas").exists()
    assert (original / "trees/kind/key/image").stat() == inode, "it would have to be proven anew"


def test_a_damaged_link_leaves_the_copy_as_it_was(original, tmp_path):
    target = tmp_path / "copy"
    cachecopy.link(original, target)
    image = target / "trees/kind/key/image"
    assert image.samefile(original / "trees/kind/key/image")
    cachecopy.own(image)
    cachecopy.flip(image, 0.5, 10)
    data = image.read_bytes()
    assert (len(data), data.count(0xFF), data[50_000]) == (100_000, 10, 0xFF)
    cachecopy.truncate(image)
    assert image.stat().st_size == 50_000
    (target / "trees/kind/key.json").write_text("other")
    assert (original / "trees/kind/key/image").read_bytes() == bytes(100_000)
    assert (original / "trees/kind/key.json").read_text() == "{}"
    assert (target / "trees/kind/key/link").readlink().name == "image"
