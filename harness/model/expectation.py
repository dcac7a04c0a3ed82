# SPDX-License-Identifier: GPL-2.0-only
"""What a feature expects of one kernel, as a plan keeps it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Expectation:
    """name: short, for reports; data: what the feature's oracle needs, in JSON's types; known: False where
    too little is known of the kernel, which is then judged by what any kernel should do
    (verdict.by_any_kernel); note: for the report, '' for none."""

    name: str
    data: Any = None
    known: bool = True
    note: str = ""

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Expectation:
        return cls(**data)
