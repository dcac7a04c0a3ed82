# SPDX-License-Identifier: GPL-2.0-only
"""Which value a text gives each KVM_PPC_COMPAT_CAP_* bit, however it says so: in a list, a table, a line of
prose. Pure. What cannot be read is no statement; a statement is never guessed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_NAME = r"KVM_PPC_COMPAT_CAP_POWER(?:\{(?P<braced>\d+(?:\s*,\s*\d+)*)\}|(?P<numbers>\d+(?:/\d+)*))"
_SHIFT = r"\b1(?:U?LL?|UL)?\s*<<\s*\(?\s*(?P<shift>\d+)(?:\s*-\s*(?P<minus>\d+))?"
_MACRO = r"\b(?P<macro>PPC_BIT|_?BIT(?:_?ULL)?)\(\s*(?P<bit>\d+)\s*\)"
_HEX = r"\b0x(?P<hex>[0-9a-fA-F](?:_?[0-9a-fA-F]){7,19})(?:U?LL?)?\b"
_NUMBER = r"\d{1,2}\b(?!-bit)"
_WORDS = (
    rf"\bbits?\s+(?P<first>{_NUMBER})"
    rf"(?:\s*(?:-|–|\.\.\.?|to|through)\s*(?P<last>{_NUMBER})|(?P<more>(?:\s*(?:,\s*and|,|and|or|/)\s*{_NUMBER})+))?"
)
_TOKEN = re.compile(f"{_NAME}|{_SHIFT}|{_MACRO}|{_HEX}|{_WORDS}", re.I)

# Says how bits are counted, and gives none.
_CONVENTION = re.compile(
    r"\bbit\s+\d+\s+(?:is|being|=)\s+the\s+(?:most|least)[ -]significant(?:\s+bit)?", re.I
)


@dataclass(frozen=True)
class _Name:
    names: tuple[str, ...]


@dataclass(frozen=True)
class _Values:
    """values: in the order they stand; any_order: of a range or a mask, which give a set; counted: they are
    numbers of bits, and not yet values."""

    values: tuple[int, ...]
    any_order: bool = False
    counted: bool = False


_Run = tuple[list[str], list[_Values]]


def stated(text: str) -> dict[str, frozenset[int] | None]:
    """For each name in *text* the values it may have by what is said: one, or those of a range. Empty if two
    statements contradict each other; None without any."""
    text = _CONVENTION.sub("", text)
    units = [unit for paragraph in re.split(r"\n\s*\n", text) for unit in _units(paragraph)]
    numbers = [number for unit in units for each in unit if isinstance(each, _Values) and each.counted
               for number in each.values]  # fmt: skip
    # IBM counts from the other end: bit 1 is 1 << 62. Nobody who does would name one in the lower half.
    from_above = not any(number >= 32 for number in numbers)
    found: dict[str, frozenset[int] | None] = {}
    for unit in units:
        for name, values in _pairs(unit, from_above):
            before = found.get(name)
            found[name] = before if values is None else values if before is None else before & values
    return found


def value_of(text: str) -> int | None:
    """Of the one value in a macro's definition; None for what is none."""
    tokens = [each for each in _tokens(text) if isinstance(each, _Values) and not each.counted]
    if len(tokens) != 1 or len(tokens[0].values) != 1:
        return None
    return tokens[0].values[0]


# -- from text to tokens ---------------------------------------------------------------------


def _units(paragraph: str) -> list[list[_Name | _Values]]:
    """What belongs together: a line each, where each line that says something has one name and its value;
    else the paragraph."""
    lines = [_tokens(line) for line in _numbered(paragraph)]
    lines = [line for line in lines if line]
    if all(_is_row(line) for line in lines):
        return lines
    return [_tokens(paragraph)]


def _is_row(line: Sequence[_Name | _Values]) -> bool:
    names = [each for each in line if isinstance(each, _Name)]
    return len(names) == 1 and len(names[0].names) == 1 and len(line) > 1


