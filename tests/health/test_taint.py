# SPDX-License-Identifier: GPL-2.0-only
import pytest

from harness.health.taint import TAINTS, decode, describe, evidence

# Documentation/admin-guide/tainted-kernels.rst, the table there.
LETTERS = "PFSRMBUDAWCIOELKXTNJ"


def test_bits_and_letters_are_those_of_the_kernel():
    assert "".join(each.letter for each in TAINTS) == LETTERS
    assert [each.bit for each in TAINTS] == list(range(20))


@pytest.mark.parametrize("letter", "FRMBDWL")
def test_what_speaks_against_a_kernel(letter):
    assert [each.letter for each in evidence(1 << LETTERS.index(letter))] == [letter]


@pytest.mark.parametrize("letter", "PSUACIOEKXTNJ")
def test_what_does_not(letter):
    assert evidence(1 << LETTERS.index(letter)) == ()
    assert [each.letter for each in decode(1 << LETTERS.index(letter))] == [letter]


def test_a_debug_kernel_that_warned_and_died():
    assert describe(640) == "D (oops or BUG), W (WARNING)"
    assert describe(0) == "not tainted"


def test_what_was_there_before_is_no_news():
    assert [each.letter for each in evidence(640, before=512)] == ["D"]
    assert evidence(640, before=640) == ()
    assert evidence(0, before=640) == ()


def test_a_bit_that_nobody_knows_is_evidence():
    (each,) = evidence(1 << 20)
    assert each.letter == "?" and "20" in each.words


def test_no_number_is_negative():
    with pytest.raises(ValueError, match="-1"):
        decode(-1)
