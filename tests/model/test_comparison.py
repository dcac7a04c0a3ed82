# SPDX-License-Identifier: GPL-2.0-only
"""What counts as fixed, broken and changed; which patch turns what."""

import dataclasses
import json
from pathlib import Path

import pytest
from delivered import cut_off, whole
from quoting import quoted

from harness.commands.each_patch import exit_code
from harness.features.compat_caps import behaviour as b
from harness.features.compat_caps import oracle_arch_compat, oracle_caps, oracle_l2
from harness.features.compat_caps.facts import CompatCaps
from harness.model import oracle_level
from harness.model.boundaries import Boundary, broken_at, control_at, histories, kind_at
from harness.model.comparison import Change, compare, counts, groups
from harness.model.cpu import GuestMode, Mode
from harness.model.facts import Bitmap, NotKnown, Quote, Refusal
from harness.model.level_facts import Ended, InMode
from harness.model.observation import Boot, LevelObservation, Probe
from harness.model.outcome import Outcome
from harness.model.record import KernelInfo, Record, RunInfo
from harness.model.scenario import L1Setting, L2Setting, Placement
from harness.model.topology import NestedApi, topology
from harness.model.verdict import Kind, by_any_kernel
from harness.reports import compare_table as comparison_report
from harness.reports import patch_table as boundaries_report
from harness.reports.short import cell, short

DATA = Path(__file__).parent.parent / "data"
L1 = L1Setting.parse("p11@p10")


def probe(name):
    return Probe.from_json(json.loads((DATA / f"probe-{name}.json").read_text()))


def record(kernel, topic, verdicts, *, l2="", answer=None, topology="papr", l1="p11@p10"):
    return Record(kernel, topology, l1, l2, topic, answer, tuple(verdicts), "x")


def up(kernel, kind=Kind.OK, topology="papr"):
    facts = [
        quoted("L1 boots", kind, "booted", "booted", right=True),
        quoted("L1 kernel", kind, kernel, kernel),
    ]
    return record(kernel, "l1", facts, topology=topology)


def l2(kernel, behaviour, boot, setting="host", topology="papr"):
    api = NestedApi.V2 if topology == "papr" else NestedApi.V1
    case = oracle_l2.Case(behaviour, api, L1, L2Setting.parse(setting), (11, 1, 3))
    verdict = oracle_l2.judge(case, boot)
    return record(kernel, "l2", [verdict], l2=f"l2{setting}", answer=boot.ended, topology=topology)


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
        # "failed to initialize kvm" is no refusal of a mode.
        (LATE, Boot(Outcome.QEMU_ERROR, "qemu", ""), Change.BROKEN),
        (booted(Mode.P11), Boot(Outcome.QEMU_ERROR, "qemu", ""), Change.CHANGED),
        (LATE, Boot(Outcome.REFUSED_LATE, "guest-wide-refused", ""), Change.SAME),
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
        record(kernel, "caps", oracle_caps.judge(*key, seen), answer=Quote("x")),
        record(kernel, "arch_compat", oracle_arch_compat.judge(*key, seen)),
    ]


