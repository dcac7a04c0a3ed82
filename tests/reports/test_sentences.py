# SPDX-License-Identifier: GPL-2.0-only
"""Sentences are the reports' alone: what they are changes no verdict, comparison, signature, boundary or exit
code, and of none it decides anything."""

import itertools
import json
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from delivered import whole

from harness.avocado import runner
from harness.commands import compare as comparing
from harness.commands import each_patch, mutants
from harness.commands import report as reporting
from harness.engine.checks import fact_of
from harness.engine.judging import Judge, KernelFacts
from harness.features.compat_caps import behaviour as b
from harness.features.compat_caps.conformance import TOPICS, SuiteEvidence, judged
from harness.features.compat_caps.oracle_ioctl import Subject
from harness.features.compat_caps.suite import Answers
from harness.health.cause import Loss
from harness.health.oracle_health import Allowed, judge_level
from harness.health.oracle_loss import judge_loss
from harness.model.bisect_decision import Agreement, decide
from harness.model.boundaries import Boundary, histories, kind_at
from harness.model.comparison import Change, compare, groups
from harness.model.cpu import GuestMode, Mode
from harness.model.fact import Fact, Hex, registered
from harness.model.facts import Errno, KernelNotKnown, Number, Quote
from harness.model.level_facts import Ended, InMode
from harness.model.looks import Look
from harness.model.observation import Boot, End, LevelObservation, Probe
from harness.model.outcome import Outcome, Side
from harness.model.record import KernelInfo, Record, RunInfo, exit_code
from harness.model.scenario import L1Setting, L2Setting, Placement
from harness.model.signature import of_check, of_scenario, of_splat, titles_of
from harness.model.splat import Splat
from harness.model.topology import NestedApi, topology
from harness.model.verdict import Kind, worst
from harness.parts.mutant_catalogue import Mutant
from harness.reports import factschema, formats, jsonfile, sentences, short
from harness.reports.mutant_table import Catch
from harness.reports.sentences import expected_of, observed_of, say

FORMS = tuple(each.name for each in formats.FORMATS)

DATA = Path(__file__).parent.parent / "data"
L1 = L1Setting.parse("p11@p10")
SPLAT = Splat("WARNING in f", "WARNING: f", level="L1", when="during l2p10")

# label, expectation, whether it is sure, data of its probe and suite, how its L2s end
KERNELS = (
    ("6.12", b.NONE, True, "6.12", (Outcome.BOOTED, "marker", GuestMode(Mode.P11))),
    ("mine", b.NONE, False, "7.3", (Outcome.REFUSED_LATE, "run-refused", None)),
    ("wrong", b.MERGED_SERIES, True, "6.12", (Outcome.HANG, "silence", None)),
    ("7.3", b.MERGED_SERIES, True, "7.3", (Outcome.REFUSED_LATE, "run-refused", None)),
)
BOUNDARIES = [Boundary(number, label, label) for number, (label, *_) in enumerate(KERNELS)]


def loaded(name):
    return json.loads((DATA / f"{name}.json").read_text())


def records_of(label, behaviour, sure, data, end):
    """What one run of this kernel comes to, judged from what was recorded of some."""
    place = Placement(label, topology("papr"), L1)
    judge = Judge(place, KernelFacts(label, "b", behaviour, sure), None, (11, 1, 3))
    probe = Probe.from_json(loaded(f"probe-{data}-papr-p11@p10"))
    boot = Boot(Outcome.BOOTED, "ssh", "ready", GuestMode(Mode.P10), label, build_id="b", directory="l1")
    level = LevelObservation(place.full_id, boot, "v2", "kvm_hv", probe)
    outcome, rule, mode = end
    guest = Boot(
        outcome, rule, "the line", mode, label, build_id="b", directory="l2host", taint=0,
        end=End("hang" if label == "6.12" else "off", "it left", Side.KERNEL),
    )  # fmt: skip
    evidence = SuiteEvidence(
        Subject(behaviour, NestedApi.V2, Mode.P10), probe,
        Answers.from_json(loaded(f"suite-{data}-papr-p11@p10")), {}, sure,
    )  # fmt: skip
    looks = [Look("L1", "during l2p10", True, 0, (SPLAT,) if label == "wrong" else ())]
    lost = Loss(Side.KERNEL, Outcome.HANG, "stuck", "it never ends")
    found = [
        ("l1", "", *judge.l1(level)),
        ("caps", "", *judge.caps(level)),
        ("arch_compat", "", *judge.arch_compat(level)),
        *((topic, "", None, judged(evidence, TOPICS[topic])) for topic in TOPICS),
        ("l2", "l2host", *judge.l2(L2Setting.parse("host"), guest)),
        ("health", "", None, [
            judge_level("L1", looks, Allowed()), *([judge_loss("L1", "cap vm 250", lost)] * (label == "6.12"))
        ]),
    ]  # fmt: skip
    return [
        Record(label, "papr", L1.id, l2, topic, answer, tuple(verdicts), f"{place.full_id}/{l2 or 'l1'}")
        for topic, l2, answer, verdicts in found
    ]


def records():
    return [record for kernel in KERNELS for record in records_of(*kernel)]


