# SPDX-License-Identifier: GPL-2.0-only
"""What counts as fixed, broken and changed; which patch turns what."""

import dataclasses
import json
from pathlib import Path

import pytest

from harness.model import behaviour as b
from harness.model import oracle_arch_compat, oracle_caps, oracle_l2
from harness.model.boundaries import Boundary, histories, kind_at
from harness.model.comparison import Change, compare, counts, groups
from harness.model.cpu import GuestMode, Mode
from harness.model.observation import Boot, Probe
from harness.model.outcome import Outcome
from harness.model.record import KernelInfo, Record, RunInfo
from harness.model.scenario import L1Setting, L2Setting
from harness.model.topology import NestedApi
from harness.model.verdict import Kind, Verdict
from harness.reports import boundaries as boundaries_report
from harness.reports import comparison as comparison_report
from harness.reports.short import short

DATA = Path(__file__).parent.parent / "data"
L1 = L1Setting.parse("p11@p10")


def probe(name):
    return Probe.from_json(json.loads((DATA / f"probe-{name}.json").read_text()))


def record(kernel, topic, verdicts, *, l2="", summary="", topology="papr", l1="p11@p10"):
    return Record(kernel, topology, l1, l2, topic, summary, tuple(verdicts), "x")


def up(kernel, kind=Kind.OK, topology="papr"):
    facts = [
        Verdict("L1 boots", kind, "booted", "booted", right=True),
        Verdict("L1 kernel", kind, kernel, kernel),
    ]
    return record(kernel, "l1", facts, topology=topology)


def l2(kernel, behaviour, boot, setting="host", topology="papr"):
    api = NestedApi.V2 if topology == "papr" else NestedApi.V1
    case = oracle_l2.Case(behaviour, api, L1, L2Setting.parse(setting), (11, 1, 3))
    verdict = oracle_l2.judge(case, boot)
    return record(kernel, "l2", [verdict], l2=f"l2{setting}", summary=boot.summary, topology=topology)


def booted(mode, raw=False):
    return Boot(Outcome.BOOTED, "marker", "", GuestMode(mode, raw))


LATE = Boot(Outcome.REFUSED_LATE, "run-refused", "")
EARLY = Boot(Outcome.REFUSED_EARLY, "compat-refused", "")


@pytest.mark.parametrize(
    ("before", "after", "change"),
    [
        (booted(Mode.P11), LATE, Change.FIXED),
        (booted(Mode.P11), EARLY, Change.FIXED),
        (booted(Mode.P11), booted(Mode.P10), Change.FIXED),
        (booted(Mode.P11), booted(Mode.P11, raw=True), Change.CHANGED),
        (booted(Mode.P11), booted(Mode.P11), Change.SAME),
        (LATE, booted(Mode.P11), Change.BROKEN),
        (LATE, EARLY, Change.CHANGED),
        (LATE, Boot(Outcome.PANIC, "x", ""), Change.BROKEN),
        (LATE, Boot(Outcome.HANG, "x", ""), Change.BROKEN),
        (LATE, Boot(Outcome.INFRASTRUCTURE, "x", ""), Change.UNKNOWN),
    ],
)
def test_an_l2_is_judged_by_what_any_kernel_should_do(before, after, change):
    """And not by what is expected of either kernel: here both are taken for one without the series."""
    cells = compare([l2("a", b.NONE, before), l2("b", b.NONE, after)], "a", "b")
    assert [cell.change for cell in cells] == [change]


def test_a_mode_l1_may_grant_that_is_refused_is_broken():
    cells = compare([l2("a", b.NONE, booted(Mode.P10), "p10"), l2("b", b.NONE, EARLY, "p10")], "a", "b")
    assert cells[0].change is Change.BROKEN


def probed(kernel, behaviour, seen, api=NestedApi.V2):
    key = (behaviour, api, Mode.P10)
    return [
        record(kernel, "caps", oracle_caps.judge(*key, seen), summary="x"),
        record(kernel, "arch_compat", oracle_arch_compat.judge(*key, seen)),
    ]


def test_recorded_kernels_with_and_without_the_series():
    before, after = probe("6.12-papr-p11@p10"), probe("7.3-papr-p11@p10")
    cells = compare([*probed("a", b.NONE, before), *probed("b", b.MERGED_SERIES, after)], "a", "b")
    changed = {
        fact.check: fact.change for cell in cells for fact in cell.facts if fact.change is not Change.SAME
    }
    assert changed == {
        "capability 250": Change.CHANGED,
        "ioctl merged": Change.CHANGED,
        "arch_compat P11": Change.FIXED,
    }


def test_a_wrong_bitmap_is_broken():
    right = probe("7.3-papr-p11@p10")
    merged = right.ioctl("merged")
    raw = bytearray.fromhex(merged.after)
    raw[23] |= 0x10
    wrong = dataclasses.replace(
        right,
        ioctls=tuple(
            dataclasses.replace(each, after=bytes(raw).hex()) if each is merged else each
            for each in right.ioctls
        ),
    )
    cells = compare([*probed("a", b.MERGED_SERIES, right), *probed("b", b.MERGED_SERIES, wrong)], "a", "b")
    assert [cell.change for cell in cells] == [Change.BROKEN, Change.SAME]


