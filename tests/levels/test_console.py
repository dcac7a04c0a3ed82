# SPDX-License-Identifier: GPL-2.0-only
"""The console reader, on a real pseudo terminal with a real program writing to it."""

import sys
import time
from pathlib import Path

import pytest
from pexpect.fdpexpect import fdspawn

from harness.levels.console import Console, Ended
from harness.levels.process import start

NONCE = "0123456789abcdef"


@pytest.fixture
def console(tmp_path):
    """A console whose machine is a Python program; ends with the test."""
    opened = []

    def run(program):
        machine = start([sys.executable, "-uc", f"import sys, time\n{program}"])
        seen = Console(
            fdspawn(machine.terminal, encoding="utf-8", codec_errors="replace", use_poll=True),
            tmp_path / "console.log",
            NONCE,
        )
        opened.append((machine, seen))
        return seen

    yield run
    for machine, seen in opened:
        machine.kill()
        seen.close()


def ready(seen):
    return "ready" in seen.reports


def test_a_report_is_read(console):
    seen = console(f"""print('[ 1.0] kvmppc:{NONCE}:ready:{{"a": 1}}')\ntime.sleep(9)""")
    assert seen.wait(ready, 5, 5) is Ended.MET
    assert seen.reports["ready"] == {"a": 1}


@pytest.mark.parametrize(
    "line",
    [
        # The kernel's echo of its command line: the nonce in two halves.
        f"Kernel command line: kvmppc.nonce={NONCE[:8]}-{NONCE[8:]} ready",
        # A guest that guesses.
        'kvmppc:ffffffffffffffff:ready:{"a": 1}',
        # A report that was cut.
        f'kvmppc:{NONCE}:ready:{{"a": ',
        f"kvmppc:{NONCE}:ready:{{broken}}",
    ],
)
def test_what_only_looks_like_a_report_is_none(console, line):
    seen = console(f"print({line!r})")
    assert seen.wait(ready, 5, 5) is Ended.EOF
    assert seen.reports == {}


def test_ansi_is_removed_for_matching_and_kept_in_the_log(console, tmp_path):
    seen = console(r"print('\x1b[1mKernel\x1b[0m panic - not syncing: x')")
    assert seen.wait(lambda each: each.finding is not None, 5, 5) is Ended.MET
    assert seen.finding.key == "panic"
    seen.wait(lambda each: False, 5, 5)
    seen.close()
    assert "\x1b[1mKernel" in (tmp_path / "console.log").read_text()


def test_a_line_that_comes_in_pieces_is_one_line(console):
    seen = console(
        "for part in ('error: kvm run', ' failed Inv', 'alid argument\\n'):\n"
        "    sys.stdout.write(part); sys.stdout.flush(); time.sleep(0.05)\n"
        "time.sleep(9)"
    )
    assert seen.wait(lambda each: each.finding is not None, 5, 5) is Ended.MET
    assert seen.finding.line == "error: kvm run failed Invalid argument"


def test_a_last_line_without_newline_counts(console):
    seen = console("sys.stdout.write('Kernel panic - not syncing: x')")
    seen.wait(lambda each: False, 5, 5)
    assert seen.finding.key == "panic"


def test_a_full_disk_is_not_the_end_of_the_console(tmp_path):
    machine = start([sys.executable, "-uc", f"print('x' * 99999); print('kvmppc:{NONCE}:ready:{{}}')"])
    seen = Console(fdspawn(machine.terminal, encoding="utf-8", use_poll=True), Path("/dev/full"), NONCE)
    assert seen.wait(ready, 5, 5) is Ended.MET
    assert "No space left" in seen.log_trouble
    machine.kill()
    seen.close()


def test_silence_and_timeout_are_told_apart(console):
    seen = console("print('one')\ntime.sleep(60)")
    assert seen.wait(ready, timeout=30, silence=0.3) is Ended.SILENCE
    seen = console("while True: print('busy'); time.sleep(0.02)")
    assert seen.wait(ready, timeout=0.5, silence=10) is Ended.TIMEOUT


def test_waiting_ends_with_the_event_and_not_later(console):
    seen = console(f"""time.sleep(0.3)\nprint('kvmppc:{NONCE}:ready:{{}}')\ntime.sleep(60)""")
    began = time.monotonic()
    assert seen.wait(ready, 30, 30) is Ended.MET
    assert time.monotonic() - began < 5


def test_the_log_has_every_byte_and_a_time_for_each_line(console, tmp_path):
    seen = console("print('first'); print('second')")
    seen.wait(lambda each: False, 5, 5)
    seen.close()
    lines = (tmp_path / "console.log").read_text().splitlines()
    assert [line[10:] for line in lines] == ["first", "second"]
    assert all(float(line[:9]) >= 0 for line in lines)
