# SPDX-License-Identifier: GPL-2.0-only
"""What a fact is: its token, its JSON, its schema, and how classes are found."""

import json
from dataclasses import dataclass
from enum import Enum

import jsonschema
import pytest

from harness.model.cpu import GuestMode, Mode
from harness.model.fact import (
    ErrnoNumber,
    Fact,
    Hex,
    Measured,
    MeasuredCounts,
    Unregistered,
    registered,
    same,
    schema_of,
    shape,
)
from harness.model.facts import (
    AllOf,
    Bitmap,
    Errno,
    Named,
    NotAsked,
    NotKnown,
    Number,
    OneOf,
    Quote,
    Register,
    Returned,
    Written,
    one_of,
)
from harness.model.level_facts import Complaints, Ended, GuestLeft, InMode, NotUp
from harness.model.outcome import Outcome


class Colour(Enum):
    RED = "red"


@dataclass(frozen=True)
class Everything(Fact):
    """One field of each type."""

    kind = "test-everything"

    word: str
    count: int
    bits: Hex
    error: ErrnoNumber | None
    colour: Colour
    mode: Mode
    pairs: tuple[tuple[int, str], ...]
    inner: Fact | None = None
    took: Measured = 0.0
    seen: MeasuredCounts = ()
    flag: bool = False
    end: InMode | NotKnown | None = None


FULL = Everything(
    "a b", 3, 0x10, 22, Colour.RED, Mode.P10, ((1, "x"), (2, "y")), Quote("z"), 1.5, ((0x20, 4),), True,
    InMode(Mode.P9, raw=True),
)  # fmt: skip


def test_a_fact_comes_back_from_json():
    document = json.loads(json.dumps(FULL.to_json()))
    assert document == {
        "fact": "test-everything", "word": "a b", "count": 3, "bits": "0x10", "error": 22, "colour": "red",
        "mode": "P10", "pairs": [[1, "x"], [2, "y"]], "inner": {"fact": "quote", "text": "z"}, "took": 1.5,
        "seen": [["0x20", 4]], "flag": True, "end": {"fact": "in-mode", "mode": "P9", "raw": True},
    }  # fmt: skip
    assert Fact.from_json(document) == FULL


def test_a_token_is_kind_and_values_without_what_is_measured():
    assert FULL.token == (
        "test-everything(a b, 3, 0x10, EINVAL, red, P10, 1:x 2:y, quote(z), yes, in-mode(P9, yes))"
    )
    slower = Everything(**{**FULL.__dict__, "took": 9.9, "seen": ()})
    assert slower != FULL and same(slower, FULL)
    other = Everything(**{**FULL.__dict__, "bits": 0x11})
    assert not same(other, FULL)


@pytest.mark.parametrize(
    ("fact", "token"),
    [
        (NotAsked(), "not-asked"),
        (Ended(Outcome.BOOTED, InMode(Mode.P10)), "ended(booted, in-mode(P10))"),
        (Ended(Outcome.BOOTED), "ended(booted)"),
        (Ended(Outcome.HANG, rule="l1-gone"), "ended(hang, -, l1-gone)"),
        (Errno(None), "errno(-)"),
        (Errno(0), "errno(0)"),
        (Errno(22), "errno(EINVAL)"),
        (Errno(524), "errno(524)"),
        (Returned(0), "returned(0)"),
        (Returned(-1, 7), "returned(-1, E2BIG)"),
        (Bitmap(0x6 << 60), "bitmap(0x6000000000000000)"),
        (Register(None), "register(-)"),
        (Written.of({8: 0, 9: 0x60, 20: 1}, (0, 7)), "written(8:0060 20:01, 0:7)"),
        (Written(), "written"),
        (OneOf((Errno(0), NotAsked())), "one-of(errno(0) not-asked)"),
        (Complaints((("BUG: x", "during l2p10"),)), "complaints(BUG: x:during l2p10)"),
        (GuestLeft("hang"), "guest-left(hang)"),
    ],
)
def test_tokens(fact, token):
    assert fact.token == token
    assert Fact.from_json(json.loads(json.dumps(fact.to_json()))) == fact


def test_nothing_is_the_same_as_nothing_alone():
    assert same(None, None)
    assert not same(None, NotAsked()) and not same(NotAsked(), None)


def test_one_of_several_is_itself_if_it_is_alone():
    assert one_of([Errno(0), Errno(0)]) == Errno(0)
    assert one_of([Errno(0), Errno(22)]) == OneOf((Errno(0), Errno(22)))


def test_a_mode_that_nobody_knows():
    assert InMode.of(None) == NotKnown()
    assert InMode.of(GuestMode(Mode.P9, raw=True)) == InMode(Mode.P9, raw=True)


