# SPDX-License-Identifier: GPL-2.0-only
"""What /proc says of a group: from texts, and of real ones."""

import os
import signal
import subprocess
import sys
import time

import pytest

from harness.processes import group, sampling

LINE = "1234 (a) b (c d)) T 1 1200 1200 0 -1 4194304 105 0 0 0 31 7 5 2 20 0 1 0 28011 2703360 222"


def test_a_stat_is_read_whatever_the_programs_name():
    assert sampling.parse_stat(LINE) == sampling.Stat(1234, 1, 1200, "T", 31 + 7 + 5 + 2)


@pytest.mark.parametrize("text", ["", "1234 cat R 1 2", "1234 (cat) R 1", "x (cat) R " + "1 " * 20])
def test_what_is_no_stat(text):
    with pytest.raises(ValueError):
        sampling.parse_stat(text)


@pytest.fixture
def started():
    programs = []

    def start(*command):
        programs.append(group.start(command, stdout=subprocess.PIPE, text=True))
        return programs[-1]

    yield start
    for each in programs:
        each.kill()
        each.process.stdout.close()


def within(seconds, met):
    deadline = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_the_state_of_a_program(started):
    program = started("sleep", "60")
    within(5, lambda: sampling.state(program.process.pid) == "S")
    os.kill(program.process.pid, signal.SIGSTOP)
    within(5, lambda: sampling.state(program.process.pid) == "T")
    os.kill(program.process.pid, signal.SIGCONT)
    within(5, lambda: sampling.state(program.process.pid) == "S")
    os.kill(program.process.pid, signal.SIGTERM)
    within(5, lambda: sampling.state(program.process.pid) == "Z")
    program.kill()
    assert sampling.state(program.process.pid) == ""


def test_a_stopped_program_behind_a_script_is_seen(started):
    program = started("sh", "-c", "sleep 60 & echo $!; wait")
    inner = int(program.process.stdout.readline())
    within(5, lambda: sampling.state(program.process.pid) == "S")
    os.kill(inner, signal.SIGSTOP)
    within(5, lambda: sampling.state(program.process.pid) == "T")


def test_a_leader_that_is_gone_has_no_state(started):
    program = started("sh", "-c", "sleep 60 >/dev/null & echo $!")
    inner = int(program.process.stdout.readline())
    program.process.wait()
    os.kill(inner, signal.SIGSTOP)
    assert sampling.state(program.process.pid) == ""


BUSY = "import time\nwhile time.process_time() < 60: pass"


def test_time_used_behind_a_script_counts(started):
    program = started("sh", "-c", f"{sys.executable} -c '{BUSY}' & wait")
    within(20, lambda: sampling.cpu_seconds(program.process.pid) > 0.2)
    before = sampling.cpu_seconds(program.process.pid)
    program.kill()
    assert before > 0.2
    assert sampling.cpu_seconds(program.process.pid) == 0.0


def test_who_waits_for_a_cpu_is_told_from_who_sleeps(started):
    cpu = min(os.sched_getaffinity(0))
    rivals = [started("taskset", "-c", str(cpu), sys.executable, "-c", BUSY) for _ in range(2)]
    sleeper = started("sleep", "60")
    within(20, lambda: all(sampling.wait_seconds(each.process.pid) > 0.2 for each in rivals))
    assert sampling.wait_seconds(sleeper.process.pid) < 0.2
    rivals[0].kill()
    assert sampling.wait_seconds(rivals[0].process.pid) == 0.0


def test_without_the_kernels_count_nobody_waited(tmp_path, monkeypatch):
    task = tmp_path / "7/task/7"
    task.mkdir(parents=True)
    (tmp_path / "7/stat").write_text(LINE.replace("1234", "7", 1).replace("1200", "7"))
    monkeypatch.setattr(sampling, "_PROC", tmp_path)
    assert sampling.wait_seconds(7) == 0.0
    for text in ("", "12", "nonsense here"):
        (task / "schedstat").write_text(text)
        assert sampling.wait_seconds(7) == 0.0
    (task / "schedstat").write_text("123456 2500000000 3\n")
    assert sampling.wait_seconds(7) == 2.5
    for thread, waited in ((8, "3500000000"), (9, "1000000000")):
        (tmp_path / f"7/task/{thread}").mkdir()
        (tmp_path / f"7/task/{thread}/schedstat").write_text(f"1 {waited} 3\n")
    assert sampling.wait_seconds(7) == 3.5, "two that wait at once have lost no more time than one"
    assert sampling.state(7) == "T"


def test_families(started):
    program = started("sh", "-c", "sleep 60 & echo $!; wait")
    inner = int(program.process.stdout.readline())
    assert sampling.children(program.process.pid) == [inner]
    assert program.process.pid in sampling.children(os.getpid())
    assert sampling.parents()[inner] == program.process.pid
