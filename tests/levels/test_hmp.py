# SPDX-License-Identifier: GPL-2.0-only
"""Names of any kind reach QEMU's human monitor whole: by its rules, and by a real one."""

import os
import shutil
from pathlib import Path

import pytest

from harness.levels.hdsi import hdsi_recursion
from harness.levels.hmp import can_be_a_log, quoted
from harness.levels.process import start
from harness.levels.qmp import Monitor
from harness.model.errors import InfrastructureError
from harness.parts import lock
from harness.parts.cache import Cache
from harness.parts.qemu import through_loader

NAMES = [
    "plain", "with space", "a,b", "a:b", 'a"b', "a'b", "a\\b", "a\\nb", "line\nend", "return\rend", "tab\tb",
    "größer", "日本", "$HOME", "`x`", "a;b", "-a", "#", "a&b",
]  # fmt: skip


def read_by_qemu(text):
    """The rules of get_str, written down once more."""
    assert text[0] == '"'
    out, at = "", 1
    while text[at] != '"':
        if text[at] == "\\":
            at += 1
            out += {"n": "\n", "r": "\r", "\\": "\\", "'": "'", '"': '"'}[text[at]]
        else:
            out += text[at]
        at += 1
    return out, text[at + 1 :]


@pytest.mark.parametrize("name", NAMES)
def test_a_word_comes_out_as_it_went_in(name):
    assert read_by_qemu(quoted(name)) == (name, "")


@pytest.mark.parametrize("name", NAMES)
def test_such_a_name_can_be_a_log(name):
    assert can_be_a_log(Path("/run") / name)


@pytest.mark.parametrize(
    "name",
    ["100%", "%d", "x" * 1024, "ö" * 512, os.fsdecode(b"caf\xe9")],
    ids=["%", "%d", "long", "bytes", "no UTF-8"],
)
def test_of_others_qemu_has_no_word(name):
    assert not can_be_a_log(Path("/") / name)


def test_the_longest_name_is_counted_in_bytes():
    assert can_be_a_log(Path("/" + "x" * 1022))
    assert not can_be_a_log(Path("/" + "x" * 1023))


class Stub:
    """A monitor that writes a sample, like a QEMU in its recursion."""

    def __init__(self, sample, refuse=""):
        self.sample, self.refuse, self.said = sample, refuse, []

    def human(self, line):
        self.said.append(line)
        word, _, rest = line.partition(" ")
        if word == self.refuse:
            return "Bad logfile template\r\n"
        if word == "logfile":
            self.path = Path(read_by_qemu(rest)[0])
        if line == "log int":
            self.path.write_text(self.sample)
        return ""


FAULT = "Raise exception at c000000000012345 => HDSI (69) error=00\n"


@pytest.mark.parametrize("name", ["plain", "with space", "100%"])
def test_the_recursion_is_seen_whatever_the_directorys_name(tmp_path, name):
    directory = tmp_path / name
    directory.mkdir()
    assert hdsi_recursion(Stub(FAULT * 300), directory) == f"{FAULT.strip()} (300 times in 50 ms)"
    assert (directory / "interrupts.log").read_text() == FAULT * 300


@pytest.mark.parametrize("sample", ["", FAULT * 199, "other\n" * 500])
def test_a_busy_guest_is_no_recursion(tmp_path, sample):
    assert hdsi_recursion(Stub(sample), tmp_path) == ""


def test_a_monitor_that_refuses_proves_nothing(tmp_path):
    (tmp_path / "interrupts.log").write_text(FAULT * 300)  # of an earlier look
    stub = Stub(FAULT * 300, refuse="logfile")
    assert hdsi_recursion(stub, tmp_path) == ""
    assert len(stub.said) == 1


def test_a_qemu_without_answers_proves_nothing(tmp_path):
    class Silent:
        def human(self, line):
            raise InfrastructureError("QEMU did not answer")

    assert hdsi_recursion(Silent(), tmp_path) == ""


@pytest.fixture(scope="module")
def qemu():
    """A monitor of a real QEMU without a machine, where there is one already; nothing is fetched."""
    wanted = lock.read().get("qemu")
    tree = Cache.default().find("debian", lock.digest(wanted.debs)) if wanted else None
    found = shutil.which("qemu-system-ppc64")
    if tree is None and found is None:
        pytest.skip("there is no QEMU here")
    argv = through_loader(tree / "tree") if tree is not None else (found,)
    monitor = Monitor()
    words = [*argv, "-machine", "none", "-S", "-display", "none", "-nodefaults", *monitor.arguments]
    process = start(words, pass_fds=[monitor.theirs.fileno()])
    try:
        monitor.connect(20)
        yield monitor
    finally:
        process.kill()
        monitor.close()
        os.close(process.terminal)


@pytest.mark.parametrize("name", [*NAMES, "100%"])
def test_a_real_qemu_writes_its_log_there(qemu, tmp_path, name):
    directory = tmp_path / name
    directory.mkdir()
    assert hdsi_recursion(qemu, directory) == ""
    assert (directory / "interrupts.log").exists()
