# SPDX-License-Identifier: GPL-2.0-only
"""The part of report.schema.json that describes facts, made from their classes.

    python -m harness.reports.factschema

writes it anew; a test says when that is due.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from harness.model.fact import registered, schema_of
from harness.reports.sentences import load_features

_OURS = "harness."


def with_facts(document: dict[str, Any]) -> dict[str, Any]:
    """*document* with the kinds of facts that there are. One of another package needs a kind, and no more."""
    load_features()
    ours = {kind: cls for kind, cls in registered().items() if cls.__module__.startswith(_OURS)}
    kinds = {f"fact-{kind}": schema_of(cls, "#/$defs/fact") for kind, cls in ours.items()}
    fact = {
        "description": "a value that was expected or observed; other packages have kinds that are not here",
        "type": "object",
        "required": ["fact"],
        "properties": {"fact": {"type": "string"}},
        "allOf": [
            {
                "if": {"properties": {"fact": {"const": kind}}},
                "then": {"$ref": f"#/$defs/fact-{kind}"},
            }
            for kind in ours
        ],
    }
    others = {name: each for name, each in document["$defs"].items() if not name.startswith("fact")}
    return {**document, "$defs": {**others, "fact": fact, **kinds}}


def text(document: dict[str, Any]) -> str:
    """A line for each kind of fact; the rest as JSON usually is."""
    lines: dict[str, str] = {}

    def on_a_line(value: Any) -> str:
        name = f"@{len(lines)}@"
        lines[json.dumps(name)] = json.dumps(value, ensure_ascii=False)
        return name

    definitions = dict(document["$defs"])
    for name, value in definitions.items():
        if name == "fact":
            definitions[name] = {**value, "allOf": [on_a_line(each) for each in value["allOf"]]}
        elif name.startswith("fact-"):
            definitions[name] = on_a_line(value)
    found = json.dumps({**document, "$defs": definitions}, indent=1, ensure_ascii=False)
    for name, line in lines.items():
        found = found.replace(name, line)
    return found + "\n"


def main() -> None:
    path = Path(__file__).with_name("report.schema.json")
    path.write_text(text(with_facts(json.loads(path.read_text()))))


if __name__ == "__main__":
    main()
