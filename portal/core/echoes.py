"""Bounds how much of a submitted value an error repeats: enough to recognize it, never all of it.

A response must not grow with its request; a page, log or mail must not carry a megabyte of it.
"""

from __future__ import annotations

from typing import Any

from django.db.models import Model

SHOWN = 100  # characters of one value
LONGEST = 1000  # of one sentence
MOST = 20  # sentences of one response
_ENOUGH = 200  # values of a request to examine


def shortened(value: Any, most: int = SHOWN) -> Any:
    """The value as an error may repeat it: unchanged if short, else the beginning of its text and ``…``.

    Rows stay as they are: Django adds the unsaved row to an error, and its text may not exist yet.
    """
    if isinstance(value, Model):
        return value
    text = value if isinstance(value, str) else repr(value)
    return value if len(text) <= most else text[: most - 1] + "…"


def of_errors(errors: Any, sent: list[str]) -> Any:
    """The sentences of an error by field, with long parts of what was ``sent`` shortened."""
    if isinstance(errors, dict):
        return {shortened(name): of_errors(errors[name], sent) for name in list(errors)[:MOST]}
    if isinstance(errors, list | tuple):
        return [of_errors(error, sent) for error in errors[:MOST]]
    text = str(errors)
    for value in sent if len(text) > SHOWN else ():
        text = text.replace(value, shortened(value)).replace(repr(value)[1:-1], shortened(value))
    return shortened(text, LONGEST)


def long_texts(data: Any) -> list[str]:
    """The long texts of what was sent, longest first, including field names."""
    found: list[str] = []
    waiting = [data]
    for _ in range(_ENOUGH):
        if not waiting:
            break
        one = waiting.pop()
        if isinstance(one, str) and len(one) > SHOWN:
            found.append(one)
        elif isinstance(one, dict):
            waiting += [*list(one)[:_ENOUGH], *list(one.values())[:_ENOUGH]]
        elif isinstance(one, list | tuple):
            waiting += one[:_ENOUGH]
    return sorted(found, key=len, reverse=True)
