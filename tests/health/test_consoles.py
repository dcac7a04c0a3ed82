# SPDX-License-Identifier: GPL-2.0-only
"""Recorded consoles, and described ones: each has the splats that its file says; see tests/consoles.py."""

from __future__ import annotations

import re

import pytest
from consoles import CONSOLES, RECORDED, read, told

from harness.health.splats import SplatReader, read_splats


@pytest.mark.parametrize("path", CONSOLES, ids=lambda path: path.stem)
def test_a_console_has_the_splats_it_says(path):
    console = read(path)
    assert told(read_splats(console.lines)) == console.titles


@pytest.mark.parametrize("path", CONSOLES, ids=lambda path: path.stem)
def test_a_console_that_is_read_line_by_line_says_the_same(path):
    console = read(path)
    reader, found = SplatReader(), []
    final = None
    for line in console.lines:
        reader.feed(line)
        final = final or (reader.final and reader.final.title)
        found += reader.take()
    found += reader.take(flush=True)
    # A panic that comes after its cause was taken is told by final alone.
    assert [each.title for each in found] == [title.removesuffix(" (final)") for title in console.titles]
    finals = [title for title in console.titles if title.endswith(" (final)")]
    assert told([reader.final] if reader.final else []) == finals[:1]
    assert (final is not None) == bool(finals)


@pytest.mark.parametrize("path", CONSOLES, ids=lambda path: path.stem)
def test_titles_have_no_addresses_and_files_are_short(path):
    console = read(path)
    assert console.about.startswith(("# recorded: Linux ", "# described: "))
    assert path.name.startswith("described-") == console.about.startswith("# described: ")
    assert len(console.lines) <= 150
    for title in console.titles:
        assert not re.search(r"[0-9a-f]{8}|0x(?!300)|\bpid\b", title)


def test_there_are_enough_recorded_ones():
    assert len(RECORDED) >= 60


@pytest.mark.parametrize("path", CONSOLES, ids=lambda path: path.stem)
def test_line_and_trace_are_of_the_console(path):
    console = read(path)
    text = "\n".join(console.lines)
    for each in read_splats(console.lines):
        assert each.line in text and len(each.line) <= 1000
        assert len(each.trace) <= 60
        assert all(function in text for function in each.trace)
