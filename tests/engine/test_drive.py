# SPDX-License-Identifier: GPL-2.0-only
"""pytest's exit codes in our words: 1 is a kernel's only where a record says so."""

from types import SimpleNamespace

import pytest

from harness.engine.drive import SessionEnd
from harness.engine.state import KEY


def raised(error):
    return SimpleNamespace(value=error)


@pytest.mark.parametrize(
    ("facts", "status", "code"),
    [
        ({"judged": True}, 0, 0),
        ({"judged": True}, 1, 1),
        ({"judged": True}, 3, 3),
        ({}, 0, 0),  # --collect-only
        ({}, 1, 3),  # a failure without a record
        ({}, 4, 2),  # pytest's usage error
        ({}, 5, 3),  # nothing was judged
        ({"judged": True}, 4, 2),
        ({"judged": True, "interrupted": True}, 2, 130),
        ({"judged": True, "interrupted": True}, 0, 130),
        ({"judged": True}, 2, 3),  # ended by something else than Ctrl-C
        ({"broken": True}, 3, 3),
        ({"broken": True, "judged": True}, 1, 3),
        ({"told": 2}, 2, 2),  # an error of ours, with its own code
        ({"told": 1}, 1, 1),  # a kernel does not build
        ({"told": 3}, 3, 3),
        ({"judged": True, "stopped": True}, 0, 3),
        ({"judged": True, "stopped": True}, 1, 1),
        ({"judged": True}, 99, 3),
    ],
)
def test_what_a_session_comes_to(facts, status, code):
    end = SessionEnd()
    for name, value in facts.items():
        assert hasattr(end, name)
        setattr(end, name, value)
    assert end.exit_code(status) == code


def test_ctrl_c_is_told_from_what_pytest_ends_in_the_same_way():
    end = SessionEnd()
    end.pytest_keyboard_interrupt(raised(pytest.exit.Exception("kvmppc: no such kernel", 2)))
    assert (end.told, end.interrupted, end.stopped) == (2, False, False)
    end = SessionEnd()
    end.pytest_keyboard_interrupt(raised(pytest.Session.Interrupted("1 error during collection")))
    assert (end.told, end.interrupted, end.stopped) == (None, False, True)
    end = SessionEnd()
    end.pytest_keyboard_interrupt(raised(KeyboardInterrupt()))
    assert (end.told, end.interrupted, end.stopped) == (None, True, False)


@pytest.mark.parametrize("directory", [None, "there"])
@pytest.mark.parametrize(("stop", "fail"), [(False, False), ("a", False), (False, "b")])
def test_a_session_is_judged_by_its_directory(directory, stop, fail):
    end = SessionEnd()
    state = SimpleNamespace(directory=directory)
    config = SimpleNamespace(stash={KEY: state})
    end.pytest_sessionfinish(SimpleNamespace(config=config, shouldstop=stop, shouldfail=fail))
    assert end.judged is (directory is not None)
    assert end.stopped is bool(stop or fail)


def test_a_broken_session_is_known():
    end = SessionEnd()
    end.pytest_internalerror()
    assert end.broken
