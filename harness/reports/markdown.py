# SPDX-License-Identifier: GPL-2.0-only
"""The run for a mail, a merge request or a CI job's summary page."""

from __future__ import annotations

from collections.abc import Sequence

from harness.model.record import Delivery, Record, RunInfo
from harness.model.verdict import TROUBLE
from harness.reports import columns
from harness.reports.failures import repeat_command
from harness.reports.sentences import expected_of, observed_of
from harness.reports.short import cell
from harness.reports.shortfall import trouble_of


def lines(info: RunInfo, records: Sequence[Record], delivery: Delivery) -> list[str]:
    trouble = trouble_of(delivery, records)
    found: list[str] = [f"**{trouble}**", ""] if trouble else []
    for kernel in info.kernels:
        mine = [record for record in records if record.kernel == kernel.label]
        if not mine:
            continue
        shown, rows = columns.arranged(mine, with_l0=True)
        found += [f"### kernel {kernel.label}: {kernel.release}, {kernel.judged}", ""]
        found.append(_row(["L1 setting", *(columns.heading(each) for each in shown)]))
        found.append("|---" * (len(shown) + 1) + "|")
        found += [_row([name, *(_cell(row.get(each)) for each in shown)]) for name, row in rows.items()]
        found.append("")
    failed = [record for record in records if record.kind in TROUBLE]
    for record in failed:
        found.append(f"- **{record.kind.mark}** {record.id} ({record.topic})")
        for verdict in record.verdicts:
            if verdict.kind is record.kind:
                found.append(
                    f"  - {verdict.check}: expected `{expected_of(verdict)}`, "
                    f"observed `{observed_of(verdict)}`"
                    + (f", proof `{verdict.proof}`" if verdict.proof else "")
                )
        found.append(f"  - again: `{repeat_command(record, info)}`")
        found += [f"  - note: {note}" for note in record.notes]
    if not failed and not trouble:
        found.append("All is as expected.")
    return [*found, "", f"QEMU {info.qemu}; in L1: {info.l1_qemu}. `{info.command}`"]


def _cell(record: Record | None) -> str:
    if record is None:
        return ""
    words = f"{cell(record.answer, abbreviated=True)} {record.kind.mark}".strip()
    return f"**{words}**" if record.kind in TROUBLE else words


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(each.replace('|', chr(92) + '|') for each in cells)} |"
