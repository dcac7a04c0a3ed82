# SPDX-License-Identifier: GPL-2.0-only
"""A way that a program makes is there as long as it is used, and no longer."""

import os

import living
import pytest

from harness.levels.proxy import ProxySocket


def test_what_is_sent_comes_back_from_the_program():
    with ProxySocket("sh -c 'echo $$; cat'") as way:
        program = int(way.recv(100))
        way.sendall(b"hello")
        assert way.recv(100) == b"hello"
        assert living.alive(program)
    assert not living.alive(program)


def test_a_program_that_ends_is_the_end_of_the_way():
    with ProxySocket("true") as way:
        assert way.recv(1) == b""


@pytest.mark.parametrize(
    ("command", "error"), [("/nonexistent/ssh -W a:22 b", OSError), ("'open", ValueError)]
)
def test_what_cannot_be_started_leaves_nothing(command, error):
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(error):
        ProxySocket(command)
    assert len(os.listdir("/proc/self/fd")) == before