def _numbered(paragraph: str) -> list[str]:
    """Lines; in those of a table with a column of bits the bare number is written as one."""
    lines = paragraph.splitlines()
    if not any(re.search(r"\bbits?\b(?!\s+\d)", line, re.I) and not _tokens(line) for line in lines):
        return lines
    found = []
    for line in lines:
        tokens = _tokens(line)
        bare = re.match(r"^[\s|*-]*(\d{1,2})[\s|`]+KVM_", line) or re.search(
            r"POWER\d+[\s|`]+(\d{1,2})[\s|]*$", line
        )
        found.append(f"bit {bare[1]} {line}" if bare and len(tokens) == 1 else line)
    return found


def _tokens(text: str) -> list[_Name | _Values]:
    return [_token(match) for match in _TOKEN.finditer(text)]


def _token(match: re.Match[str]) -> _Name | _Values:
    found = match.groupdict()
    if found["braced"] or found["numbers"]:
        numbers = re.split(r"[,/]\s*", found["braced"] or found["numbers"])
        return _Name(tuple(f"KVM_PPC_COMPAT_CAP_POWER{each.strip()}" for each in numbers))
    if found["shift"]:
        return _Values((1 << (int(found["shift"]) - int(found["minus"] or 0)) % 64,))
    if found["macro"]:
        bit = int(found["bit"]) % 64
        return _Values((1 << (63 - bit) if found["macro"].upper() == "PPC_BIT" else 1 << bit,))
    if found["hex"]:
        mask = int(found["hex"].replace("_", ""), 16)
        bits = tuple(1 << bit for bit in range(mask.bit_length()) if mask >> bit & 1)
        return _Values(bits, any_order=len(bits) > 1)
    first, last = int(found["first"]), int(found["last"] or found["first"])
    if found["last"]:
        return _Values(tuple(range(min(first, last), max(first, last) + 1)), any_order=True, counted=True)
    more = [int(each) for each in re.findall(r"\d+", found["more"] or "")]
    return _Values((first, *more), counted=True)


# -- from tokens to statements ---------------------------------------------------------------


def _pairs(unit: Sequence[_Name | _Values], from_above: bool) -> Iterable[tuple[str, frozenset[int] | None]]:
    """(name, values it may have, or None) for each time a name stands there."""
    if _is_row(unit):
        names = [name for each in unit if isinstance(each, _Name) for name in each.names]
        runs: list[_Run] = [(names, [each for each in unit if isinstance(each, _Values)])]
    else:
        runs = _runs(unit)
    for names, tokens in runs:
        rounds = _rounds(tokens, len(names), from_above)
        for position, name in enumerate(names):
            said = [each[position] for each in rounds]
            yield name, frozenset.intersection(*said) if said else None


def _runs(unit: Sequence[_Name | _Values]) -> list[_Run]:
    """Names that stand together with the values that stand together behind them; before them, where the unit
    begins with values and ends with names."""
    values_first = bool(unit) and isinstance(unit[0], _Values) and isinstance(unit[-1], _Name)
    ordered = list(reversed(unit)) if values_first else list(unit)
    runs: list[_Run] = []
    for each in ordered:
        if isinstance(each, _Name):
            if not runs or runs[-1][1]:
                runs.append(([], []))
            runs[-1][0].extend(reversed(each.names) if values_first else each.names)
        elif runs:  # else it stands before any name, and belongs to none
            runs[-1][1].append(each)
    if values_first:
        runs = [(names[::-1], values[::-1]) for names, values in runs]
    return runs


def _rounds(tokens: Sequence[_Values], count: int, from_above: bool) -> list[list[frozenset[int]]]:
    """Each a value for each of *count* names, in their order; none of what does not come out even."""
    rounds: list[list[frozenset[int]]] = []
    single: list[int] = []
    for each in tokens:
        values = [
            1 << (63 - value if from_above else value) if each.counted else value
            for value in each.values
            if not each.counted or value < 64
        ]
        if each.any_order:
            rounds.append([frozenset(values)] * count)
        elif len(values) == count and not single:
            rounds.append([frozenset((value,)) for value in values])
        else:
            single += values
            if len(single) == count:
                rounds.append([frozenset((value,)) for value in single])
                single = []
    return [] if single else rounds
