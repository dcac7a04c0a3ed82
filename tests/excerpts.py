# SPDX-License-Identifier: GPL-2.0-only
"""Files of a kernel as far as our own patches show them: no kernel's source is needed to read what a series
makes of them. A line that no patch shows is empty."""

import re
from dataclasses import dataclass

LINES = 8000


@dataclass(slots=True)
class Line:
    """One line, in every state of the file that has it. text: None while nobody has shown it."""

    text: str | None = None


def states(patches, preset):
    """Files after each of the patches, the first before any: path -> text. preset: (path, line number) ->
    text, for lines that no patch shows."""
    files = {}
    for path, number in preset:
        _file(files, path)[number - 1].text = preset[path, number]
    snapshots = [{path: list(lines) for path, lines in files.items()}]
    for patch in patches:
        for path, hunks in _hunks(patch.mail).items():
            lines = _file(files, path)
            for snapshot in snapshots:  # what this patch shows of it was there before as well
                snapshot.setdefault(path, list(lines))
            shift = 0
            for start, body in hunks:
                shift += _apply(lines, start - 1 + shift, body, f"{patch.name}: {path}")
        snapshots.append({path: list(lines) for path, lines in files.items()})
    return [
        {path: "\n".join(line.text or "" for line in lines) for path, lines in snapshot.items()}
        for snapshot in snapshots
    ]


def _file(files, path):
    return files.setdefault(path, [Line() for _ in range(LINES)])


def _hunks(mail):
    """path -> (first line before, body) of each hunk."""
    found, path, left, body = {}, "", 0, []
    for line in mail.splitlines():
        head = re.match(r"@@ -(\d+)(?:,(\d+))? \+\d+(?:,(\d+))? @@", line)
        if left == 0 and line.startswith("+++ b/"):
            path = line.removeprefix("+++ b/")
        elif left == 0 and head:
            body = []
            left = int(head[2] or 1) + int(head[3] or 1)
            found.setdefault(path, []).append((int(head[1]), body))
        elif left:
            body.append(line or " ")
            left -= 2 if (line or " ")[0] == " " else 1
    return found


def _apply(lines, at, body, where):
    """Returns by how many lines the file grew."""
    grown = 0
    for line in body:
        kind, text = line[0], line[1:]
        if kind == "+":
            lines.insert(at, Line(text))
            grown += 1
            at += 1
            continue
        here = lines[at]
        assert here.text in (None, text), f"{where}: {here.text!r} is no {text!r}"
        here.text = text
        if kind == "-":
            del lines[at]
            grown -= 1
        else:
            at += 1
    return grown
