"""Phrases shared by sentences of several readers."""

from __future__ import annotations

from collections.abc import Sequence

from workers.contract.messages import Message, join, msg

MAX_NAMED = 5


def both(items: Sequence[str]) -> str:
    """Return ``a, b and c``."""
    return items[0] if len(items) == 1 else msg("{first} and {last}", first=_row(items), last=items[-1])


def either(items: Sequence[str]) -> str:
    """Return ``a, b or c``."""
    return items[0] if len(items) == 1 else msg("{first} or {last}", first=_row(items), last=items[-1])


def some(items: Sequence[str]) -> Message:
    """Return the first few of ``items``, with an ellipsis if there are more."""
    return join([*items[:MAX_NAMED], *(["…"] if len(items) > MAX_NAMED else [])], ", ")


def _row(items: Sequence[str]) -> str:
    return items[0] if len(items) == 2 else join(items[:-1], ", ")
