# SPDX-License-Identifier: GPL-2.0-only
"""The page: whole, self-contained, escaped, with what a reader of a failed run needs at its top."""

import json
from html.parser import HTMLParser

import pytest
from delivered import cut_off, whole
from quoting import answer, quoted

from harness.model.record import Delivery, KernelInfo, Record, RunInfo
from harness.model.verdict import TROUBLE, Kind
from harness.reports import html, markdown

VOID = {"meta", "br", "link", "img", "input", "hr"}


class Checker(HTMLParser):
    """Tags that are closed in order, anchors that lead somewhere, nothing from elsewhere."""

    def __init__(self):
        super().__init__()
        self.open, self.ids, self.links, self.text = [], set(), set(), []

    def handle_starttag(self, tag, attrs):
        if tag not in VOID:
            self.open.append(tag)
        for name, value in attrs:
            assert name not in ("src", "onclick")
            if name == "id":
                assert value not in self.ids
                self.ids.add(value)
            if name == "href":
                assert value.startswith("#")
                self.links.add(value[1:])

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def read(page):
    checker = Checker()
    checker.feed(page)
    checker.close()
    assert checker.open == []
    assert checker.links <= checker.ids
    return " ".join(" ".join(checker.text).split())


def info(*labels):
    kernels = tuple(KernelInfo(each, f"debian:{each}", each, "", "merged", each) for each in labels)
    return RunInfo("2026", "kvmppc run", "", kernels, "QEMU 11", "QEMU 11", ("a <note>",))


def record(kind, kernel="7.3", topic="l2", l2="l2p10", observed="P10", proof="the line", **more):
    verdict = quoted("L2 outcome", kind, "booted as P10", observed, proof, right=kind is Kind.OK)
    return Record(kernel, "papr", "p11@p10", l2, topic, answer(observed), (verdict,), "d", 2.0, **more)


def page(path, records, delivery=None, kernels=("7.3",)):
    return html.render(info(*kernels), records, delivery or whole(records), path)


def lost_two(records):
    return Delivery(True, len(records) + 2, ("test_2", "test_3"))


def test_a_failing_run_names_level_cause_and_the_command_that_repeats_it(tmp_path):
    text = read(page(tmp_path, [record(Kind.FAIL, observed="panic")]))
    assert text.index("what is wrong") < text.index("kernel 7.3")
    top = text[: text.index("kernel 7.3")]
    for words in ("FAIL in L2", "expected booted as P10; observed panic", "the line",
                  "kvmppc run --kernel debian:7.3 --only papr-p11@p10-l2p10"):  # fmt: skip
        assert words in top


@pytest.mark.parametrize("kind", TROUBLE)
def test_what_somebody_must_look_at_is_at_the_top(tmp_path, kind):
    text = page(tmp_path, [record(Kind.OK), record(kind, l2="l2p9", observed="its QEMU was killed")])
    top = text[text.index("what is wrong") : text.index("kernel 7.3")]
    assert f'<span class="{kind.name.lower()}"><b class="kind">{kind.mark}</b>' in top
    assert "its QEMU was killed" in top
    assert f".{kind.name.lower()} {{" in text  # its colour


@pytest.mark.parametrize(
    ("kinds", "delivery", "words"),
    [
        ([Kind.OK], whole, "All is as expected."),
        ([Kind.OK, Kind.DEFECT], whole, "known defects included"),
        ([Kind.OK, Kind.INFRASTRUCTURE], whole, "machinery around the kernel failed"),
        ([Kind.OK, Kind.UNKNOWN], whole, "Something could not be proven"),
        ([Kind.INFRASTRUCTURE, Kind.FAIL], whole, "not as expected"),
        ([Kind.OK], cut_off, "Interrupted: partial results."),
        ([Kind.OK], lost_two, "2 of 3 planned results are missing: test_2 and 1 more"),
        ([Kind.FAIL], lost_two, "not as expected. 2 of 3 planned results are missing"),
        ([], whole, "Nothing was judged: no test was selected."),
        ([Kind.SKIP], whole, "Nothing was judged: no such CPU."),
    ],
)
def test_the_first_sentence_is_the_whole_run(tmp_path, kinds, delivery, words):
    records = [
        record(kind, l2=f"l2p{9 + number}", observed="no such CPU") for number, kind in enumerate(kinds)
    ]
    text = page(tmp_path, records, delivery(records))
    heading = text[text.index("<h1>") : text.index("</h1>")]
    assert words in heading
    assert ("All is as expected" in heading) is (
        set(kinds) in ({Kind.OK}, {Kind.OK, Kind.DEFECT}) and delivery is whole
    )
    assert read(text).count("no such CPU") >= len(kinds)  # why one was skipped is told where it is


