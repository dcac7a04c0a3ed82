# SPDX-License-Identifier: GPL-2.0-only
"""What was delivered, and what reports must say of it."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

from harness.commands import report as reporting
from harness.model.record import Delivery, Record
from harness.reports import formats
from harness.reports.sentences import observed_of
from harness.reports.shortfall import trouble_of

FORMS = tuple(each.name for each in formats.FORMATS)


def whole(records: Sequence[Record]) -> Delivery:
    """Of a run that got to its end, with a record of each of its tests."""
    return Delivery(complete=True, planned=len(records))


def cut_off(records: Sequence[Record]) -> Delivery:
    """Of a run that was interrupted after its last record."""
    return Delivery(complete=False, planned=len(records))


def report(path: Path, form: str) -> tuple[int, str, str]:
    """(exit code, what was said beside it, the report) of ``kvmppc report``."""
    said: list[str] = []
    shown: list[str] = []
    code = reporting.report([str(path)], form, "", False, said.append, shown.append, False)
    return code, "\n".join(said), "\n".join(shown)


def assert_told_everywhere(path: Path, words: str) -> None:
    """In each format, in its own way: the run is no success, and why."""
    for form in FORMS:
        code, said, text = report(path, form)
        assert code == 3
        assert words in (text if form == "text" else said)
        assert "All is as expected" not in text
        if form == "junit":
            error = _junit(text).find("testsuite[@name='the run']/testcase/error")
            assert error is not None and error.get("message") == words
        elif form == "ktap":
            assert f"Bail out! {words}" in text
            planned = re.search(r"^1\.\.(\d+)$", text, re.M)
            assert planned and int(planned[1]) > len(re.findall(r"^(?:not )?ok ", text, re.M))
        elif form == "json":
            records, delivery = _json(text)
            assert trouble_of(delivery, records) == words
        elif form == "html":
            assert f"<h1>{words}</h1>" in text
        elif form == "annotations":
            last = text.splitlines()[-1]
            assert "the run is not complete" in last and last.endswith(words)
        elif form == "markdown":
            assert text.startswith(f"**{words}**")
        else:
            assert words in text.splitlines()


def assert_failed_everywhere(path: Path, name: str, words: str) -> None:
    """In each format: one record failed, this one, by a verdict with these words. Nothing else is wrong."""
    for form in FORMS:
        code, said, text = report(path, form)
        assert code == 1 and said == ""
        if form == "junit":
            junit = _junit(text)
            (case,) = [each for each in junit.iter("testcase") if each.find("failure") is not None]
            assert case.get("name") == name
            assert words in str(case.find("failure").get("message"))  # type: ignore[union-attr]
            assert junit.find(".//error") is None
        elif form == "ktap":
            assert re.findall(r"^not ok \d+ (.*)$", text, re.M) == [name]
            assert words in text and "Bail out" not in text
        elif form == "json":
            records, _ = _json(text)
            (failed,) = [record for record in records if record.kind.name == "FAIL"]
            assert (failed.id, words in observed_of(failed.verdicts[0])) == (name, True)
        elif form == "html":
            assert "<h1>Something is not as expected.</h1>" in text and words in text
        elif form == "annotations":
            (line,) = text.splitlines()
            assert f"the kernel: {name} " in line.replace("%3A", ":") and words in line
        elif form == "markdown":
            assert f"- **FAIL** {name} (" in text and words in text
        else:
            assert f"FAIL {name} (" in text and f"observed: {words}" in text


def assert_green_everywhere(path: Path) -> None:
    """In each format: all is as expected, and nothing is missing."""
    for form in FORMS:
        code, said, text = report(path, form)
        assert code == 0 and said == ""
        if form == "junit":
            junit = _junit(text)
            assert list(junit.iter("testcase")) and not [*junit.iter("failure"), *junit.iter("error")]
        elif form == "ktap":
            assert re.findall(r"^ok \d+", text, re.M) and "not ok" not in text and "Bail out" not in text
        elif form == "json":
            records, delivery = _json(text)
            assert delivery == whole(records) and records
        elif form == "annotations":
            assert text == ""
        elif form in ("html", "markdown"):
            assert "All is as expected." in text
        else:
            assert re.search(r"\bok\b", text)
            told = re.sub(r"P10 = L2 booted.*?= verdict", "", text, flags=re.DOTALL)
            assert told != text and not re.search(r"FAIL|INFRA|UNKNOWN|missing|Interrupted", told)


def _junit(text: str) -> ElementTree.Element:
    return ElementTree.fromstring(text.encode())


def _json(text: str) -> tuple[list[Record], Delivery]:
    document = json.loads(text)
    missing, errors = tuple(document["missing"]), tuple(document["errors"])
    records = [Record.from_json(each) for each in document["records"]]
    return records, Delivery(document["complete"], document["planned"], missing, errors)
