# SPDX-License-Identifier: GPL-2.0-only
"""However a command ends, its exit code is true and its files are there. The machines are stood in for."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import living
import preloaded
import pytest
from test_plugin import FAIL, HOST, INFRA

from harness.engine.endings import Endings, end_workers, shorten

ROOT = Path(__file__).parent.parent.parent
PATH = f"{ROOT / 'tests'}:{ROOT}"
CI = ("--matrix", "ci")

# kvmppc, with the stand-in for what fetches and boots also where drive looks for it.
KVMPPC = """
import sys, standin
from harness.engine import drive
drive.resolve = standin.resolve
from harness.entry import main
sys.argv[0] = "kvmppc"
main()
"""


@pytest.fixture
def begin(tmp_path):
    def start(script, *words, **settings):
        environment = {**os.environ, "SCRIPT": json.dumps(script), "PYTHONPATH": PATH}
        words = [*CI, "--run-dir", str(tmp_path / "run"), *words, "--", "-p", "standin"]
        command = ["-c", KVMPPC, "run", *words]
        settings = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, **settings}
        settings |= {"text": True, "cwd": tmp_path, "env": environment, "start_new_session": True}
        if "preexec_fn" in settings:
            return subprocess.Popen([sys.executable, *command], **settings)
        return preloaded.Popen(command, imports=["needed_by_runs"], workers="2" in words, **settings)

    return start


def waiting(tmp_path, process, records=3):
    """The machine's process id, once it is there and so many other records are."""
    deadline = time.monotonic() + 60
    run = tmp_path / "run"
    while not (tmp_path / "waiting").exists() or living.records_so_far(run) < records:
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.02)
    return int((tmp_path / "waiting").read_text())


@pytest.mark.parametrize(
    ("how", "jobs", "code"),
    [
        (signal.SIGTERM, "1", 143),
        (signal.SIGTERM, "2", 143),
        (signal.SIGHUP, "2", 129),
        (signal.SIGINT, "1", 130),
        (signal.SIGINT, "2", 130),
    ],
)
def test_a_signal_for_the_command_alone_leaves_all_files_and_no_machine(begin, tmp_path, how, jobs, code):
    process = begin({HOST: "wait"}, "-j", jobs)
    machine = waiting(tmp_path, process)
    workers = [pid for pid in living.group(process.pid) if pid != process.pid]
    assert len(workers) == (2 if jobs == "2" else 0)
    process.send_signal(how)
    output = process.communicate(timeout=60)[0]
    assert process.returncode == code, output
    assert "Traceback" not in output
    assert not living.alive(machine)
    assert living.gone(workers)
    saved = json.loads((tmp_path / "run/report.json").read_text())
    assert saved["complete"] is False
    assert len(saved["records"]) >= 3
    for name in ("junit.xml", "report.html", "summary.txt"):
        assert (tmp_path / "run" / name).stat().st_size


def test_a_signal_for_all_of_them_at_once(begin, tmp_path):
    """As a CI system ends a job."""
    process = begin({HOST: "wait"}, "-j", "2")
    machine = waiting(tmp_path, process)
    os.killpg(process.pid, signal.SIGTERM)
    assert process.wait(60) == 143
    assert not living.alive(machine)
    assert json.loads((tmp_path / "run/report.json").read_text())["complete"] is False
    assert (tmp_path / "run/junit.xml").exists()


@pytest.mark.parametrize("jobs", ["1", "2"])
@pytest.mark.parametrize(("script", "code"), [({}, 0), ({HOST: FAIL}, 1)])
def test_a_run_that_nobody_reads_goes_on_to_its_own_exit_code(begin, tmp_path, jobs, script, code):
    """As in kvmppc run 2>&1 | head -1."""
    process = begin(script, "-j", jobs)
    process.stdout.readline()
    process.stdout.close()
    assert process.wait(60) == code
    saved = json.loads((tmp_path / "run/report.json").read_text())
    assert saved["complete"] is True
    assert len(saved["records"]) == saved["planned"]


def test_a_terminal_that_is_gone_is_no_error(begin, tmp_path):
    master, slave = os.openpty()
    process = begin({HOST: "wait"}, "-j", "1", stdout=slave, stderr=slave, stdin=subprocess.DEVNULL)
    os.close(slave)
    machine = waiting(tmp_path, process)
    os.close(master)
    process.send_signal(signal.SIGHUP)
    assert process.wait(60) == 129
    assert not living.alive(machine)
    assert (tmp_path / "run/summary.txt").exists()


def test_without_any_stdout_nothing_is_lost(begin, tmp_path):
    # Else the first file that a run opens is number 1, and gets what is printed.
    process = begin({}, "-j", "1", stdout=None, preexec_fn=lambda: os.close(1))
    assert process.wait(60) == 0
    assert json.loads((tmp_path / "run/report.json").read_text())["complete"] is True


