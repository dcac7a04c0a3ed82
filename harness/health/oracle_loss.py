# SPDX-License-Identifier: GPL-2.0-only
"""The verdict on a level that was lost, or a question that was not answered."""

from __future__ import annotations

from harness.health.cause import Loss
from harness.model.outcome import Side
from harness.model.verdict import Kind, Verdict

KIND_OF = {
    Side.KERNEL: Kind.FAIL,
    Side.SURROUNDINGS: Kind.INFRASTRUCTURE,
    Side.UNKNOWN: Kind.UNKNOWN,
}


def judge_loss(level: str, asked: str, loss: Loss) -> Verdict:
    """level: that should have answered; asked: what, for people."""
    kind = KIND_OF[loss.side]
    titles = (loss.splat.title,) if loss.splat is not None else ()
    told = f"{loss.words}: {titles[0]}" if titles else loss.words
    return Verdict(
        f"{level} answers", kind, "an answer", f"{told}, asked: {asked}" if asked else told, loss.proof,
        "a test must not make the kernel hang or crash", right=False if kind is Kind.FAIL else None,
        titles=titles,
    )  # fmt: skip
