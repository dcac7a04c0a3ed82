# SPDX-License-Identifier: GPL-2.0-only
"""Recorded consoles, and described ones: each file says the splats that are in it.

Its first lines are comments: ``# recorded: LINUX, MACHINE, QEMU: WHAT WAS DONE`` (bench/record_consoles.py) or
``# described: WHO PRINTS IT`` (written from the kernel's printing code), then ``# title: TITLE`` for each splat,
with `` (final)`` behind the one after which the machine is of no more use. What follows is the console.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness.health.splats import SplatReader, read_splats

CONSOLES = sorted((Path(__file__).parents[1] / "data/consoles").glob("*.log"))
RECORDED = [path for path in CONSOLES if not path.name.startswith("described-")]


@dataclass(frozen=True)
class Console:
    about: str
    titles: list[str]
    lines: list[str]


def read(path: Path) -> Console:
    text = path.read_text().splitlines()
    head = [line for line in text if line.startswith("# ")]
    titles = [line.removeprefix("# title: ") for line in head[1:]]
    return Console(head[0], titles, text[len(head) :])


def told(splats) -> list[str]:
    return [f"{each.title}{' (final)' if each.final else ''}" for each in splats]


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
