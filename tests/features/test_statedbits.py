# SPDX-License-Identifier: GPL-2.0-only
"""Bits as a text states them, in the shapes that documentation comes in."""

import pytest

from harness.features.compat_caps.statedbits import stated, value_of

P9, P10, P11 = (f"KVM_PPC_COMPAT_CAP_POWER{number}" for number in (9, 10, 11))
RIGHT = {P9: 1 << 62, P10: 1 << 61, P11: 1 << 60}

LIST = """
The bits are (using MSB-0 numbering, where bit 0 is the most significant bit):

- ``{P9}``  (bit 1) -- guests can run as POWER9
- ``{P10}`` (bit 2) -- guests can run as POWER10
- ``{P11}`` (bit 3) -- guests can run as POWER11
"""
SHIFTS = """
   - ``{P9}``  = ``(1ULL << 62)``
   - ``{P10}`` = ``(1ULL << 61)``
   - ``{P11}`` = ``(1ULL << 60)``
"""
SIMPLE_TABLE = """
==============================  ===========  ====================
name                            value        the guest may run as
==============================  ===========  ====================
``{P9}``   1ULL << 62   POWER9
``{P10}``  1ULL << 61   POWER10
``{P11}``  1ULL << 60   POWER11
==============================  ===========  ====================
"""
GRID_TABLE = """
+-----+--------------------+---------------------------------+
| bit | value              | name                            |
+=====+====================+=================================+
| 1   | 0x4000000000000000 | {P9}      |
+-----+--------------------+---------------------------------+
| 2   | 0x2000000000000000 | {P10}     |
+-----+--------------------+---------------------------------+
| 3   | 0x1000000000000000 | {P11}     |
+-----+--------------------+---------------------------------+
"""
BARE_COLUMN = """
====  ==============================
bit   name
====  ==============================
1     {P9}
2     {P10}
3     {P11}
====  ==============================
"""
BARE_COLUMN_BEHIND = """
==============================  ====
name                            bit
==============================  ====
{P9}       62
{P10}      61
{P11}      60
==============================  ====
"""
LIST_TABLE = """
.. list-table::

   * - ``{P9}``
     - 1ULL << 62
   * - ``{P10}``
     - 1ULL << 61
   * - ``{P11}``
     - 1ULL << 60
"""
LIST_TABLE_VALUES_FIRST = """
   * - bit 1
     - ``{P9}``
   * - bit 2
     - ``{P10}``
   * - bit 3
     - ``{P11}``
"""
DEFINES = """
  #define {P9}   (1ULL << 62)
  #define {P10}  (1ULL << 61)
  #define {P11}  (1ULL << 60)
"""
SHAPES = {
    "a list": LIST,
    "a list of shifts": SHIFTS,
    "both": LIST + SHIFTS,
    "a simple table": SIMPLE_TABLE,
    "a grid table, values first": GRID_TABLE,
    "a column of bare numbers": BARE_COLUMN,
    "a column of bare numbers behind": BARE_COLUMN_BEHIND,
    "a list-table": LIST_TABLE,
    "a list-table, values first": LIST_TABLE_VALUES_FIRST,
    "defines": DEFINES,
    "one line, each with its bit": "{P9} (bit 1), {P10} (bit 2), {P11} (bit 3).",
    "one line, three terms behind three names": "{P9}, {P10}, {P11}: 1 << 62, 1 << 61, 1 << 60.",
    "one line, three equal signs": "``{P9}`` = ``(1ULL << 62)``, ``{P10}`` = ``(1ULL << 61)``, "
    "``{P11}`` = ``(1ULL << 60)``",
    "one line, one equal sign": "{P9}, {P10}, {P11} = (1ULL << 62), (1ULL << 61), (1ULL << 60)",
    "one line, terms in brackets behind all": "{P9}, {P10}, {P11} (bit 1), (bit 2), (bit 3)",
    "one line, a list of bits": "{P9}, {P10} and {P11} are bits 1, 2 and 3 of it.",
    "one line, terms before": "bit 1 ({P9}), bit 2 ({P10}) and bit 3 ({P11})",
    "one line, three terms before three names": "1 << 62, 1 << 61 and 1 << 60 are {P9}, {P10} and {P11}.",
    "a bit and its mask": "{P9} is bit 1 (0x4000000000000000), {P10} is bit 2 (0x2000000000000000), {P11} is "
    "bit 3 (0x1000000000000000).",
    "two rounds": "{P9}, {P10}, {P11}: bits 1, 2, 3 (1ULL << 62, 1ULL << 61, 1ULL << 60)",
    "wrapped prose": "A guest may run as {P9} (bit 1), as {P10}\n(bit 2) and, on newer machines, as "
    "{P11} (bit\n3).",
    "items of two lines": "- {P9} (bit 1)\n  POWER9: 0x4000000000000000\n- {P10} (bit 2)\n  POWER10: "
    "0x2000000000000000\n- {P11} (bit 3)\n  POWER11: 0x1000000000000000\n",
    "two names and one": "{P9} and {P10} are bits 1 and 2, {P11} is bit 3.",
    "counted from below": "{P9} is bit 62, {P10} is bit 61 and {P11} is bit 60.",
    "macros": "{P9} BIT_ULL(62), {P10} BIT(61), {P11} PPC_BIT(3)",
    "IBM's differences": "{P9} 1UL << (63 - 1)\n\n{P10} 1UL<<(63-2)\n\n{P11} 1UL << (63 - 3)",
}  # fmt: skip