def test_what_a_guest_printed_is_text_and_not_a_page(tmp_path):
    text = page(tmp_path, [record(Kind.FAIL, observed="<script>alert(1)</script>")])
    assert "<script>alert" not in text
    assert "&lt;note&gt;" in text


def test_the_proof_is_shown_in_its_console_and_bytes_that_changed_are_marked(tmp_path):
    (tmp_path / "d").mkdir()
    lines = [f"    {number}.000 line {number}" for number in range(40)]
    lines[20] = "   20.000 it is the line that decided"
    (tmp_path / "d/console.log").write_text("\n".join(lines))
    ioctl = {"name": "v1", "request": 1, "result": 0, "errno": 0, "before": "00a5", "after": "00ff"}
    (tmp_path / "d/observation.json").write_text(json.dumps({"probe": {"ioctls": [ioctl]}}))
    caps = record(Kind.OK, topic="caps", l2="", phases={"boot": 3.0, "ssh": 1.0})
    text = page(tmp_path, [record(Kind.OK), caps])
    assert "<mark>   20.000 it is the line that decided</mark>" in text
    assert "line 13" not in text and "line 14" in text and "line 26" in text
    assert "00 <mark>ff</mark>" in text
    assert "flex: 75.00" in text
    read(text)


def test_two_kernels_have_a_before_and_an_after(tmp_path):
    old = record(Kind.DEFECT, kernel="6.12", observed="P11")
    new = record(Kind.OK, observed="late")
    text = read(page(tmp_path, [new, old], kernels=("7.3", "6.12")))
    assert "fixed papr P11 as P10 L2 max-cpu-compat=power10 P11 late" in text


def test_300_scenarios_are_one_page(tmp_path):
    records = [
        record(Kind.OK, kernel=kernel, l2=l2, topic="l2", l0=f"l0-{number}")
        for kernel in ("7.3", "6.12") for number in range(50) for l2 in ("l2host", "l2p11", "l2p10")
    ]  # fmt: skip
    text = page(tmp_path, records, kernels=("7.3", "6.12"))
    assert text.count("<details id=") == 300
    assert len(text) < 3_000_000
    read(text)


def test_markdown_has_the_grid_and_what_failed():
    records = [record(Kind.FAIL, observed="a | b")]
    lines = markdown.lines(info("7.3"), records, whole(records))
    assert "| papr P11 as P10 | **a \\| b FAIL** |" in lines
    assert any("again: `kvmppc run" in line for line in lines)
    cut = markdown.lines(info("7.3"), records, cut_off(records))
    assert cut[0] == "**Interrupted: partial results.**" and cut[2:] == lines


def test_markdown_says_that_all_is_well_only_if_it_is():
    fine = [record(Kind.OK), record(Kind.DEFECT)]
    assert "All is as expected." in markdown.lines(info("7.3"), fine, whole(fine))
    for records, delivery in (
        ([], whole([])), ([record(Kind.SKIP)], whole("1")), ([record(Kind.UNKNOWN)], whole("1")),
        (fine, cut_off(fine)), (fine, lost_two(fine)),
    ):  # fmt: skip
        assert "All is as expected." not in markdown.lines(info("7.3"), records, delivery)
