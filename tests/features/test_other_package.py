# SPDX-License-Identifier: GPL-2.0-only
"""A feature in a package of somebody else's: registered by its entry point alone, it is in every report, in a
comparison and in a bisect's result."""

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from xml.etree import ElementTree

import plans
import pytest
from astests import AsTests
from fakelevels import Level, setup

from harness import features
from harness.engine.about import About
from harness.engine.checks import Checks
from harness.engine.handles import L1Handle
from harness.engine.running_l1 import RunningL1
from harness.model.comparison import Change, compare
from harness.model.record import Delivery, RunInfo
from harness.model.signature import of_check
from harness.model.verdict import Kind
from harness.reports import columns, html, jsonfile, junit, ktap, text

KERNELS = tuple(plans.planned_kernel(each, f"debian:{each}").info for each in ("7.2", "7.3"))
INFO = RunInfo("2026-11-26", "kvmppc run", "", KERNELS, "QEMU 11.1.3", "11.1.3", ())
PACKAGE = Path(__file__).parent.parent / "data/otherfeature"


@pytest.fixture(autouse=True)
def installed(monkeypatch):
    """As if it had been installed beside us."""
    monkeypatch.syspath_prepend(str(PACKAGE))
    features.all_features.cache_clear()
    columns._headings.cache_clear()
    yield
    features.all_features.cache_clear()
    columns._headings.cache_clear()


def test_it_is_found_and_is_small():
    assert [each.name for each in features.all_features()][-1] == "smt"
    lines = [len(path.read_text().splitlines()) for path in PACKAGE.rglob("*") if path.is_file()
             and "__pycache__" not in path.parts]  # fmt: skip
    assert sum(lines) <= 100


def record(directory, kernel, threads):
    """Of an L1 that answers so."""
    placement = replace(setup().placement, kernel=kernel)
    planned = replace(
        plans.planned_kernel(kernel, f"debian:{kernel}", SimpleNamespace(l1_qemu=(11, 1, 3))),
        expected={each.name: each.expect(None) for each in features.all_features()[-1:]}
        | plans.planned_kernel(kernel, "x").expected,
    )
    environment = SimpleNamespace(
        plan=SimpleNamespace(
            kernels={kernel: planned}, l0_kernel=lambda place: None, no_workaround=(), allow_splat=()
        ),
        lacks=lambda place: "", circumstances=lambda place: {}, damage=lambda place: "",
        qemu_version=(11, 1, 3),
        levels=lambda place, directories, boot, **more: (Level("L1", directories[-1], boot),),
    )  # fmt: skip
    running = AsTests(RunningL1(placement, environment, "key", directory))
    running.record_of_l1()
    running._levels.innermost.answers = lambda question: (
        {"value": threads} if threads else {"trouble": "gone"}
    )
    about = About("smt")
    checks = Checks(about)
    found = running.record(
        about, lambda: checks.of(lambda: checks.verdicts(L1Handle(running).feature("smt")))
    )
    running.stop()
    return found


@pytest.fixture
def both(tmp_path):
    return [record(tmp_path / "a", "7.2", 8), record(tmp_path / "b", "7.3", 4)]


def test_its_oracle_judges_what_l1_answered(both, tmp_path):
    assert [each.kind for each in both] == [Kind.OK, Kind.FAIL]
    saved = json.loads((tmp_path / "a/7.2-papr-p11@p10/l1/answers-smt.json").read_text())
    assert saved["asked"] == {"cap vm 64": {"value": 8}}
    assert record(tmp_path / "c", "7.3", 0).kind is Kind.UNKNOWN, "no answer is no success"


def test_it_is_in_every_report(both, tmp_path):
    info, delivery = INFO, Delivery(True, 2)
    shown = "\n".join(text.render(info, both, delivery, tmp_path, colour=False))
    assert "threads" in shown
    page = html.render(info, both, delivery, tmp_path)
    assert "threads" in page and "threads of a core" in page
    xml = ElementTree.fromstring(junit.render(info, both, delivery))
    assert any("smt" in case.get("name") for case in xml.iter("testcase"))
    assert any("threads of a core" in line for line in ktap.lines(both, delivery))
    # Its fact has no sentence of its own.
    assert "expected: smt threads: of a core 8" in shown and "observed: smt threads: of a core 4" in shown


def test_its_facts_are_in_the_report_and_read_again(both, tmp_path):
    jsonfile.write(tmp_path / "report.json", INFO, both, Delivery(True, 2))
    _, again, _ = jsonfile.read(tmp_path / "report.json")
    assert again == both
    assert json.loads((tmp_path / "report.json").read_text())["records"][1]["verdicts"][0]["observed"] == {
        "fact": "smt-threads", "of_a_core": 4,
    }  # fmt: skip


def test_it_is_compared_and_bisected(both):
    (cell,) = compare(both, "7.2", "7.3")
    assert (cell.topic, cell.change) == ("smt", Change.BROKEN)
    seen = [of_check([each], "threads of a core") for each in both]
    assert [each.right for each in seen] == [True, False]
    assert [each.signature for each in seen] == [
        f"threads of a core: smt-threads({number})" for number in (8, 4)
    ]
