"""The API's JSON parser: UTF-8, bounded depth, and only numbers and texts that the database can store.

Python's parser accepts more than JSON (RFC 8259) and more than a database can store: it recurses without a
bound, turns ``1e999`` into infinity, lets the last of two equal names win, and passes on lone surrogates and
null characters.
"""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn

from rest_framework import parsers
from rest_framework.exceptions import ParseError

from portal.core.messages import shown
from workers.contract.messages import msg

DEPTH = 50
INTEGER_BITS = 63


class JSONParser(parsers.JSONParser):
    """Raises ParseError with a sentence for anything it rejects."""

    def parse(self, stream, media_type=None, parser_context=None):
        return read_json(stream.read())


def read_json(content: bytes) -> Any:
    """Parse a JSON text from outside. Raises ParseError."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ParseError(shown(msg("The JSON is not valid UTF-8: encode it as UTF-8."))) from None
    try:
        found = json.loads(
            text,
            object_pairs_hook=_object,
            parse_int=_integer,
            parse_float=_float,
            parse_constant=_constant,
        )
    except json.JSONDecodeError as error:
        raise ParseError(
            shown(
                msg(
                    "The JSON is invalid at line {line}, column {column}.",
                    line=error.lineno,
                    column=error.colno,
                )
            )
        ) from None
    except RecursionError:
        _too_deep()
    _check(found)
    return found


def _too_deep() -> NoReturn:
    raise ParseError(
        shown(msg("The JSON is nested too deeply: {depth} levels are accepted.", depth=DEPTH))
    ) from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ParseError(
            shown(msg("The JSON names the same field twice in one object: name each field once."))
        )
    return found


def _integer(text: str) -> int:
    number = int(text) if len(text) < 25 else None
    if number is None or number.bit_length() > INTEGER_BITS:
        raise ParseError(shown(msg("The JSON holds a number that is too large.")))
    return number


def _float(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ParseError(shown(msg("The JSON holds a number that is too large.")))
    return number


def _constant(name: str) -> NoReturn:
    raise ParseError(shown(msg("The JSON holds {name}, which is no number.", name=name)))


def _check(found: Any) -> None:
    """Check depth and texts, level by level instead of recursively."""
    level, depth = [found], 0
    while level:
        depth += 1
        if depth > DEPTH:
            _too_deep()
        deeper: list[Any] = []
        for value in level:
            if isinstance(value, dict):
                deeper += [*value.keys(), *(one for one in value.values() if one is not None)]
            elif isinstance(value, list):
                deeper += value
            elif isinstance(value, str) and not _can_be_stored(value):
                raise ParseError(
                    shown(msg("The JSON holds a null character or half a surrogate pair: leave it out."))
                )
        level = deeper


def _can_be_stored(text: str) -> bool:
    return (
        text.isascii()
        and "\0" not in text
        or not any(letter == "\0" or "\ud800" <= letter <= "\udfff" for letter in text)
    )
