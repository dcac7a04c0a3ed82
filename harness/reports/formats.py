# SPDX-License-Identifier: GPL-2.0-only
"""All formats of a report, in one table: what kvmppc report takes, and what a run leaves. To add one: a file
that makes it, and a row here."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.model.record import Delivery, Record, RunInfo


@dataclass(frozen=True)
class Reported:
    """What is reported. directory: of the run, from which details are read; colour: for a terminal."""

    info: RunInfo
    records: Sequence[Record]
    delivery: Delivery
    directory: Path
    colour: bool = False


@dataclass(frozen=True)
class Format:
    """name: the option of kvmppc report; help: of that option; render: the text, without a newline at its
    end; file: name of the file that each run leaves of it, '' for none."""

    name: str
    help: str
    render: Callable[[Reported], str]
    file: str = ""


# What makes a format is imported when it is made: --help shows this table.


def _text(this: Reported) -> str:
    from harness.reports import text

    return "\n".join(text.render(this.info, this.records, this.delivery, this.directory, this.colour))


def _html(this: Reported) -> str:
    from harness.reports import html

    return html.render(this.info, this.records, this.delivery, this.directory)


def _junit(this: Reported) -> str:
    from harness.reports import junit

    return junit.render(this.info, this.records, this.delivery)


def _ktap(this: Reported) -> str:
    from harness.reports import ktap

    return "\n".join(ktap.lines(this.records, this.delivery))


def _markdown(this: Reported) -> str:
    from harness.reports import markdown

    return "\n".join(markdown.lines(this.info, this.records, this.delivery))


def _annotations(this: Reported) -> str:
    from harness.reports import annotations

    return "\n".join(annotations.lines(this.info, this.records, this.delivery))


def _json(this: Reported) -> str:
    from harness.reports import jsonfile

    return json.dumps(jsonfile.document(this.info, this.records, this.delivery), indent=1)


TEXT = Format("text", "", _text, "summary.txt")
FORMATS = (
    TEXT,
    Format("html", "one self-contained page", _html, "report.html"),
    Format("junit", "JUnit XML", _junit, "junit.xml"),
    Format("ktap", "KTAP", _ktap),
    Format("markdown", "for a mail or a CI job's summary", _markdown),
    Format("annotations", "a line for each failure, for CI", _annotations),
    Format("json", "as report.json, of all of them", _json),
)


def format_of(name: str) -> Format:
    """KeyError for a name that is none."""
    return {each.name: each for each in FORMATS}[name]


def write_files(directory: Path, info: RunInfo, records: Sequence[Record], delivery: Delivery) -> None:
    """What a run leaves at its end. OSError if one cannot be written."""
    from harness.reports import jsonfile

    jsonfile.write(directory / "report.json", info, records, delivery)  # checked by its schema
    this = Reported(info, records, delivery, directory)
    for each in FORMATS:
        if each.file:
            (directory / each.file).write_text(each.render(this) + "\n")