def test_an_l1_that_does_not_come_up_is_broken_and_the_rest_unanswered():
    down = record("b", "l1", [Verdict("L1 boots", Kind.FAIL, "booted", "panic")])
    skipped = record("b", "l2", [Verdict("L1 is up", Kind.SKIP, "", "")], l2="l2host")
    cells = compare([up("a"), l2("a", b.NONE, LATE), down, skipped], "a", "b")
    assert [cell.change for cell in cells] == [Change.BROKEN, Change.UNKNOWN]


def test_kernels_that_differ_in_their_name_alone_are_the_same():
    assert counts(compare([up("a"), up("b")], "a", "b"))[Change.SAME] == 1


def test_the_same_change_on_both_apis_is_told_once():
    records = []
    for topology in ("papr", "hv"):
        records += [
            l2("a", b.NONE, booted(Mode.P11), topology=topology),
            l2("b", b.MERGED_SERIES, LATE, topology=topology),
        ]
    cells = compare(records, "a", "b")
    assert [group.places for group in groups(cells)] == [("papr, hv P11 as P10",)]
    kernels = [KernelInfo(label, f"debian:{label}", "7.3", "", "none", "i") for label in "ab"]
    info = RunInfo("now", "", "", tuple(kernels), "11.1.3", "11.1.2", ())
    plain = "\n".join(comparison_report.text(*kernels, cells, 120, False))
    mail = comparison_report.markdown(info, *kernels, cells)
    for text in (plain, "\n".join(mail)):
        assert "2 L2 boots: 2 fixed, 0 broken, 0 changed, 0 same" in text
        assert "papr, hv P11 as P10" in text
    assert all(line.isascii() for line in mail)


def test_behaviour_after_each_patch():
    turns = [{}, {"refusal": "clean"}, {"revision": "v1"}, {"serves": ["v2"]}, {"serves": ["v1", "v2"]}]
    after = [b.after_patches(b.NONE, "s", turns[:count]) for count in range(6)]
    assert [each.refusal for each in after] == [b.Refusal.NONE] * 2 + [b.Refusal.CLEAN] * 4
    assert [each.revision is None for each in after] == [True] * 3 + [False] * 3
    assert [len(each.served) for each in after] == [0, 0, 0, 0, 1, 2]
    for wrong in ({"refuse": "clean"}, {"refusal": "maybe"}, {"serves": ["v3"]}):
        with pytest.raises((KeyError, ValueError)):
            b.after_patches(b.NONE, "s", [wrong])


@pytest.mark.parametrize(
    ("served", "api", "errno", "kind"),
    [
        ((), NestedApi.V2, 25, Kind.OK),  # ENOTTY: wired, with nothing behind it
        ((), NestedApi.V2, 22, Kind.FAIL),
        ((NestedApi.V1,), NestedApi.V2, 22, Kind.OK),  # EINVAL: the other API has an answer
        ((NestedApi.V1,), NestedApi.V2, 25, Kind.FAIL),
        ((NestedApi.V2,), NestedApi.V2, 22, Kind.FAIL),
    ],
)
def test_half_a_series_is_judged_as_that(served, api, errno, kind):
    seen = probe("6.12-papr-p11@p10")
    answers = tuple(
        dataclasses.replace(each, errno=errno) if each.name == "v1" else each for each in seen.ioctls
    )
    half = dataclasses.replace(b.V1_SERIES, served=served)
    verdicts = oracle_caps.judge(half, api, Mode.P10, dataclasses.replace(seen, ioctls=answers))
    assert next(each for each in verdicts if each.check == "ioctl v1").kind is kind


def test_the_table_of_a_series_shows_what_each_patch_turns():
    found = [
        Boundary(0, "base", "k0"),
        Boundary(1, "first", "", "does not build: x.c:1"),
        Boundary(2, "second", "k2"),
    ]
    records = [up("k0"), l2("k0", b.NONE, booted(Mode.P11)), up("k2"), l2("k2", b.MERGED_SERIES, LATE)]
    turned = histories(found, records)
    assert [(each.answers, each.where) for each in turned] == [
        (("booted as P11", None, "refused late"), ("L2 -cpu host: papr P11 as P10",))
    ]
    assert [turned[0].turned(number) for number in range(3)] == [False, False, True]
    assert [kind_at(each, records) for each in found] == [Kind.DEFECT, Kind.FAIL, Kind.OK]
    text = "\n".join(boundaries_report.text(found, turned, records, True, 120, False))
    assert "no build FAIL" in text and "late" in text and "FAIL patch 1: does not build: x.c:1" in text


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ("-1 ENOTTY, 0 bytes changed", "ENOTTY"),
        ("-1 ENOTTY, 3 bytes changed", "-1 ENOTTY, 3 bytes changed"),
        ("0, caps 0x6000000000000000 (P9 P10), size 24", "P9 P10"),
        ("0, caps 0x6000000000000000 (P9 P10), flags 0x1", "0, caps 0x6000000000000000 (P9 P10), flags 0x1"),
        ("0x7000000000000000", "0x7000..."),
        ("refused late", "late"),
    ],
)
def test_short_words_hide_nothing_odd(words, wanted):
    assert short(words) == wanted
