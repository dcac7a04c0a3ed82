# SPDX-License-Identifier: GPL-2.0-only
"""What a fact is: a value that was expected or observed, as data. Facts have no sentences: reports have.

A fact is a frozen dataclass with a ``kind`` and typed fields. Its class registers itself by that kind, so
that ``Fact.from_json`` finds it; one of another package does as well, with nothing else to do:

    @dataclass(frozen=True)
    class HashKey(Fact):
        kind = "hash-key"
        value: Hex

Types of fields: str, int, bool, float, an Enum, a Fact (or a class of them), ``X | None``, ``tuple[X, ...]``
and ``tuple[X, Y]`` of these, and the marked ones below.
"""

from __future__ import annotations

import errno
import functools
import json
import re
import types
from dataclasses import MISSING, dataclass, field, fields
from enum import Enum
from typing import Annotated, Any, ClassVar, Union, get_args, get_origin, get_type_hints

_HEX, _ERRNO, _MEASURED = "hex", "errno", "measured"

# Hexadecimal, for people and in JSON, where it is a string: JSON's readers keep 53 bits of a number.
Hex = Annotated[int, _HEX]
# An errno of Linux; its name in tokens.
ErrnoNumber = Annotated[int, _ERRNO]
# A time or a count that is another one in each run: not part of a token, so two facts with different ones are
# the same answer.
Measured = Annotated[float, _MEASURED]
MeasuredCount = Annotated[int, _MEASURED]
MeasuredCounts = Annotated[tuple[tuple[Hex, int], ...], _MEASURED]

_CLASSES: dict[str, type[Fact]] = {}


@dataclass(frozen=True)
class Fact:
    """kind: one word, with hyphens, of letters and digits; it is in JSON and in tokens, and so never
    changes."""

    kind: ClassVar[str] = ""

    def __init_subclass__(cls, **arguments: Any) -> None:
        super().__init_subclass__(**arguments)
        kind = cls.__dict__.get("kind", "")
        if not kind or not kind.replace("-", "").isalnum():
            raise TypeError(f"{cls.__qualname__} has no kind: {kind!r}")
        known = _CLASSES.setdefault(kind, cls)
        if (known.__module__, known.__qualname__) != (cls.__module__, cls.__qualname__):
            raise TypeError(f"fact {kind!r} is {known.__module__}.{known.__qualname__} already")
        _CLASSES[kind] = cls

    @property
    def token(self) -> str:
        """``ended(booted, in-mode(P10))``: short, the same for the same answer, and of values alone. Fields
        with their default at the end are left out, and what is another one in each run is."""
        parts = [(each, getattr(self, each.name)) for each in shape(type(self)) if not each.measured]
        while parts and parts[-1][0].has_default and parts[-1][1] == parts[-1][0].default:
            parts.pop()
        words = ", ".join(_token(each.hint, value) for each, value in parts)
        return f"{self.kind}({words})" if words else self.kind

    def to_json(self) -> dict[str, Any]:
        """``{"fact": kind, ...}``, with all fields."""
        values = {each.name: _encode(each.hint, getattr(self, each.name)) for each in shape(type(self))}
        return {"fact": self.kind, **values}

    @staticmethod
    def from_json(data: Any) -> Fact:
        """Inverse of to_json. A kind that nobody has registered is kept as Unregistered. ValueError for what
        is no fact, or has other fields than its kind."""
        if not isinstance(data, dict) or not isinstance(data.get("fact"), str):
            raise ValueError(f"no fact: {str(data)[:100]}")
        values = {name: value for name, value in data.items() if name != "fact"}
        cls = _CLASSES.get(data["fact"])
        if cls is None:
            return Unregistered(data["fact"], values)
        known = {each.name: each for each in shape(cls)}
        missing = [name for name, each in known.items() if name not in values and not each.has_default]
        extra = [name for name in values if name not in known]
        if missing or extra:
            raise ValueError(f"fact {cls.kind!r}: missing {missing}, not known {extra}")
        try:
            return cls(**{name: _decode(known[name].hint, value) for name, value in values.items()})
        except (TypeError, KeyError, ValueError) as error:
            raise ValueError(f"fact {cls.kind!r}: {error}") from None


