# SPDX-License-Identifier: GPL-2.0-only
"""What one L1 answered to the questions of one feature: asked once, judged by topic."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.engine.placement_levels import save
from harness.features.feature import Feature
from harness.levels.asking import NoAnswer
from harness.levels.level import Level
from harness.model.facts import AllAnswers
from harness.model.level_facts import LostAtQuestion
from harness.model.verdict import Kind, Verdict


@dataclass
class FeatureAnswers:
    """asked: question -> document; unanswered: the question at which L1 was lost, '' if it answered all;
    loss: why, until a record has told it."""

    page_bytes: int
    asked: dict[str, dict[str, Any]] = field(default_factory=dict)
    unanswered: str = ""
    loss: Verdict | None = None

    def with_loss(self, verdicts: Sequence[Verdict]) -> list[Verdict]:
        """Of answers that end early: what was answered is judged; what was not asked proves nothing."""
        if not self.unanswered:
            return list(verdicts)
        loss, self.loss = self.loss, None
        told = [loss] if loss is not None else []  # in the record in which it happened, and in no other
        lost = LostAtQuestion("L1", self.unanswered)
        return [
            *told,
            *(each for each in verdicts if each.proof in self.asked),
            Verdict("suite complete", Kind.UNKNOWN, AllAnswers(), lost),
        ]


def file_of(directory: Path, feature: str) -> Path:
    """Where the answers of an L1 are kept. directory: of its logs."""
    return directory / f"answers-{feature}.json"


def ask(level: Level, feature: Feature, diagnosed: Callable[[NoAnswer], Verdict]) -> FeatureAnswers:
    """All questions of a feature; those before the one that L1 did not answer, if there was one. They are
    saved as well. diagnosed: why there was no answer."""
    found = FeatureAnswers(level.page_bytes)
    lines = list(feature.questions(level.page_bytes))
    program = feature.program.read() if feature.program is not None else None
    try:
        with level.asking(program) as session:
            found.asked.update(zip(lines, session.ask(lines), strict=True))
            if feature.more_answers is not None:
                for question, document in feature.more_answers(session, level.monitor_command):
                    found.asked[question] = document
    except NoAnswer as error:
        if not found.asked:
            found.asked.update(zip(lines, error.answers, strict=False))
        found.unanswered, found.loss = error.question, diagnosed(error)
    document = {"page": found.page_bytes, "asked": found.asked, "unanswered": found.unanswered}
    save(file_of(level.directory, feature.name), document)
    return found
