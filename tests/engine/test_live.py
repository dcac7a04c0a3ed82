# SPDX-License-Identifier: GPL-2.0-only
"""What goes on, as a worker tells it and a terminal shows it."""

import io
import time
from dataclasses import dataclass

import pytest
from rich.console import Console

from harness.engine.activity import activities, doing
from harness.reports import live


def test_what_goes_on_is_there_while_it_does(tmp_path):
    log = tmp_path / "7.3-papr-p11/l1/console.log"
    log.parent.mkdir(parents=True)
    log.write_text("    1.234 \x1b[1mLinux\x1b[0m boots\r\n    2.000 \n")
    with doing(tmp_path / "7.3-papr-p11", "L1 starts", log):
        (found,) = activities(tmp_path)
        assert (found.place, found.what, found.last) == ("7.3-papr-p11", "L1 starts", "Linux boots")
        assert abs(found.since - time.time()) < 5
    assert activities(tmp_path) == []


def test_what_fails_goes_on_no_more(tmp_path):
    with pytest.raises(RuntimeError), doing(tmp_path / "p", "x", None):
        raise RuntimeError
    assert activities(tmp_path) == []


def test_showing_never_stops_a_run(tmp_path):
    (tmp_path / "file").touch()
    with doing(tmp_path / "file", "x", tmp_path / "none"):
        assert activities(tmp_path) == []
    (tmp_path / "p").mkdir()
    (tmp_path / "p/now.json").write_text("{")
    assert activities(tmp_path) == []


@dataclass
class Going:
    place: str
    what: str
    since: float
    last: str = "a line"


def shown(view):
    target = io.StringIO()
    Console(file=target, width=100).print(view.render())
    return target.getvalue()


def test_time_is_shown_against_what_the_same_took_before():
    going = [Going("7.3-papr-p11", "L1 starts", time.time() - 8)]
    view = live.LiveView(io.StringIO(), lambda: going)
    assert "8 s" in shown(view) and "about" not in shown(view)
    going[:] = [Going("6.12-papr-p11", "L1 starts", time.time() - 3)]
    text = shown(view)
    assert "6.12-papr-p11" in text and "3 s of about 8" in text and "a line" in text


def test_a_log_gets_plain_lines():
    assert live.view_for(io.StringIO(), list) is None