@dataclass(frozen=True)
class Unregistered(Fact):
    """A fact of a package that is not there any more, as it was saved."""

    kind = "unregistered"

    name: str = ""
    values: dict[str, Any] = field(default_factory=dict, hash=False)

    @property
    def token(self) -> str:
        words = ", ".join(_plain_token(each) for each in self.values.values())
        return f"{self.name}({words})" if words else self.name

    def to_json(self) -> dict[str, Any]:
        return {"fact": self.name, **self.values}


def same(one: Fact | None, other: Fact | None) -> bool:
    """Whether two facts are the same answer."""
    return (one.token if one else None) == (other.token if other else None)


def registered() -> dict[str, type[Fact]]:
    """By kind, all that are imported."""
    return {kind: cls for kind, cls in sorted(_CLASSES.items()) if cls is not Unregistered}


@dataclass(frozen=True)
class Field:
    """Of a class of facts. hint: its resolved type."""

    name: str
    hint: Any
    default: Any

    @property
    def has_default(self) -> bool:
        return self.default is not MISSING

    @property
    def measured(self) -> bool:
        return _MEASURED in _marks(self.hint)


_SHAPES: dict[type[Fact], tuple[Field, ...]] = {}


def shape(cls: type[Fact]) -> tuple[Field, ...]:
    """Its fields, in order."""
    if cls not in _SHAPES:
        hints = get_type_hints(cls, include_extras=True)
        found = tuple(Field(each.name, hints[each.name], each.default) for each in fields(cls))
        if any(each.name == "fact" for each in found):
            raise TypeError(f"{cls.__qualname__}: in JSON the name fact is that of the kind")
        _SHAPES[cls] = found
    return _SHAPES[cls]


@functools.cache
def _marks(hint: Any) -> frozenset[str]:
    """Of a type, or of the one that is not None in ``X | None``."""
    if get_origin(hint) is Annotated:
        return frozenset(hint.__metadata__)
    return frozenset(mark for each in _choices(hint) for mark in _marks(each))


@functools.cache
def _choices(hint: Any) -> tuple[Any, ...]:
    """The types that a value may have, for one of several; else ()."""
    return get_args(hint) if get_origin(hint) in (Union, types.UnionType) else ()


def _is_fact(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, Fact)


def _word(value: Enum) -> str:
    """``booted``, ``P10``: what an Enum is in JSON."""
    return value.value if isinstance(value.value, str) else value.name


# -- to JSON and back ------------------------------------------------------------------------


def _encode(hint: Any, value: Any) -> Any:
    if isinstance(value, Fact):
        return value.to_json()
    if isinstance(value, Enum):
        return _word(value)
    if isinstance(value, tuple):
        return [_encode(each, one) for each, one in zip(_items(hint, len(value)), value, strict=True)]
    if isinstance(value, int) and not isinstance(value, bool) and _HEX in _marks(hint):
        return f"{value:#x}"
    return value


@functools.cache
def _items(hint: Any, count: int) -> tuple[Any, ...]:
    """The types of a tuple's items, of which there are so many."""
    if get_origin(hint) is Annotated:
        hint = get_args(hint)[0]
    found = next((each for each in (hint, *_choices(hint)) if get_origin(each) is tuple), None)
    arguments = get_args(found) if found is not None else ()
    return (arguments[0],) * count if arguments[1:] == (...,) else arguments


