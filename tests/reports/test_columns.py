# SPDX-License-Identifier: GPL-2.0-only
"""Columns and rows, where there is an L0 as well."""

import json

from delivered import whole
from quoting import answer, quoted

from harness.model.comparison import compare
from harness.model.record import KernelInfo, Record, RunInfo
from harness.model.verdict import Kind
from harness.reports import columns, jsonfile
from harness.reports import compare_table as comparison


def record(kernel, topic, observed, l2="", l0="7.2", topology="pnv11"):
    verdicts = (
        quoted(f"{topic} boots", Kind.OK, "fine", "fine", right=True),
        quoted(f"{topic} answer", Kind.OK, observed, observed, right=observed == "new"),
    )
    return Record(kernel, topology, "p11@p10", l2, topic, answer(observed), verdicts, "", l0=l0)


def side_by_side(l0s=("7.2",)):
    topics = [("l2", "l2p9"), ("l2", "l2host"), ("arch_compat", ""), ("l1", ""), ("l0_caps", ""), ("l0", "")]
    records = [
        record(kernel, topic, said, l2, l0)
        for kernel, said in (("base", "old"), ("series", "new"))
        for l0 in l0s
        for topic, l2 in topics
    ]
    info = KernelInfo("base", "debian:6.12", "6.12", "", "none", True)
    return comparison.text(info, info, compare(records, "base", "series"), 80, False)


def test_columns_go_from_the_outer_level_to_the_inner_one_and_from_new_modes_to_old():
    found = columns.ordered([("l2", "l2p9"), ("l2", "l2host"), ("l1", ""), ("l0_caps", ""), ("l1", "")])
    assert [columns.heading(each) for each in found] == ["L0 caps", "L1", "L2 host", "max=P9"]


def test_a_comparison_has_the_columns_of_an_l0():
    lines = side_by_side()
    assert [cell.strip() for cell in lines[3].split("|")] == [
        "L1 setting", "L0", "L0 caps", "L1", "arch_compat", "L2 host", "max=P9",
    ]  # fmt: skip
    assert lines[5].startswith("pnv11 P11 as P10 ")


def test_two_l0_kernels_are_two_rows_and_two_l1s():
    lines = side_by_side(("7.2", "7.3"))
    assert [line.split("|")[0].strip() for line in lines[5:7]] == [
        "pnv11 P11 as P10 on 7.2",
        "pnv11 P11 as P10 on 7.3",
    ]
    assert "In 2 L1s: " in lines[-1]


def test_a_comparison_is_whole_in_a_narrow_terminal():
    text = "\n".join(side_by_side())
    assert all(word in text for word in ("l1 answer", "old -> new fixed", "max=P9")) and "\u2026" not in text


def test_a_report_from_before_there_was_an_l0_can_be_read(tmp_path):
    info = RunInfo(
        started="", command="", options="", qemu="", l1_qemu="", kernels=(), l0_kernels=(), notes=(),
    )  # fmt: skip
    jsonfile.write(tmp_path / "new.json", info, [], whole([]))
    document = json.loads((tmp_path / "new.json").read_text())
    del document["run"]["l0_kernels"]
    (tmp_path / "old.json").write_text(json.dumps(document))
    assert jsonfile.read(tmp_path / "old.json")[0] == info
