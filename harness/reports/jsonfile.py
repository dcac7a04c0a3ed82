# SPDX-License-Identifier: GPL-2.0-only
"""report.json: the run as data."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from harness.model.record import KernelInfo, Record, RunInfo

SCHEMA = 1


def write(path: Path, info: RunInfo, records: Sequence[Record], complete: bool) -> None:
    """Replace *path* as a whole, so that a reader never sees half of it.

    complete: False while the run goes on, and for ever if it was cut off.
    """
    document = {
        "schema": SCHEMA,
        "complete": complete,
        "run": asdict(info),
        "records": [record.to_json() for record in records],
    }
    partial = path.with_suffix(".part")
    partial.write_text(json.dumps(document, indent=1) + "\n")
    partial.replace(path)


def read(path: Path) -> tuple[RunInfo, list[Record], bool]:
    """(run, records, complete). ValueError for another schema."""
    document = json.loads(path.read_text())
    if document.get("schema") != SCHEMA:
        raise ValueError(f"{path} has schema {document.get('schema')}, this tool reads {SCHEMA}")
    run = document["run"]
    kernels = tuple(KernelInfo(**each) for each in run["kernels"])
    l0_kernels = tuple(KernelInfo(**each) for each in run.get("l0_kernels", ()))
    info = RunInfo(**{**run, "kernels": kernels, "l0_kernels": l0_kernels, "notes": tuple(run["notes"])})
    return info, [Record.from_json(each) for each in document["records"]], document["complete"]
