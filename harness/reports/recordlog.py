# SPDX-License-Identifier: GPL-2.0-only
"""records.jsonl: what a run has come to so far, one JSON document a line, only ever appended to.

What report.json is made from, when the run ends, or later if it was killed. Lines, by their only key:
``run`` (RunInfo, the first), ``planned`` (identities of records that are due), ``record``, ``error`` (the
identity of a test that ended with an error of ours), ``end`` (whether the run got to its end, and notes).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from harness.model.record import Delivery, Record, RunInfo
from harness.reports import jsonfile
from harness.reports.sentences import load_features

NAME = "records.jsonl"


class RecordLog:
    """OSError from each method if it cannot be written."""

    def __init__(self, directory: Path, info: RunInfo):
        self._path = directory / NAME
        self._append({"run": asdict(info)})

    def plan(self, identities: Iterable[str]) -> None:
        self._append({"planned": list(identities)})

    def add(self, record: Record) -> None:
        """jsonschema.ValidationError for one that is not as report.json's schema says: a defect of ours."""
        document = record.to_json()
        jsonfile.check_record(document)
        self._append({"record": document})

    def add_error(self, identity: str) -> None:
        self._append({"error": identity})

    def end(self, complete: bool, notes: Sequence[str]) -> None:
        self._append({"end": {"complete": complete, "notes": list(notes)}})

    def _append(self, document: dict[str, Any]) -> None:
        """A line that could not be written as a whole is ended by the next, and is none."""
        with self._path.open("a") as file:
            file.write(json.dumps(document) + "\n")


def read(directory: Path) -> tuple[RunInfo, list[Record], Delivery]:
    """Of a run's directory. OSError if there is none; ValueError, KeyError or TypeError for what is no such
    log. A last line that was cut off is left out."""
    load_features()  # its facts are to be known
    info: RunInfo | None = None
    planned: dict[str, None] = {}
    errors: dict[str, None] = {}
    records: list[Record] = []
    complete, notes = False, ()
    for line in (directory / NAME).read_text().splitlines():
        try:
            document = json.loads(line)
        except ValueError:
            continue  # of a process that was killed while it wrote
        if "run" in document:
            info = jsonfile.info_of(document["run"])
        elif "planned" in document:
            planned.update(dict.fromkeys(document["planned"]))
        elif "record" in document:
            records.append(Record.from_json(document["record"]))
        elif "error" in document:
            errors[document["error"]] = None
        else:
            complete, notes = document["end"]["complete"], tuple(document["end"]["notes"])
    if info is None:
        raise ValueError(f"{directory / NAME} does not begin with the run")
    info = replace(info, notes=(*info.notes, *notes))
    return info, in_order(records, planned), delivery(records, planned, errors, complete)


def in_order(records: Sequence[Record], planned: Iterable[str]) -> list[Record]:
    """Workers mix their records; a report has them in the plan's order."""
    place = {identity: number for number, identity in enumerate(planned)}
    return sorted(records, key=lambda each: place.get(each.identity, len(place)))


def delivery(
    records: Sequence[Record], planned: Iterable[str], errors: Iterable[str], complete: bool
) -> Delivery:
    """What was planned against what came, by identity."""
    delivered = {each.identity for each in records}
    due = list(dict.fromkeys(planned))
    missing = tuple(each for each in due if each not in delivered)
    return Delivery(complete, len(due), missing, tuple(dict.fromkeys(errors)))


def has_run(directory: Path) -> bool:
    """Whether a run left anything there."""
    return any((directory / name).exists() for name in ("report.json", NAME))


def of_run(directory: Path) -> tuple[RunInfo, list[Record], Delivery]:
    """Of a run that ended, by its report.json; of one that goes on or was killed, by its records so far.
    Errors as of jsonfile.read and read."""
    report = directory / "report.json"
    return read(directory) if not report.exists() and (directory / NAME).exists() else jsonfile.read(report)