def _decode(hint: Any, value: Any) -> Any:
    if _choices(hint):
        if value is None and type(None) in _choices(hint):
            return None
        others = [each for each in _choices(hint) if each is not type(None)]
        if all(_is_fact(each) for each in others):
            return _fact_of(tuple(others), value)
        (hint,) = others
    if get_origin(hint) is Annotated:
        base, marks = get_args(hint)[0], hint.__metadata__
        if _HEX in marks and isinstance(value, str):
            return int(value, 16)
        return _decode(base, value)
    if get_origin(hint) is tuple:
        if not isinstance(value, list):
            raise TypeError(f"{value!r} is no list")
        return tuple(_decode(each, one) for each, one in zip(_items(hint, len(value)), value, strict=True))
    if _is_fact(hint):
        return _fact_of((hint,), value)
    if isinstance(hint, type) and issubclass(hint, Enum):
        words = {_word(each): each for each in hint}
        if value not in words:
            raise ValueError(f"{value!r} is none of {', '.join(words)}")
        return words[value]
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if type(value) is not hint:
        raise TypeError(f"{value!r} is no {hint.__name__}")
    return value


def _fact_of(classes: tuple[type[Fact], ...], value: Any) -> Fact:
    found = Fact.from_json(value)
    if not isinstance(found, (*classes, Unregistered)):
        raise TypeError(f"a fact of kind {found.kind!r}")
    return found


# -- tokens ----------------------------------------------------------------------------------


_MARKS = re.compile(r'[(),"]')


def _token(hint: Any, value: Any) -> str:
    if isinstance(value, tuple):
        join = " " if get_args(hint)[1:] == (...,) else ":"
        return join.join(_token(each, one) for each, one in zip(_items(hint, len(value)), value, strict=True))
    if isinstance(value, int) and not isinstance(value, (bool, Enum)):
        marks = _marks(hint)
        if _HEX in marks:
            return f"{value:#x}"
        if _ERRNO in marks:
            return errno.errorcode.get(value, str(value))
    return _plain_token(value)


def _plain_token(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Fact):
        return value.token
    if isinstance(value, Enum):
        return _word(value)
    if isinstance(value, list):
        return " ".join(map(_plain_token, value))
    if isinstance(value, dict):
        return Fact.from_json(value).token if "fact" in value else " ".join(map(_plain_token, value.values()))
    text = str(value)
    # What could be taken for the token's own marks is quoted: two facts never have one token.
    return json.dumps(text, ensure_ascii=False) if _MARKS.search(text) or not text else text


# -- their schema ----------------------------------------------------------------------------


def schema_of(cls: type[Fact], reference: str) -> dict[str, Any]:
    """JSON schema of one kind. reference: to that of any fact."""
    shown = shape(cls)
    return {
        "type": "object",
        "required": ["fact", *(each.name for each in shown if not each.has_default)],
        "additionalProperties": False,
        "properties": {
            "fact": {"const": cls.kind},
            **{each.name: _schema(each.hint, reference) for each in shown},
        },
    }


_PLAIN = {str: "string", int: "integer", bool: "boolean", float: "number", type(None): "null"}


def _schema(hint: Any, reference: str) -> dict[str, Any]:
    if _choices(hint):
        if all(_is_fact(each) for each in _choices(hint)):
            return {"$ref": reference}
        found = [_schema(each, reference) for each in _choices(hint)]
        return {"anyOf": list({str(each): each for each in found}.values())}
    if get_origin(hint) is Annotated:
        if _HEX in hint.__metadata__:
            return {"type": "string", "pattern": "^-?0x[0-9a-f]+$"}
        return _schema(get_args(hint)[0], reference)
    if get_origin(hint) is tuple:
        arguments = get_args(hint)
        if arguments[1:] == (...,):
            return {"type": "array", "items": _schema(arguments[0], reference)}
        items = [_schema(each, reference) for each in arguments]
        return {"type": "array", "prefixItems": items, "minItems": len(items), "maxItems": len(items)}
    if _is_fact(hint):
        return {"$ref": reference}
    if isinstance(hint, type) and issubclass(hint, Enum):
        return {"enum": [_word(each) for each in hint]}
    return {"type": _PLAIN[hint]}
