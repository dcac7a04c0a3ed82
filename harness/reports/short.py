# SPDX-License-Identifier: GPL-2.0-only
"""Facts, shortened for a cell of a table."""

from __future__ import annotations

from collections.abc import Mapping

from harness.model.fact import Fact
from harness.model.facts import Bitmap, Refusal
from harness.model.level_facts import Ended, InMode
from harness.model.outcome import Outcome
from harness.reports.sentences import SHORT, Say, Sentence, errno_word, load_features, mode_words, say


def cell(answer: Fact | None, *, abbreviated: bool = False) -> str:
    """A record's answer in its cell of a grid: ``P10``, ``early``, ``0x7000000000000000``, or with
    *abbreviated* ``0x7000...``; '' for None."""
    if isinstance(answer, Ended) and answer.mode is None and answer.booted:
        return say(answer)
    if isinstance(answer, Ended):
        return mode_words(answer.mode) if isinstance(answer.mode, InMode) else answer.outcome.short
    if isinstance(answer, Bitmap) and not abbreviated:
        return say(answer)
    return short(answer)


def short(fact: Fact | None) -> str:
    """``P9 P10`` for an ioctl's whole answer, ``0x7000...`` for a bitmap, and the like; other facts as they
    are. '' for None."""
    if fact is None:
        return ""
    load_features()
    sentence = _GENERAL.get(type(fact)) or SHORT.get(type(fact))
    return say(fact) if sentence is None else sentence(fact, say)


def _ended(fact: Ended, tell: Say) -> str:
    if fact.booted and isinstance(fact.mode, InMode) and not fact.rule:
        return mode_words(fact.mode)
    refused = fact.outcome in (Outcome.REFUSED_EARLY, Outcome.REFUSED_LATE)
    return fact.outcome.short if refused and not fact.rule else tell(fact)


def _bitmap(fact: Bitmap, tell: Say) -> str:
    return tell(fact) if fact.value & (1 << 48) - 1 else f"{fact.value >> 48:#06x}..."


def _refusal(fact: Refusal, tell: Say) -> str:
    return tell(fact) if fact.changed else errno_word(fact.errno)


_GENERAL: Mapping[type[Fact], Sentence] = {Ended: _ended, Bitmap: _bitmap, Refusal: _refusal}
