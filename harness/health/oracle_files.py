# SPDX-License-Identifier: GPL-2.0-only
"""What a level shows is the kernel's only if it has booted from what it was given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from harness.model.level_facts import FilesAre
from harness.model.verdict import Kind, Verdict

_CHECK = "files"
_SOURCE = "what is damaged under a machine that runs from it proves nothing"


def blame_files(verdicts: Sequence[Verdict], damage: str) -> list[Verdict]:
    """With *damage* to what the levels boot from, nothing that went wrong speaks against a kernel. damage: in
    words, '' for none."""
    if not damage:
        return list(verdicts)
    return [
        replace(
            each, kind=Kind.INFRASTRUCTURE, right=None, titles=(),
            proof="; ".join(part for part in (damage, each.proof) if part),
        )
        if each.kind in (Kind.FAIL, Kind.DEFECT, Kind.UNKNOWN)
        else each
        for each in verdicts
    ]  # fmt: skip


def judge_files(damage: str) -> list[Verdict]:
    """At the end of an L1: none if they are as they were."""
    if not damage:
        return []
    return [Verdict(_CHECK, Kind.INFRASTRUCTURE, FilesAre(False), FilesAre(True), damage, _SOURCE)]