def filled(text):
    return text.format(P9=P9, P10=P10, P11=P11)


@pytest.mark.parametrize("text", SHAPES.values(), ids=SHAPES.keys())
def test_right_bits_are_read_right(text):
    assert stated(filled(text)) == {name: frozenset((value,)) for name, value in RIGHT.items()}


@pytest.mark.parametrize("text", SHAPES.values(), ids=SHAPES.keys())
def test_two_names_that_are_swapped_are_seen_to_be_wrong(text):
    """Whatever the shape: nothing here is right by not being read."""
    found = stated(text.format(P9=P9, P10=P11, P11=P10))
    assert found[P9] == {RIGHT[P9]}
    assert RIGHT[P10] not in found[P10] and RIGHT[P11] not in found[P11]


@pytest.mark.parametrize(
    "text",
    [
        "{P9} to {P11}, with {P10} between, are bits 1 to 3.",
        "{P9}, {P10} and {P11} are bits 1-3.",
        "{P9}, {P10}, {P11} are bits 60 - 62.",
        "{P9}, {P10}, {P11}: the mask is 0x7000000000000000.",
        "KVM_PPC_COMPAT_CAP_POWER9/10/11 (bits 1 through 3)",
        "KVM_PPC_COMPAT_CAP_POWER{{9, 10, 11}} (bits 1..3)",
    ],
)
def test_a_range_gives_each_name_all_of_it(text):
    assert stated(filled(text)) == dict.fromkeys(RIGHT, frozenset(RIGHT.values()))


@pytest.mark.parametrize(
    "text",
    ["{P9}, {P10} and {P11} are bits 2-4.", "{P9}, {P10}, {P11}: the mask is 0x3800000000000000."],
)
def test_a_wrong_range_leaves_the_right_value_out(text):
    assert RIGHT[P9] not in stated(filled(text))[P9]


@pytest.mark.parametrize(
    "text",
    [
        "{P9}, {P10}, {P11}\n  A guest can run in the mode of this processor.",
        "There are {P9}, {P10} and {P11}.\n\nThe first is bit 1.",
        "{P9}, {P10} and {P11} are 1 << 62 and 1 << 61.",  # it does not come out even
        "On a 64-bit machine {P9}, {P10} and {P11} tell 2 things.",
    ],
)
def test_what_says_no_value_says_none(text):
    assert stated(filled(text)) == dict.fromkeys(RIGHT)


def test_a_name_without_its_value_is_the_only_one_without():
    found = stated(filled("{P9} (bit 1), {P10} (bit 2) and {P11}"))
    assert found == {P9: {RIGHT[P9]}, P10: {RIGHT[P10]}, P11: None}


def test_two_statements_must_agree():
    assert stated(f"{P9} (bit 1)\n\n{P9} = (1ULL << 61)\n") == {P9: frozenset()}
    assert stated(f"{P9} (bit 1, 0x2000000000000000)") == {P9: frozenset()}
    assert stated(f"{P9} (bits 1-3)\n\n{P9} = (1ULL << 62)\n") == {P9: {RIGHT[P9]}}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("(1ULL << 62)", 1 << 62),
        ("(1UL << (63 - 1))", 1 << 62),
        ("_BITULL(62)", 1 << 62),
        ("0x4000000000000000ULL", 1 << 62),
        ("0x6000000000000000ULL", None),
        ("(1ULL << 62) | (1ULL << 61)", None),
        ("bit 1", None),
        ("SOMETHING", None),
    ],
)
def test_the_value_of_a_define(text, value):
    assert value_of(text) == value
