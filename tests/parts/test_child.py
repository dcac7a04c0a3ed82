# SPDX-License-Identifier: GPL-2.0-only
"""What we start ends with us: also what it started itself, and also by SIGKILL."""

import os
import signal
import subprocess
import sys

import living
import pytest

from harness.model.errors import InfrastructureError
from harness.parts.child import run_lines

# As mmdebstrap has apt below it.
NESTED = ["sh", "-c", 'sh -c "echo $$; sleep 60 & echo \\$!; wait" ; :']

PARENT = """
import os, sys
from harness.parts.child import run_lines
run_lines(sys.argv[1:], os.environ, lambda line: print(line, end="", flush=True))
"""


def test_output_and_status():
    lines = []
    script = "echo out; echo err >&2; read x; exit 7"  # without an input to wait for
    assert run_lines(["sh", "-c", script], os.environ, lines.append) == 7
    assert sorted(lines) == ["err\n", "out\n"]


def test_a_good_end_leaves_no_guard_behind():
    lines = []
    run_lines(["sh", "-c", "echo $$"], os.environ, lines.append)
    assert living.gone(living.group(int(lines[0])))


def test_nothing_survives_our_sigkill():
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, *NESTED], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    leader, sleeper = int(parent.stdout.readline()), int(parent.stdout.readline())
    assert living.alive(leader) and living.alive(sleeper)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    assert living.gone([leader, sleeper, *living.group(leader)])


def test_nothing_survives_ctrl_c():
    seen = []

    def each(line):
        seen.append(int(line))
        if len(seen) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_lines(NESTED, os.environ, each)
    assert living.gone([*seen, *living.group(seen[0])])


def test_it_is_left_alone_while_we_live():
    lines = []
    script = "sleep 0.3; echo done; exit 7"
    assert run_lines(["sh", "-c", script], os.environ, lines.append) == 7
    assert lines == ["done\n"]


def test_a_program_that_is_not_there_is_told():
    with pytest.raises(InfrastructureError, match=r"/nonexistent/make cannot be started: No such file"):
        run_lines(["/nonexistent/make"], os.environ, print)
