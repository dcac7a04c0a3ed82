# SPDX-License-Identifier: GPL-2.0-only
"""What a feature of KVM gives to the harness: one object that names its parts.

A package of anybody's registers one by the entry point group ``kvmppc.features``; the object is the entry
point's value. See docs/reference.md, "A feature of your own".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources.abc import Traversable
from typing import Any, Protocol

from harness.model.expectation import Expectation as Expectation
from harness.model.kernel import Kernel
from harness.model.observation import Probe
from harness.model.program import Program
from harness.model.scenario import Placement
from harness.model.verdict import Verdict

# A human monitor command of the outermost QEMU -> its output; InfrastructureError if it does not answer.
Monitor = Callable[[str], str]


class Session(Protocol):
    """A conversation with the program that answers."""

    def ask(self, questions: Sequence[str]) -> list[dict[str, Any]]:
        """A document for each."""


@dataclass(frozen=True)
class Topic:
    """A column of the grid: of each L1 one record.

    name: in records and files, unique among all features; title: the column's heading; suite: which runs ask
    it, "boot" or "abi" (``--suite``).
    """

    name: str
    title: str
    suite: str = "abi"


@dataclass(frozen=True)
class Evidence:
    """What an oracle is given. placement: of the L1 that was asked; probe: what L1 told of itself when it
    came up; answers: question -> the document that answered it, without those that were not answered;
    expected: of the kernel under test; texts: of its source, by file, empty for a prebuilt one; page_bytes:
    size of L1's pages."""

    placement: Placement
    probe: Probe
    answers: Mapping[str, dict[str, Any]]
    expected: Expectation
    texts: Mapping[str, str] = field(default_factory=dict)
    page_bytes: int = 65536


@dataclass(frozen=True)
class GuestProgram:
    """Answers a feature's questions in L1: it reads one from each line of stdin and prints one JSON document
    for each. module: its name, started as ``import module; module.main()``; file: its text. It is put beside
    the programs of images/guest/ for the time that it runs, and may import them: levelfacts, microguest,
    vcpus, ask."""

    module: str
    file: Traversable

    def read(self) -> Program:
        """As Level.asking() takes it."""
        return Program(self.module, self.file.read_bytes())


@dataclass(frozen=True)
class Feature:
    """name: lower case, unique; title: one line for people; topics: in the order of a report.

    expect: what is expected of a kernel; questions: all that L1 is asked, each once, given the size of its
    page in bytes; program: who answers them, None for images/guest/ask.py; judge: verdicts of the topic with
    that name. An oracle gives one verdict for each thing that it claims; of what was not answered it gives
    one that is not ok. source_files: files of a kernel's source that expect or judge read;
    symbols: names that expect looks for in its symbol table. A verdict's proof is the question that it rests
    on, so that what was not asked any more, of an L1 that was lost, proves nothing. check_series_words:
    KeyError, ValueError or UsageError for what a series.toml may not say of a base (Kernel.series).
    more_answers: (question, document) of what is asked in a way of its own, after all questions and in the
    same conversation.
    sentences: name of a module for reports alone, which says what this feature's facts are in words:
    SENTENCES, from class to a function of the fact and of ``say`` for the facts in it, and SHORT, the same
    for cells of tables; '' for none: then they are told by their kinds and fields.
    """

    name: str
    title: str
    topics: tuple[Topic, ...]
    expect: Callable[[Kernel], Expectation]
    questions: Callable[[int], Sequence[str]]
    judge: Callable[[str, Evidence], Sequence[Verdict]]
    program: GuestProgram | None = None
    source_files: tuple[str, ...] = ()
    symbols: tuple[str, ...] = ()
    check_series_words: Callable[[Mapping[str, Any]], object] | None = None
    more_answers: Callable[[Session, Monitor | None], Iterator[tuple[str, dict[str, Any]]]] | None = None
    sentences: str = ""
