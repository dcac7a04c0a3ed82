# SPDX-License-Identifier: GPL-2.0-only
"""A title that allows nothing is named, and one that allowed something is not."""

import json

import pytest
from fakelevels import well
from quoting import quoted

from harness.engine.unused_allowances import unused_allowances
from harness.model.looks import Look
from harness.model.observation import boot_to_json
from harness.model.record import Record
from harness.model.splat import Splat
from harness.model.verdict import Kind

SPLAT = Splat("WARNING in x", "WARNING: x.c:1")


@pytest.fixture
def run(tmp_path):
    (tmp_path / "7.3-papr-p11/l2p10").mkdir(parents=True)
    looks = [Look("L1", "during l2p10", True, 512, (SPLAT,)).to_json()]
    (tmp_path / "7.3-papr-p11/looks.json").write_text(json.dumps(looks))
    guest = boot_to_json(well(splats=(Splat("BUG: y", "BUG: y"),)))
    (tmp_path / "7.3-papr-p11/l2p10/observation.json").write_text(json.dumps(guest))
    return tmp_path


@pytest.mark.parametrize(
    ("title", "used"),
    [
        ("WARNING in x", True), ("BUG: y", True), ("WARNING in", False),
        ("WARNING in x (during l2p10)", False),
        ("BUG: z", True), ("taint W (WARNING)", True), ("p10", False),
    ],
)  # fmt: skip
def test_a_title_is_used_as_a_whole_or_not(run, title, used):
    judged = quoted("L2 health", Kind.FAIL, "no complaint", "BUG: z", titles=("BUG: z",))
    record = Record("7.3", "papr", "p11", "l2p10", "l2", None, (judged,), "7.3-papr-p11/l2p10")
    assert unused_allowances([title], [record], run) == ([] if used else [title])


def test_files_that_are_damaged_show_nothing(run):
    (run / "7.3-papr-p11/looks.json").write_text("{")
    assert unused_allowances(["WARNING in x"], [], run) == ["WARNING in x"]