def test_recorded_kernels_with_and_without_the_series():
    before, after = probe("6.12-papr-p11@p10"), probe("7.3-papr-p11@p10")
    cells = compare([*probed("a", b.NONE, before), *probed("b", b.MERGED_SERIES, after)], "a", "b")
    changed = {
        fact.check: fact.change for cell in cells for fact in cell.checks if fact.change is not Change.SAME
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
    down = record("b", "l1", [quoted("L1 boots", Kind.FAIL, "booted", "panic")])
    skipped = record("b", "l2", [quoted("L1 is up", Kind.SKIP, "", "")], l2="l2host")
    cells = compare([up("a"), l2("a", b.NONE, LATE), down, skipped], "a", "b")
    assert [cell.change for cell in cells] == [Change.BROKEN, Change.UNKNOWN]


def test_an_l1_in_the_wrong_mode_is_broken():
    def l1(kernel, mode):
        boot = Boot(Outcome.BOOTED, "marker", "", GuestMode(mode), kernel, build_id=kernel)
        seen = LevelObservation("x", boot, "v2")
        placement = Placement(kernel, topology("papr"), L1)
        return record(kernel, "l1", oracle_level.judge_l1(placement, kernel, kernel, seen))

    cells = compare([l1("a", Mode.P10), l1("b", Mode.P11)], "a", "b")
    assert {fact.check: fact.change for fact in cells[0].checks if fact.change is not Change.SAME} == {
        "L1 mode": Change.BROKEN
    }
    cells = compare([l1("a", Mode.P11), l1("b", Mode.P10)], "a", "b")
    assert cells[0].change is Change.FIXED


@pytest.mark.parametrize("kind", [Kind.INFRASTRUCTURE, Kind.UNKNOWN, Kind.SKIP])
def test_what_was_not_proven_is_no_answer(kind):
    lost = record("b", "caps", [quoted("capability 250", kind, "1", "1", right=True)])
    before = record("a", "caps", [quoted("capability 250", Kind.OK, "1", "0", right=False)])
    assert [cell.change for cell in compare([before, lost], "a", "b")] == [Change.UNKNOWN]


def test_a_kernel_of_which_nothing_is_known_is_compared_by_what_it_answered():
    """Checks that are not judged have answers, and may be all there is in a record."""

    def one(kernel, observed, right=None):
        verdict = quoted("ioctl v4", Kind.FAIL, "x", observed, right=right)
        return record(kernel, "caps", by_any_kernel([verdict]))

    cells = compare([one("a", "ENOTTY"), one("b", "EINVAL")], "a", "b")
    assert cells[0].change is Change.CHANGED
    cells = compare([one("a", "ENOTTY", True), one("b", "EINVAL", False)], "a", "b")
    assert cells[0].change is Change.BROKEN


# -- splats ----------------------------------------------------------------------------------

WARN, OOPS = "WARNING in kvmppc_vcpu_run_hv", "BUG: NULL dereference in kvmppc_set_arch_compat"


def health(kernel, *titles, kind=None, topic="l1", l2="", topology="papr"):
    kind = kind or (Kind.FAIL if titles else Kind.OK)
    verdict = quoted(
        "L1 health", kind, "no splat", ", ".join(titles) or "none", titles=titles, right=not titles
    )
    first = [quoted("L1 boots", Kind.OK, "booted", "booted", right=True)]
    return record(kernel, topic, [*first, verdict], l2=l2, topology=topology)


@pytest.mark.parametrize(
    ("before", "after", "changes"),
    [
        ((), (WARN,), {WARN: Change.BROKEN}),
        ((WARN,), (), {WARN: Change.FIXED}),
        ((WARN,), (WARN,), {WARN: Change.SAME}),
        ((WARN,), (OOPS,), {WARN: Change.FIXED, OOPS: Change.BROKEN}),
        ((WARN,), (OOPS, WARN), {WARN: Change.SAME, OOPS: Change.BROKEN}),
        ((), (), {}),
    ],
)
def test_a_splat_that_only_one_kernel_has(before, after, changes):
    cells = compare([health("a", *before), health("b", *after)], "a", "b")
    found = {fact.check: fact.change for fact in cells[0].checks if fact.check.startswith("L1 health: ")}
    assert found == {f"L1 health: {title}": change for title, change in changes.items()}
    expected = next((each for each in (Change.BROKEN, Change.FIXED) if each in changes.values()), Change.SAME)
    assert cells[0].change is expected


def test_a_splat_that_both_have_elsewhere_is_neither_broken_nor_fixed():
    cells = compare(
        [health("a", WARN), health("a", topology="hv"), health("b"), health("b", WARN, topology="hv")],
        "a",
        "b",
    )
    assert [cell.change for cell in cells] == [Change.CHANGED, Change.CHANGED]


@pytest.mark.parametrize("kind", [Kind.UNKNOWN, Kind.INFRASTRUCTURE, Kind.SKIP])
def test_health_that_was_not_proven_proves_no_splat_away(kind):
    for pair in ([health("a", WARN), health("b", kind=kind)], [health("a", kind=kind), health("b", WARN)]):
        cells = compare(pair, "a", "b")
        changes = {fact.change for fact in cells[0].checks if fact.check == f"L1 health: {WARN}"}
        assert changes == {Change.UNKNOWN}


def test_a_splat_is_told_though_all_else_was_lost():
    lost = quoted("L2 outcome", Kind.INFRASTRUCTURE, "booted", "infra")
    splat = quoted("L1 health", Kind.FAIL, "no splat", OOPS, titles=(OOPS,))
    fine = quoted("L1 health", Kind.OK, "no splat", "none")
    before = record("a", "l2", [*l2("a", b.NONE, LATE).verdicts, fine], l2="l2host")
    cells = compare([before, record("b", "l2", [lost, splat], l2="l2host")], "a", "b")
    assert cells[0].change is Change.BROKEN
    assert [(group.difference.check, group.difference.change) for group in groups(cells)][-1] == (
        f"L1 health: {OOPS}",
        Change.BROKEN,
    )
    kernels = [KernelInfo(label, f"debian:{label}", "7.3", "", "none", "i") for label in "ab"]
    assert OOPS in "\n".join(comparison_report.text(*kernels, cells, 200, False))
    info = RunInfo("now", "", "", tuple(kernels), "11.1.3", "11.1.2", ())
    assert OOPS in "\n".join(comparison_report.markdown(info, *kernels, cells))


def test_kernels_that_differ_in_their_name_alone_are_the_same():
    assert counts(compare([up("a"), up("b")], "a", "b"))[Change.SAME] == 1


def test_the_same_change_on_both_apis_is_told_once():
    records = []
    for where in ("papr", "hv"):
        records += [
            l2("a", b.NONE, booted(Mode.P11), topology=where),
            l2("b", b.MERGED_SERIES, LATE, topology=where),
        ]
    cells = compare(records, "a", "b")
    assert [group.places for group in groups(cells)] == [("papr, hv P11 as P10",)]
    kernels = [KernelInfo(label, f"debian:{label}", "7.3", "", "none", "i") for label in "ab"]
    info = RunInfo("now", "", "", tuple(kernels), "11.1.3", "11.1.2", ())
    plain = "\n".join(comparison_report.text(*kernels, cells, 120, False))
    mail = comparison_report.markdown(info, *kernels, cells)
    for text in (plain, "\n".join(mail)):
        assert "In 2 L2 boots: 2 checks fixed, 0 broken, 0 changed, 0 same. In 2 L1s: 0 checks fixed," in text
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
    own = [l2(each, b.NONE, booted(Mode.P10), "p10") for each in ("k0", "k2")]
    records = [up("k0"), l2("k0", b.NONE, booted(Mode.P11)), up("k2"), l2("k2", b.MERGED_SERIES, LATE), *own]
    turned = histories(found, records)
    assert [(each.answers, each.where) for each in turned] == [
        ((booted(Mode.P11).ended, None, LATE.ended), ("L2 -cpu host: papr P11 as P10",))
    ]
    assert [turned[0].turned(number) for number in range(3)] == [False, False, True]
    assert [kind_at(each, records) for each in found] == [Kind.DEFECT, Kind.FAIL, Kind.OK]
    text = "\n".join(boundaries_report.text(found, turned, records, True, 120, False))
    assert "no build FAIL" in text and "late" in text and "FAIL patch 1: does not build: x.c:1" in text


@pytest.mark.parametrize(
    ("fact", "words"),
    [
        (Refusal(25), "ENOTTY"),
        (Refusal(25, 3), "-1 ENOTTY, 3 bytes changed"),
        (CompatCaps(0, 0x6 << 60, size=24), "P9 P10"),
        (CompatCaps(0, 0x6 << 60, flags=1), "0, caps 0x6000000000000000 (P9 P10), flags 0x1"),
        (CompatCaps(0, 0, beyond=2), "0, caps 0x0000000000000000 (-), 2 bytes behind the struct changed"),
        (Bitmap(0x7 << 60), "0x7000..."),
        (Bitmap(0x7 << 60 | 1), "0x7000000000000001"),
        (Ended(Outcome.REFUSED_LATE), "late"),
        (Ended(Outcome.REFUSED_LATE, rule="run-failed"), "refused late, by another line (run-failed)"),
        (Ended(Outcome.BOOTED, InMode(Mode.P10)), "P10"),
        (Ended(Outcome.BOOTED, NotKnown()), "booted as an unknown mode"),
        (Ended(Outcome.QEMU_ERROR), "QEMU error"),
        (None, ""),
    ],
)
def test_short_words_hide_nothing_odd(fact, words):
    assert short(fact) == words


@pytest.mark.parametrize(
    ("answer", "words", "abbreviated"),
    [
        (Ended(Outcome.BOOTED, InMode(Mode.P11, raw=True)), "P11 (raw)", "P11 (raw)"),
        (Ended(Outcome.BOOTED, NotKnown()), "boots", "boots"),
        (Ended(Outcome.BOOTED), "booted", "booted"),
        (Ended(Outcome.QEMU_ERROR), "qemu-err", "qemu-err"),
        (Ended(Outcome.REFUSED_EARLY), "early", "early"),
        (Bitmap(0x6 << 60), "0x6000000000000000", "0x6000..."),
        (Quote("as it was said"), "as it was said", "as it was said"),
        (None, "", ""),
    ],
)
def test_a_cell_has_its_answer_in_a_word(answer, words, abbreviated):
    assert (cell(answer), cell(answer, abbreviated=True)) == (words, abbreviated)


# -- the guest that any kernel boots ---------------------------------------------------------

PANIC = Boot(Outcome.PANIC, "panic", "Kernel panic")
INFRA = Boot(Outcome.INFRASTRUCTURE, "l1-gone", "")
FOUND = [Boundary(0, "base", "k0"), Boundary(1, "first", "k1")]


def series(*boots, setting="p10", behaviour=b.MERGED_SERIES, more=()):
    """Records of as many boundaries as there are boots of the L2 in L1's own mode; None: not asked."""
    records = list(more)
    for number, boot in enumerate(boots):
        records.append(up(f"k{number}"))
        records.append(l2(f"k{number}", behaviour, LATE))
        if boot is not None:
            records.append(l2(f"k{number}", behaviour, boot, setting))
    return records


@pytest.mark.parametrize(
    ("boot", "kind", "code"),
    [
        (booted(Mode.P10), Kind.OK, 0),
        (PANIC, Kind.FAIL, 1),
        (EARLY, Kind.FAIL, 1),
        (booted(Mode.P9), Kind.FAIL, 1),
        (INFRA, Kind.INFRASTRUCTURE, 3),
        (None, Kind.UNKNOWN, 3),
    ],
)
def test_a_patch_that_breaks_all_guests_is_not_ok(boot, kind, code):
    """All that was asked besides is refused, as it should be, with the patch and without."""
    records = series(booted(Mode.P10), boot)
    assert [control_at(each, records) for each in FOUND] == [Kind.OK, kind]
    assert kind_at(FOUND[1], records) is kind
    for judged in (True, False):
        assert exit_code(FOUND, records, judged, whole(records)) == code
        lines = boundaries_report.text(FOUND, histories(FOUND, records), records, judged, 120, False)
        said = [line for line in lines if "patch 1: " in line]
        assert bool(said) is (kind is not Kind.OK)


def test_no_control_at_all_is_no_proof():
    records = series(None, None)
    assert control_at(FOUND[0], records) is Kind.UNKNOWN
    assert exit_code(FOUND, records, True, whole(records)) == 3


def test_an_l2_in_another_mode_is_no_control():
    records = series(booted(Mode.P9), booted(Mode.P9), setting="p9")
    assert control_at(FOUND[1], records) is Kind.UNKNOWN


def test_a_control_that_is_skipped_everywhere_is_no_loss_and_one_that_is_skipped_once_is():
    skipped = [
        record(
            f"k{number}", "l2", [quoted("L1 is up", Kind.SKIP, "", "")], l2="l2p9", topology="pnv9", l1="p9"
        )
        for number in range(2)
    ]
    assert control_at(FOUND[1], [*series(booted(Mode.P10), booted(Mode.P10)), *skipped]) is Kind.OK
    up_once = dataclasses.replace(skipped[0], verdicts=l2("k0", b.NONE, booted(Mode.P10), "p10").verdicts)
    records = [*series(booted(Mode.P10), booted(Mode.P10)), up_once, skipped[1]]
    assert [control_at(each, records) for each in FOUND] == [Kind.OK, Kind.UNKNOWN]


def test_a_boundary_that_was_not_built_has_no_control():
    assert control_at(Boundary(1, "first", "", "does not build"), []) is Kind.FAIL
    assert exit_code([Boundary(1, "first", "", "does not build")], [], False, whole([])) == 1


def test_of_an_unknown_series_what_it_breaks_is_told():
    """Wrong on any kernel before it is not its doing; wrong since it is."""
    records = [*series(booted(Mode.P10), booted(Mode.P10)), l2("k0", b.NONE, booted(Mode.P9), "p9")]
    records.append(l2("k1", b.NONE, PANIC, "p9"))
    assert broken_at(FOUND[1], FOUND, records) == ["L2 max-cpu-compat=power9: papr P11 as P10"]
    assert broken_at(FOUND[0], FOUND, records) == []
    assert (
        exit_code(FOUND, records, False, whole(records)),
        exit_code(FOUND, records, False, whole(records)),
    ) == (1, 1)
    lines = boundaries_report.text(FOUND, histories(FOUND, records), records, False, 120, False)
    assert "FAIL patch 1: broken: L2 max-cpu-compat=power9: papr P11 as P10" in lines


def test_an_unknown_series_is_not_blamed_for_what_was_wrong_before():
    wrong = [l2(f"k{number}", b.NONE, booted(Mode.P11), "p11") for number in range(2)]
    records = [*series(booted(Mode.P10), booted(Mode.P10)), *wrong]
    assert exit_code(FOUND, records, False, whole(records)) == 0
    text = "\n".join(boundaries_report.text(FOUND, histories(FOUND, records), records, False, 120, False))
    assert "FAIL" not in text


def test_an_l1_that_does_not_boot_and_a_run_that_lost_something():
    records = series(booted(Mode.P10), booted(Mode.P10))
    assert exit_code(FOUND, records, True, cut_off(records)) == 3
    down = record("k1", "l1", [quoted("L1 boots", Kind.FAIL, "booted", "panic")], topology="hv")
    assert exit_code(FOUND, [*records, down], False, whole([*records, down])) == 1


@pytest.mark.parametrize("judged", [True, False])
def test_a_guest_that_boots_with_no_patch_on_is_wanted_too(judged):
    """Nothing was broken on the way, and nothing works."""
    records = series(PANIC, PANIC)
    assert broken_at(FOUND[1], FOUND, records) == []
    assert exit_code(FOUND, records, judged, whole(records)) == 1
