# SPDX-License-Identifier: GPL-2.0-only
"""Which files a run leaves at the top of its directory. To add a format, add it here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from harness.model.record import Record, RunInfo
from harness.reports import html, jsonfile, junit, text


def write_while_running(directory: Path, info: RunInfo, records: Sequence[Record]) -> None:
    """After every record: what somebody has who pulls the plug."""
    jsonfile.write(directory / "report.json", info, records, complete=False)


def write_at_the_end(
    directory: Path, info: RunInfo, records: Sequence[Record], skipped: Mapping[str, int], complete: bool
) -> None:
    """complete: False for a run that was cut off. OSError if one cannot be written."""
    jsonfile.write(directory / "report.json", info, records, complete)
    junit.write(directory / "junit.xml", info, records)
    page = html.render(info, records, skipped, directory, complete)
    (directory / "report.html").write_text(page)
    lines = text.render(info, records, skipped, directory, colour=False)
    (directory / "summary.txt").write_text("\n".join(lines) + "\n")