# -- what is no fact -------------------------------------------------------------------------


GOOD = FULL.to_json()


@pytest.mark.parametrize(
    "document",
    [
        None, [], "quote", {}, {"fact": 3}, {"fact": "quote"}, {"fact": "quote", "text": 3},
        {"fact": "quote", "text": "x", "more": 1}, {"fact": "number", "value": True},
        {"fact": "number", "value": "3"}, {"fact": "number", "value": 3.0}, {"fact": "bitmap", "value": "x"},
        {"fact": "in-mode", "mode": "P7"}, {"fact": "in-mode", "mode": 10},
        {"fact": "ended", "outcome": "booted", "mode": {"fact": "quote", "text": "P10"}},
        {"fact": "ended", "outcome": "boots"}, {"fact": "one-of", "facts": {"fact": "not-asked"}},
        {"fact": "one-of", "facts": ["not-asked"]}, {"fact": "written", "runs": [[1]]},
        {**GOOD, "pairs": [[1, "x", 2]]}, {**GOOD, "pairs": [["1", "x"]]}, {**GOOD, "error": "EINVAL"},
        {**GOOD, "inner": {"fact": "quote"}}, {**GOOD, "flag": 1},
    ],
)  # fmt: skip
def test_what_is_no_fact_is_told(document):
    with pytest.raises(ValueError, match="fact"):
        Fact.from_json(document)


def test_a_kind_that_nobody_has_is_kept_as_it_is():
    document = {"fact": "of-another-package", "value": "0x12", "all": [True, None], "in": GOOD}
    found = Fact.from_json(document)
    assert isinstance(found, Unregistered) and found.to_json() == document
    assert found.token == f"of-another-package(0x12, yes -, {FULL.token})"
    assert Named("x", found).to_json()["answer"] == document
    assert Fact.from_json(Named("x", found).to_json()) == Named("x", found)
    # Wherever a certain fact is due as well: what is saved is not lost.
    assert isinstance(Fact.from_json(NotUp("L1", found).to_json()).end, Unregistered)
    assert hash(found) == hash(Fact.from_json(document))
    assert Fact.from_json({"fact": "of-another-package"}).token == "of-another-package"


# -- classes ---------------------------------------------------------------------------------


def test_a_kind_belongs_to_one_class():
    with pytest.raises(TypeError, match=r"'quote' is harness\.model\.facts\.Quote already"):

        @dataclass(frozen=True)
        class Cited(Fact):
            kind = "quote"

    assert registered()["quote"] is Quote


@pytest.mark.parametrize("kind", ["", "two words", "a,b", "a(b)"])
def test_a_kind_is_a_word(kind):
    with pytest.raises(TypeError, match="has no kind"):
        type("Odd", (Fact,), {"kind": kind})


def test_a_class_without_a_kind_of_its_own_is_none():
    with pytest.raises(TypeError, match="has no kind"):

        class Derived(Quote):
            pass


def test_no_field_has_the_name_of_the_kind():
    @dataclass(frozen=True)
    class Twice(Fact):
        kind = "test-twice"
        fact: str = ""

    with pytest.raises(TypeError, match="in JSON the name fact"):
        shape(Twice)


# -- schema ----------------------------------------------------------------------------------


def test_the_schema_takes_what_a_fact_is_and_nothing_else():
    any_fact = {"type": "object", "required": ["fact"]}
    schema = {**schema_of(Everything, "#/$defs/fact"), "$defs": {"fact": any_fact}}
    validator = jsonschema.Draft202012Validator(schema)
    validator.validate(GOOD)
    defaults = ("took", "flag", "end", "seen", "inner")
    validator.validate({name: value for name, value in GOOD.items() if name not in defaults})
    for wrong in (
        {"count": "3"}, {"bits": 16}, {"colour": "blue"}, {"mode": 10}, {"pairs": [[1]]},
        {"pairs": [["x", 1]]}, {"inner": "x"}, {"took": "1"}, {"more": 1}, {"fact": "other"}, {"error": "x"},
    ):  # fmt: skip
        assert not validator.is_valid({**GOOD, **wrong}), wrong
    assert not validator.is_valid({"fact": "test-everything"})


def test_values_of_every_kind_are_told_apart():
    assert AllOf((Number(1), Number(2))).token != AllOf((Number(12),)).token


def test_what_looks_like_a_tokens_marks_is_quoted():
    pairs = [
        (Quote("a, b"), Quote("a")), (Quote(""), Quote("-")),
        (AllOf((Quote("a"), Quote("b"))), AllOf((Quote("a) quote(b"),))),
    ]  # fmt: skip
    for one, other in pairs:
        assert one.token != other.token and not same(one, other)
    assert Quote("WARNING in x").token == "quote(WARNING in x)"
