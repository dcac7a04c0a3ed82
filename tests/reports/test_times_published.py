# SPDX-License-Identifier: GPL-2.0-only
"""Times by level and phase; the author's rows beside ours."""

import io

import pytest
from quoting import answer, quoted

from harness.features.compat_caps.published_rows import ROWS
from harness.model.matrix import Selection, expand, matrix, parse_id
from harness.model.record import Record
from harness.model.verdict import Kind
from harness.reports import author_table as published
from harness.reports import terminal, times


def record(topic, kind=Kind.OK, l2="", l0="7.2", topology="pnv11", l1="p11@p10", summary="", **phases):
    verdict = quoted("check", kind, "this", "that")
    return Record("7.3", topology, l1, l2, topic, answer(summary), (verdict,), "", l0=l0, phases=phases)


def text(render, records):
    target = io.StringIO()
    render(records, terminal.console(target, 200, False))
    return target.getvalue()


def test_times_are_medians_of_what_ended_as_expected():
    records = [
        record("l0", boot=2.0, probe=1.0),
        record("l0", boot=4.0),
        record("l0", boot=3.0),
        record("l1", Kind.FAIL, boot=120.0),
        record("l2", l0="", topology="hv", l2="l2host", boot=5.0),
    ]
    rows = [line.split("|") for line in text(times.render, records).splitlines()]
    lines = {name.strip(): cells for name, *cells in rows}
    assert [cell.strip() for cell in lines["L0 boot"]] == ["3.0", ""]
    assert [cell.strip() for cell in lines["L0 probe"]] == ["1.0", ""]
    assert [cell.strip() for cell in lines["L2 boot"]] == ["", "5.0"]
    assert "L1 boot" not in lines


def test_a_run_without_an_l0_does_not_speak_of_published_rows():
    assert text(published.render, [record("l2", l2="l2host", l0="", topology="hv")]) == ""


def test_each_published_row_is_shown_or_says_why_not():
    records = [
        record("l2", l2="l2p10", summary="P10"),
        record("l2", Kind.FAIL, l2="l2host", l1="p11", summary="hang"),
    ]
    shown = text(published.render, records)
    assert "P10 ok" in shown
    assert "hang FAIL" in shown
    assert shown.count("cannot be shown") == sum(not row.scenario for row in ROWS)
    assert "PowerVM's firmware is not public" in shown


@pytest.mark.parametrize("row", [row for row in ROWS if row.scenario], ids=lambda row: row.scenario)
def test_the_powernv_matrix_has_each_row_that_can_be_shown(row):
    parse_id(row.scenario)
    scenarios = expand(matrix("powernv"), ["k"], ["l0"], Selection())
    assert row.scenario in [each.id for each in scenarios]


def test_what_cannot_be_shown_has_a_reason():
    assert all(row.reason for row in ROWS if not row.scenario)
