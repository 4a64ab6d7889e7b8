"""Builds frozen dataclasses from the plain data of a YAML file, and describes errors in sentences.

The annotations are the schema: ``str``, ``Message`` (text for people), ``bool``, ``int``, ``float``,
``Literal``, ``X | None``, ``tuple``, ``Mapping[str, X]``, ``Any`` and dataclasses of these. ``Annotated[X,
Limit(...)]`` narrows a type. A field with a default is an optional key. ``links.py`` checks references
between files.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from portal.core.echoes import shortened
from workers.contract.messages import Message


@dataclass(frozen=True, slots=True)
class Limit:
    """A constraint beyond the type: ``words`` complete the sentence "KEY must be …"."""

    words: str
    holds: Callable[[Any], bool]


def name_up_to(longest: int) -> Any:
    """A name that fits a column of ``longest`` characters, a URL and a file name."""
    words = f"a name of at most {longest} letters, digits, dots, hyphens and underscores"
    pattern = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
    return Annotated[str, Limit(words, lambda text: len(text) <= longest and bool(pattern.fullmatch(text)))]


def whole_number(least: int, most: int) -> Any:
    return Annotated[int, Limit(f"a whole number from {least} to {most}", lambda n: least <= n <= most)]


NOT_EMPTY = Limit("text that is not empty", lambda text: bool(text.strip()))
Text = Annotated[str, NOT_EMPTY]
Words = Annotated[Message, NOT_EMPTY]  # for people, in the reader's language
Count = Annotated[int, Limit("a whole number above 0", lambda number: number > 0)]
Amount = Annotated[int, Limit("a whole number, 0 or above", lambda number: number >= 0)]
Positive = Annotated[float, Limit("a number above 0", lambda number: number > 0)]
Fraction = Annotated[float, Limit("a number from 0 to 1", lambda number: 0 <= number <= 1)]
ChannelOrder = Literal["rgb", "bgr"]

_WRONG: Any = object()
_WORDS = {str: "text", Message: "text", bool: "true or false", int: "a whole number", float: "a number"}
_YAML_WORDS = {None: "null", True: "true", False: "false"}


class Reader:
    """Reads the values of one file; ``problems`` collects one sentence per error."""

    def __init__(self, file: str):
        self.file = file
        self.problems: list[str] = []

    def read(self, hint: Any, data: Any) -> Any:
        """The whole file as the type ``hint``; None if anything in it is invalid."""
        value = self._value(hint, data, "")
        return None if self.problems else value

    def _refuse(self, key: str, sentence: str) -> Any:
        self.problems.append(" ".join(filter(None, (f"{self.file}:", key, sentence))))
        return _WRONG

    def _value(self, hint: Any, data: Any, key: str) -> Any:
        hint, limits, optional = _unpacked_hint(hint)
        if data is None and optional:
            return None
        value = self._typed(hint, data, key)
        if value is _WRONG:
            words = (limits[0].words if limits else _words(hint)) + (" or null" if optional else "")
            return self._refuse(key, f"must be {words}, not {_shown(data)}.")
        if value is None:  # a part of it was invalid
            return None
        for limit in limits:
            if not limit.holds(value):
                words = limit.words + (" or null" if optional else "")
                return self._refuse(key, f"must be {words}, not {_shown(data)}.")
        return value

    def _typed(self, hint: Any, data: Any, key: str) -> Any:
        """The value in its type; ``_WRONG`` if its type is wrong, None if a part of it was invalid."""
        origin = get_origin(hint)
        if hint is Any:
            return data
        if is_dataclass(hint):
            return self._object(hint, data, key) if isinstance(data, dict) else _WRONG
        if origin is Literal:
            return data if isinstance(data, str) and data in get_args(hint) else _WRONG
        if origin is tuple:
            return self._list(get_args(hint), data, key)
        if origin is not None and issubclass(origin, Mapping):
            return self._mapping(*get_args(hint), data, key) if isinstance(data, dict) else _WRONG
        if hint is Message:
            return Message(data.strip()) if isinstance(data, str) else _WRONG
        if hint is float and isinstance(data, int) and not isinstance(data, bool):
            return float(data)
        fits = isinstance(data, hint) and (hint is bool or not isinstance(data, bool))
        return data if fits and (hint is not float or math.isfinite(data)) else _WRONG

    def _object(self, kind: type, data: dict, key: str) -> Any:
        before = len(self.problems)
        hints = get_type_hints(kind, include_extras=True)
        for name in data:
            if name not in hints:
                self._refuse(_joined(key, name), f"is not a known key{_advice(name, hints)}")
        values = {}
        for field in fields(kind):
            name = field.name
            if name in data:
                values[name] = self._value(hints[name], data[name], _joined(key, name))
            elif field.default is MISSING:
                self._refuse(_joined(key, name), "is missing: add it.")
        return kind(**values) if len(self.problems) == before else None

    def _list(self, hints: tuple, data: Any, key: str) -> Any:
        if not isinstance(data, list) or (hints[-1] is not ... and len(data) != len(hints)):
            return _WRONG
        before = len(self.problems)
        hints = hints if hints[-1] is not ... else hints[:1] * len(data)
        values = [
            self._value(hint, one, f"{key}[{number}]")
            for number, (hint, one) in enumerate(zip(hints, data, strict=True))
        ]
        return tuple(values) if len(self.problems) == before else None

    def _mapping(self, names: Any, hint: Any, data: dict, key: str) -> Any:
        before = len(self.problems)
        values = {}
        for name, one in data.items():
            if not isinstance(self._value(names, name, f"the name {_joined(key, name)}"), str):
                continue
            values[name] = self._value(hint, one, _joined(key, name))
        return values if len(self.problems) == before else None


def _unpacked_hint(hint: Any) -> tuple[Any, list[Limit], bool]:
    """The bare type, its limits, and whether it may be null."""
    optional = False
    if get_origin(hint) in (Union, UnionType):
        optional = NoneType in get_args(hint)
        (hint,) = (one for one in get_args(hint) if one is not NoneType)
    limits: list[Limit] = []
    if get_origin(hint) is Annotated:
        hint, *limits = get_args(hint)
    return hint, limits, optional


def _words(hint: Any) -> str:
    """The type as words for a sentence."""
    if hint in _WORDS:
        return _WORDS[hint]
    if get_origin(hint) is Literal:
        return " or ".join(get_args(hint))
    if get_origin(hint) is tuple:
        parts = get_args(hint)
        return "a list" if parts[-1] is ... else f"a list of {len(parts)}"
    return "a block of keys with values"


def _shown(data: Any) -> str:
    if data is None or isinstance(data, bool):
        return _YAML_WORDS[data]
    return shortened(repr(data))


def _joined(key: str, name: Any) -> str:
    name = shortened(name if isinstance(name, str) else repr(name))
    return f"{key}.{name}" if key else name


def _advice(name: Any, known: Mapping[str, Any]) -> str:
    near = difflib.get_close_matches(str(name)[:60], known, n=1)
    return f": did you mean {near[0]}?" if near else ": remove it."


def as_dict(value: Any) -> Any:
    """Convert dataclasses and their contents to plain data for JSON.

    Optional keys that were absent stay absent.
    """
    if is_dataclass(value):
        return {name: as_dict(one) for name, one in _stated(value)}
    if isinstance(value, Mapping):
        return {name: as_dict(one) for name, one in value.items()}
    return [as_dict(one) for one in value] if isinstance(value, tuple | list) else value


def _stated(value: Any) -> Iterator[tuple[str, Any]]:
    for field in fields(value):
        one = getattr(value, field.name)
        if one is not None or field.default is MISSING:
            yield field.name, one
