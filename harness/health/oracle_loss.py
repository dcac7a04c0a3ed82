# SPDX-License-Identifier: GPL-2.0-only
"""The verdict on a level that was lost, or a question that was not answered."""

from __future__ import annotations

from harness.health.cause import Loss
from harness.model.facts import SomeAnswer
from harness.model.level_facts import Lost
from harness.model.outcome import Side
from harness.model.verdict import Kind, Verdict

KIND_OF = {
    Side.KERNEL: Kind.FAIL,
    Side.SURROUNDINGS: Kind.INFRASTRUCTURE,
    Side.UNKNOWN: Kind.UNKNOWN,
}


def judge_loss(level: str, asked: str, loss: Loss, after: str = "") -> Verdict:
    """level: that should have answered; asked: the question, '' for a sign of life; after: what had just
    ended."""
    kind = KIND_OF[loss.side]
    titles = (loss.splat.title,) if loss.splat is not None else ()
    observed = Lost(loss.outcome, loss.rule, titles[0] if titles else "", asked, after)
    return Verdict(
        f"{level} answers", kind, SomeAnswer(), observed, loss.proof,
        "a test must not make the kernel hang or crash", right=False if kind is Kind.FAIL else None,
        titles=titles,
    )  # fmt: skip