INFO = RunInfo(
    "2026", "kvmppc run", "",
    tuple(KernelInfo(label, label, label, "", "x", label, sure) for label, _, sure, *_ in KERNELS),
    "QEMU", "QEMU", (),
)  # fmt: skip


def decided():
    """All that is decided about a run, from judging to the exit codes of commands."""
    every = records()
    by_kernel = {label: [each for each in every if each.kernel == label] for label, *_ in KERNELS}
    compared = {
        pair: compare(every, *pair) for pair in itertools.permutations((label for label, *_ in KERNELS), 2)
    }
    verdicts = [verdict for record in every for verdict in record.verdicts]
    ends = {label: of_scenario(mine) for label, mine in by_kernel.items()}
    checks = dict.fromkeys(each.check for each in verdicts)
    mutant = Mutant("m", "7.3", "s", "d", caught_by="L2 ends", title="hang")
    missed = Mutant("m", "7.3", "s", "d", caught_by="L2 ends", title="hangs")
    return {
        "verdicts": [(each.check, each.kind, each.right, each.titles, each.answered) for each in verdicts],
        "facts": [each.to_json() for each in verdicts],
        "kinds": [worst(each.verdicts) for each in every],
        "changes": [
            (pair, cell.topic, cell.change, [(each.check, each.change) for each in cell.checks])
            for pair, cells in compared.items()
            for cell in cells
        ],
        "groups": {
            pair: [(each.l2, each.difference.check, each.places) for each in groups(cells)]
            for pair, cells in compared.items()
        },
        "signatures": ends,
        "of checks": {
            (label, check): of_check(mine, check) for label, mine in by_kernel.items() for check in checks
        },
        "splats": [(of_splat(mine, SPLAT.title), titles_of(mine)) for mine in by_kernel.values()],
        "bisect": [
            decide([ends[each]], ends["7.3"].signature, ends["wrong"].signature, Agreement())
            for each in by_kernel
        ],
        "histories": [
            (each.where, each.kinds, [each.turned(number) for number in range(len(BOUNDARIES))])
            for each in histories(BOUNDARIES, every)
        ],
        "boundaries": [kind_at(each, every) for each in BOUNDARIES],
        "mutants": [Catch(each, mutants.failed(every), True).state for each in (mutant, missed)],
        "exit codes": [
            exit_code(every, whole(every)),
            *(exit_code(mine, whole(mine)) for mine in by_kernel.values()),
            *(comparing._exit_code(INFO, every, cells, whole(every)) for cells in compared.values()),
            *(each_patch.exit_code(BOUNDARIES, every, judged, whole(every)) for judged in (True, False)),
            *(runner._result(0, mine, whole(mine)) for mine in by_kernel.values()),
        ],
    }  # fmt: skip


@pytest.fixture
def reworded(monkeypatch):
    """Give each class of facts another sentence: by its name, or the same for all."""
    sentences.load_features()

    def reword(say_instead):
        for table in (sentences.SENTENCES, sentences.SHORT, short._GENERAL):
            for cls in list(table):
                monkeypatch.setitem(table, cls, say_instead(cls))

    return reword


@pytest.mark.parametrize(
    "say_instead",
    [
        lambda cls: lambda _fact, _say: f"something else of {cls.kind}",
        lambda _cls: lambda _fact, _say: "booted as hang",  # words that once were looked for
        lambda _cls: lambda fact, _say: f"{fact!r} (known defect: none)",
    ],
)
def test_what_a_sentence_is_decides_nothing(reworded, say_instead):
    before, words = decided(), rendered()
    reworded(say_instead)
    assert decided() == before
    # It was reworded, in every format but the one that has no sentences.
    now = rendered()
    assert {form for form in words if now[form] != words[form]} == set(FORMS) - {"json"}
    assert now["json"] == words["json"]


def test_what_is_decided_is_not_all_the_same():
    """Else the test above would prove nothing."""
    found = decided()
    assert {kind for _, kind, *_ in found["verdicts"]} >= {Kind.OK, Kind.FAIL, Kind.DEFECT, Kind.SKIP}
    assert {each for *_, checks in found["changes"] for _, each in checks} == set(Change)
    assert len({each.signature for each in found["signatures"].values()}) == 3
    assert found["histories"] and len(set(found["mutants"])) == 2
    assert {0, 1} <= set(found["exit codes"][: 1 + len(KERNELS)])


def rendered():
    every = records()
    saved = reporting.Saved(Path("/nowhere"), INFO, every, whole(every))
    return {
        form: formats.format_of(form).render(
            formats.Reported(saved.info, saved.records, saved.delivery, saved.path)
        )
        for form in FORMS
    }


# -- each fact -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Foreign(Fact):
    """Of a package that has no sentences."""

    kind = "test-foreign-key"

    value: Hex
    cpu_number: int
    read: bool = False
    more: Fact | None = None
    list: tuple[int, ...] = ()


