# SPDX-License-Identifier: GPL-2.0-only
"""report.json: the run as data. What it looks like is in report.schema.json, and checked on writing; facts
are checked by their classes. A report of schema 1 can be read as well (older_report.py)."""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence
from dataclasses import asdict
from importlib import resources
from pathlib import Path
from typing import Any

from harness.model.record import Delivery, KernelInfo, Record, RunInfo
from harness.reports import older_report
from harness.reports.sentences import load_features

SCHEMA = 2


def schema() -> dict[str, Any]:
    text = resources.files("harness.reports").joinpath("report.schema.json").read_text()
    document: dict[str, Any] = json.loads(text)
    return document


@functools.cache
def _validator() -> Any:
    import jsonschema  # here, as it takes longer to import than a report to write

    return jsonschema.Draft202012Validator(_light_schema())


def _light_schema() -> dict[str, Any]:
    """Without the kinds of facts: each of several hundred would be held against each of them."""
    document = schema()
    del document["$defs"]["fact"]["allOf"]
    return document


def document(info: RunInfo, records: Sequence[Record], delivery: Delivery) -> dict[str, Any]:
    """In JSON's own types, with nothing checked."""
    found = {
        "schema": SCHEMA,
        "complete": delivery.complete,
        "planned": delivery.planned,
        "missing": list(delivery.missing),
        "errors": list(delivery.errors),
        "run": asdict(info),
        "records": [record.to_json() for record in records],
    }
    plain: dict[str, Any] = json.loads(json.dumps(found))  # a schema knows no tuples
    return plain


def write(path: Path, info: RunInfo, records: Sequence[Record], delivery: Delivery) -> None:
    """Replace *path* as a whole, so that a reader never sees half of it. A document that is not as the
    schema says is a defect of ours: jsonschema.ValidationError.

    delivery: not complete while the run goes on, and for ever if it was interrupted.
    """
    found = document(info, records, delivery)
    # Records were checked when they came.
    _validator().validate({**found, "records": found["records"][-1:]})
    partial = path.with_suffix(".part")
    partial.write_text(json.dumps(found, indent=1) + "\n")
    partial.replace(path)


def check_record(record: dict[str, Any]) -> None:
    """jsonschema.ValidationError for what is none. record: of Record.to_json, or the same from JSON."""
    plain = json.loads(json.dumps(record))  # a schema knows no tuples
    _record_validator().validate(plain)


@functools.cache
def _record_validator() -> Any:
    import jsonschema

    whole = _light_schema()
    return jsonschema.Draft202012Validator(
        {**whole["properties"]["records"]["items"], "$defs": whole["$defs"]}
    )


def info_of(run: dict[str, Any]) -> RunInfo:
    """Of a run as it is in JSON. TypeError or KeyError for what is none."""
    kernels = tuple(KernelInfo(**each) for each in run["kernels"])
    l0_kernels = tuple(KernelInfo(**each) for each in run.get("l0_kernels", ()))
    plain = {"notes": tuple(run["notes"]), "allow_splat": tuple(run.get("allow_splat", ()))}
    return RunInfo(**{**run, "kernels": kernels, "l0_kernels": l0_kernels, **plain})


def _checked(found: dict[str, Any], path: Path) -> None:
    """ValueError for what is not as the schema says."""
    import jsonschema

    try:
        _validator().validate(found)
    except jsonschema.ValidationError as error:
        raise ValueError(f"{path}: {error.json_path}: {error.message[:200]}") from None


def read(path: Path) -> tuple[RunInfo, list[Record], Delivery]:
    """(run, records, delivery). ValueError for another schema, or for what it does not allow."""
    found = json.loads(path.read_text())
    if found.get("schema") == older_report.SCHEMA:
        found = older_report.upgraded(found)
    if found.get("schema") != SCHEMA:
        known = f"{older_report.SCHEMA} and {SCHEMA}"
        raise ValueError(f"{path} has schema {found.get('schema')}, this tool reads {known}")
    _checked(found, path)
    load_features()  # its facts are to be known
    info = info_of(found["run"])
    records = [Record.from_json(each) for each in found["records"]]
    planned = found.get("planned", len(records))
    missing, errors = tuple(found.get("missing", ())), tuple(found.get("errors", ()))
    return info, records, Delivery(found["complete"], planned, missing, errors)
