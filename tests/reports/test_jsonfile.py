# SPDX-License-Identifier: GPL-2.0-only
"""report.json is what its schema says, and the schema says all that is in it."""

import dataclasses
import json

import jsonschema
import pytest
from delivered import whole

from harness.model.cpu import Mode
from harness.model.level_facts import Ended, InMode
from harness.model.outcome import Outcome
from harness.model.record import Delivery, KernelInfo, Record, RunInfo
from harness.model.verdict import Kind, Verdict
from harness.reports import jsonfile

KERNEL = KernelInfo("7.3", "debian:7.3", "7.3", "", "merged", "x")
INFO = RunInfo("2026-11-25T12:00:00+00:00", "kvmppc run", "", (KERNEL,), "QEMU", "QEMU", ("a note",))
P10 = Ended(Outcome.BOOTED, InMode(Mode.P10))
VERDICT = Verdict("L2 outcome", Kind.OK, P10, P10, right=True, any_kernel=P10, defect="known")
RECORD = Record(
    "7.3", "papr", "p11@p10", "l2p10", "l2", P10, (VERDICT,), "d", 1.5, "", {"boot": 2.0}
)  # fmt: skip
SHAPES = [("record", Record), ("verdict", Verdict), ("kernel", KernelInfo), ("run", RunInfo)]


def test_what_is_written_can_be_read(tmp_path):
    for delivery in (whole([RECORD]), Delivery(False, 3, ("test_1", "test_2"))):
        jsonfile.write(tmp_path / "r", INFO, [RECORD], delivery)
        assert jsonfile.read(tmp_path / "r") == (INFO, [RECORD], delivery)


def test_the_schema_is_one():
    jsonschema.Draft202012Validator.check_schema(jsonfile.schema())


@pytest.mark.parametrize(("name", "kind"), SHAPES)
def test_the_schema_names_every_field(name, kind):
    properties = jsonfile.schema()["$defs"][name]["properties"]
    assert set(properties) == {field.name for field in dataclasses.fields(kind)}


def test_the_schema_knows_every_kind():
    definitions = jsonfile.schema()["$defs"]
    assert set(definitions["verdict"]["properties"]["kind"]["enum"]) == {each.value for each in Kind}


@pytest.mark.parametrize("change", [{"topic": ""}, {"seconds": -1.0}, {"l1": 11}])
def test_a_report_that_is_none_is_not_written(tmp_path, change):
    with pytest.raises(jsonschema.ValidationError):
        jsonfile.write(tmp_path / "r", INFO, [dataclasses.replace(RECORD, **change)], whole([RECORD]))
    assert not (tmp_path / "r").exists()


def test_another_version_is_refused(tmp_path):
    jsonfile.write(tmp_path / "r", INFO, [], whole([]))
    document = json.loads((tmp_path / "r").read_text())
    (tmp_path / "r").write_text(json.dumps({**document, "schema": 3}))
    with pytest.raises(ValueError, match="schema 3"):
        jsonfile.read(tmp_path / "r")