def test_a_fact_without_a_sentence_is_told_by_its_fields():
    assert say(Foreign(0x12, 3)) == (
        "test foreign key: value 0x12, cpu number 3, read no, more none, list none"
    )
    full = Foreign(1, 0, True, Errno(22), (1, 2))
    assert say(full) == "test foreign key: value 0x1, cpu number 0, read yes, more EINVAL, list 1 2"
    assert short.short(full) == short.cell(full) == say(full)
    gone = Fact.from_json({"fact": "gone-with-its-package", "value": "0x7"})
    assert say(gone) == "gone with its package: value 0x7"

    @dataclass(frozen=True)
    class Bare(Fact):
        kind = "test-bare"

    assert say(Bare()) == "test bare"


def test_nothing_is_said_of_nothing():
    assert say(None) == short.short(None) == short.cell(None) == ""


def test_each_fact_of_ours_has_a_sentence():
    sentences.load_features()
    ours = {cls for cls in registered().values() if cls.__module__.startswith("harness.")}
    assert ours == {cls for cls in sentences.SENTENCES if cls in ours} and len(ours) > 80


def test_a_known_defect_is_told_with_what_is_expected():
    every = [each for record in records() for each in record.verdicts]
    defect = next(each for each in every if each.kind is Kind.DEFECT and each.check == "arch_compat P11")
    assert (expected_of(defect), defect.defect) == (
        f"0, stored (known defect: {defect.defect})", "a mode above L1's is accepted",
    )  # fmt: skip
    assert expected_of(replace(defect, defect="")) == observed_of(defect) == "0, stored"


# -- the schema ------------------------------------------------------------------------------


def test_the_schema_describes_each_fact():
    path = Path(factschema.__file__).with_name("report.schema.json")
    text = path.read_text()
    assert factschema.text(factschema.with_facts(json.loads(text))) == text, (
        "run python -m harness.reports.factschema"
    )


def test_a_report_is_as_its_whole_schema_says():
    import jsonschema

    # One verdict of each pair of kinds: the schema tries each fact with each kind.
    every = records()
    kinds = {
        (type(each.expected), type(each.observed)): (record, each)
        for record in every
        for each in record.verdicts
    }
    few = [replace(record, verdicts=(verdict,)) for record, verdict in kinds.values()]
    validator = jsonschema.Draft202012Validator(jsonfile.schema())
    document = jsonfile.document(INFO, few, whole(few))
    validator.validate(document)
    assert len(few) > 30
    document["records"] = document["records"][:1]
    for wrong in ({"fact": "ended", "outcome": "boots"}, {"fact": "quote"}, {"outcome": "booted"}, "booted"):
        document["records"][0]["verdicts"][0]["observed"] = wrong
        assert not validator.is_valid(document)
    # A kind of another package's is taken as it is.
    document["records"][0]["verdicts"][0]["observed"] = {"fact": "of-another", "value": 1}
    validator.validate(document)


# -- older reports ---------------------------------------------------------------------------


def test_a_report_of_schema_1_has_quotes_for_its_sentences():
    _, old, _ = jsonfile.read(DATA / "report-schema-1.json")
    document = loaded("report-schema-1")
    for record, before in zip(old, document["records"], strict=True):
        assert (say(record.answer), record.topic) == (before["summary"], before["topic"])
        for verdict, was in zip(record.verdicts, before["verdicts"], strict=True):
            assert verdict.kind.value == was["kind"]
            assert (expected_of(verdict), observed_of(verdict)) == (was["expected"], was["observed"])
            assert say(verdict.any_kernel) == was["any_kernel"]
    facts = {type(each.expected) for record in old for each in record.verdicts}
    assert facts == {Quote, KernelNotKnown}
    defects = {each.defect for record in old for each in record.verdicts if each.kind is Kind.DEFECT}
    assert defects == {
        "a mode above L1's is accepted", "L2 runs in a mode above L1's; TCG lets it, PowerVM would not",
    }  # fmt: skip
    # What is not judged on a kernel of which nothing is known was answered all the same.
    skipped = [each for record in old for each in record.verdicts if each.kind is Kind.SKIP]
    assert [each.answered for each in skipped] == [
        isinstance(each.expected, KernelNotKnown) for each in skipped
    ]
    assert {each.answered for each in skipped} == {True, False}


@pytest.mark.parametrize("form", FORMS)
def test_a_report_of_schema_1_is_reported(form):
    shown: list[str] = []
    path = DATA / "report-schema-1.json"
    assert reporting.report([str(path)], form, "", False, shown.append, shown.append, False) == 1
    assert "L2 outcome" in shown[0] or form == "text"
    assert "known defect" in shown[0] or form in ("text", "markdown", "ktap")
    if form == "json":
        assert json.loads(shown[0])["schema"] == jsonfile.SCHEMA


# -- what a test claims ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "fact"),
    [
        (Errno(22), Errno(22)),
        (Mode.P10, InMode(Mode.P10)),
        (GuestMode(Mode.P9, raw=True), InMode(Mode.P9, raw=True)),
        (Outcome.PANIC, Ended(Outcome.PANIC)),
        (7, Number(7)),
        (True, Quote("True")),
        ("P10", Quote("P10")),
        (None, Quote("None")),
    ],
)
def test_a_value_that_a_test_gives_becomes_a_fact(value, fact):
    assert fact_of(value) == fact
