"""Validates what a board sends, before anything else sees it. No Django here.

A board is not trusted: its programs may be old, broken or someone else's. Texts are truncated and stripped of
control characters. An invalid number, a text of the wrong type or an endless list is Malformed. Unexpected
fields are dropped.
"""

from __future__ import annotations

import json
import math
import unicodedata
from collections.abc import Callable, Mapping
from typing import Any

from workers.contract.messages import changed, from_json, msg

MAX_LINE_BYTES = 256 * 1024
MAX_TEXT = 200
MAX_NAME = 255
MAX_FACTS = 20
MAX_COUNT = 10**7
MAX_BYTES = 2**53  # the largest integer that every JSON parser keeps exact
MAX_MILLISECONDS = 10**9
# Control characters, lone surrogates, and bidirectional marks.
_BARRED_CATEGORIES = {"Cc", "Cs"}
_BARRED = {*"\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"}
_BREAKS = {*"\t\n\r\x0b\x0c\x85\u2028\u2029"}


class Malformed(ValueError):
    """A board's message does not match the protocol. The error names the field and what is wrong."""


def clean_text(text: str, limit: int = MAX_TEXT) -> str:
    """At most ``limit`` characters on one line, without control characters."""
    # Truncate first: a board may send megabytes.
    head = text[: 4 * limit]
    kept = [
        " " if char in _BREAKS else char
        for char in head
        if char in _BREAKS or (char not in _BARRED and unicodedata.category(char) not in _BARRED_CATEGORIES)
    ]
    cleaned = "".join(kept).strip()
    return cleaned if len(cleaned) <= limit else cleaned[: limit - 1] + "…"


def clean_sentence(said: str, limit: int = MAX_TEXT) -> str:
    """As ``clean_text``. A message stays one, with clean parameters, unless it is too long or its id is
    invalid.
    """
    kept = changed(said, lambda text: clean_text(text, limit))
    plain = clean_text(kept, limit)
    return kept if plain == kept else plain


def parse_json(text: str | bytes) -> Any:
    """Parse JSON from a board. Raises Malformed if it is too long, too deep or invalid; NaN is invalid."""
    if len(text) > MAX_LINE_BYTES:
        raise Malformed(msg("a message that is too long"))
    try:
        return json.loads(text, parse_constant=_no_number)
    except RecursionError as error:
        raise Malformed(msg("a message nested too deep")) from error
    except ValueError as error:
        raise Malformed(msg("a message that is not JSON")) from error


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no number")


# --- one value: ``check(value, name)`` returns it clean, or raises Malformed --------------------

Check = Callable[[Any, str], Any]


def text(limit: int = MAX_TEXT) -> Check:
    def check(value: Any, name: str) -> str:
        if not isinstance(value, str):
            raise Malformed(msg("{name} is not a text", name=name))
        return clean_text(value, limit)

    return check


def sentence(limit: int = MAX_TEXT) -> Check:
    """A message of Slipway's program on the board, or a plain text."""

    def check(value: Any, name: str) -> str:
        said = from_json(value)
        if not isinstance(said, str):
            raise Malformed(msg("{name} is not a text", name=name))
        return clean_sentence(said, limit)

    return check


def whole(least: int, most: int) -> Check:
    def check(value: Any, name: str) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise Malformed(msg("{name} is not a whole number", name=name))
        if not least <= value <= most:
            raise Malformed(
                msg("{name} is not between {least} and {most}", name=name, least=least, most=most)
            )
        return value

    return check


def number(least: float, most: float, slack: float = 0.0) -> Check:
    """A finite number; one outside the bounds by at most ``slack`` is clamped."""

    def check(value: Any, name: str) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise Malformed(msg("{name} is not a number", name=name))
        # Compare before converting: an integer may be too large for a float.
        if not least - slack <= value <= most + slack or not math.isfinite(value):
            raise Malformed(
                msg(
                    "{name} is not between {least} and {most}",
                    name=name,
                    least=f"{least:g}",
                    most=f"{most:g}",
                )
            )
        return type(value)(min(max(value, least), most))

    return check


def flag(value: Any, name: str) -> bool:
    if not isinstance(value, bool):
        raise Malformed(msg("{name} is neither true nor false", name=name))
    return value


def maybe(check: Check) -> Check:
    return lambda value, name: None if value is None else check(value, name)


def many(check: Check, most: int) -> Check:
    def checked(value: Any, name: str) -> list:
        if not isinstance(value, list):
            raise Malformed(msg("{name} is not a list", name=name))
        if len(value) > most:
            raise Malformed(msg("{name} has more than {most} entries", name=name, most=most))
        return [check(one, msg("an entry of {name}", name=name)) for one in value]

    return checked


def listed(*checks: Check) -> Check:
    """A list with exactly one value per check."""

    def checked(value: Any, name: str) -> list:
        if not isinstance(value, list) or len(value) != len(checks):
            raise Malformed(msg("{name} is not a list of {count}", name=name, count=len(checks)))
        return [
            check(one, msg("an entry of {name}", name=name)) for check, one in zip(checks, value, strict=True)
        ]

    return checked


def record(required: Mapping[str, Check], optional: Mapping[str, Check] | None = None) -> Check:
    def checked(value: Any, name: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise Malformed(msg("{name} is not a record", name=name))
        for key in required:
            if key not in value:
                raise Malformed(msg("{key} is missing", key=key))
        checks = {**required, **(optional or {})}
        return {key: checks[key](value[key], key) for key in checks if key in value}

    return checked


def facts(value: Any, name: str) -> dict[str, str | int | float | None]:
    """A few named texts or numbers, such as a release's provenance; anything else is dropped."""
    if not isinstance(value, dict):
        raise Malformed(msg("{name} is not a record", name=name))
    kept: dict[str, str | int | float | None] = {}
    for key, one in list(value.items())[:MAX_FACTS]:
        if isinstance(one, str):
            kept[clean_text(key, 40)] = clean_text(one)
        elif one is None or (isinstance(one, int | float) and abs(one) <= MAX_BYTES):  # false for NaN
            kept[clean_text(key, 40)] = one
    return kept