@pytest.mark.parametrize("both", [False, True])
def test_a_disk_too_full_for_our_words_is_no_success(begin, tmp_path, both):
    with Path("/dev/full").open("w") as full:
        process = begin({}, "-j", "1", stdout=full, stderr=full if both else subprocess.DEVNULL)
        assert process.wait(60) == 3
    report = tmp_path / "run/report.json"
    if not both:  # else it cannot even begin
        assert json.loads(report.read_text())["complete"] is False


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("no_such_test.py",), 2),
        (("-k", "nothing_of_this_name"), 3),
        (("--no-such-option",), 2),
        (("own_test.py",), 3),
        (("broken_test.py",), 3),
        (("-p", "hook"), 3),
    ],
)
def test_what_is_not_about_a_kernel_is_never_1(tmp_path, words, code):
    (tmp_path / "own_test.py").write_text("def test_that_fails(): assert False")
    (tmp_path / "broken_test.py").write_text("import nothing_of_this_name")
    (tmp_path / "hook.py").write_text(
        "def pytest_runtest_logreport(report):\n if 'l2' in report.nodeid: raise RuntimeError('of a hook')"
    )
    environment = {**os.environ, "SCRIPT": "{}", "PYTHONPATH": PATH}
    done = preloaded.run(
        ["-c", KVMPPC, "run", *CI, "-j", "1", "--run-dir", str(tmp_path / "run"), "--",
         "-p", "standin", *(str(tmp_path / word) if word.endswith(".py") else word for word in words)],
        imports=["needed_by_runs"], capture_output=True, text=True, cwd=tmp_path, env=environment,
    )  # fmt: skip
    assert done.returncode == code, done.stdout + done.stderr
    report = tmp_path / "run/report.json"
    if words == ("-p", "hook"):
        assert json.loads(report.read_text())["complete"] is False


def test_the_first_signal_counts_and_does_not_come_twice():
    endings = Endings()
    assert endings.exit_code == 130 and endings.words == "interrupted"
    with pytest.raises(KeyboardInterrupt):
        endings._end(signal.SIGTERM, None)
    endings._end(signal.SIGHUP, None)  # while files are written
    endings._end(signal.SIGTERM, None)
    assert endings.exit_code == 143 and endings.words == "ended by SIGTERM"
    with pytest.raises(KeyboardInterrupt):  # a person who does not want to wait
        endings._end(signal.SIGINT, None)
    assert endings.exit_code == 143


def test_a_signal_waits_for_what_must_be_done_whole():
    endings, done = Endings(), []
    with pytest.raises(KeyboardInterrupt), endings.held():
        endings._end(signal.SIGTERM, None)
        done.append("whole")
    assert done == ["whole"] and endings.exit_code == 143
    again = Endings()
    with again.held():
        done.append("undisturbed")
    with pytest.raises(KeyboardInterrupt):
        again._end(signal.SIGTERM, None)
    assert done == ["whole", "undisturbed"]


@pytest.fixture
def handlers():
    before = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    yield
    for each, handler in before.items():
        signal.signal(each, handler)


def test_what_is_ignored_or_somebody_elses_stays_so(handlers):
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    other = Endings()
    signal.signal(signal.SIGTERM, other._end)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    endings = Endings()
    endings.install()
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    assert signal.getsignal(signal.SIGTERM) == other._end
    assert signal.getsignal(signal.SIGINT) == endings._end
    endings.remove()
    assert signal.getsignal(signal.SIGTERM) == other._end
    assert signal.getsignal(signal.SIGINT) is signal.SIG_DFL


def test_only_workers_are_ended():
    """What leads a group of its own, as machines do, is a worker's affair."""
    worker = subprocess.Popen(["sleep", "60"])
    machine = subprocess.Popen(["sleep", "60"], start_new_session=True)
    try:
        end_workers()
        assert worker.wait(5) == -signal.SIGTERM
        assert living.alive(machine.pid)
    finally:
        for each in (worker, machine):
            each.kill()
            each.wait()


def test_a_worker_that_is_gone_already_does_no_harm(monkeypatch):
    monkeypatch.setattr("harness.processes.sampling.children", lambda _pid: [2**22 + 1])
    end_workers()


@pytest.mark.parametrize(("script", "code"), [({HOST: INFRA}, 3), ({HOST: "bug"}, 3)])
def test_a_runs_own_exit_code_is_kept(begin, script, code):
    assert begin(script, "-j", "1").wait(60) == code


def test_only_a_signals_traceback_is_shortened():
    """pytest has no words for one whose last function hides itself, as pytest.exit does."""
    for end, entries in ((lambda: Endings()._end(signal.SIGTERM, None), 1), (lambda: pytest.exit("x", 3), 3)):
        with pytest.raises(BaseException) as caught:
            end()
        shorten(caught)
        assert len(caught.traceback) == entries
        assert caught.getrepr().reprcrash is not None
