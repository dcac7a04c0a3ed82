# SPDX-License-Identifier: GPL-2.0-only
"""Which files a run leaves at the top of its directory. To add a format, add it here."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from harness.model.record import Delivery, Record, RunInfo
from harness.reports import html, jsonfile, junit, text


def write_at_the_end(directory: Path, info: RunInfo, records: Sequence[Record], delivery: Delivery) -> None:
    """OSError if one cannot be written."""
    jsonfile.write(directory / "report.json", info, records, delivery)
    junit.write(directory / "junit.xml", info, records, delivery)
    page = html.render(info, records, delivery, directory)
    (directory / "report.html").write_text(page)
    lines = text.render(info, records, delivery, directory, colour=False)
    (directory / "summary.txt").write_text("\n".join(lines) + "\n")
